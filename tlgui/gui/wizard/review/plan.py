"""What the run will do, worked out from the draft without torch: layers, parameters, rates and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tlgui.core.backbones import Backbone
from tlgui.core.events import GroupState
from tlgui.core.planning import first_trainable, ladder_rates
from tlgui.core.run_spec import Training
from tlgui.core.strategies import strategy


def ladder(row: Backbone, training: Training, classes: int) -> list[GroupState]:
    """The layer groups from the stem to the head, as the engine will report them when the run begins.

    Args:
        row: the backbone.
        training: resolved.
        classes: number of outputs.
    """
    head = len(row.groups)
    first = first_trainable(training, head)
    rates = ladder_rates(
        head,
        first,
        training.head_learning_rate or 0.0,
        training.top_learning_rate or 0.0,
        training.stem_factor or 1.0,
    )
    names = [*(group.name for group in row.groups), "head"]
    sizes = [*row.group_parameters, row.head_parameters(classes)]
    return [
        GroupState(name=name, parameters=size, trainable=i >= first, learning_rate=rates.get(i))
        for i, (name, size) in enumerate(zip(names, sizes, strict=True))
    ]


def learning(groups: Sequence[GroupState]) -> tuple[int, int]:
    """Parameters that learn from the start, and all of them."""
    return sum(group.parameters for group in groups if group.trainable), sum(group.parameters for group in groups)


@dataclass(frozen=True)
class Facts:
    """What the paragraph speaks of; counts are images."""

    backbone: Backbone
    training: Training
    classes: list[str]
    train: int
    validation: int
    test: int


def paragraph(facts: Facts) -> str:
    """The run in plain words."""
    return " ".join((_what(facts), _how(facts), _validation(facts), _test(facts), _kept()))


def _what(facts: Facts) -> str:
    return (
        f"{facts.backbone.label} will learn to tell {_classes(facts.classes)} apart from "
        f"{_images(facts.train, 'training image')}."
    )


def _how(facts: Facts) -> str:
    row = strategy(facts.training.strategy)
    groups = facts.training.top_groups or 1
    if row.trains == "top" and groups > 1:
        return f"A new last layer and the {groups} layer groups below it learn; the general layers below stay."
    return row.sentence


def _validation(facts: Facts) -> str:
    epochs = facts.training.epochs or 1
    stops_early = 0 < facts.training.patience < epochs
    passes = (
        f"There are {'up to ' if stops_early else ''}{epochs:,} passes over the training images (epochs); after each,"
        if epochs > 1
        else "There is one pass over the training images (an epoch); after it,"
    )
    measure = {
        "validation_loss": "the smallest error on the validation images",
        "balanced_accuracy": "the best balanced accuracy on the validation images",
    }[facts.training.best_by]
    stop = ""
    if stops_early:
        passed = _images(facts.training.patience, "epoch")
        stop = f", and training stops by itself when {passed} in a row bring nothing better"
    return (
        f"{passes} {_images(facts.validation, 'validation image')} that the network does not "
        f"learn from say how good it is. The epoch with {measure} is kept{stop}."
    )


def _test(facts: Facts) -> str:
    if facts.test == 0:
        return (
            "There are no test images, so the final score comes from the validation images and is a little optimistic."
        )
    verb = "is" if facts.test == 1 else "are"
    return f"{_images(facts.test, 'test image').capitalize()} {verb} read once, at the very end, for the score."


def _kept() -> str:
    return "The model, all settings, the list of images and everything that the run says are kept in the run folder."


def _classes(names: list[str]) -> str:
    if len(names) > 4:
        return f"{len(names):,} classes"
    quoted = [f"“{name}”" for name in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)


def _images(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
