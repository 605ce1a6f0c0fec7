"""What is seen of a run that adapts to a new site, epoch by epoch: all of it follows from its epochs, live or replayed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlgui.core.adaptation_events import AdaptationSeen
    from tlgui.core.events import EpochEnded
    from tlgui.gui.run_model import RunModel

Value = float | None
# From which share on a sentence holds, the highest first.
_SURE = ((0.85, "very sure"), (0.6, "fairly sure"), (0.3, "rather unsure"), (0.0, "little more than guessing"))
_SPREAD = (
    (0.85, "over all classes"),
    (0.6, "over most classes"),
    (0.3, "mostly a few classes"),
    (0.0, "nearly all alike"),
)

# What a run that aligns says of it; one that does so raises no alarms of epochs.
_OF_STATISTICS = ("statistics_aligned", "statistics_kept", "adaptation_alarm")


@dataclass(frozen=True)
class SiteSeries:
    """One value for each epoch in which the run adapted; `None` is a gap.

    Attributes:
        epochs: their numbers.
        task: mean training loss of telling the classes of the known site apart.
        adapting: mean loss of the term that adapts.
        judge: share of images whose site the judge told right, .5 = it cannot tell; all `None` without a judge.
        sure: how sure the answers for the new site are: 0 = guessed, 1 = all sure.
        spread: how they spread over the classes: 0 = all alike, 1 = evenly over all.
    """

    epochs: list[int]
    task: list[Value]
    adapting: list[Value]
    judge: list[Value]
    sure: list[Value]
    spread: list[Value]


class Alarm(NamedTuple):
    """The newest epoch must not be kept.

    Attributes:
        sentence: why.
        epoch: its number.
        kept: it is all the same, as long as there is no better one.
    """

    sentence: str
    epoch: int
    kept: bool


def site_series(epochs: Sequence[EpochEnded], classes: int) -> SiteSeries:
    """The series of a run's epochs.

    Args:
        epochs: those that count.
        classes: how many the run tells apart.
    """
    seen = [(epoch, epoch.adaptation) for epoch in epochs if epoch.adaptation is not None]
    return SiteSeries(
        epochs=[epoch.epoch for epoch, _ in seen],
        task=[epoch.train_loss for epoch, _ in seen],
        adapting=[one.loss for _, one in seen],
        judge=[one.domain_accuracy for _, one in seen],
        sure=[share_of_entropy(one.target_entropy, classes, of_least=True) for _, one in seen],
        spread=[share_of_entropy(one.target_spread, classes) for _, one in seen],
    )


def seen_last(epochs: Sequence[EpochEnded]) -> AdaptationSeen | None:
    """What was seen after the newest epoch; `None` where it did not adapt."""
    return epochs[-1].adaptation if epochs else None


def adapts(run: RunModel) -> bool:
    """Whether a run has said that it adapts to a new site."""
    return seen_last(run.epochs) is not None or any(event.code == "adaptation" for event in run.notices)


def alarm_of(run: RunModel) -> Alarm | None:
    """The alarm of the newest epoch; `None` where there is none."""
    seen = seen_last(run.epochs)
    if seen is None or not seen.alarm:
        return None
    newest = run.epochs[-1]
    return Alarm(seen.alarm, newest.epoch, newest.epoch == run.best_epoch)


def sure_words(share: Value) -> str:
    """How sure the answers are, in words; "" where that is not known."""
    return _words(_SURE, share)


def spread_words(share: Value) -> str:
    """How they spread over the classes, in words; "" where that is not known."""
    return _words(_SPREAD, share)


def _words(rows: Sequence[tuple[float, str]], share: Value) -> str:
    return "" if share is None else next((words for least, words in rows if share >= least), rows[-1][1])


def share_of_entropy(entropy: Value, classes: int, of_least: bool = False) -> Value:
    """An entropy in nats as a share of the most that so many classes allow."""
    if entropy is None or classes < 2:
        return None
    share = min(1.0, max(0.0, entropy / math.log(classes)))
    return 1 - share if of_least else share


def is_aligned(run: RunModel) -> bool:
    """Whether the statistics of its model are those of a new site, by what it said last of them."""
    said = [event.code for event in run.notices if event.code in _OF_STATISTICS]
    return said[-1:] == ["statistics_aligned"]
