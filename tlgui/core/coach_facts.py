"""What the curve coach looks at, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tlgui.core.events import EpochEnded, FirstAnswered, GroupState, MoveJudged

Button = Literal["unfreeze", "undo", "stop", "extend", "rates"]
BUTTONS: tuple[Button, ...] = ("unfreeze", "undo", "stop", "extend", "rates")


class CoachFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the coach looks at: all of it follows from a run's events.

    Attributes:
        epochs: those that count, oldest first; 0 is the warm start.
        groups: the layer ladder, from stem to head.
        classes, train_images, validation_images: how many.
        epochs_planned: how many are planned now.
        best_epoch: the epoch that is kept.
        first_answer: what the network as it is recognises, where it was asked.
        moved_at: optimizer step of the last change of what learns or how fast (a move, an undo, a rate set by hand, an
            extension); epochs before it tell another story. 0 where there was none.
        moved_by_itself: whether that was an unfreezing that followed from a plateau or the written schedule.
        verdict: on that move, where it was judged.
        verdict_due: whether it will still be judged.
        more_by_itself: whether layer groups still join in by themselves.
        allowed: buttons that can be pressed now.
        ended: whether the run is over.
    """

    epochs: Sequence[EpochEnded]
    groups: Sequence[GroupState]
    classes: int
    train_images: int
    validation_images: int
    epochs_planned: int
    best_epoch: int | None = None
    first_answer: FirstAnswered | None = None
    moved_at: int = 0
    moved_by_itself: bool = False
    verdict: MoveJudged | None = None
    verdict_due: bool = False
    more_by_itself: bool = False
    allowed: frozenset[Button] = frozenset()
    ended: bool = False


class Coaching(msgspec.Struct, frozen=True, kw_only=True):
    """What the coach says.

    Attributes:
        rule: name of its row in `coach_rules.RULES`.
        sentence: what is to be seen, and what can be done.
        evidence: the numbers that it rests on.
        button: what is suggested; `None` where nothing can be pressed that would help.
        rates: for "rates": the suggested peaks by layer group.
        epochs: for "extend": how many.
    """

    rule: str
    sentence: str
    evidence: str
    button: Button | None = None
    rates: dict[str, float] = {}
    epochs: int = 0
