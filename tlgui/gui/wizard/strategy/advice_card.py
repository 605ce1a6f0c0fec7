"""What the table advises and why, what "As advised" does, and what to expect when another row was picked."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.gui.widgets import Button, Card, Label, ToneIcon
from tlgui.gui.wizard.strategy.words import Advised

WOULD_TELL = "A short trial on your own images would tell more."


class AdviceCard(Card):
    """The advice; below it, for a pick against it, one sentence and the way back.

    Attributes:
        followed: the decision is left to the measurement again.
        try_both: the button that asks for a short trial.
        stop: the link that ends what the network is asked.
        ask: the link that asks it again.
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
        self.try_both = Button("Try both", small=True, icon="play")
        self.try_both.setToolTip(
            "Trains both ways for a moment on some of your training images, and asks the rest of them. About a minute."
        )
        self._would_tell = Label(WOULD_TELL, "body", wrap=True)
        self._trial = _line(self._would_tell, self.try_both)
        self.stop = Button("Stop", small=True, kind="link")
        self.stop.setToolTip("Ends the question. What was found before it stays.")
        self._at_work = Label("", "body", wrap=True)
        self._busy = _line(self._at_work, self.stop)
        self.ask = Button("Ask", small=True, kind="link")
        self.ask.setToolTip("Lets the network look at your training images. It takes some seconds.")
        self._not_asked = Label("", "body", wrap=True)
        self._again = _line(self._not_asked, self.ask)
        for widget in (self._note_row, self._against, self._trial, self._busy, self._again):
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

    def show_question(self, at_work: str, would_tell: bool, not_asked: str = "") -> None:
        """Shows what the network is asked.

        Args:
            at_work: what it does now, "" for nothing.
            would_tell: whether a short trial would be worth its time.
            not_asked: that there is no answer and why, where one could be had; else "".
        """
        self._busy.setVisible(bool(at_work))
        self._at_work.setText(at_work)
        self._trial.setVisible(would_tell and not at_work)
        self._again.setVisible(bool(not_asked) and not at_work)
        self._not_asked.setText(not_asked)


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
