"""Domain adaptation: ways to make a network see images of a new site as it sees the known ones, without their labels.

To add a way: append a row, give it its loss in `engine/adaptation/term.py` (or, where it changes the trained network
afterwards, in `engine/adaptation/after.py`), and run `pytest tests/core/test_adaptation.py tests/engine/test_term.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.paired import compare
from tlgui.core.run_spec import Adapt, Training

# The projection that adaptation moves on a frozen network: as wide as the discriminator.
PROJECTION_UNITS = 256
# Predictions for the new site have collapsed where they are so much less spread over the classes than the labels of
# the known site are (as entropies).
_COLLAPSED = 0.4
# A judge that is right so often has won: it is .5 where it cannot tell, and no gradient comes from one that is sure.
_TELLS = 0.95


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


def too_few_at_once(training: Training) -> bool:
    """Whether a step would see one image alone, which tells nothing of how two sites differ."""
    row = ADAPTATIONS.get(training.adapt)
    return row is not None and row.during and training.batch_size == 1


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


def alarm(
    now: Mapping[int, bool], best: Mapping[int, bool], spread: float, known_spread: float, groups: Sequence[str] = ()
) -> str:
    """Why an epoch of an adaptation must not be kept, as a sentence; "" where nothing speaks against it.

    It rings where fewer of the known site's validation images are right than there were, by more than the paired interval
    of the difference: the images are the same, and an epoch that has one or two others wrong destroys nothing.
    Nor does one that is wrong about a single patient, however many images there are of theirs.

    Args:
        now, best: whether each of these images is told right, by its number: in this epoch, and in the one that had most.
        spread: entropy of the mean answer for the new site, in nats.
        known_spread: entropy of the labels of the known site.
        groups: of each of these images by its number, as in `paired.compare`.
    """
    found = compare(now, best, groups)
    if found.outcome == "hurt":
        return (
            f"Adaptation destroys the classes: of the known site's validation images {100 * found.a:.0f} % are told "
            f"right now, and {100 * found.b:.0f} % were before."
        )
    return collapsed(spread, known_spread)


def in_vain(judged: float | None, alarmed: bool) -> str:
    """What says that an adaptation has not helped, as a sentence; "" where nothing does.

    Args:
        judged: share of images whose site the judge told right in the epoch that is kept; `None` without a judge.
        alarmed: whether that epoch raised the alarm.
    """
    if alarmed:
        return (
            "Every epoch raised the alarm, so the one that tells most of the known site right is kept: nothing says that "
            "adapting has helped. Train without it, with less weight, or adapt in another way."
        )
    if judged is not None and judged >= _TELLS:
        return (
            f"In the epoch that is kept the judge tells the sites apart in {100 * judged:.0f} % of the images, so the network "
            "does not see them alike: nothing says that adapting has helped. Train without it, or adapt in another way."
        )
    return ""


def why_not_align(before: tuple[float, float], after: tuple[float, float], known_spread: float) -> str:
    """Why statistics of a new site must not be kept, as a sentence; "" where nothing speaks against it.

    Answers that are less sure than before must tell more by at least as much: an alignment spreads the answers over all classes
    where the new site has hardly more than one, too, and that alone would look like a gain.

    How the known site's images are told with these statistics is no reason: it has others, and the further the sites lie
    apart, the worse it is told, also where the new site gains most (see the README, "Adapting to a new site").

    Args:
        before, after: mean entropy of the answers for the new site, and entropy of their mean, in nats.
        known_spread: as in `collapsed`.
    """
    if why := collapsed(after[1], known_spread):
        return why
    less_sure = after[0] - before[0]
    told = (after[1] - after[0]) - (before[1] - before[0])
    if told < 0:
        return "With the statistics of the new site the answers for it say less than before."
    if told < less_sure:
        return (
            "With the statistics of the new site the answers for it are less sure and only more evenly spread: so it is where a "
            "site has other shares of the classes."
        )
    return ""


def collapsed(spread: float, known_spread: float) -> str:
    """Whether the answers for the new site name hardly more than one class, as a sentence; "" where they do not.

    Args:
        spread: entropy of the mean answer for the new site, in nats.
        known_spread: entropy of the labels of the known site.
    """
    if spread < _COLLAPSED * known_spread:
        return "Adaptation destroys the classes: nearly all images of the new site get the same answer."
    return ""
