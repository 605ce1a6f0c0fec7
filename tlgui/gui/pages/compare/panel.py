"""What stands on the page "Compare" for one of its questions, and what the foot of the page does for it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tlgui.gui.widgets import Action, Columns

SIDE = 300


class Panel(QWidget):
    """A main and a side column.

    Attributes:
        sentence: what is answered here.
        primary: the blue button; `None` = there is none now.
        hint: beside it.
        leave: what goes back to the setting up; `None` = that is what is shown.
        problem, remedy: what stands on top; "" = nothing.
    """

    changed = Signal()
    """Read the attributes again."""
    sentence = ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.primary: Action | None = None
        self.leave: Action | None = None
        self.hint = self.problem = self.remedy = ""
        columns = Columns(side_width=SIDE)
        self.main, self.side = columns.main, columns.side
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(columns)

    def entered(self) -> None:
        """It is shown: reads what is on the disk."""
