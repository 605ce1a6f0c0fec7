"""Learning on without forgetting: ways to keep what a network knows while it learns something new.

To add a way: append a row, give it its penalty in `engine/retention/keeper.py` (or, where it changes the trained network
afterwards, its part in `engine/retention/averaging.py`), and run `pytest tests/core/test_retention.py
tests/engine/test_retention.py`.
"""

from __future__ import annotations

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.run_spec import Keep, Training
from tlgui.core.strategies import AUTO, strategy

# What `--from` keeps by where nothing is said.
USUAL: Keep = "ewc"
# Of a new head, beside L2-SP's pull to the start: the beta of its paper.
NEW_HEAD_PENALTY = 0.01
# Steps of the curve that averaging is chosen on.
SHARES = tuple(step / 10 for step in range(11))


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way of keeping.

    Attributes:
        name: as it is typed.
        label, sentence: for people.
        during: whether it is a penalty in the training loss; else it changes the trained network afterwards.
        strength: by default; `None` = chosen on validation images.
        most: the largest strength that means anything; `None` = there is none.
        strength_words: what the strength is, for people.
        source: the paper.
    """

    name: Keep
    label: str
    sentence: str
    during: bool
    strength: float | None
    most: float | None = None
    strength_words: str
    source: str


# Strengths tried by a throw-away script on two pairs of small real sets (insects and ultrasound, either first; the embedded
# network, its top layers, 4 epochs). Not held at all, 0 and 33 % of the earlier images stayed right; with EWC at 1, 75 and
# 78 %, and at 100, 83 and 81 %, as before; with L2-SP at .1, the paper's, 38 and 74 %, and at 10, 79 and 81 %. The new images
# were no worse. EWC stands between the two.
_ROWS = (
    Way(
        name="ewc",
        label="Hold what matters (EWC)",
        sentence="Each weight is held the harder, the more the earlier task depends on it.",
        during=True,
        strength=10.0,
        strength_words="how hard the weights are held, for the average one",
        source="Kirkpatrick et al. 2017, arXiv 1612.00796",
    ),
    Way(
        name="l2sp",
        label="Hold everything alike (L2-SP)",
        sentence="Every weight is held at where it began, all alike.",
        during=True,
        strength=10.0,
        strength_words="how hard every weight is held",
        source="Li et al. 2018, arXiv 1802.01483",
    ),
    Way(
        name="average",
        label="Average old and new (WiSE-FT)",
        sentence="After training, the weights become a mix of those before and those after.",
        during=False,
        strength=None,
        most=1.0,
        strength_words="share of the earlier weights in the mix",
        source="Wortsman et al. 2022, arXiv 2109.01903",
    ),
)

WAYS: dict[str, Way] = {row.name: row for row in _ROWS}


def way_of(name: str) -> Way:
    """The row of that name.

    Raises:
        UserError: there is none.
    """
    if name not in WAYS:
        raise UserError(
            f"There is no way of keeping named '{name}'.",
            f"Choose among {', '.join(WAYS)}, or none.",
            code="no_such_keep",
        )
    return WAYS[name]


def strength_of(training: Training) -> float | None:
    """How hard a run holds on to what it knows; `None` where averaging chooses, or nothing is kept."""
    if training.keep == "none" or training.keep_strength is not None:
        return training.keep_strength
    return way_of(training.keep).strength


def why_not(training: Training) -> str:
    """Why a run cannot keep what it knows as it is asked to, without a full stop; "" where it can."""
    if training.keep == "none":
        return ""
    way = way_of(training.keep)
    if training.strategy != AUTO and not strategy(training.strategy).pretrained:
        return f"`keep` holds on to what a network knows, and '{training.strategy}' begins with one that knows nothing"
    if way.most is not None and training.keep_strength is not None and training.keep_strength > way.most:
        return f"`keep_strength` of '{way.name}' is the {way.strength_words}, at most {way.most:g}"
    return ""
