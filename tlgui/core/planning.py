"""From what a person asked for to what a run does: every hyperparameter gets its value before the run begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tlgui.core.adaptation import PROJECTION_UNITS, needs_projection
from tlgui.core.augmentations import augmentation
from tlgui.core.errors import UserError
from tlgui.core.records import ImageRecord
from tlgui.core.retention import why_not
from tlgui.core.run_spec import Imbalance, RunSpec, Training, contradiction
from tlgui.core.split import PARTS, Part
from tlgui.core.strategies import AUTO, STRATEGIES, Advice, Strategy, recommend, strategy

if TYPE_CHECKING:
    from tlgui.core.events import StrategyChosen

# For a row whose lower layers are frozen at first: what groups get that are unfrozen later.
_LATER_TOP_RATE = STRATEGIES["fine-tune-top"].top_learning_rate
# What a person says of the pictures and of what is kept: no row and no preset fills it in.
OWN_ANSWERS = ("similarity", "mirror", "keep_strength")
# The largest class has more than so many times the images of the smallest.
IMBALANCED = 3.0
# What "auto" does about it.
BY_ITSELF: Imbalance = "logit-adjustment"


def resolve(training: Training, images: int) -> tuple[Training, Advice | None]:
    """Fills in what was left open, from the strategy's row; of "auto", as the textbook's table advises.

    Args:
        training: as asked for.
        images: used ones, in all.

    Returns:
        Training without open values, and the advice where the strategy was "auto".

    Raises:
        UserError: there is no such strategy or augmentation.
    """
    advice = recommend(images, training.similarity) if training.strategy == AUTO else None
    row = advice.strategy if advice else strategy(training.strategy)
    return settled(training, row, advice.top_groups if advice else 1), advice


def prepared(training: Training) -> Training:
    """What a run folder begins with: everything filled in, but for "auto", which the engine decides.

    Raises:
        UserError: there is no such strategy or augmentation, or values do not go together.
    """
    augmentation(training.augmentation)
    full = training if training.strategy == AUTO else resolve(training, 0)[0]
    if needs_projection(training, strategy(training.strategy).trains == "head"):
        full = msgspec.structs.replace(full, head="hidden", head_units=PROJECTION_UNITS)
    if found := contradiction(full) or why_not(full):
        raise UserError(f"Some values do not go together: {found}.", "Change or leave out one of them.")
    return full


def settled(training: Training, row: Strategy, top_groups: int) -> Training:
    """Training by a row of the table, without open values but for the person's own answers."""
    plain = augmentation(training.augmentation).changes_nothing
    defaults: dict[str, Any] = {
        "top_groups": top_groups,
        "epochs": row.epochs,
        "patience": row.patience,
        "head_learning_rate": row.head_learning_rate,
        "top_learning_rate": row.top_learning_rate or _LATER_TOP_RATE,
        "stem_factor": row.stem_factor,
        "unfreezing": "schedule" if training.unfreeze_at else row.unfreezing,
        "norm_statistics": row.norm_statistics,
        "warm_start": row.warm_start,
        "views": 1 if plain else row.views,
    }
    if training.stem_factor is None:
        defaults["group_factor"] = row.group_factor
    open_values = {name: value for name, value in defaults.items() if getattr(training, name) is None}
    return msgspec.structs.replace(training, strategy=row.name, **open_values)


def decided(spec: RunSpec, chosen: StrategyChosen) -> RunSpec:
    """The spec of a run that began as "auto", with what became of it; as it is where "auto" was settled there already."""
    row = STRATEGIES.get(chosen.strategy)
    if spec.training.strategy != AUTO or row is None:
        return spec
    return msgspec.structs.replace(spec, training=settled(spec.training, row, chosen.top_groups))


def asked_for(spec: RunSpec) -> RunSpec:
    """The spec of a run of which "auto" was settled, as it was asked for; any other as it is.

    What has the value that the row fills in counts as left open.
    """
    row = STRATEGIES.get(spec.chosen.strategy) if spec.chosen is not None else None
    if spec.chosen is None or row is None:
        return spec
    asked = msgspec.structs.replace(spec.training, strategy=AUTO)
    filled = settled(reopened(asked), row, spec.chosen.top_groups)
    names = (name for name in Training.__struct_fields__ if name not in (*OWN_ANSWERS, "strategy"))
    left_open = {name: None for name in names if getattr(Training(), name) is None
                 and getattr(asked, name) == getattr(filled, name)}  # fmt: skip
    return msgspec.structs.replace(spec, training=msgspec.structs.replace(asked, **left_open), chosen=None)


def reopened(training: Training) -> Training:
    """The same with what a strategy's row fills in left open again, but for the person's own answers."""
    default = Training()
    names = [name for name in Training.__struct_fields__ if getattr(default, name) is None and name not in OWN_ANSWERS]
    return msgspec.structs.replace(training, **dict.fromkeys(names))


def first_trainable(training: Training, head: int) -> int:
    """Index of the lowest layer group that trains from the start.

    Args:
        training: resolved, or of "auto" that is not decided yet.
        head: index of the head; groups count from the stem, 0.
    """
    match strategy(training.strategy).trains:
        case "head":
            return head
        case "top":
            return max(0, head - (training.top_groups or 1))
        case "all":
            return 0


def ladder_rates(training: Training, names: Sequence[str], first: int) -> dict[int, float]:
    """Peak learning rates of the layer groups from `first` on, by index.

    The head has its own. Below it, rates fall from the uppermost group: by `group_factor` each where there is one, else
    geometrically to `stem_factor` times the uppermost group's at the stem. What was given for a group by name goes first.

    Args:
        training: resolved.
        names: of all groups, from the stem to the head.
        first: index of the lowest group that trains.
    """
    head = len(names) - 1
    head_rate, top_rate = training.head_learning_rate or 0.0, training.top_learning_rate or 0.0
    peaks = {head: head_rate}
    for index in range(first, head):
        depth = head - 1 - index
        if training.group_factor is not None:
            peaks[index] = top_rate / training.group_factor**depth
        else:
            peaks[index] = top_rate * (training.stem_factor or 1.0) ** (depth / max(1, head - 1))
    return {index: training.group_learning_rates.get(names[index], rate) for index, rate in peaks.items()}


def view_of(training: Training, epoch: int) -> int:
    """The view of each training image that an epoch (from 0) sees while the frozen part is kept: 0 is the plain one.

    The first `views` epochs see as many views in turn; after every `view_every` epochs a new one joins them, so that the
    switches of the augmentation keep their effect in a long run. Where no view ever joins and there is one for each
    epoch, each sees a varied one of its own, as a loader draws it.
    """
    views, every = training.views or 1, training.view_every
    if augmentation(training.augmentation).changes_nothing:
        return 0
    if not every and 1 < (training.epochs or 1) <= views:
        return epoch + 1
    grown = epoch // every if every and views > 1 else 0
    if grown and epoch % every == 0 and epoch >= views:
        return views + grown - 1
    return epoch % (views + grown)


def views_in_all(training: Training) -> int:
    """How many views a run of all its epochs sees while the frozen part is kept."""
    return len({view_of(training, epoch) for epoch in range(training.epochs or 1)})


def imbalance_in_use(training: Training, labels: Sequence[int]) -> Imbalance:
    """What is done about classes of unequal size: never "auto".

    Args:
        training: of the run.
        labels: of the training images.
    """
    return imbalance_of_counts(training, list(Counter(labels).values()))


def imbalance_of_counts(training: Training, counts: Sequence[int]) -> Imbalance:
    """The same from how many training images each class has that has any."""
    if training.imbalance != "auto":
        return training.imbalance
    return BY_ITSELF if counts and max(counts) > IMBALANCED * min(counts) else "off"


def check_parts(records: list[ImageRecord], parts: dict[str, Part], fewest_classes: int = 2) -> None:
    """Makes sure that there is something to train and something to choose the best epoch by.

    Raises:
        UserError: train or validation is empty, or training would see fewer classes than it needs: a network that
            learns on knows others already.
    """
    held = {part: [record for record in records if parts[record.path] == part] for part in PARTS}
    for part in ("train", "validation"):
        if not held[part]:
            raise UserError(
                f"No image is left for the {part} part.",
                "Add images: each class needs at least two, better twenty.",
                code="too_few_images",
            )
    if len({record.class_name for record in held["train"]}) < fewest_classes:
        raise UserError(
            "All training images are of one class.",
            "Put images of at least two classes into the training folder.",
            code="one_class",
        )
