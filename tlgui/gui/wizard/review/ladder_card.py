"""The layer ladder of the Review page: which layers learn from the start, their share and their learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from tlgui.core.events import GroupState
from tlgui.gui import numbers
from tlgui.gui.pages.train.ladder import Ladder
from tlgui.gui.widgets import Card, Label
from tlgui.gui.wizard.review.plan import learning


class LadderCard(Card):
    """The rungs as on the Train page, to be read only, and how many parameters learn."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Layers", parent=parent)
        self.ladder = Ladder()
        # Nothing can be freed or frozen before there is a run: no hover, no menu, no Tab stop.
        self.ladder.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._more = Label("", "caption", wrap=True)
        self.body.addWidget(self.ladder)
        self.body.addWidget(self._more)

    def set_groups(self, groups: Sequence[GroupState]) -> None:
        """Shows them; `groups` go from stem to head."""
        learns, total = learning(groups)
        self.set_caption(f"{_millions(learns)} of {_millions(total)} learn")
        rates = {group.name: group.learning_rate for group in groups if group.learning_rate is not None}
        self.ladder.show_groups(groups, rates, None)
        for rung in self.ladder.rungs:
            rung.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            rung.setToolTip("")
        frozen = any(not group.trainable for group in groups)
        later = " Frozen layers can be freed while it trains." if frozen else ""
        self._more.setText(f"Each rate rises to this figure in the first third of the run and then falls.{later}")


def _millions(n: int) -> str:
    return f"{n / 1e6:.2f} M" if n >= 100_000 else numbers.count(n)
