"""Domain adaptation: ways to make a network see images of a new site as it sees the known ones, without their labels.

To add a way: append a row, give it its loss in `engine/adaptation/term.py` (or, where it changes the trained network
afterwards, in `engine/adaptation/after.py`), and run `pytest tests/core/test_adaptation.py tests/engine/test_term.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.run_spec import Adapt, Training
from tlgui.core.shares import wilson

# The projection that adaptation moves on a frozen network: as wide as the discriminator.
PROJECTION_UNITS = 256
# Predictions for the new site have collapsed where they are so much less spread over the classes than the labels of
# the known site are (as entropies).
_COLLAPSED = 0.4
# Of what a network knows of the known site beyond guessing, so much must be left with the statistics of a new one.
_KEEPS = 0.5


class Adaptation(msgspec.Struct, frozen=True, kw_only=True):
    """One way.

    Attributes:
        name: as it is typed.
        label, sentence: for people.
        during: whether it is a term of the training loss; else it changes the trained network afterwards.
        weight: of that term by default.
        source: the paper.
    """

    name: Adapt
    label: str
    sentence: str
    during: bool
    weight: float = 1.0
    source: str


_ROWS = (
    Adaptation(
        name="mmd",
        label="Match the features (MMD)",
        sentence="The network is taught to give features of both sites the same distribution.",
        during=True,
        source="Long et al. 2015, arXiv 1502.02791",
    ),
    Adaptation(
        name="adversarial",
        label="Confuse a judge (adversarial)",
        sentence="A judge learns to tell the sites apart by their features, and the network learns to confuse it.",
        during=True,
        source="Ganin et al. 2016, JMLR 17:59",
    ),
    Adaptation(
        name="mcc",
        label="Sharpen the answers (MCC)",
        sentence="The network is taught to confuse classes less on images of the new site.",
        during=True,
        source="Jin et al. 2020, arXiv 1912.03699",
    ),
    Adaptation(
        name="statistics",
        label="Align statistics",
        sentence="After training, the normalisation is measured anew on images of the new site.",
        during=False,
        source="Li et al. 2017, arXiv 1603.04779",
    ),
)

ADAPTATIONS: dict[str, Adaptation] = {row.name: row for row in _ROWS}


def adaptation(name: str) -> Adaptation:
    """The row of that name.

    Raises:
        UserError: there is none; the remedy lists those that exist.
    """
    if name not in ADAPTATIONS:
        raise UserError(
            f"There is no way of adapting named '{name}'.", f"Choose one of: none, {', '.join(ADAPTATIONS)}."
        )
    return ADAPTATIONS[name]


def ramp(progress: float) -> float:
    """How much of its weight the term has: 0 at the beginning, nearly 1 from half of the run on.

    2 / (1 + exp(-10 p)) - 1, p = progress in 0..1.

    Source: Ganin et al. 2016, section 5.2.2.
    """
    return 2 / (1 + math.exp(-10 * min(1.0, max(0.0, progress)))) - 1


def needs_projection(training: Training, head_alone: bool) -> bool:
    """Whether nothing but a linear head would learn at first, which no term could move: then a layer is put before it.

    Args:
        training: of the run.
        head_alone: whether its strategy begins with the head.
    """
    row = ADAPTATIONS.get(training.adapt)
    return row is not None and row.during and head_alone and training.head == "linear"


def entropy(shares: Sequence[float]) -> float:
    """Of a distribution, in nats; 0 log 0 = 0."""
    return -sum(share * math.log(share) for share in shares if share > 0)


def score_of(balanced: float, mean_entropy: float, spread: float, classes: int) -> float:
    """What chooses the best epoch of an adaptation, without a label of the new site: higher is better.

    Balanced accuracy on validation images of the known site, plus how much the answers for the new site tell: the
    entropy of their mean less their mean entropy, as a share of the most that there is (the mutual information between
    image and answer). It is high where each answer is sure and all classes are named.

    Args:
        balanced: on the known site, 0..1.
        mean_entropy: of the answers for the new site, in nats.
        spread: entropy of their mean.
        classes: how many there are.

    Source: Krause et al. 2010 (mutual information as a criterion); Musgrave et al. 2022, arXiv 2208.07360 (source
    accuracy with an unsupervised score chooses well).
    """
    return balanced + (spread - mean_entropy) / math.log(classes)


def alarm(right: int, of: int, best: float, spread: float, known_spread: float) -> str:
    """Why an epoch of an adaptation must not be kept, as a sentence; "" where nothing speaks against it.

    Args:
        right, of: validation images of the known site that are told right, and how many there are.
        best: the best share of them so far.
        spread: entropy of the mean answer for the new site, in nats.
        known_spread: entropy of the labels of the known site.
    """
    high = wilson(right, of)[1]
    if high < best:
        return (
            f"Adaptation destroys the classes: of the known site's validation images {100 * right / of:.0f} % are told "
            f"right now, and {100 * best:.0f} % were before."
        )
    return collapsed(spread, known_spread)


def why_not_align(
    before: float, after: float, guessing: float, told: tuple[float, float], spread: float, known_spread: float
) -> str:
    """Why statistics of a new site must not be kept, as a sentence; "" where nothing speaks against it.

    On the known site, whose statistics are others, a network may lose some accuracy by them (MNIST to MNIST-M: from 99 to
    92 %, while the new site gained from 26 to 60 %); one that loses most of what it knows is destroyed.

    Args:
        before, after: share of the known site's validation images that are right, with its own statistics and with these.
        guessing: share of the largest class among them.
        told: how much the answers for the new site tell (entropy of their mean less their mean entropy), before and after.
        spread, known_spread: as in `collapsed`, afterwards.
    """
    if why := collapsed(spread, known_spread):
        return why
    if before > guessing and after < guessing + (before - guessing) * _KEEPS:
        return (
            f"Adaptation destroys the classes: of the known site's validation images {100 * after:.0f} % would be told right, "
            f"and {100 * before:.0f} % are now."
        )
    return "With the statistics of the new site the answers for it say less than before." if told[1] < told[0] else ""


def collapsed(spread: float, known_spread: float) -> str:
    """Whether the answers for the new site name hardly more than one class, as a sentence; "" where they do not.

    Args:
        spread: entropy of the mean answer for the new site, in nats.
        known_spread: entropy of the labels of the known site.
    """
    if spread < _COLLAPSED * known_spread:
        return "Adaptation destroys the classes: nearly all images of the new site get the same answer."
    return ""
