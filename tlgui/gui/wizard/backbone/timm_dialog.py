"""Another timm model by its name: looked at by the engine, then a row of the table like the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QLineEdit, QWidget

from tlgui.core import events
from tlgui.gui.numbers import counted, millions
from tlgui.gui.widgets import Banner, Dialog, Label, ProgressRow

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TITLE = "Another timm model"
_TEXT = (
    "timm knows several hundred networks. Type the name of one, such as resnet34 or swin_tiny_patch4_window7_224. What it "
    "is made of is found out here in some seconds, without the internet."
)
_WIDTH = 560


class TimmDialog(Dialog):
    """A name, a look with Cancel, what was found or why not; then the model can be used.

    Args:
        bench: looks, and takes the choice.
        parent: whose window it lies over.
    """

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(_TITLE, _TEXT, parent)
        self._bench, self._desk = bench, bench.weights
        self._found: events.BackboneDescribed | None = None
        self._busy = False
        self.setMinimumWidth(_WIDTH)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the timm model")
        self.name.setPlaceholderText("resnet34")
        self.name.textChanged.connect(self._on_name_changed)
        self.progress = ProgressRow("Looking at the model")
        self.progress.set_cancellable(True)
        self.progress.cancelled.connect(self._on_cancel)
        self.banner = Banner("good")
        self.banner.hide()  # there is nothing to say before the first look
        self.groups = Label("", "caption", wrap=True)
        for widget in (self.name, self.progress, self.banner, self.groups):
            self.body.addWidget(widget)
        self.look = self.add_button("Look", "primary", self._on_look, default=True, closes=False)
        self.use = self.add_button("Use it", "primary", self._on_use)
        self.close_button = self.add_button("Close")
        self._desk.described.connect(self._on_described)
        self.finished.connect(self._on_finished)
        self.name.setFocus()
        self._refresh()

    def _refresh(self) -> None:
        name = self.name.text().strip()
        self.progress.setVisible(self._busy)
        self.name.setReadOnly(self._busy)
        self.look.setVisible(self._found is None)
        self.look.setEnabled(bool(name) and not self._busy)
        self.look.setToolTip("Finds out what it is made of." if name else "Type a name first.")
        self.use.setVisible(self._found is not None)
        self.use.setToolTip("Picks it as the network of this run.")
        if self._found is not None:
            self.use.setDefault(True)
        self.groups.setVisible(self._found is not None)

    def _on_name_changed(self) -> None:
        self._found = None
        self.banner.hide()
        self._refresh()

    def _on_look(self) -> None:
        if self._busy or not self.name.text().strip():
            return
        self._busy = True
        self.banner.hide()
        self.progress.set_busy("some seconds")
        self._desk.describe(self.name.text().strip())
        self._refresh()

    def _on_cancel(self) -> None:
        self.progress.set_busy("Stopping…")
        self._desk.cancel_describe()

    def _on_use(self) -> None:
        if self._found is not None:
            self._bench.draft.set_backbone(self._found.backbone)

    def _on_described(self, event: Any) -> None:
        if not self._busy:
            return
        if isinstance(event, events.BackboneDescribed):
            self._found = event
            parameters = f"{millions(event.parameters)} parameters, {counted(len(event.groups), 'layer group')}"
            self.banner.set("good", f"{event.label}: {parameters}", event.sentence)
            self.groups.setText(f"Layer groups from the pixels to the answer: {', '.join(event.groups)}.")
        elif isinstance(event, events.Failed):
            self.banner.show_error(event)
        elif isinstance(event, events.Crashed):
            self.banner.set("bad", "The look ended unexpectedly.", "Look again.")
        if isinstance(event, events.Ending):
            self._busy = False
            self.banner.setVisible(not isinstance(event, events.Stopped))
        self._refresh()

    def _on_finished(self) -> None:
        self._desk.described.disconnect(self._on_described)
        if self._busy:
            self._desk.cancel_describe()
