"""Another learning rate for a layer group that learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.gui import numbers
from tlgui.gui.pages.train.move_words import spoken
from tlgui.gui.pages.train.peak_fields import HIGHEST, LOWEST, as_written
from tlgui.gui.pages.train.rung import spoken_name
from tlgui.gui.widgets import Button, Dialog, Label, NumberField

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlgui.gui.run_model import RunModel

_FACTORS = ((0.1, "÷ 10"), (1 / 3, "÷ 3"), (3.0, "× 3"), (10.0, "× 10"))
_TEXT = (
    "The size of the steps in which it learns. A schedule takes the rate up to its peak and down again over the epochs; "
    "a new peak scales what is left of it. Too high forgets what was learned, too low gets nowhere."
)


class RateDialog(Dialog):
    """A field for the new peak, with buttons that make it some times higher or lower.

    Args:
        run: the run; it goes on meanwhile.
        group: name of the layer group.
        on_chosen: takes the new peak.
        parent: whose window it lies over.
    """

    def __init__(self, run: RunModel, group: str, on_chosen: Callable[[float], object], parent: QWidget) -> None:
        super().__init__(f"Learning rate of {spoken_name(group)}", _TEXT, parent)
        self._run, self._group, self._on_chosen = run, group, on_chosen
        peak = self._peak() or run.rates_now.get(group) or 1e-3
        self.now = Label("", "body", wrap=True)
        self.field = NumberField(as_written(peak), LOWEST, HIGHEST, name="New peak")
        self.field.setFixedWidth(130)
        self.problem = Label("", "caption", wrap=True)
        self.problem.hide()
        self.body.addWidget(self.now)
        row = QHBoxLayout()
        row.setSpacing(6)
        caption = Label("New peak", "body")
        caption.setBuddy(self.field)
        row.addWidget(caption)
        row.addWidget(self.field)
        self.steps: list[Button] = []
        for factor, words in _FACTORS:
            step = Button(words, small=True)
            step.setToolTip(f"Makes the number {'lower' if factor < 1 else 'higher'}")
            step.clicked.connect(lambda _checked=False, factor=factor: self._on_step(factor))
            row.addWidget(step)
            self.steps.append(step)
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addWidget(self.problem)
        self.add_button("Cancel")
        self.set_button = self.add_button("Set", "primary", self._on_set, default=True)
        self.field.textChanged.connect(lambda _text: self._refresh())
        run.changed.connect(self._refresh)
        self.finished.connect(lambda _result: run.changed.disconnect(self._refresh))
        self._refresh()
        self.field.selectAll()
        self.field.setFocus()

    def _peak(self) -> float | None:
        found = next((group for group in self._run.groups if group.name == self._group), None)
        return found.learning_rate if found is not None and found.trainable else None

    def _against(self) -> str:
        if reason := self._run.reason_against("rate"):
            return reason
        if self._peak() is None:
            return f"{spoken([self._group], begins=True)} is frozen now, so it has no learning rate."
        return self.field.problem

    def _refresh(self) -> None:
        peak, now = self._peak(), self._run.rates_now.get(self._group)
        words = [f"In use now: {numbers.rate_in_use(now)}." if now is not None else ""]
        words += [f"Peak of its schedule: {numbers.rate(peak)}." if peak is not None else ""]
        self.now.setText(" ".join(filter(None, words)))
        against = self._against()
        self.problem.setText(against)
        self.problem.setVisible(bool(against))
        self.set_button.setEnabled(not against)
        self.set_button.setToolTip(against or "From the next batch on")

    def _on_step(self, factor: float) -> None:
        value = self.field.value()
        if value is not None:
            self.field.set_value(float(f"{min(HIGHEST, max(LOWEST, value * factor)):.3g}"))
            self._refresh()

    def _on_set(self) -> None:
        value = self.field.value()
        if value is not None and not self._against():
            self._on_chosen(value)
