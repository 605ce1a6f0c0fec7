"""What the run will cost, each figure with "about", and where it will be kept."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from tlgui.gui.widgets import Card, Label

_NAMES = ("Time", "Memory", "Disk", "Run folder")


class NumbersCard(Card):
    """A line each for time, memory, disk and the folder, with what the figure rests on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What it takes", parent=parent)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, 76)
        self._values: dict[str, tuple[Label, Label]] = {}
        for number, name in enumerate(_NAMES):
            value, why = Label("", "strong", wrap=True), Label("", "caption", wrap=True)
            why.setContentsMargins(0, 0, 0, 6)
            self._values[name] = (value, why)
            grid.addWidget(Label(name, "muted"), 2 * number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, 2 * number, 1)
            grid.addWidget(why, 2 * number + 1, 1)
        self.body.addLayout(grid)

    def set_line(self, name: str, value: str, why: str = "") -> None:
        """One line.

        Args:
            name: "Time", "Memory", "Disk" or "Run folder".
            value: the figure in words.
            why: what it rests on.
        """
        figure, reason = self._values[name]
        figure.setText(value)
        reason.setText(why)
        reason.setVisible(bool(why))
