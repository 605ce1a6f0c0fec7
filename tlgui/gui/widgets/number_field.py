"""A field for one number that takes comma, point and exponent alike, and says in words what is wrong."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from tlgui.gui.numbers import parse_number
from tlgui.gui.widgets.text import repolish


class NumberField(QLineEdit):
    """One number.

    `changed` comes when the text has become another valid number (at Return or when the field is left, and while
    typing); `problem` holds the sentence that says what is wrong, "" when nothing is; `problem_changed` tells it.

    Args:
        value: what stands in it at first; None leaves it empty.
        lowest: smallest allowed value.
        highest: largest allowed value.
        whole: whole numbers only.
        may_be_empty: an empty field is valid and its value None.
        name: what the number is, for the sentence and the screen reader.
        parent: the widget it lies in.
    """

    changed = Signal()
    problem_changed = Signal(str)

    def __init__(
        self, value: float | None = None, lowest: float | None = None, highest: float | None = None, *,
        whole: bool = False, may_be_empty: bool = False, name: str = "", parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._lowest, self._highest, self._whole, self._may_be_empty = lowest, highest, whole, may_be_empty
        self._name = name
        self.problem = ""
        self._told: float | None = value
        self.setAccessibleName(name)
        self.set_value(value)
        self.textChanged.connect(self._on_text_changed)
        self.editingFinished.connect(self._on_editing_finished)

    def value(self) -> float | None:
        """The number, or None where the text is none (or is not allowed)."""
        return None if self._fault(self.text()) else parse_number(self.text())

    def set_value(self, value: float | None) -> None:
        """Shows a number, always with a point; `changed` is not emitted."""
        self._told = value
        was = self.blockSignals(True)
        self.setText(_written(value, self._whole))
        self.blockSignals(was)
        self._check()

    def _fault(self, text: str) -> str:
        if not text.strip():
            return "" if self._may_be_empty else "A number is missing here."
        number = parse_number(text)
        if number is None:
            return f"“{text.strip()[:20]}” is no number: write 0.001, 0,001 or 1e-3."
        if self._whole and number != int(number):
            return "A whole number is needed here."
        low, high = self._lowest, self._highest
        if (low is not None and number < low) or (high is not None and number > high):
            return self._allowed()
        return ""

    def _allowed(self) -> str:
        low = None if self._lowest is None else _written(self._lowest, self._whole)
        high = None if self._highest is None else _written(self._highest, self._whole)
        if low is not None and high is not None:
            return f"Allowed is {low} to {high}."
        return f"Allowed is {low} or more." if low is not None else f"Allowed is {high} or less."

    def _check(self) -> None:
        fault = self._fault(self.text())
        if fault != self.problem:
            self.problem = fault
            self.setProperty("state", "bad" if fault else "")
            repolish(self)
            self.setToolTip(fault)
            self.setAccessibleDescription(fault)
            self.problem_changed.emit(fault)

    def _on_text_changed(self, _text: str) -> None:
        self._check()
        if not self.problem and self.value() != self._told:
            self._told = self.value()
            self.changed.emit()

    def _on_editing_finished(self) -> None:
        if not self.problem and self.text().strip():
            shown = _written(self.value(), self._whole)
            if parse_number(shown) == self.value():
                self.setText(shown)


def _written(value: float | None, whole: bool) -> str:
    if value is None:
        return ""
    if whole or (value == int(value) and abs(value) < 1e15):
        return str(int(value))
    text = f"{value:.12f}".rstrip("0")
    # A plain decimal where it says the same number; Python's shortest form (1e-13) where it would not.
    return text if float(text) == value else repr(value)
