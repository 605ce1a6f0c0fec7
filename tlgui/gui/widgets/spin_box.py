"""A number box with arrows that keeps its text off the edge and leaves the wheel to the page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QSpinBox, QWidget


class SpinBox(QSpinBox):
    """A whole number.

    Args:
        value: at first.
        lowest: smallest value.
        highest: largest value.
        name: what the number is, for a screen reader.
        parent: the widget it lies in.
    """

    def __init__(
        self, value: int = 0, lowest: int = 0, highest: int = 99, name: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setRange(lowest, highest)
        self.setValue(value)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel
        # Sheets cannot give the inner field a padding: it takes the box's rule, and that only frames it.
        self.lineEdit().setTextMargins(7, 0, 0, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  Qt's name
        """Turns only the box that has the focus; else a page that is scrolled would change its numbers."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
