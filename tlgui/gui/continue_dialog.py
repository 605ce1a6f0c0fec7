"""Continue a model: what the run knows, where its own images are, and the folder that it learns on from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.core.errors import UserError
from tlgui.gui.background import run_in_background
from tlgui.gui.continuing import Found, meter_words, place_of_earlier, read_found
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.networks import label_of, network
from tlgui.gui.numbers import counted
from tlgui.gui.widgets import Banner, Button, Dialog, Divider, Label

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "Continue this model on new images"
_TEXT = (
    "It keeps the classes that it knows, and learns from a folder that you choose: more images of them, a new class, or both. "
    "What it knows is held on to, and a meter shows what is left of it."
)
_READING = "The run is being read…"
_MOST_NAMED = 8
_TIP = "One folder of images per class; a folder with the new class alone will do."


class ContinueDialog(Dialog):
    """Reads the run when it opens; nothing is changed until a folder is chosen.

    Args:
        bench: for the run that is set up.
        path: folder of the run.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, path: Path, parent: QWidget) -> None:
        super().__init__(_TITLE, _TEXT, parent)
        self._bench = bench
        self.found: Found | None = None
        self.name = Label(path.name, "strong", elide=True)
        self.knows = Label(_READING, "muted", wrap=True)
        self.stays = Label("", "caption", wrap=True)
        self.meter = Label("", "body", wrap=True)
        self.find_earlier = Button("Find the earlier images…", "secondary", small=True, icon="folder")
        self.find_earlier.setToolTip(
            "Says where the images lie now that this run was trained on; without them it can go on too."
        )
        self.find_earlier.clicked.connect(self._on_find)
        line = QHBoxLayout()
        line.addWidget(self.find_earlier)
        line.addStretch(1)
        self.problem = Banner("bad")
        for widget in (self.name, self.knows, self.stays, Divider(), self.meter):
            self.body.addWidget(widget)
        self.body.addLayout(line)
        self.body.addWidget(self.problem)
        self.problem.hide()
        self.find_earlier.hide()
        self.stays.hide()
        self.choose = self.add_button("Choose the new images…", "primary", self._on_choose, default=True, closes=False)
        self.choose.setEnabled(False)
        self.choose.setToolTip(_READING)
        self.close_button = self.add_button("Close")
        self.close_button.setToolTip("Changes nothing.")
        self.resize(600, 320)
        run_in_background(self, lambda: read_found(path), self._on_read, self._on_refused)

    def _on_read(self, found: Found) -> None:
        if network(name := found.spec.backbone) is None:
            self._on_refused(
                UserError(
                    f"Its network {name} is not known on this computer.",
                    "Look at it with “Another timm model…” on the Backbone page of a new run, then come back.",
                )
            )
            return
        self.found = found
        classes = found.continuation.classes
        named = ", ".join(classes[:_MOST_NAMED]) + (", …" if len(classes) > _MOST_NAMED else "")
        self.knows.setText(
            f"It knows {counted(len(classes), 'class', 'classes')} ({named}), learned from "
            f"{counted(found.source.images, 'image')} of “{found.continuation.dataset}”."
        )
        self.stays.setText(
            f"{label_of(found.spec.backbone)}, the size and crop of its images and the form of its head stay as they are."
        )
        self.stays.show()
        self._show_meter()
        self.choose.setEnabled(True)
        self.choose.setToolTip(_TIP)

    def _show_meter(self) -> None:
        if self.found is None:
            return
        before = self.found.continuation
        missing = before.earlier is None
        self.meter.setText(meter_words(before))
        self.meter.set_tone("warn" if missing else "")
        self.find_earlier.setVisible(missing)

    def _on_refused(self, error: BaseException) -> None:
        if not isinstance(error, UserError):
            raise error
        self.problem.show_error(error)
        self.problem.show()
        if self.found is None:
            self.knows.setText("It cannot be continued.")
            self.choose.setToolTip("This run cannot be continued.")

    def _on_find(self) -> None:
        ask_for_folder(self, "Where are the images that this run was trained on?", self._on_earlier_chosen)

    def _on_earlier_chosen(self, path: Path) -> None:
        found = self.found
        if found is None:
            return
        self.problem.hide()

        def placed(place: Path) -> None:
            self.found = found.at(place)
            self._show_meter()

        run_in_background(self, lambda: place_of_earlier(found, path), placed, self._on_refused)

    def _on_choose(self) -> None:
        if self.found is not None:
            ask_for_folder(self, "Choose the folder with the new images", self._on_chosen)

    def _on_chosen(self, folder: Path) -> None:
        if self.found is not None:
            self.accept()
            self._bench.learn_on(self.found, folder)
