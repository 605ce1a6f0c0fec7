"""The question whether pretraining helps on these images at all, asked with one press."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.gui.widgets import Button, Card, Label

_TEXT = (
    "A network that learned from everyday photographs can be of no use, or even in the way: negative transfer. Compared "
    "are the network as it came, fine-tuned, fine-tuned at a tenth of the learning rates, and from a random start."
)
_TIP = "Trains these four ways on the same images, with the epochs and folds beside"


class TransferCard(Card):
    """Words and a button; `asked` when it is pressed."""

    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Does pretraining help here?", parent=parent)
        self.body.addWidget(Label(_TEXT, "muted", wrap=True))
        self.time = Label("", "caption", wrap=True)
        self.ask = Button("Find out", small=True)
        self.ask.clicked.connect(self.asked)
        row = QHBoxLayout()
        row.addWidget(self.time, 1)
        row.addWidget(self.ask)
        self.body.addLayout(row)
        self.set_reason("", "")

    def set_reason(self, why_not: str, time: str) -> None:
        """Why it cannot be asked now, "" where it can, and how long it takes."""
        self.ask.setEnabled(not why_not)
        self.ask.setToolTip(why_not or f"{_TIP}.")
        self.time.setText(time)
