"""The strategy table: what is trained, for how many images and how similar to everyday photographs.

To add a strategy:
1. append a `Strategy` row with the sentence that people read and the reason for it;
2. give it its place on the two axes in `TABLE`;
3. run `pytest tests/core/test_strategies.py`, which walks every row and every cell.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.errors import UserError

Similarity = Literal["similar", "different"]
Trains = Literal["head", "top", "all"]


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """One way to train.

    Attributes:
        name: the key that people type.
        label, sentence, reason: what people read: what it does, and why one would.
        trains: at the start: the head alone, the head and the top layer groups, or everything.
        pretrained: whether it begins with published weights; else with random ones.
        epochs: passes over the training images when none are asked for.
        patience: epochs without improvement after which it stops by itself.
        head_learning_rate, top_learning_rate: peaks of the one-cycle schedule for the head and for the uppermost
            layer group (`None`: nothing below the head trains by itself).
        stem_factor: the stem's rate as a share of the uppermost group's; those between lie on a geometric ladder.
        group_factor: where it is given, each deeper group's rate is so many times lower instead.
        unfreezing: when one more group trains by itself.
        norm_statistics: of BatchNorm layers that train. Pretrained ones keep theirs: a head is fitted on what they give,
            and with a batch's own mean and variance (32 images, EfficientNet-Lite0, `skin_ham7`) its loss jumped from
            0.02 to 35 and validation accuracy fell from 46 to 21 %.
        clip_norm: largest norm of all gradients together; 0 = not clipped.
        warm_start: whether the head is first fitted on the frozen features (LP-FT; Kumar et al. 2022,
            arXiv 2202.10054), so that a random head does not send distorting gradients into good layers. No row does:
            with a few hundred images such a head knows them by heart already, and the layers below are taught little.
            Top group at 1e-3, head at 3e-3, out of fold, `skin_ham7` / `elpv_solar`: 56 / 85 % of the images with it,
            63 / 85 % without; loss after calibration 1.21 / .35 with it, 1.08 / .33 without.
        views: augmented views of each training image that are kept while the lower part is frozen.
    """

    name: str
    label: str
    sentence: str
    reason: str
    trains: Trains
    pretrained: bool = True
    epochs: int
    patience: int = 10
    head_learning_rate: float
    top_learning_rate: float | None = None
    stem_factor: float = 1.0
    group_factor: float | None = None
    unfreezing: Literal["never", "plateau"] = "never"
    norm_statistics: Literal["auto", "frozen", "batch"] = "frozen"
    warm_start: bool
    views: int


# How many times lower each deeper group's rate is: Howard and Ruder 2018, ULMFiT, arXiv 1801.06146.
_LOWER_EACH = 2.6

_ROWS = (
    Strategy(
        name="feature-extraction",
        label="Feature extraction",
        sentence="The pretrained network stays as it is; only the last layer learns your classes.",
        reason="With few images the network's general features are worth more than what it could learn anew.",
        trains="head",
        epochs=40,
        head_learning_rate=3e-3,
        group_factor=_LOWER_EACH,
        warm_start=False,
        views=4,
    ),
    Strategy(
        name="fine-tune-top",
        label="Fine-tune the top layers",
        sentence="The last layer and the uppermost layers learn your classes; the general layers below stay.",
        reason="With a few thousand images the most specialised layers can adapt without losing what they know.",
        trains="top",
        epochs=15,
        head_learning_rate=3e-3,
        top_learning_rate=1e-3,
        group_factor=_LOWER_EACH,
        warm_start=False,
        views=6,
    ),
    Strategy(
        name="progressive-unfreezing",
        label="Progressive unfreezing",
        sentence="First the last layer learns; whenever it gets no better, one more layer group from the top joins in.",
        reason="Layers that are freed one after another adapt to another kind of picture without forgetting the rest.",
        trains="head",
        epochs=40,
        head_learning_rate=3e-3,
        top_learning_rate=1e-3,
        group_factor=_LOWER_EACH,
        unfreezing="plateau",
        warm_start=False,
        views=4,
    ),
    Strategy(
        name="full-fine-tuning",
        label="Full fine-tuning",
        sentence="Every layer learns, the lower ones more slowly than the upper ones.",
        reason="With many images there is enough evidence to adapt the whole network.",
        trains="all",
        epochs=10,
        head_learning_rate=3e-3,
        top_learning_rate=1e-3,
        stem_factor=0.1,
        warm_start=False,
        views=1,
    ),
    Strategy(
        name="from-scratch",
        label="From scratch",
        sentence="Nothing pretrained is used: every layer begins at random and learns from your images alone.",
        reason="With very many images what other pictures taught may matter less than your own; compare before you rely on it.",
        trains="all",
        pretrained=False,
        epochs=60,
        patience=20,
        head_learning_rate=2e-3,
        top_learning_rate=2e-3,
        norm_statistics="batch",
        warm_start=False,
        views=1,
    ),
)

STRATEGIES: dict[str, Strategy] = {row.name: row for row in _ROWS}
AUTO = "auto"
SMALL, MEDIUM, LARGE = 1_000, 10_000, 100_000
"""A set with fewer images than `SMALL` is small, up to `MEDIUM` medium, up to `LARGE` large, beyond very large."""

# What a run with "auto" does until the engine has measured what decides: the head alone, in any case.
_UNDECIDED = msgspec.structs.replace(
    STRATEGIES["feature-extraction"],
    name=AUTO,
    label="As advised",
    sentence="What learns is decided when the network has seen your images: what it recognises as it is decides most.",
    reason="A measurement on your own images says more than a rule.",
)


def strategy(name: str) -> Strategy:
    """The row of that name; of "auto", what is known before it is decided.

    Raises:
        UserError: there is none; the remedy lists those that exist.
    """
    if name == AUTO:
        return _UNDECIDED
    try:
        return STRATEGIES[name]
    except KeyError:
        raise UserError(
            f"There is no strategy named '{name}'.", f"Choose one of: {', '.join(STRATEGIES)}, {AUTO}."
        ) from None


class TableCell(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the textbook's table: a size, a kind of picture, and what it advises there.

    Attributes:
        size, kind: the two conditions in words.
        fewest: images in all from which on it holds; the next row's is where it ends.
        similarity: `None` = for any kind.
        strategy: name of the row.
        adaptation: whether domain adaptation belongs to it.
        perhaps: another row that the textbook names with a "maybe", or "".
    """

    size: str
    kind: str
    fewest: int
    similarity: Similarity | None
    strategy: str
    adaptation: bool = False
    perhaps: str = ""


TABLE: tuple[TableCell, ...] = (
    TableCell(
        size=f"below {SMALL:,}",
        kind="photograph-like",
        fewest=0,
        similarity="similar",
        strategy="feature-extraction",
    ),
    TableCell(
        size=f"below {SMALL:,}",
        kind="another kind",
        fewest=0,
        similarity="different",
        strategy="feature-extraction",
        adaptation=True,
    ),
    TableCell(
        size=f"{SMALL:,} to {MEDIUM:,}",
        kind="photograph-like",
        fewest=SMALL,
        similarity="similar",
        strategy="fine-tune-top",
    ),
    TableCell(
        size=f"{SMALL:,} to {MEDIUM:,}",
        kind="another kind",
        fewest=SMALL,
        similarity="different",
        strategy="progressive-unfreezing",
        adaptation=True,
    ),
    TableCell(size=f"above {MEDIUM:,}", kind="any", fewest=MEDIUM + 1, similarity=None, strategy="full-fine-tuning"),
    TableCell(
        size=f"above {LARGE:,}",
        kind="any",
        fewest=LARGE + 1,
        similarity=None,
        strategy="full-fine-tuning",
        perhaps="from-scratch",
    ),
)


def cell_for(images: int, similarity: Similarity | None) -> TableCell:
    """The row of the table for `images` (used ones, in all); without an answer they count as similar to photographs."""
    reached = max(cell.fewest for cell in TABLE if cell.fewest <= images)
    wanted = (similarity or "similar", None)
    return next(cell for cell in TABLE if cell.fewest == reached and cell.similarity in wanted)


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What the table says for one dataset.

    Attributes:
        strategy: the row.
        top_groups: how many layer groups below the head, for "fine-tune-top".
        adaptation: whether domain adaptation belongs to it.
        sentence: the reason, for people.
    """

    strategy: Strategy
    top_groups: int
    adaptation: bool = False
    sentence: str


_MEASURED: dict[Similarity, str] = {
    "similar": "to the network they look like everyday photographs, or nearly so",
    "different": "to the network they look like another kind of picture",
}


def recommend(images: int, similarity: Similarity | None, measured: bool = False) -> Advice:
    """The textbook's advice for `images` (used ones, in all) and the person's own answer on similarity.

    Without an answer the images count as similar to everyday photographs, and the sentence says so. `measured`: the
    answer is the network's, not the person's.
    """
    kind = (
        _MEASURED[similarity]
        if measured and similarity
        else {
            "similar": "you said that they are like everyday photographs",
            "different": "you said that they are another kind of picture",
            None: "nothing was said about their kind, so they count as like everyday photographs",
        }[similarity]
    )
    cell = cell_for(images, similarity)
    row = STRATEGIES[cell.strategy]
    size = {
        0: f"fewer than {SMALL:,}",
        SMALL: f"between {SMALL:,} and {MEDIUM:,}",
        MEDIUM + 1: f"more than {MEDIUM:,}",
        LARGE + 1: f"more than {LARGE:,}",
    }[cell.fewest]
    perhaps = f" Training {STRATEGIES[cell.perhaps].label.lower()} may be worth a comparison." if cell.perhaps else ""
    sentence = f"{images:,} images are {size}, and {kind}: {row.label.lower()}. {row.reason}{perhaps}"
    return Advice(strategy=row, top_groups=1, adaptation=cell.adaptation, sentence=sentence)


def missing_adaptation(strategy_name: str, similarity: Similarity | None) -> str:
    """What a row of domain adaptation says as long as there are no target images: it trains without that term; or ""."""
    if similarity != "different" or strategy_name not in {cell.strategy for cell in TABLE if cell.adaptation}:
        return ""
    return (
        "Domain adaptation belongs to this row where there are unlabelled images of another site or scanner. "
        "There are none, so it trains without that term."
    )
