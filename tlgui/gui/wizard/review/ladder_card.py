"""The layer ladder of the Review page: which layers learn from the start, their share and their learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from tlgui.core.events import GroupState
from tlgui.gui import numbers
from tlgui.gui.numbers import counted
from tlgui.gui.pages.train.ladder import Ladder
from tlgui.gui.widgets import Button, Card, Label
from tlgui.gui.wizard.review.plan import learning


class LadderCard(Card):
    """The rungs as on the Train page, to be read only, how many parameters learn, and a way to other rates.

    Attributes:
        rates_asked: the person wants to give rates by layer group.
    """

    rates_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Layers", parent=parent)
        self.ladder = Ladder()
        # Nothing can be freed or frozen before there is a run: no hover, no menu, no Tab stop.
        self.ladder.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.rates = Button("Rates…", "link", small=True)
        self.rates.setToolTip("A learning rate for each layer group.")
        self.rates.clicked.connect(self.rates_asked)
        self.add_head(self.rates)
        self._more = Label("", "caption", wrap=True)
        self.body.addWidget(self.ladder)
        self.body.addWidget(self._more)

    def set_groups(self, groups: Sequence[GroupState], is_open: bool, constant: bool, own: int) -> None:
        """Shows them.

        Args:
            groups: from stem to head.
            is_open: which of them learn beside the head is decided at the start.
            constant: rates stay as they are.
            own: how many groups have a rate that was set for them alone.
        """
        learns, total = learning(groups)
        self.set_caption("the head; more is decided" if is_open else
                         f"{_millions(learns)} of {_millions(total)} learn")  # fmt: skip
        rates = {group.name: group.learning_rate for group in groups if group.learning_rate is not None}
        self.ladder.show_groups(groups, rates, None)
        for rung in self.ladder.rungs:
            rung.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            rung.setToolTip("")
        said = [
            "These rates stay as they are."
            if constant
            else "Each rate rises to this figure in the first third of the run and then falls."
        ]
        if any(not group.trainable for group in groups):
            said.append("Frozen layers can be freed while it trains.")
        if own:
            said.append(
                f"{counted(own, 'group has a rate', 'groups have a rate')} of {'its' if own == 1 else 'their'} own."
            )
        self._more.setText(" ".join(said))


def _millions(n: int) -> str:
    return f"{n / 1e6:.2f} M" if n >= 100_000 else numbers.count(n)
