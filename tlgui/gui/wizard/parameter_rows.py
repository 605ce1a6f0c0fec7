"""One setting as a row: its words at the left, the field at the right, and beneath it what is wrong with the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.parameters import Choice, Parameter
from tlgui.gui import numbers
from tlgui.gui.widgets import Button, IconButton, Label, NumberField, Segmented, ToneIcon
from tlgui.gui.wizard.choice_list import ChoiceList

_FIELD_WIDTH = 200
# More answers, or longer ones, stand in a list.
_MOST_BESIDE, _LONGEST_BESIDE = 3, 36

# Field -> above which rate, and what is usual there.
_HIGH_RATES = {"head_learning_rate": (0.1, "0.001 to 0.01"), "top_learning_rate": (1.0, "0.0001 to 0.001")}


def caution_against(field: str, value: float | None) -> str:
    """What a person should know before they train with that value; "" for most."""
    highest, usual = _HIGH_RATES.get(field, (None, ""))
    if highest is None or value is None or value <= highest:
        return ""
    return (
        f"Far above what is usual ({usual}). With steps this large the network jumps past every good state: "
        "expect the loss to rise instead of fall."
    )


class ParameterRow(QWidget):
    """The frame of a row; what stands in it depends on the setting's kind.

    Attributes:
        edited: (field, value); `None` leaves it to the strategy.
        problem_changed: the sentence beneath the field is another one.
    """

    edited = Signal(str, object)
    problem_changed = Signal()

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parameter = parameter
        self._default: Any = None
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 4)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(0, 1)
        grid.addWidget(Label(parameter.label, "strong", wrap=True), 0, 0)
        words = QVBoxLayout()
        words.setSpacing(1)
        self._help = Label(parameter.help, "caption", wrap=True)
        self._idle = Label("", "caption", wrap=True)
        words.addWidget(self._help)
        words.addWidget(self._idle)
        self._idle.hide()
        grid.addLayout(words, 1, 0, Qt.AlignmentFlag.AlignTop)
        self._place = QHBoxLayout()
        self._place.setSpacing(6)
        grid.addLayout(self._place, 0, 1, 2, 1, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
        self._reset = IconButton("undo", f"Back to the default: {parameter.label}")
        self._reset.clicked.connect(self._on_reset)
        policy = self._reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(policy)
        grid.addWidget(self._reset, 0, 2, 2, 1, Qt.AlignmentFlag.AlignTop)
        self._problem = Label("", "caption", wrap=True)
        self._problem.set_tone("bad")
        self._problem.hide()
        grid.addWidget(self._problem, 2, 0, 1, 3)
        self._caution = Label("", "caption", wrap=True)
        self._caution.set_tone("warn")
        self._caution_row = QWidget()
        line = QHBoxLayout(self._caution_row)
        line.setContentsMargins(0, 2, 0, 0)
        line.addWidget(ToneIcon("warn"), 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self._caution, 1)
        self._caution_row.hide()
        grid.addWidget(self._caution_row, 3, 0, 1, 3)

    @property
    def problem(self) -> str:
        """What is wrong with what was typed; "" when nothing is."""
        return "" if self._problem.isHidden() else self._problem.text()

    def set_problem(self, text: str) -> None:
        """Says beneath the field what is wrong."""
        if text != self.problem:
            self._problem.setText(text)
            self._problem.setVisible(bool(text))
            self._caution_row.setVisible(bool(self._caution.text()) and not text)
            if text:
                self._reset.show()
            self.problem_changed.emit()

    def add_button(self, text: str, tip: str, pressed: Callable[[], None]) -> Button:
        """Puts a button before the field."""
        button = Button(text, "link", small=True)
        button.setToolTip(tip)
        button.clicked.connect(pressed)
        self._place.insertWidget(0, button)
        return button

    def set_idle(self, why: str) -> None:
        """Says under the help that the setting changes nothing now, and why; "" takes that away."""
        self._idle.setText(f"Without effect now: {why[:1].lower()}{why[1:]}" if why else "")
        self._idle.setVisible(bool(why))

    @property
    def caution(self) -> str:
        """What to think twice about; the value is taken all the same."""
        return "" if self._caution_row.isHidden() else self._caution.text()

    def set_caution(self, text: str) -> None:
        """Says beneath the field what to think twice about."""
        self._caution.setText(text)
        self._caution_row.setVisible(bool(text) and not self.problem)

    def show_value(self, value: Any, default: Any, resolved: Any, locked: bool) -> None:
        """Shows what the draft holds.

        Args:
            value: as asked for; `None` where it was left open.
            default: what "back to the default" gives.
            resolved: the value that the run would use.
            locked: it can be read and not changed.
        """
        self._default = default
        self._reset.setVisible((value != default or bool(self.problem)) and not locked)
        self._show(value, resolved, locked)

    def _show(self, value: Any, resolved: Any, locked: bool) -> None:
        raise NotImplementedError

    def _on_reset(self) -> None:
        self._show_default()
        self.set_problem("")
        self._reset.hide()
        self.edited.emit(self.parameter.field, self._default)

    def _show_default(self) -> None:
        """Puts the default into the field, over whatever was typed."""


class NumberRow(ParameterRow):
    """A number; where it may be left open, the strategy's value stands in the empty field."""

    def __init__(self, parameter: Parameter, may_be_open: bool, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self._whole = parameter.kind == "whole"
        self.field = NumberField(
            None if may_be_open else parameter.lowest,
            parameter.lowest,
            parameter.highest,
            whole=self._whole,
            may_be_empty=may_be_open,
            name=parameter.label,
        )
        self.field.setFixedWidth(_FIELD_WIDTH)
        self.field.changed.connect(self._on_changed)
        self.field.problem_changed.connect(self.set_problem)
        if parameter.unit:
            self._place.addWidget(Label(parameter.unit, "caption"))
        self._place.addWidget(self.field)

    def _show(self, value: Any, resolved: Any, locked: bool) -> None:
        self.field.setPlaceholderText(self._open_words(resolved))
        shown = resolved if locked else value
        if locked or (not self.field.problem and self.field.value() != shown):
            self.field.set_value(shown)
        self.field.setReadOnly(locked)
        words = "" if self.field.problem else caution_against(self.parameter.field, resolved)
        self.set_caution(words)
        self.field.setAccessibleDescription(self.field.problem or words)

    def _open_words(self, resolved: Any) -> str:
        if resolved is None:
            return "not used"
        return f"{numbers.count(resolved) if self._whole else numbers.rate(resolved)}, from the strategy"

    def _show_default(self) -> None:
        self.field.set_value(self._default)

    def _on_changed(self) -> None:
        value = self.field.value()
        self.edited.emit(self.parameter.field, int(value) if value is not None and self._whole else value)


class ChoiceRow(ParameterRow):
    """A few answers side by side, or many in a list."""

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self._values = {str(number): choice.value for number, choice in enumerate(_choices(parameter))}
        shown = [(str(number), choice.label) for number, choice in enumerate(_choices(parameter))]
        in_a_list = len(shown) > _MOST_BESIDE or sum(len(label) for _, label in shown) > _LONGEST_BESIDE
        self.field: Segmented | ChoiceList = (
            ChoiceList(shown, parameter.label) if in_a_list else Segmented(shown, parameter.label)
        )
        if in_a_list:
            self.field.setFixedWidth(_FIELD_WIDTH)
        self.field.picked.connect(lambda key: self.edited.emit(parameter.field, self._values[key]))
        self._place.addWidget(self.field)

    def key(self, value: Any) -> str:
        """The key of a value in the field."""
        return next(key for key, one in self._values.items() if one == value)

    def choose(self, value: Any) -> None:
        """Takes an answer as a person would."""
        if isinstance(self.field, ChoiceList):
            self.field.choose(self.key(value))
        else:
            self.field.button(self.key(value)).click()

    def _show(self, value: Any, resolved: Any, locked: bool) -> None:
        if resolved in self._values.values():
            self.field.set_value(self.key(resolved))
        self.field.setEnabled(not locked)


def _choices(parameter: Parameter) -> tuple[Choice, ...]:
    if parameter.kind == "switch":
        return (Choice(value=True, label="On"), Choice(value=False, label="Off"))
    return parameter.choices
