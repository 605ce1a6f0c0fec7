"""File chips side by side, each as wide as its words, on as many lines as they need."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_GAP = 8


class Chips(QWidget):
    """Widgets that flow like words; its height follows its width."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chips: list[QWidget] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_chips(self, chips: Sequence[QWidget]) -> None:
        """Shows others; the old ones are removed."""
        for chip in self._chips:
            chip.hide()
            chip.deleteLater()
        self._chips = list(chips)
        for chip in self._chips:
            chip.setParent(self)
            chip.show()
        self._place(self.width())
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:  # noqa: N802 (Qt's name)
        """Fewer columns make more lines."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802 (Qt's name)
        """Height of the lines at this width."""
        return self._place(width, move=False)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """All on one line."""
        hints = [_wanted(chip) for chip in self._chips]
        return QSize(sum(hint.width() + _GAP for hint in hints), max((hint.height() for hint in hints), default=0))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Any width will do."""
        return QSize(60, self._place(max(60, self.width()), move=False))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Lines break anew."""
        super().resizeEvent(event)
        self._place(self.width())
        self.updateGeometry()

    def _place(self, width: int, move: bool = True) -> int:
        left = top = line = 0
        for chip in self._chips:
            hint = _wanted(chip)
            wanted = min(hint.width(), max(width, 1))
            if left and left + wanted > width:
                left, top, line = 0, top + line + _GAP // 2, 0
            if move:
                chip.setGeometry(left, top, wanted, hint.height())
            left += wanted + _GAP
            line = max(line, hint.height())
        return top + line


def _wanted(chip: QWidget) -> QSize:
    # A fixed height is no part of the hint.
    return chip.sizeHint().expandedTo(chip.minimumSize())
