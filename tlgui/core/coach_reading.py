"""A run's epochs, put so that the rules of the curve coach are short."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tlgui.core.coach_facts import CoachFacts
from tlgui.core.events import EpochEnded
from tlgui.core.trends import Trend, trend

# A change of the validation loss that matters: a share of the loss, and what three surely wrong images make of it
# (each adds about one nat or more to the sum).
SHARE, IMAGES = 0.05, 3.0


@dataclass(frozen=True)
class Reading:
    """A run's epochs, put so that rules are short.

    Attributes:
        facts: all that is known.
        start: the warm start, where there was one.
        epochs: the others, oldest first, at least one.
        since: those after the last change.
        validation, training, accuracy: of `since`; every loss is a number.
        calibrated: the validation losses after the temperature has been fitted, which do not rise where a network merely
            gets surer; of journals from before there were any, `validation` itself.
        chance: the loss of guessing every class alike.
    """

    facts: CoachFacts
    start: EpochEnded | None
    epochs: Sequence[EpochEnded]
    since: Sequence[EpochEnded]
    validation: Sequence[float]
    training: Sequence[float]
    accuracy: Sequence[float]
    calibrated: Sequence[float]
    chance: float

    @property
    def last(self) -> EpochEnded:
        """The epoch that has just ended."""
        return self.epochs[-1]

    def matters(self, loss: float) -> float:
        """The smallest change of a validation loss that counts."""
        return max(SHARE * abs(loss), IMAGES / max(1, self.facts.validation_images))

    def line(self, values: Sequence[float], window: int) -> Trend | None:
        """The line through the last `window` values; `None` where there are not so many."""
        return trend(values[-window:]) if len(values) >= window else None

    def done(self) -> float:
        """Share of the planned epochs that have ended."""
        return self.last.epoch / max(1, self.facts.epochs_planned)

    def left(self) -> int:
        """Epochs that are still to come."""
        return self.facts.epochs_planned - self.last.epoch


def calibrated_loss(epoch: EpochEnded) -> float | None:
    """The loss after calibration; of a journal that has none, the loss as it is."""
    return epoch.validation_loss if epoch.validation_calibrated_loss is None else epoch.validation_calibrated_loss


def reading_of(facts: CoachFacts) -> Reading | None:
    """The facts, put for the rules; `None` where there is no epoch yet or a loss is no number."""
    epochs = [epoch for epoch in facts.epochs if epoch.epoch > 0]
    since = [epoch for epoch in epochs if epoch.step > facts.moved_at]
    if not since:
        return None
    validation, training = [e.validation_loss for e in since], [e.train_loss for e in since]
    accuracy = [epoch.validation_accuracy for epoch in since]
    if any(value is None for value in (*validation, *training, *accuracy)):
        return None
    return Reading(
        facts=facts,
        start=next((epoch for epoch in facts.epochs if epoch.epoch == 0), None),
        epochs=epochs,
        since=since,
        validation=[value for value in validation if value is not None],
        training=[value for value in training if value is not None],
        accuracy=[value for value in accuracy if value is not None],
        calibrated=[value for epoch in since if (value := calibrated_loss(epoch)) is not None],
        chance=math.log(max(2, facts.classes)),
    )
