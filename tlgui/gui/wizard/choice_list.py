"""A list to choose one answer from, where there are too many to stand side by side."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget

from tlgui.gui.widgets import plain_tooltip


class ChoiceList(QComboBox):
    """One answer of several, as `Segmented` has them; the wheel scrolls the page and not the answers.

    Args:
        choices: (key, words) in order.
        name: what is chosen, for a screen reader.
        parent: the widget it lies in.
    """

    picked = Signal(str)

    def __init__(self, choices: Sequence[tuple[str, str]], name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip(plain_tooltip(f"{name}. Arrow keys move between the choices." if name else ""))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        for key, words in choices:
            self.addItem(words, key)
        self.activated.connect(lambda index: self.picked.emit(str(self.itemData(index))))

    @property
    def value(self) -> str:
        """The key of the choice that holds."""
        return str(self.currentData())

    def set_value(self, key: str) -> None:
        """Takes a choice without telling it as picked; an unknown one leaves the list without one."""
        self.setCurrentIndex(self.findData(key))

    def choose(self, key: str) -> None:
        """Takes a choice as a person would."""
        self.set_value(key)
        self.activated.emit(self.currentIndex())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  Qt's name
        """Goes to the page."""
        event.ignore()
