"""What the table advises and why, and what to expect when another row was picked."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.gui.widgets import Button, Card, Label, ToneIcon


class AdviceCard(Card):
    """The advice; below it, for a pick against it, one sentence and the way back.

    Attributes:
        followed: the person wants the advised row again.
    """

    followed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Our advice", parent=parent)
        self._sentence = Label("", "body", wrap=True)
        self.body.addWidget(self._sentence)
        self._against = QWidget()
        row = QHBoxLayout(self._against)
        row.setContentsMargins(0, 4, 0, 0)
        row.setSpacing(10)
        self._expect = Label("", "body", wrap=True)
        self._back = Button("Follow the advice", small=True, icon="undo")
        self._back.setToolTip("Picks the row that fits your images.")
        self._back.clicked.connect(self.followed)
        row.addWidget(ToneIcon("info"))
        row.addWidget(self._expect, 1)
        row.addWidget(self._back)
        self.body.addWidget(self._against)
        self._against.hide()

    def show_advice(self, title: str, sentence: str, expectation: str, locked: bool) -> None:
        """Shows what is advised.

        Args:
            title: the advised strategy, or "" while there is none.
            sentence: the reason.
            expectation: what to expect from the picked row; "" when it is the advised one.
            locked: nothing can be changed any more.
        """
        self.set_title(f"Our advice: {title[0].lower()}{title[1:]}" if title else "Our advice")
        self._sentence.setText(sentence)
        self._expect.setText(expectation)
        self._against.setVisible(bool(expectation))
        self._back.setVisible(not locked)
