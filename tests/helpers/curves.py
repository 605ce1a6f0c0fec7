"""Made curves of a training run: what the coach reads, and how each epoch of it would be coached."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import msgspec

from tlgui.core.coach import CoachFacts, Coaching, coach
from tlgui.core.events import EpochEnded, FirstAnswered, GroupState, MoveJudged

NAMES = ("stem", "block 1", "block 2", "head")
STEPS = 10  # optimizer steps of an epoch
ALL_BUTTONS = frozenset({"unfreeze", "undo", "stop", "extend", "rates"})


def ladder(frozen: int) -> list[GroupState]:
    """Layer groups of which the lowest `frozen` do not learn."""
    return [
        GroupState(name=name, parameters=10, trainable=at >= frozen, learning_rate=3e-3 if at >= frozen else None)
        for at, name in enumerate(NAMES)
    ]


def epochs_of(
    validation: Sequence[float],
    training: Sequence[float],
    accuracy: Sequence[float],
    planned: int,
    start: tuple[float, float] | None = None,
) -> list[EpochEnded]:
    """Epochs from 1 on; before them the warm start with (validation loss, accuracy), where there is one."""
    lowest = math.inf
    made: list[EpochEnded] = []
    values = list(zip(validation, training, accuracy, strict=True))
    numbered = [*([(0, (start[0], start[0], start[1]))] if start else []), *enumerate(values, start=1)]
    for number, (loss, train_loss, right) in numbered:
        rate = 3e-3 * (1 + math.cos(math.pi * number / planned)) / 2
        made.append(
            EpochEnded(
                epoch=number,
                epochs=planned,
                step=number * STEPS,
                train_loss=train_loss,
                validation_loss=loss,
                validation_accuracy=right,
                validation_balanced_accuracy=right,
                learning_rates={"head": rate},
                best=loss < lowest,
                seconds=1.0,
                seconds_left=None,
            )
        )
        lowest = min(lowest, loss)
    return made


def facts(epochs: Sequence[EpochEnded], frozen: int = 3, **others: Any) -> CoachFacts:
    """What the coach is told after the last of these epochs; a small set of three classes unless said otherwise."""
    best = [epoch.epoch for epoch in epochs if epoch.best]
    given: dict[str, Any] = {
        "classes": 3, "train_images": 700, "validation_images": 150, "epochs_planned": epochs[-1].epochs,
        "best_epoch": best[-1] if best else None,
        "allowed": ALL_BUTTONS - ({"unfreeze"} if not frozen else set()) - {"undo"},
    }  # fmt: skip
    return CoachFacts(epochs=list(epochs), groups=ladder(frozen), **(given | others))


def coached(epochs: Sequence[EpochEnded], frozen: int = 3, **others: Any) -> list[Coaching | None]:
    """What the coach says after each of these epochs."""
    return [coach(facts(epochs[: end + 1], frozen, **others)) for end in range(len(epochs)) if epochs[end].epoch > 0]


def rules_of(said: Sequence[Coaching | None]) -> set[str]:
    """Which rules spoke."""
    return {one.rule for one in said if one is not None}


def wandering(rng: random.Random, length: int, scatter: float, like_the_last: float) -> list[float]:
    """Scatter of which each value is correlated with the one before."""
    values: list[float] = []
    now = rng.gauss(0, scatter)
    for _ in range(length):
        values.append(now)
        now = like_the_last * now + math.sqrt(1 - like_the_last**2) * rng.gauss(0, scatter)
    return values


def judged(verdict: str, difference: float = -0.05) -> MoveJudged:
    """A verdict on an unfreezing of "block 2" at the third epoch."""
    return MoveJudged(
        kind="unfreeze", names=["block 2"], step=3 * STEPS, epoch=6, verdict=verdict, difference=difference,
        low=difference - 0.03, high=difference + 0.03, with_it=0.85, without_it=0.9, better=2, worse=9, images=150,
        epochs=3, sentence="Unfreezing block 2 hurt.",
    )  # fmt: skip


def answered(accuracy: float) -> FirstAnswered:
    """A first answer with an interval of 4 points to both sides."""
    made: FirstAnswered = msgspec.convert(
        {
            "type": "FirstAnswered", "accuracy": accuracy, "low": accuracy - 0.04, "high": accuracy + 0.04,
            "images": 700, "folds": 5, "largest_class": 0.4, "seconds": 3.0,
        },
        FirstAnswered,
    )  # fmt: skip
    return made
