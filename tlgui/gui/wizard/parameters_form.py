"""All hyperparameters as a form, drawn from `core.parameters`: the two levels of detail beyond the guided one."""

from __future__ import annotations

from typing import Any

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tlgui.core.parameters import PARAMETERS, Parameter, shown
from tlgui.core.planning import resolve
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.strategies import strategy
from tlgui.gui.draft import Draft, Level
from tlgui.gui.widgets import Card, Divider
from tlgui.gui.wizard.parameter_rows import ChoiceRow, FractionsRow, NumberRow, ParameterRow

# The table and the question on the page are these two settings already.
_ON_THE_PAGE = ("strategy", "similarity")
_DEFAULTS: dict[str, Any] = msgspec.structs.asdict(Training()) | {
    name: getattr(RunSpec(), name) for name in ("fit", "split_fractions")
}


class ParametersForm(Card):
    """A row for each setting of the level of detail.

    Attributes:
        edited: (field, value) of `Training`, or "fit", or "split_fractions"; `None` leaves it to the strategy.
        problem_changed: see `problem`.
    """

    edited = Signal(str, object)
    problem_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Settings", "what is left empty comes from the strategy", parent=parent)
        self.rows: dict[str, ParameterRow] = {}
        self._lines: dict[str, Divider] = {}
        self._level: Level = "guided"
        for parameter in PARAMETERS:
            if parameter.field not in _ON_THE_PAGE:
                self._add(parameter)

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
        training, _ = draft.resolved()
        self._show_level(draft.level, trains_top=strategy(training.strategy).trains == "top")
        asked = msgspec.structs.asdict(draft.training) | {"fit": draft.fit, "split_fractions": draft.split_fractions}
        resolved = msgspec.structs.asdict(training)
        for field, row in self.rows.items():
            value, default = asked[field], _DEFAULTS[field]
            row.show_value(
                value, default, _open_value(draft, field) if value is None else resolved.get(field, value), locked
            )
            if isinstance(row, FractionsRow):
                row.set_given(draft.summary is not None and draft.summary.gives_split)

    def set_problem(self, field: str, text: str) -> None:
        """Says beside a field why its value was not taken."""
        self.rows[field].set_problem(text)

    def _show_level(self, level: Level, trains_top: bool) -> None:
        fields = {parameter.field for parameter in shown(level)}
        if level != "everything" and not trains_top:
            fields.discard("top_groups")  # it would change nothing
        first = True
        for field, row in self.rows.items():
            row.setVisible(field in fields)
            self._lines[field].setVisible(field in fields and not first)
            first = first and field not in fields

    def _add(self, parameter: Parameter) -> None:
        row = _row(parameter)
        row.edited.connect(self.edited)
        row.problem_changed.connect(self.problem_changed)
        self._lines[parameter.field] = Divider()
        self.rows[parameter.field] = row
        self.body.addWidget(self._lines[parameter.field])
        self.body.addWidget(row)


def _row(parameter: Parameter) -> ParameterRow:
    if parameter.kind == "choice":
        return ChoiceRow(parameter)
    if parameter.kind == "fractions":
        return FractionsRow(parameter)
    return NumberRow(parameter, may_be_open=_DEFAULTS[parameter.field] is None)


def _open_value(draft: Draft, field: str) -> Any:
    """What a field that is left open will be."""
    training, _ = resolve(msgspec.structs.replace(draft.training, **{field: None}), draft.images)
    return getattr(training, field)
