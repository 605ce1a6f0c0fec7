"""The strategy table: what is trained, for how many images and how similar to everyday photographs.

To add a strategy:
1. append a `Strategy` row with the sentence that people read and the reason for it;
2. give it its place on the two axes in `recommend`;
3. run `pytest tests/core/test_strategies.py`, which walks every row.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.errors import UserError

Similarity = Literal["similar", "different"]


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    Attributes:
        name: the key that people type.
        label, sentence, reason: what people read: what it does, and why one would.
        trains: the head alone, the head and the top layer groups, or everything.
        epochs: passes over the training images when none are asked for.
        head_learning_rate, top_learning_rate: peaks of the one-cycle schedule for the head and for the uppermost
            layer group (`None`: nothing below the head trains).
        stem_factor: the stem's rate as a share of the uppermost group's; those between lie on a geometric ladder.
        warm_start: whether the head is first fitted on the frozen features (LP-FT; Kumar et al. 2022,
            arXiv 2202.10054), so that a random head does not send distorting gradients into good layers.
        views: augmented views of each training image that are kept while the lower part is frozen.
    """

    name: str
    label: str
    sentence: str
    reason: str
    trains: Literal["head", "top", "all"]
    epochs: int
    head_learning_rate: float
    top_learning_rate: float | None = None
    stem_factor: float = 1.0
    warm_start: bool
    views: int


_ROWS = (
    Strategy(
        name="feature-extraction",
        label="Feature extraction",
        sentence="The pretrained network stays as it is; only a new last layer learns your classes.",
        reason="With few images the network's general features are worth more than what it could learn anew.",
        trains="head",
        epochs=40,
        head_learning_rate=3e-3,
        warm_start=False,
        views=4,
    ),
    Strategy(
        name="fine-tune-top",
        label="Fine-tune the top layers",
        sentence="A new last layer and the uppermost layers learn your classes; the general layers below stay.",
        reason="With a few thousand images the most specialised layers can adapt without losing what they know.",
        trains="top",
        epochs=15,
        head_learning_rate=1e-3,
        top_learning_rate=1e-4,
        warm_start=True,
        views=4,
    ),
    Strategy(
        name="full-fine-tuning",
        label="Full fine-tuning",
        sentence="Every layer learns, the lower ones more slowly than the upper ones.",
        reason="With many images there is enough evidence to adapt the whole network.",
        trains="all",
        epochs=10,
        head_learning_rate=1e-3,
        top_learning_rate=5e-4,
        stem_factor=0.01,
        warm_start=True,
        views=1,
    ),
)

STRATEGIES: dict[str, Strategy] = {row.name: row for row in _ROWS}
MEDIUM = 1_000
LARGE = 10_000


def strategy(name: str) -> Strategy:
    """The row of that name.

    Raises:
        UserError: there is none; the remedy lists those that exist.
    """
    try:
        return STRATEGIES[name]
    except KeyError:
        raise UserError(
            f"There is no strategy named '{name}'.", f"Choose one of: {', '.join(STRATEGIES)}, auto."
        ) from None


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What the table says for one dataset: a row, how many top groups, and the sentence that gives the reason."""

    strategy: Strategy
    top_groups: int
    sentence: str


def recommend(images: int, similarity: Similarity | None) -> Advice:
    """The row that fits `images` (used ones, in all) and the person's own answer on similarity.

    Without an answer the images count as similar to everyday photographs, and the sentence says so.

    Pictures unlike everyday photographs get one layer group more from a thousand images on, since the uppermost
    features are the most specialised ones.
    """
    kind = {
        "similar": "you said that they are like everyday photographs",
        "different": "you said that they are another kind of picture",
        None: "nothing was said about their kind, so they count as like everyday photographs",
    }[similarity]
    if images < MEDIUM:
        row, groups, size = STRATEGIES["feature-extraction"], 1, f"fewer than {MEDIUM:,}"
    elif images <= LARGE:
        row, groups = STRATEGIES["fine-tune-top"], 2 if similarity == "different" else 1
        size = f"between {MEDIUM:,} and {LARGE:,}"
    else:
        row, groups, size = STRATEGIES["full-fine-tuning"], 1, f"more than {LARGE:,}"
    what = row.label.lower() if groups == 1 else f"fine-tune the top {groups} layer groups"
    sentence = f"{images:,} images are {size}, and {kind}: {what}. {row.reason}"
    return Advice(strategy=row, top_groups=groups, sentence=sentence)
