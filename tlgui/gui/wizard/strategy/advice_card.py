"""What the table advises and why, what "As advised" does, and what to expect when another row was picked."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.gui.widgets import Button, Card, Label, ToneIcon
from tlgui.gui.wizard.strategy.words import Advised


class AdviceCard(Card):
    """The advice; below it, for a pick against it, one sentence and the way back.

    Attributes:
        followed: the decision is left to the measurement again.
    """

    followed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Our advice", parent=parent)
        self._sentence = Label("", "body", wrap=True)
        self.body.addWidget(self._sentence)
        self._note = Label("", "body", wrap=True)
        self._note_row = _line(self._note)
        self._expect = Label("", "body", wrap=True)
        self._back = Button("As advised", small=True, icon="undo")
        self._back.setToolTip("Leaves the decision to what the network recognises in your images.")
        self._back.clicked.connect(self.followed)
        self._against = _line(self._expect, self._back)
        for widget in (self._note_row, self._against):
            self.body.addWidget(widget)
            widget.hide()

    def show_advice(self, advised: Advised, locked: bool) -> None:
        """Shows what is advised; `locked`: nothing can be changed any more."""
        self.set_title(advised.title)
        self._sentence.setText(advised.sentence)
        self._note.setText(advised.note)
        self._note_row.setVisible(bool(advised.note))
        self._expect.setText(advised.expectation)
        self._against.setVisible(bool(advised.expectation))
        self._back.setVisible(not locked)


def _line(words: Label, button: Button | None = None) -> QWidget:
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 4, 0, 0)
    row.setSpacing(10)
    row.addWidget(ToneIcon("info"))
    row.addWidget(words, 1)
    if button is not None:
        row.addWidget(button)
    return line
