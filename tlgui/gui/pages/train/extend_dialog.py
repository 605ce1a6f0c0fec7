"""Asks how many epochs more."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.gui import numbers
from tlgui.gui.widgets import Dialog, Label, SpinBox

MOST = 500


class ExtendDialog(Dialog):
    """A number of epochs from 1 to 500; Enter extends.

    Signals:
        chosen: so many epochs more.
    """

    chosen = Signal(int)

    def __init__(self, planned: int, seconds_per_epoch: float | None, parent: QWidget) -> None:
        super().__init__(
            "Extend the training", "The learning rates are planned anew for the epochs that are left.", parent
        )
        self._planned, self._seconds = planned, seconds_per_epoch
        self.number = SpinBox(5, 1, MOST, "More epochs")
        self.number.setToolTip("How many more times the training images are gone through, 1 to 500")
        row = QHBoxLayout()
        caption = Label("More epochs", "body")
        caption.setBuddy(self.number)
        row.addWidget(caption)
        row.addWidget(self.number)
        row.addStretch(1)
        self.body.addLayout(row)
        self.outcome = Label("", "muted", wrap=True)
        self.body.addWidget(self.outcome)
        self.add_button("Cancel")
        self.add_button("Extend", "primary", self._on_extend, default=True)
        self.number.valueChanged.connect(self._on_number)
        self._on_number(self.number.value())
        self.number.selectAll()
        self.number.setFocus()

    def _on_number(self, more: int) -> None:
        words = f"{numbers.count(self._planned + more)} epochs in all"
        if self._seconds:
            words += f", {numbers.about(self._seconds * more)} more at the speed of the last epoch"
        self.outcome.setText(f"{words}.")

    def _on_extend(self) -> None:
        self.chosen.emit(self.number.value())
