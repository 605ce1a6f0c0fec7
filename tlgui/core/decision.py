"""What "auto" becomes: decided by the number of images, by what the network recognises as it is, or by a short trial.

The thresholds come from trials of EfficientNet-Lite0 on 23 image sets of many kinds (200 images each, at most 300 in a
trial); "gained" and "lost" mean by more than 2 points of accuracy against a new last layer alone. They say where a trial
on the person's own images is worth its time, and decide alone only where none can be held.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from tlgui.core.run_spec import FirstAnswer
from tlgui.core.strategies import SMALL, STRATEGIES, Similarity, recommend

LITTLE_HEADROOM = 0.08
"""Of 8 sets with less than that left to gain, none gained by deeper training; of 15 others, 10 did."""
NEXT_TO_NO_HEADROOM = 0.04
"""With less than that, even a gain could hardly be told from chance: no trial is held."""
FEWEST_TO_DEEPEN = 200
"""Training images. Below, deeper training lost on 5 of 7 sets; from there on, on none of 16."""
DEEPER_STRATEGY, DEEPER_GROUPS = "fine-tune-top", 2
"""What deeper training is for a set that the table calls too small for it, and with how many layer groups."""
SMALLEST_GAIN = 0.01
"""A trial that gains less is no reason to train deeper, which takes longer."""

TRIAL_IMAGES, TRIAL_STEPS, TRIAL_BATCH = 600, 100, 32
"""What a trial is budgeted in: training images at most, steps of the optimizer, images of a step."""

By = Literal["images", "headroom", "trial"]
_SHALLOW = "feature-extraction"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, and why.

    Attributes:
        strategy: a row of the strategy table.
        top_groups: layer groups below the head that train, for "fine-tune-top".
        by: what decided.
        unsure: a short trial should be asked first; what stands here is for where none can be held.
        sentence: the reason, for people.
    """

    strategy: str
    top_groups: int
    by: By
    unsure: bool = False
    sentence: str


class TrialOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a short trial found on images that were held back from it.

    Attributes:
        learned_from: training images that both learned from.
        held_back: images that both were asked.
        right_deeper, right_shallow: how many of them were told right with deeper training and without.
        better, worse: told right only with it, and only without it.
        steps: of the optimizer.
    """

    learned_from: int
    held_back: int
    right_deeper: int
    right_shallow: int
    better: int
    worse: int
    steps: int

    @property
    def gain(self) -> float:
        """Difference in accuracy."""
        return (self.right_deeper - self.right_shallow) / self.held_back

    @property
    def beyond_chance(self) -> bool:
        """Whether the gain is at least what chance alone gives in about one of six trials, were both equally good.

        Of the images that only one of the two told right, each would then be a coin's throw.
        """
        return self.better - self.worse >= math.sqrt(self.better + self.worse)


def decide(
    train_images: int,
    images: int,
    answer: FirstAnswer | None,
    similarity: Similarity | None,
    pretrained: bool = True,
) -> Decision:
    """What "auto" becomes.

    Args:
        train_images: how many there are to learn from.
        images: used ones in all, as the textbook's table counts.
        answer: what the network as it is recognises; `None` where that could not be asked.
        similarity: the person's own answer.
        pretrained: whether the network has published weights at all.
    """
    if not pretrained:
        sentence = "This network has no pretrained weights, so all of its layers learn from your images alone."
        return Decision(strategy="from-scratch", top_groups=1, by="images", sentence=sentence)
    if train_images < FEWEST_TO_DEEPEN:
        return _shallow(
            "images",
            f"{_trained(train_images)}, fewer than {FEWEST_TO_DEEPEN}: with so few, training deeper layers cost "
            "accuracy more often than it brought any (5 of 7 image sets in our trials), so only the last layer learns.",
        )
    if answer is None:
        advice = recommend(images, similarity)
        return Decision(
            strategy=advice.strategy.name, top_groups=advice.top_groups, by="images", sentence=advice.sentence
        )
    seen = f"As it is, the network already recognises {_range(answer)} of your images"
    if _below(1 - answer.accuracy, NEXT_TO_NO_HEADROOM):
        return _shallow("headroom", f"{seen}. That leaves next to nothing to gain, so only the last layer learns.")
    if _below(1 - answer.accuracy, LITTLE_HEADROOM):
        enough = 100 * (1 - LITTLE_HEADROOM)
        shallow = _shallow(
            "headroom",
            f"{seen}. From {enough:.0f} % on, training deeper layers did not raise accuracy noticeably "
            "(0 of 8 image sets in our trials), so only the last layer learns.",
        )
        return msgspec.structs.replace(shallow, unsure=True)
    deeper = _deeper(images, similarity, "headroom", f"{seen}, so there is something to gain")
    return msgspec.structs.replace(deeper, unsure=True)


def outcomes(train_images: int, images: int, similarity: Similarity | None) -> list[Decision]:
    """What "auto" may become with a pretrained network, the shallower first, before anything is measured.

    Args:
        train_images, images, similarity: as in `decide`.
    """
    if train_images < FEWEST_TO_DEEPEN:
        return [decide(train_images, images, None, similarity)]
    return [_shallow("headroom", ""), _deeper(images, similarity, "headroom", "")]


def alternative(decision: Decision, images: int, similarity: Similarity | None) -> Decision | None:
    """The other way that was weighed against a decision; `None` where there was none."""
    if decision.strategy == "from-scratch":
        return None
    if decision.strategy == _SHALLOW:
        return _deeper(images, similarity, decision.by, "The other way is to train deeper")
    return _shallow(decision.by, "The other way is that only the last layer learns, which takes less time.")


def after_trial(images: int, similarity: Similarity | None, outcome: TrialOutcome) -> Decision:
    """What "auto" becomes after a short trial."""
    n = outcome.held_back
    found = (
        f"In a short trial on {outcome.learned_from} of your training images, deeper training told "
        f"{outcome.right_deeper} of {n} held-back images right, the last layer alone {outcome.right_shallow} of {n}"
    )
    if _below(outcome.gain, SMALLEST_GAIN) or not outcome.beyond_chance:
        return _shallow("trial", f"{found}: no clear gain, so only the last layer learns.")
    return _deeper(images, similarity, "trial", found)


def _shallow(by: By, sentence: str) -> Decision:
    return Decision(strategy=_SHALLOW, top_groups=1, by=by, sentence=sentence)


def _deeper(images: int, similarity: Similarity | None, by: By, reason: str) -> Decision:
    """The table's row for so many images where that goes below the head, else the smallest step that does."""
    row = recommend(images, similarity).strategy
    name = DEEPER_STRATEGY if row.name == _SHALLOW else row.name
    what = STRATEGIES[name].label.lower()
    if name == DEEPER_STRATEGY:
        what = f"the {DEEPER_GROUPS} uppermost layer groups learn too"
    elif images >= SMALL:
        what = f"for {images:,} images in all the table advises {what}"
    return Decision(strategy=name, top_groups=DEEPER_GROUPS, by=by, sentence=f"{reason}: {what}.")


def _below(value: float, bound: float) -> bool:
    # 1 - 0.92 is 0.07999..., which is not below 0.08.
    return value < bound - 1e-9


def _trained(n: int) -> str:
    return f"There {'is' if n == 1 else 'are'} {n:,} training image{'' if n == 1 else 's'}"


def _range(answer: FirstAnswer) -> str:
    return f"about {100 * answer.accuracy:.0f} % ({100 * answer.low:.0f} to {100 * answer.high:.0f} %)"
