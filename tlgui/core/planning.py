"""From what a person asked for to what a run does: every hyperparameter gets its value before the run begins."""

from __future__ import annotations

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.records import ImageRecord
from tlgui.core.run_spec import Training
from tlgui.core.split import PARTS, Part
from tlgui.core.strategies import STRATEGIES, Advice, recommend, strategy

# For a row whose lower layers are frozen at first: what groups get that are unfrozen later.
_LATER_TOP_RATE = STRATEGIES["fine-tune-top"].top_learning_rate


def resolve(training: Training, images: int) -> tuple[Training, Advice | None]:
    """Fills in what was left open, from the strategy's row.

    Args:
        training: as asked for.
        images: used ones, in all.

    Returns:
        Training without open values, and the advice where the strategy was "auto".

    Raises:
        UserError: there is no such strategy.
    """
    advice = recommend(images, training.similarity) if training.strategy == "auto" else None
    row = advice.strategy if advice else strategy(training.strategy)
    top_rate = row.top_learning_rate or _LATER_TOP_RATE
    defaults = {
        "top_groups": advice.top_groups if advice else 1,
        "epochs": row.epochs,
        "head_learning_rate": row.head_learning_rate,
        "top_learning_rate": top_rate,
        "stem_factor": row.stem_factor,
        "views": row.views if training.augmentation != "off" else 1,
    }
    open_values = {name: value for name, value in defaults.items() if getattr(training, name) is None}
    return msgspec.structs.replace(training, strategy=row.name, **open_values), advice


def first_trainable(training: Training, head: int) -> int:
    """Index of the lowest layer group that trains from the start.

    Args:
        training: resolved.
        head: index of the head; groups count from the stem, 0.
    """
    match strategy(training.strategy).trains:
        case "head":
            return head
        case "top":
            return max(0, head - (training.top_groups or 1))
        case "all":
            return 0


def ladder_rates(head: int, first: int, head_rate: float, top_rate: float, stem_factor: float) -> dict[int, float]:
    """Peak learning rates of the layer groups from `first` on, by index.

    The head has its own. Below it, rates fall geometrically from the uppermost group to `stem_factor` times that at
    the stem.

    Args:
        head: index of the head; groups count from the stem, 0.
        first: index of the lowest group that trains.
        head_rate, top_rate, stem_factor: as in a resolved `Training`.
    """
    peaks = {head: head_rate}
    for index in range(first, head):
        depth = (head - 1 - index) / max(1, head - 1)
        peaks[index] = top_rate * stem_factor**depth
    return peaks


def check_parts(records: list[ImageRecord], parts: dict[str, Part]) -> None:
    """Makes sure that there is something to train and something to choose the best epoch by.

    Raises:
        UserError: train or validation is empty, or training would see one class alone.
    """
    held = {part: [record for record in records if parts[record.path] == part] for part in PARTS}
    for part in ("train", "validation"):
        if not held[part]:
            raise UserError(
                f"No image is left for the {part} part.",
                "Add images: each class needs at least two, better twenty.",
                code="too_few_images",
            )
    if len({record.class_name for record in held["train"]}) < 2:
        raise UserError(
            "All training images are of one class.",
            "Put images of at least two classes into the training folder.",
            code="one_class",
        )
