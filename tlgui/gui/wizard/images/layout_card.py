"""Which folder it is, what was recognised in it and by what, and the way to another reading or another folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.gui.icons import pixmap
from tlgui.gui.places import keys_of
from tlgui.gui.widgets import Action, Button, Card, Chip, Label
from tlgui.gui.widgets.emptied import empty
from tlgui.gui.widgets.painted import Painted


class LayoutCard(Card):
    """One line: the folder, its layout in words, a chip, *Why?* with the evidence, *Change…*."""

    change_asked = Signal()
    """Another reading of the folder, or another folder."""
    another_asked = Signal()
    """Another folder."""
    find_asked = Signal()
    """The images of a run are to be looked for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._icon = _FolderSign()
        self.name = Label("", "strong", elide=True)
        self.words = Label("", "body", elide=True)
        self.place = Label("", "caption", elide=True)
        self.chip = Chip("")
        tip = f"Choose another folder of images ({keys_of('choose_folder')})."
        self.change = Action(
            "Change…",
            self.change_asked.emit,
            "Ctrl+L",
            "Another way to read this folder, a table of labels, or another folder.",
            parent=self,
        )
        self.another = Action("Choose another folder…", self.another_asked.emit, tooltip=tip, parent=self)
        self._find = Action(
            "Find the images…", self.find_asked.emit, tooltip="Says where the images of this run are now.", parent=self
        )
        self.button = Button(kind="secondary", action=self.change)
        self.why = Button("Why?", "link")
        self._evidence = QWidget()
        self.why.clicked.connect(lambda: self._open_evidence(self._evidence.isHidden()))
        self._lines = QVBoxLayout(self._evidence)
        self._told: tuple[str, ...] = ()
        self._arrange()
        self._open_evidence(False)
        self.show_evidence(())

    def show_folder(self, path: Path | None, name: str, words: str, chip: str, tone: str) -> None:
        """What stands on the card; an empty `chip` hides it, a `path` of None says that the folder is gone."""
        self.name.setText(name or (path.name or str(path) if path is not None else ""))
        self.words.setText(words)
        self.place.setText(str(path) if path is not None else "The images are not where they were.")
        self.chip.set(chip, tone)
        self.chip.setVisible(bool(chip))

    def show_evidence(self, sentences: Sequence[str]) -> None:
        """What the layout was told by; *Why?* opens it."""
        self.why.setVisible(bool(sentences))
        if tuple(sentences) == self._told:
            return
        self._told = tuple(sentences)
        self._open_evidence(False)
        empty(self._lines)
        for sentence in sentences:
            self._lines.addWidget(Label(sentence, "caption", wrap=True))

    def _open_evidence(self, is_open: bool) -> None:
        self._evidence.setVisible(is_open)
        self.why.setAccessibleName(f"Why this reading, {'open' if is_open else 'closed'}")
        self.why.setToolTip("Hide what it was told by." if is_open else "What it was told by.")

    def show_way(self, way: Literal["change", "find", ""]) -> None:
        """Which button stands there: another folder, the images of a run whose place is unknown, or none."""
        self.button.setVisible(bool(way))
        self.button.set_action(self._find if way == "find" else self.change)

    def _arrange(self) -> None:
        first = QHBoxLayout()
        first.setSpacing(10)
        first.addWidget(self.name)
        first.addWidget(self.words, 1)
        lines = QVBoxLayout()
        lines.setSpacing(2)
        lines.addLayout(first)
        lines.addWidget(self.place)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(lines, 1)
        row.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.why, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.body.addLayout(row)
        self._lines.setContentsMargins(32, 0, 0, 0)  # under the words, not under the icon
        self._lines.setSpacing(2)
        self.body.addWidget(self._evidence)


class _FolderSign(Painted):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(20, 20)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        QPainter(self).drawPixmap(0, 0, pixmap("folder", 20, "primary", self.devicePixelRatioF()))
