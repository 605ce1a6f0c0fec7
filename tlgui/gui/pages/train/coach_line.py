"""The curve coach: one sentence, what it rests on, and at most one button."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tlgui.core.coach import Coaching
from tlgui.gui.widgets import Banner, Button

_WORDS = {
    "unfreeze": ("Unfreeze next layers…", "Shows first what it would cost"),
    "undo": ("Undo", "Takes the last unfreezing or freezing back"),
    "stop": ("Stop and keep the best", "Ends the training after this batch; the best epoch is kept and scored"),
    "extend": ("Extend…", "Asks how many epochs more"),
    "rates": ("Lower the learning rates", "From the next batch on; each can be set on the ladder again"),
}


class CoachLine(Banner):
    """Silent, and not there, while nothing is sure.

    Signals:
        pressed: what was suggested (a `Coaching`) was pressed.
    """

    pressed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("neutral", icon="info", parent=parent)
        self._said: Coaching | None = None
        self.button: Button | None = None
        self.hide()

    def show_coaching(self, said: Coaching | None) -> None:
        """Says it, or goes."""
        if said == self._said:
            return
        self._said = said
        self.setVisible(said is not None)
        self.clear_buttons()
        self.button = None
        if said is None:
            return
        self.set("neutral", said.sentence, said.evidence, "info")
        if said.button is not None:
            words, tooltip = _WORDS[said.button]
            self.button = Button(words, small=True)
            self.button.setToolTip(tooltip)
            self.button.clicked.connect(lambda: self.pressed.emit(said))
            self.add_button(self.button)
