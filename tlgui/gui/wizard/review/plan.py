"""What the run will do, worked out from the draft without torch: layers, parameters, rates and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tlgui.core.backbones import Backbone
from tlgui.core.events import GroupState
from tlgui.core.heads import head_of
from tlgui.core.planning import first_trainable, ladder_rates
from tlgui.core.retention import WAYS, strength_of
from tlgui.core.run_spec import Training
from tlgui.core.strategies import AUTO, recommend, strategy
from tlgui.gui.new_site import way_of
from tlgui.gui.numbers import counted

_MEASURES = {
    "calibrated_loss": "the smallest calibrated error on the validation images",
    "validation_loss": "the smallest error on the validation images",
    "balanced_accuracy": "the best balanced accuracy on the validation images",
    "accuracy": "the best accuracy on the validation images",
}
# Of a run that continues another one the last layer is not new.
_HOW_ON = {
    "head": "Only the last layer learns on; all others stay.",
    "top": "The last layer and the {groups} below it learn on; the general layers below stay.",
    "all": "All layers learn on.",
}
_PLATEAU_ON = "First the last layer learns on, then one group after another from the top."
_BOTH_SITES = "the best score over both sites (right on the validation images, sure and spread on the new site)"


def ladder(row: Backbone, training: Training, classes: int) -> list[GroupState]:
    """The layer groups from the stem to the head, as the engine will report them when the run begins.

    Args:
        row: the backbone.
        training: resolved, or of "auto", of which it shows what is sure: the head.
        classes: number of outputs.
    """
    head = len(row.groups)
    first = first_trainable(training, head)
    names = [*(group.name for group in row.groups), "head"]
    rates = ladder_rates(training, names, first)
    sizes = [*row.group_parameters, row.head_parameters(classes, head_of(training))]
    return [
        GroupState(name=name, parameters=size, trainable=i >= first, learning_rate=rates.get(i))
        for i, (name, size) in enumerate(zip(names, sizes, strict=True))
    ]


def learning(groups: Sequence[GroupState]) -> tuple[int, int]:
    """Parameters that learn from the start, and all of them."""
    return sum(group.parameters for group in groups if group.trainable), sum(group.parameters for group in groups)


@dataclass(frozen=True)
class Facts:
    """What the paragraph speaks of; counts are images.

    Attributes:
        training: resolved.
        open: "As advised" is not decided yet: `training` is what the textbook's table advises.
        source: the earlier run that it begins with, in a few words; "" = none.
        site: the new site that it adapts to, by the name of its folder; "" = none.
        layer: whether a layer is added for that; `training` has it already.
        continues: the run that it continues, by its name; "" = none.
        keeps: how it holds on to what it knows, as a sentence; "" = not at all.
        meter: by what it is seen how much is left, as a sentence.
        bare: classes that it knows, of which there are no new images and earlier ones are at hand.
    """

    backbone: Backbone
    training: Training
    classes: list[str]
    train: int
    validation: int
    test: int
    open: bool = False
    source: str = ""
    site: str = ""
    layer: bool = False
    continues: str = ""
    keeps: str = ""
    meter: str = ""
    bare: int = 0


def paragraph(facts: Facts) -> str:
    """The run in plain words."""
    return " ".join(
        filter(
            None,
            (
                _what(facts),
                _how(facts),
                facts.keeps,
                _again(facts),
                facts.meter,
                _adapts(facts),
                _validation(facts),
                _test(facts),
                _kept(),
            ),
        )
    )


def _what(facts: Facts) -> str:
    return (
        f"{facts.backbone.label} will learn to tell {_classes(facts.classes)} apart from "
        f"{_images(facts.train, 'training image')}.{_begins(facts)}"
    )


def _begins(facts: Facts) -> str:
    if facts.continues:
        return (
            f" It continues the run “{facts.continues}”: its classes and its last layer stay, and images that it knows already "
            "test nothing."
        )
    if not facts.source or not strategy(facts.training.strategy).pretrained:
        return ""
    return f" It begins with what {facts.source} has learned; images that this run knows already test nothing."


def _how(facts: Facts) -> str:
    training = facts.training
    row = strategy(AUTO if facts.open else training.strategy)
    groups = training.top_groups or 1
    if facts.open:
        images = facts.train + facts.validation + facts.test
        label = recommend(images, training.similarity).strategy.label
        return f"{row.sentence} The table alone would say: {label[0].lower()}{label[1:]}."
    if facts.continues:
        said = _HOW_ON[row.trains] if row.unfreezing != "plateau" or training.unfreezing != "plateau" else _PLATEAU_ON
        said = said.replace("{groups}", f"{groups} layer groups" if groups > 1 else "layer group")
    elif row.trains == "top" and groups > 1:
        said = f"A new last layer and the {groups} layer groups below it learn; the general layers below stay."
    elif row.unfreezing == "plateau" and training.unfreezing != "plateau":
        said = "First the last layer learns."
    else:
        said = row.sentence
    return f"{said}{_later(training)}"


def keeping(continues: bool, training: Training) -> str:
    """How a run holds on to what it knows, as a sentence; of one that continues another one, also that it does not."""
    way, strength = WAYS.get(training.keep), strength_of(training)
    if way is None:
        return "Nothing holds on to what it knows already, so it may forget." if continues else ""
    if strength is not None:
        how = f"The strength is {strength:g}: {way.strength_words}."
    else:
        how = f"The {way.strength_words} is chosen on validation images."
    return f"What it knows already is kept by “{way.label}”: {way.sentence[0].lower()}{way.sentence[1:]} {how}"


def _adapts(facts: Facts) -> str:
    way = way_of(facts.training)
    if way is None or not facts.site:
        return ""
    layer = (
        f" A layer of {facts.training.head_units} units is put before the last one, since adapting could move nothing in a "
        "frozen network."
        if facts.layer
        else ""
    )
    return (
        f"It adapts to the images in “{facts.site}” by “{way.label}”: {way.sentence[0].lower()}{way.sentence[1:]} Labels of "
        f"these images are never read, so the scores are of the known site.{layer}"
    )


def _measure(training: Training) -> str:
    """By what the best epoch is chosen."""
    way = way_of(training)
    return _BOTH_SITES if way is not None and way.during else _MEASURES[training.best_by]


def _later(training: Training) -> str:
    row = strategy(training.strategy)
    if row.trains == "all":
        return ""
    if training.unfreezing == "schedule" and training.unfreeze_at:
        *first, last = (str(epoch) for epoch in training.unfreeze_at)
        epochs = f"epochs {', '.join(first)} and {last}" if first else f"epoch {last}"
        return f" One more layer group from the top joins in after {epochs}."
    if training.unfreezing == "plateau":
        epochs = f"{training.plateau} epochs in a row bring" if training.plateau > 1 else "1 epoch brings"
        still = f"{epochs} no better validation loss"
        joins = "That is when" if row.unfreezing == "plateau" else "One more layer group from the top joins in when"
        return f" {joins} {still}."
    if row.unfreezing == "plateau":
        return " No layer group joins in by itself, by these settings; the button on the Train page does it."
    return ""


def _joins_by_itself(training: Training) -> bool:
    """Whether layers join in without a press: patience waits until the last one has."""
    return training.unfreezing == "plateau" or bool(training.unfreezing == "schedule" and training.unfreeze_at)


def _again(facts: Facts) -> str:
    """What becomes of classes without new images."""
    if not facts.bare:
        return ""
    them = "it" if facts.bare == 1 else "them"
    shown = f"earlier images of {them} are shown again, and " if facts.training.keep != "none" else ""
    return (
        f"Of {counted(facts.bare, 'class', 'classes')} that it knows there are no new images: {shown}earlier validation images "
        f"stand for {them} when the epoch is chosen."
    )


def _validation(facts: Facts) -> str:
    epochs = facts.training.epochs or 1
    if facts.open:
        return (
            f"After each pass over the training images (an epoch), {_images(facts.validation, 'validation image')} that "
            f"the network does not learn from say how good it is. The epoch with {_measure(facts.training)} is kept."
        )
    patience = facts.training.patience or 0
    stops_early = 0 < patience < epochs
    passes = (
        f"There are {'up to ' if stops_early else ''}{epochs:,} passes over the training images (epochs); after each,"
        if epochs > 1
        else "There is one pass over the training images (an epoch); after it,"
    )
    measure = _measure(facts.training)
    stop = ""
    if stops_early:
        passed = f"{patience:,} epochs in a row bring" if patience > 1 else "1 epoch brings"
        waits = strategy(facts.training.strategy).trains != "all" and _joins_by_itself(facts.training)
        first = "no more layers will join in and " if waits else ""
        stop = f", and training stops by itself when {first}{passed} nothing better"
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
    return (
        "The best and the last state of the model, all settings, the list of images and everything that the run says are "
        "kept in the run folder."
    )


def _classes(names: list[str]) -> str:
    if len(names) > 4:
        return f"{len(names):,} classes"
    quoted = [f"“{name}”" for name in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)


def _images(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
