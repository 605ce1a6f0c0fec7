"""A few choices side by side, one of them always taken."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from tlgui.gui.theme import font
from tlgui.gui.widgets.painted import text_width
from tlgui.gui.widgets.text import plain_button_text, plain_tooltip


class Segmented(QFrame):
    """Choices of which one holds; one Tab stop, arrows move inside.

    Args:
        choices: (key, words) in order; the first holds until another is picked.
        name: what is chosen here, for a screen reader.
        parent: the widget it lies in.
    """

    picked = Signal(str)

    def __init__(self, choices: Sequence[tuple[str, str]], name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "segmented")
        self.setAccessibleName(name)
        self.setToolTip(plain_tooltip(f"{name}. Arrow keys move between the choices." if name else ""))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        self._keys = [key for key, _words in choices]
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        for number, (_key, words) in enumerate(choices):
            button = QPushButton(plain_button_text(words))
            button.setProperty("kind", "segment")
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.setFixedHeight(28)
            button.setAccessibleName(f"{name}: {words}" if name else words)
            button.setMinimumWidth(round(text_width(words, font(12, 600))) + 26)  # taken, it is bolder
            self._group.addButton(button, number)
            row.addWidget(button)
        self._group.button(0).setChecked(True)
        self._group.idToggled.connect(self._on_toggled)

    @property
    def value(self) -> str:
        """The key of the choice that holds."""
        return self._keys[self._group.checkedId()]

    def set_value(self, key: str) -> None:
        """Takes a choice without telling it as picked.

        Raises:
            ValueError: there is no such key.
        """
        self._group.blockSignals(True)
        self._group.button(self._keys.index(key)).setChecked(True)
        self._group.blockSignals(False)

    def button(self, key: str) -> QPushButton:
        """The button of one choice, for a tooltip or to switch it off."""
        found = self._group.button(self._keys.index(key))
        assert isinstance(found, QPushButton)
        return found

    def _on_toggled(self, number: int, checked: bool) -> None:
        if checked:
            self.picked.emit(self._keys[number])
