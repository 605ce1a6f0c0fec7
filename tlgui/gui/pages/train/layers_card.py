"""The side of the train page: the layer ladder, what the next move would change, what the last one brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.gui.pages.train.ladder import Ladder
from tlgui.gui.pages.train.plan import Plan, learn_text
from tlgui.gui.pages.train.verdict import VerdictRow
from tlgui.gui.run_reasons import ENDED
from tlgui.gui.unfreezing import RISE, loss_may_rise
from tlgui.gui.widgets import Action, Button, Card, Divider, Label

if TYPE_CHECKING:
    from tlgui.core.events import GroupState
    from tlgui.core.run_spec import Training
    from tlgui.gui.run_model import RunModel


class LayersCard(Card):
    """Ladder, plan and verdict.

    Args:
        undo: takes the last move back.
        why: shows how much each layer group tells about the classes.
        parent: the widget it lies in.
    """

    def __init__(self, undo: Action, why: Action, parent: QWidget | None = None) -> None:
        super().__init__("Layers", parent=parent)
        self.ladder, self.plan, self.verdict = Ladder(), Plan(), VerdictRow(undo)
        self.why = Button(kind="link", small=True, action=why)
        self._learning = Label("", "caption")
        self.add_head(self._learning)
        self.ladder.add_at_foot(self.why)
        self._plan_line, self._verdict_line = Divider(), Divider()
        for widget in (self.ladder, self._plan_line, self.plan, self._verdict_line, self.verdict):
            self.body.addWidget(widget)

    def show_run(
        self,
        run: RunModel,
        groups: Sequence[GroupState],
        rates: Mapping[str, float],
        training: Training | None,
    ) -> None:
        """Takes the state of the run.

        Args:
            run: the run.
            groups, rates: its ladder from stem to head and the rates in use; as planned until the engine has spoken.
            training: its hyperparameters, where they are known already.
        """
        ended = run.state in ENDED
        self.setVisible(bool(groups))
        frozen = [group.name for group in groups if not group.trainable]
        following = frozen[-1] if frozen and not ended else None
        self.ladder.show_groups(
            groups, rates, following, run.reason_against("unfreeze"), run.reason_against("freeze"),
            run.reason_against("rate"), over=ended,
        )  # fmt: skip
        learns = sum(group.parameters for group in groups if group.trainable)
        self._learning.setText(learn_text(learns, sum(group.parameters for group in groups)))
        self.plan.show_plan(groups, following, training, RISE if loss_may_rise(run) else "")
        self._plan_line.setVisible(not ended)
        self.plan.setVisible(not ended)
        self.verdict.show_run(run)
        self._verdict_line.setVisible(self.verdict.isVisibleTo(self))
