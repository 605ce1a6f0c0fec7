"""Fields for the highest learning rates that layer groups get when they are unfrozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from tlgui.gui import numbers
from tlgui.gui.pages.train.rung import shown_name
from tlgui.gui.widgets import Label, NumberField
from tlgui.gui.widgets.emptied import empty

LOWEST, HIGHEST = 1e-9, 10.0
_WIDTH = 110


def as_written(learning_rate: float) -> float:
    """The learning rate with as many figures as the window writes: 0.0000384615 -> 0.000038."""
    return float(numbers.rate(learning_rate))


class PeakFields(QWidget):
    """A row for each layer group: its name, and the peak of its learning rate.

    Signals:
        changed: another number stands in one of them, or none.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(0, 1)
        self.fields: dict[str, NumberField] = {}
        self._planned: dict[str, float] = {}

    def show_groups(self, names: Sequence[str], planned: Mapping[str, float]) -> None:
        """Takes the groups and their planned peaks; what a person has typed for one of them stays.

        Args:
            names: of the groups, the uppermost first.
            planned: peaks by name; a group without one gets no field.
        """
        # As the ladder writes them: all figures of a rate that was divided by 2.6 say nothing, and do not fit.
        planned = {name: as_written(rate) for name, rate in planned.items()}
        typed = {name: field.text() for name, field in self.fields.items() if self._is_typed(name)}
        shown = [name for name in names if name in planned]
        if shown != list(self.fields):
            self._build(shown, planned)
        for name, field in self.fields.items():
            if name in typed:
                field.setText(typed[name])
            elif field.value() != planned[name]:
                field.set_value(planned[name])
        self._planned = {name: planned[name] for name in shown}

    def _is_typed(self, name: str) -> bool:
        return self.fields[name].value() != self._planned.get(name)

    def _build(self, names: Sequence[str], planned: Mapping[str, float]) -> None:
        empty(self._grid)
        self.fields = {}
        for row, name in enumerate(names):
            caption = Label(shown_name(name), "body")
            field = NumberField(planned[name], LOWEST, HIGHEST, name=f"Highest learning rate of {name}")
            field.setFixedWidth(_WIDTH)
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
            caption.setBuddy(field)
            field.textChanged.connect(lambda _text: self.changed.emit())
            self._grid.addWidget(caption, row, 0)
            self._grid.addWidget(field, row, 1)
            self.fields[name] = field

    def problem(self) -> str:
        """What is wrong with a number, in a sentence; "" where nothing is."""
        return next((field.problem for field in self.fields.values() if field.problem), "")

    def differing(self) -> dict[str, float]:
        """Peaks that a person wrote in place of the planned ones, by name."""
        return {
            name: value
            for name, field in self.fields.items()
            if (value := field.value()) is not None and value != self._planned.get(name)
        }
