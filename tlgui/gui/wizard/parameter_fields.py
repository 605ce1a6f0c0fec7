"""Settings that are more than one number or one answer: shares, a number that may be left to the program, lists."""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from tlgui.core.parameters import Parameter
from tlgui.gui.widgets import Label, NumberField, repolish
from tlgui.gui.wizard.parameter_rows import NumberRow, ParameterRow

_LIST_WIDTH = 200
_SHARE_WIDTH = 64
_PARTS = ("Train", "Validation", "Test")
SUM_IS_NOT_WHOLE = "The three shares together must be 100 %."
AUTO = "auto"
_FOUND_OUT, _MISSING = "found out at the start", "A number is missing here."
_NUMBERS = re.compile(r"\s*\d+(\s*[,;\s]\s*\d+)*\s*")


class NumberOrAutoRow(NumberRow):
    """A whole number, or the program's own choice."""

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, may_be_open=True, parent=parent)
        self._whole = True
        self.field.setPlaceholderText("")
        self.auto = QCheckBox("Largest safe")
        self.auto.setToolTip(
            f"{parameter.label}: the largest that this computer's memory carries safely, tried out first."
        )
        self.auto.setAccessibleName(f"{parameter.label}: the largest that is safe here")
        self.auto.clicked.connect(self._on_auto)
        self._place.insertWidget(0, self.auto)
        self._place.insertSpacing(1, 12)  # else its words and the unit would be read as one

    def _show(self, value: Any, resolved: Any, locked: bool) -> None:
        left_open = value == AUTO
        self.auto.setChecked(left_open)
        self.auto.setEnabled(not locked)
        self.field.setEnabled(not left_open)
        if left_open:
            self.field.set_value(None)
            self.set_problem("")
        elif not self.problem or locked:
            super()._show(value, resolved, locked)
        self.field.setPlaceholderText(_FOUND_OUT if left_open else "")

    def _on_changed(self) -> None:
        value = self.field.value()
        self.set_problem("" if value is not None else _MISSING)
        if value is not None:
            self.edited.emit(self.parameter.field, int(value))

    def _on_auto(self, checked: bool) -> None:
        self.edited.emit(self.parameter.field, AUTO if checked else self._default)


class EpochsRow(ParameterRow):
    """A list of epochs: "3, 6, 9"."""

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self._told: list[int] = []
        self.field = QLineEdit()
        self.field.setAccessibleName(parameter.label)
        self.field.setPlaceholderText("none")
        self.field.setFixedWidth(_LIST_WIDTH)
        self.field.textChanged.connect(self._on_changed)
        self._place.addWidget(self.field)

    def _show(self, value: Any, resolved: Any, locked: bool) -> None:
        if locked or (not self.problem and value != self._told):
            self._fill(value)
        self.field.setReadOnly(locked)

    def _show_default(self) -> None:
        self._fill(self._default)

    def _fill(self, epochs: list[int]) -> None:
        self._told = list(epochs)
        self.field.blockSignals(True)
        self.field.setText(", ".join(map(str, epochs)))
        self.field.blockSignals(False)
        self._mark("")

    def _on_changed(self, text: str) -> None:
        found, problem = epochs_in(text)
        if not problem and self.parameter.highest and any(epoch > self.parameter.highest for epoch in found):
            problem = f"Allowed is 1 to {self.parameter.highest:.0f}."
        self._mark(problem)
        self.set_problem(problem)
        if not problem and found != self._told:
            self._told = found
            self.edited.emit(self.parameter.field, found)

    def _mark(self, problem: str) -> None:
        self.field.setProperty("state", "bad" if problem else "")
        repolish(self.field)
        self.field.setToolTip(problem)
        self.field.setAccessibleDescription(problem)


def epochs_in(text: str) -> tuple[list[int], str]:
    """The epochs that a person wrote, rising and each once; and what is wrong with the text, "" when nothing is."""
    if not text.strip():
        return [], ""
    if not _NUMBERS.fullmatch(text):
        return [], "Write whole numbers with commas between them: 3, 6, 9."
    found = sorted({int(number) for number in re.findall(r"\d+", text)})
    return ([], "Epochs count from 1.") if found[0] < 1 else (found, "")


class FractionsRow(ParameterRow):
    """Three shares in percent that make 100 together."""

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self.fields: list[NumberField] = []
        self._shown: tuple[float, ...] = ()
        for part in _PARTS:
            field = NumberField(0, 0, 100, name=f"{part}, percent")
            field.setFixedWidth(_SHARE_WIDTH)
            field.setToolTip(f"{part}: its share of the images in percent.")
            field.changed.connect(self._on_changed)
            field.problem_changed.connect(self._on_problem)
            self.fields.append(field)
            self._place.addWidget(field)
        self._place.addWidget(Label("%", "caption"))

    def set_given(self, given: bool, shares: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> None:
        """The folders say what trains and what tests: nothing can be chosen, and the shares that they give are shown."""
        if given:
            self._fill(tuple(round(share, 3) for share in shares))
        self._help.setText(
            "The folders give the split, so it is not for you to choose." if given else self.parameter.help
        )
        for field in self.fields:
            field.setEnabled(not given)

    def _show(self, value: Any, resolved: Any, locked: bool) -> None:
        if locked or (value != self._shown and not self.problem):
            self._fill(value)
        for field in self.fields:
            field.setReadOnly(locked)

    def _show_default(self) -> None:
        self._fill(self._default)

    def _fill(self, fractions: tuple[float, ...]) -> None:
        self._shown = tuple(fractions)
        for field, share in zip(self.fields, fractions, strict=True):
            field.set_value(round(share * 100, 4))

    def _on_problem(self, _text: str) -> None:
        self.set_problem(next((field.problem for field in self.fields if field.problem), ""))

    def _on_changed(self) -> None:
        shares = [field.value() for field in self.fields]
        if None in shares:
            return
        fractions = tuple(round((share or 0.0) / 100, 6) for share in shares)
        if abs(sum(fractions) - 1) > 1e-6:
            self.set_problem(SUM_IS_NOT_WHOLE)
            return
        self.set_problem("")
        self._shown = fractions
        self.edited.emit(self.parameter.field, fractions)
