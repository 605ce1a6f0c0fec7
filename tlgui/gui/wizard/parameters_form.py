"""All hyperparameters as a form, drawn from `core.parameters`: the two levels of detail beyond the guided one."""

from __future__ import annotations

from typing import Any

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tlgui.core.parameter_effects import idle
from tlgui.core.parameters import PARAMETERS, Level, Parameter, Section, shown
from tlgui.core.presets import PRESETS, with_preset
from tlgui.core.run_spec import RunSpec, Training
from tlgui.gui.continuing import FIXED
from tlgui.gui.draft import Draft
from tlgui.gui.widgets import Card, Divider, Label
from tlgui.gui.wizard.parameter_fields import EpochsRow, FractionsRow, NumberOrAutoRow
from tlgui.gui.wizard.parameter_rows import ChoiceRow, NumberRow, ParameterRow

_DEFAULTS: dict[str, Any] = msgspec.structs.asdict(Training()) | {
    name: getattr(RunSpec(), name) for name in ("fit", "split_fractions")
}
_CAPTION = "what is left empty comes from the strategy"
_FEW = 5
_STAYS = "It stays as the run has it that is continued."
# What can be looked at or found out beside a setting.
_BUTTONS = {
    "augmentation": ("Preview…", "Shows nine variants of one of your images."),
    "head_learning_rate": ("Find one…", "Tries rising rates on your images for some seconds and suggests one."),
}


class ParametersForm(Card):
    """A row for each setting of the level of detail; built when it is shown first.

    Attributes:
        edited: (field, value) of `Training`, or "fit", or "split_fractions"; `None` leaves it to the strategy.
        button_pressed: the field beside which a button was pressed: "augmentation" or "head_learning_rate".
        problem_changed: see `problem`.
    """

    edited = Signal(str, object)
    button_pressed = Signal(str)
    problem_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Settings", _CAPTION, parent=parent)
        self.rows: dict[str, ParameterRow] = {}
        self._lines: dict[str, Divider] = {}
        self._fixed: tuple[str, ...] = ()
        self._headings: dict[Section, QWidget] = {}
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.body.addWidget(self._inside)

    @property
    def problem(self) -> str:
        """The first setting whose value was refused, as a sentence; "" when there is none."""
        for row in self.rows.values():
            if row.problem and not row.isHidden():
                return f"{row.parameter.label}: {row.problem}"
        return ""

    def show_values(self, draft: Draft, locked: bool) -> None:
        """Shows the draft's values, in its level of detail.

        Args:
            draft: read and not changed.
            locked: they can be read and not changed.
        """
        if not self.rows:
            self._build()
        training, advice = draft.resolved()
        self.set_caption(_CAPTION if advice is None else f"{_CAPTION}; shown is “{advice.strategy.label}”")
        self._fixed = FIXED if draft.continues is not None else ()
        self._show_level(draft.level, training)
        asked = msgspec.structs.asdict(draft.training) | {"fit": draft.fit, "split_fractions": draft.split_fractions}
        resolved, defaults = msgspec.structs.asdict(training), _defaults(draft)
        for field, row in self.rows.items():
            value, default = asked[field], defaults[field]
            row.show_value(
                value,
                default,
                _open_value(draft, field) if value is None else resolved.get(field, value),
                locked or field in self._fixed,
            )
            if isinstance(row, FractionsRow):
                row.set_given(draft.summary is not None and draft.summary.gives_split, _given_shares(draft))

    def set_problem(self, field: str, text: str) -> None:
        """Says beside a field why its value was not taken."""
        self.rows[field].set_problem(text)

    def _show_level(self, level: Level, training: Training) -> None:
        fields = {parameter.field for parameter in shown(level)}
        for field, row in self.rows.items():
            why = _STAYS if field in self._fixed else idle(field, training)
            row.set_idle(why)
            if why and level != "everything":
                fields.discard(field)  # it would change nothing
        changed = [field for field, row in self.rows.items() if row.isHidden() == (field in fields)]
        # With each widget that comes or goes the page is laid out anew, unless they are all out of sight.
        several = len(changed) > _FEW
        if several:
            self._inside.hide()
        begun: set[Section] = set()
        for field, row in self.rows.items():
            section = row.parameter.section
            row.setVisible(field in fields)
            self._lines[field].setVisible(field in fields and section in begun)
            if field in fields:
                begun.add(section)
        for section, heading in self._headings.items():
            heading.setVisible(section in begun)
        if several:
            self._inside.show()

    def _build(self) -> None:
        self._inside.hide()
        for parameter in PARAMETERS:
            if parameter.place != "form":
                continue
            if parameter.section not in self._headings:
                heading = QWidget()  # the stylesheet would take the margins of a label away
                room = QVBoxLayout(heading)
                room.setContentsMargins(0, 14 if self._headings else 0, 0, 0)
                room.addWidget(Label(parameter.section, "card-title"))
                self._headings[parameter.section] = heading
                self._column.addWidget(heading)
            self._add(parameter)

    def _add(self, parameter: Parameter) -> None:
        row, field = _row(parameter), parameter.field
        row.edited.connect(self.edited)
        row.problem_changed.connect(self.problem_changed)
        if field in _BUTTONS:
            row.add_button(*_BUTTONS[field], lambda: self.button_pressed.emit(field))
        self._lines[field] = Divider()
        self.rows[field] = row
        self._column.addWidget(self._lines[field])
        row.hide()
        self._column.addWidget(row)


def _row(parameter: Parameter) -> ParameterRow:
    match parameter.kind:
        case "choice" | "switch":
            return ChoiceRow(parameter)
        case "fractions":
            return FractionsRow(parameter)
        case "epochs":
            return EpochsRow(parameter)
        case "whole-or-auto":
            return NumberOrAutoRow(parameter)
        case _:
            return NumberRow(parameter, may_be_open=_DEFAULTS[parameter.field] is None)


def _defaults(draft: Draft) -> dict[str, Any]:
    """What "back to the default" gives: a recipe's own value where there is one."""
    preset = draft.training.preset
    if preset not in PRESETS:
        return _DEFAULTS
    return _DEFAULTS | msgspec.structs.asdict(with_preset(Training(), preset))


def _given_shares(draft: Draft) -> tuple[float, float, float]:
    """The shares of the images in hand that train, validate and test."""
    classes = draft.summary.classes if draft.summary is not None else ()
    parts = [sum(getattr(one, part) for one in classes) for part in ("train", "validation", "test")]
    train, validation, test = (count / max(1, sum(parts)) for count in parts)
    return train, validation, test


def _open_value(draft: Draft, field: str) -> Any:
    """What a field that is left open will be."""
    training, _ = draft.resolve(msgspec.structs.replace(draft.training, **{field: None}))
    return getattr(training, field)
