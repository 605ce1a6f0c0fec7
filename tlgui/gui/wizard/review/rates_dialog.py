"""A learning rate for each layer group, before the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from tlgui.core.events import GroupState
from tlgui.core.parameters import parameter
from tlgui.gui import numbers
from tlgui.gui.pages.train.rung import shown_name
from tlgui.gui.widgets import Dialog, Label, NumberField
from tlgui.gui.wizard.parameter_rows import caution_against

_TEXT = (
    "The largest rate of each layer group. An empty field follows from the strategy's own rates. A frozen group's rate "
    "holds from when it is freed."
)
_FIELD_WIDTH = 200
_MOST_HEIGHT = 380


class RatesDialog(Dialog):
    """A field for each layer group from the head to the stem.

    Args:
        groups: from the stem to the head.
        usual: the rate that each gets by itself, by name.
        own: the rates that are set.
        parent: whose window it lies over.

    Signals:
        chosen: the rates that are set now, by name; empty fields are not in it.
    """

    chosen = Signal(dict)

    def __init__(
        self, groups: Sequence[GroupState], usual: Mapping[str, float], own: Mapping[str, float], parent: QWidget
    ) -> None:
        super().__init__("Learning rates", _TEXT, parent)
        self.fields: dict[str, NumberField] = {}
        self._states: dict[str, Label] = {}
        bounds = parameter("group_learning_rates")
        inside = QWidget()
        inside.setProperty("role", "plain")
        grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for line, group in enumerate(reversed(groups)):
            field = NumberField(
                own.get(group.name),
                bounds.lowest,
                bounds.highest,
                may_be_empty=True,
                name=f"{shown_name(group.name)}, learning rate",
            )
            field.setFixedWidth(_FIELD_WIDTH)
            field.setPlaceholderText(f"{numbers.rate(usual[group.name])}, by itself")
            field.changed.connect(self._refresh)
            field.problem_changed.connect(self._refresh)
            self.fields[group.name] = field
            self._states[group.name] = Label("learns" if group.trainable else "frozen at first", "caption", wrap=True)
            grid.addWidget(Label(shown_name(group.name), "strong"), line, 0)
            grid.addWidget(self._states[group.name], line, 1)
            grid.addWidget(field, line, 2, Qt.AlignmentFlag.AlignRight)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setMinimumHeight(min(inside.sizeHint().height() + 4, _MOST_HEIGHT))
        self.body.addWidget(area)
        self.problem = Label("", "caption", wrap=True)
        self.problem.set_tone("warn")
        self.body.addWidget(self.problem)
        self.clear = self.add_button("All by themselves", "link", self._on_clear, closes=False)
        self.clear.setToolTip("Empties every field: the strategy's own rates hold.")
        self.add_button("Cancel")
        self.accept_button = self.add_button("Use these rates", "primary", self._on_accept, default=True)
        self._refresh()

    def _refresh(self) -> None:
        wrong = next((f"{name}: {field.problem}" for name, field in self.fields.items() if field.problem), "")
        high = next(
            (
                f"{shown_name(name)}: {words}"
                for name, field in self.fields.items()
                if (words := caution_against(_like(name), field.value()))
            ),
            "",
        )
        self.problem.setText(wrong or high)
        self.problem.setVisible(bool(wrong or high))
        self.accept_button.setEnabled(not wrong)
        self.accept_button.setToolTip(wrong)
        self.clear.setEnabled(any(field.text() for field in self.fields.values()))

    def _on_clear(self) -> None:
        for field in self.fields.values():
            field.set_value(None)
        self._refresh()

    def _on_accept(self) -> None:
        values = {name: field.value() for name, field in self.fields.items()}
        self.chosen.emit({name: value for name, value in values.items() if value is not None})


def _like(group: str) -> str:
    return "head_learning_rate" if group == "head" else "top_learning_rate"
