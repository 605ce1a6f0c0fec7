"""Unlabelled images of a new site: their folder, in which way the network adapts to them, and how much that counts."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.core.adaptation import ADAPTATIONS
from tlgui.core.run_spec import Training
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.new_site import way_of
from tlgui.gui.widgets import Button, Card, Label, LogSlider, NumberField
from tlgui.gui.wizard.choice_list import ChoiceList

LEAST, MOST = 0.01, 10.0
WHY = (
    "A model that was good at one hospital often fails at the next. Unlabelled images from there can help; labels are never "
    "read."
)
LET_GO = "Let go to adapt to this folder."
_READ_LATER = "Its images are read when the run begins."
_WEIGHT = "How much adapting counts beside telling the classes apart; it grows to this in the first half of the run."
_FIELD = 84
_SLIDER = 180
_SLIDES = "Slides from 0.01 to 10; the field beside it takes the number too."


class SiteCard(Card):
    """The folder can be chosen, or dropped on the card.

    Attributes:
        chosen: a folder.
        removed: nothing is adapted to any more.
        way_picked: the name of a row of `ADAPTATIONS`.
        weighed: the weight, between `LEAST` and `MOST`.
        problem_changed: the field of the weight holds something else than a weight, or a weight again.
    """

    chosen = Signal(object)
    removed = Signal()
    way_picked = Signal(str)
    weighed = Signal(float)
    problem_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Images of a new site", parent=parent)
        self._locked = False
        self.folder = Button("Choose a folder…", small=True, icon="folder")
        self.folder.setToolTip("A folder with images of the new site or scanner; it can be dropped on this card too.")
        self.folder.clicked.connect(self._on_asked)
        self.add_head(self.folder)
        self._why = Label(WHY, "caption", wrap=True)
        self._name = Label("", "strong", elide=True)
        self._read_later = Label(_READ_LATER, "caption")
        self.remove = Button("Remove", "link", small=True)
        self.remove.setToolTip("Trains without adapting; the folder itself stays as it is.")
        self.remove.clicked.connect(self.removed)
        self._folder_row = _line(self._name, self._read_later, self.remove)
        self._name.setSizePolicy(self._read_later.sizePolicy())
        self.way = ChoiceList([(row.name, row.label) for row in ADAPTATIONS.values()], "How to adapt")
        self.way.setMinimumContentsLength(28)
        self.way.picked.connect(self.way_picked)
        self.weight = NumberField(1.0, LEAST, MOST, name="Weight of adapting")
        self.weight.setFixedWidth(_FIELD)
        self.slider = LogSlider(LEAST, MOST, "Weight of adapting")
        self.slider.setFixedWidth(_SLIDER)
        self.slider.setToolTip(_SLIDES)
        self.slider.moved.connect(self._on_slid)
        self._weight_words = Label("Weight", "muted")
        self._weight_words.setBuddy(self.weight)
        self._way_words = Label("How to adapt", "muted")
        self._way_words.setBuddy(self.way)
        self.weight.changed.connect(self._on_weighed)
        self.weight.problem_changed.connect(lambda _: self._show_weight_words())
        self.weight.problem_changed.connect(lambda _: self.problem_changed.emit())
        self._way_row = _line(self._way_words, self.way)
        self._weight_row = _line(self._weight_words, self.slider, self.weight)
        self._sentence = Label("", "caption", wrap=True)
        self._about_weight = Label(_WEIGHT, "caption", wrap=True)
        for widget in (
            self._why, self._folder_row, self._way_row, self._sentence, self._weight_row, self._about_weight,
        ):  # fmt: skip
            self.body.addWidget(widget)
        self.setAcceptDrops(True)
        self.show_site("", False, Training(), False)

    @property
    def problem(self) -> str:
        """Why the weight cannot be used, as a sentence; "" where it can, or where none is asked for."""
        return f"Weight of adapting: {self.weight.problem}" if self.weight.problem and self._weighs else ""

    def show_site(self, name: str, found: bool, training: Training, locked: bool, missing: str = "") -> None:
        """Shows what holds.

        Args:
            name: of the folder; "" without one.
            found: whether the folder is at hand, or, of a run that began, known by its name alone.
            training: with the way and its weight.
            locked: it can be read and not changed.
            missing: what is missing, as a sentence.
        """
        row = way_of(training)
        self._locked, self._weighs = locked, row is not None and row.during
        self.setVisible(bool(name) or row is not None or not locked)
        self.folder.setVisible(not locked)
        self.folder.set_text("Another folder…" if name and found else "Choose a folder…")
        self._why.setText(missing if missing and not locked else WHY)
        self._why.set_tone("warn" if missing and not locked else "")
        self._folder_row.setVisible(bool(name) or row is not None)
        self._name.setText(name if found or locked else "No folder")
        self._read_later.setVisible(found and not locked)
        self.remove.setVisible(not locked)
        self.remove.set_text("Remove" if found else "Train without adapting")
        for widget in (self._way_row, self._sentence):
            widget.setVisible(row is not None or found)
        self.way.set_value(training.adapt)
        self.way.setEnabled(not locked)
        self._sentence.setText(row.sentence if row is not None else "")
        for widget in (self._weight_row, self._about_weight):
            widget.setVisible(self._weighs)
        if locked or (not self.weight.problem and self.weight.value() != training.adapt_weight):
            self.weight.set_value(training.adapt_weight)
        self.weight.setReadOnly(locked)
        self.slider.setEnabled(not locked)
        self.slider.set_number(self.weight.value())
        self._show_weight_words()

    def _show_weight_words(self) -> None:
        self._about_weight.setText(self.weight.problem if not self._locked and self.weight.problem else _WEIGHT)
        self._about_weight.set_tone("bad" if not self._locked and self.weight.problem else "")

    def _on_asked(self) -> None:
        ask_for_folder(self, "Choose the folder of the new site's images", self.chosen.emit)

    def _on_weighed(self) -> None:
        value = self.weight.value()
        if value is not None:
            self.slider.set_number(value)
            self.weighed.emit(value)

    def _on_slid(self, value: float) -> None:
        self.weight.set_value(value)
        self.weighed.emit(value)

    # -- a folder that is dropped

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  Qt's name
        """A folder is taken."""
        if self._locked or _folder_in(event.mimeData()) is None:
            event.ignore()
            return
        self.set_caption(LET_GO)
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802  Qt's name
        """It was not let go of here."""
        self.set_caption("")
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802  Qt's name
        """Takes it."""
        self.set_caption("")
        folder = _folder_in(event.mimeData())
        if folder is not None and not self._locked:
            event.acceptProposedAction()
            self.chosen.emit(folder)


def _folder_in(held: QMimeData) -> Path | None:
    """The one folder that is held; `None` for anything else."""
    paths = [Path(url.toLocalFile()) for url in held.urls() if url.isLocalFile()]
    return paths[0] if len(paths) == 1 and paths[0].is_dir() else None


def _line(*widgets: QWidget) -> QWidget:
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return line
