"""What the curve coach may look at of a run that the window shows, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlgui.core.coach import Button, CoachFacts, Coaching, coach
from tlgui.gui.run_reasons import ENDED, Action

if TYPE_CHECKING:
    from tlgui.core.run_spec import Training
    from tlgui.gui.run_model import RunModel

# What each button of the coach presses.
PRESSES: dict[Button, Action] = {
    "unfreeze": "unfreeze",
    "undo": "undo",
    "stop": "stop",
    "extend": "extend",
    "rates": "rate",
}


def facts_of(run: RunModel, training: Training | None = None) -> CoachFacts:
    """What follows from a run's events.

    Args:
        run: as it is now.
        training: its hyperparameters, where they are known: whether layers join in by themselves.
    """
    history = run.history
    due = run.layers is not None and run.layers.judged_after is not None
    return CoachFacts(
        epochs=run.epochs,
        groups=run.groups,
        classes=len(run.classes),
        train_images=run.train_images,
        validation_images=run.validation_images,
        epochs_planned=run.epochs_planned,
        best_epoch=run.best_epoch,
        first_answer=run.first_answer,
        moved_at=history.moved_at,
        moved_by_itself=history.moved_by_itself,
        verdict=history.verdict,
        verdict_due=due and history.verdict is None and bool(history.moves),
        more_by_itself=_more_by_itself(run, training),
        allowed=frozenset(button for button, action in PRESSES.items() if not run.reason_against(action)),
        ended=run.state in ENDED,
    )


def _more_by_itself(run: RunModel, training: Training | None) -> bool:
    if training is None or run.next_group() is None or not run.history.automatic or run.state in ENDED:
        return False
    if training.unfreezing == "schedule":
        return any(epoch > run.history.last_epoch for epoch in training.unfreeze_at)
    # Of "auto" the run folder says what it became; until it is read again, the strategy does.
    return training.unfreezing == "plateau" or run.strategy == "progressive-unfreezing"


class Coached:
    """Asks the coach only when something has happened that it looks at."""

    def __init__(self) -> None:
        self._key: object = None
        self._said: Coaching | None = None

    def said(self, run: RunModel, training: Training | None = None) -> Coaching | None:
        """What the coach says of a run now; `None` while it is silent."""
        facts = facts_of(run, training)
        key = (id(run), len(run.epochs), run.epochs[-1] if run.epochs else None, facts.moved_at, facts.verdict,
               facts.allowed, facts.ended, facts.epochs_planned, len(run.history.branches))  # fmt: skip
        if key != self._key:
            self._key = key
            self._said = coach(facts)
        return self._said
