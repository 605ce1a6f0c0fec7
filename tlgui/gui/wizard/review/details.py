"""What the review says beside its paragraph, one sentence each: how images come, how the layers learn, which recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tlgui.core.presets import PRESETS
from tlgui.core.run_spec import Training
from tlgui.core.strategies import missing_adaptation, strategy
from tlgui.gui.new_site import way_of
from tlgui.gui.numbers import count
from tlgui.gui.wizard.augmentation import words as variation
from tlgui.gui.wizard.strategy.recipe_card import changes_words

# As `engine.live` has it: below so many images in a batch BatchNorm keeps its averages.
_FEW_IN_BATCH = 30


def details(training: Training, matters: bool | None, is_open: bool, changes: Sequence[str]) -> list[str]:
    """The sentences, in the order of the settings.

    Args:
        training: resolved.
        matters: whether left and right matter in these images, as it was answered; `None` = it was not.
        is_open: "As advised" is not decided yet.
        changes: the fields that say something else than the recipe, where there is one.
    """
    return [*_recipe(training, changes), variation.sentence(training, matters), *_learning(training, is_open)]


def _recipe(training: Training, changes: Sequence[str]) -> Iterator[str]:
    row = PRESETS.get(training.preset)
    if row is None:
        return
    yield f"The settings are those of a recipe: {(changes_words(row.label, changes) or row.label).rstrip('.')}."
    if row.deviations:
        yield f"It leaves its source where needed: {' '.join(row.deviations)}"


def _learning(training: Training, is_open: bool) -> Iterator[str]:
    row = strategy(training.strategy)
    if training.mixup or training.cutmix:
        kinds = " and ".join(name for name in ("mixup", "cutmix") if getattr(training, name))
        yield (
            f"Training images are mixed with one another ({kinds}), so nothing of the frozen layers can be kept: each epoch "
            "takes longer."
        )
    if training.head == "hidden":
        yield (
            f"Before the last layer stands a hidden one of {count(training.head_units)} units, of which "
            f"{100 * training.head_dropout:.0f} % are switched off at random in each step."
        )
    if (training.warm_start or training.keep == "average") and row.pretrained and not is_open:
        yield "The last layer is fitted first, so that a random one does not disturb good layers."
    if training.label_smoothing:
        yield f"Of the certainty in the right class {100 * training.label_smoothing:.0f} % is spread over all classes."
    if training.ema:
        yield f"A running average of the weights (decay {training.ema:g}) is validated and kept."
    if not is_open and way_of(training) is None and missing_adaptation(training.strategy, training.similarity):
        yield missing_adaptation(training.strategy, training.similarity)
    if is_open or row.trains != "head" or training.unfreezing != "never":
        yield _norm(training)


def _norm(training: Training) -> str:
    keep, move = "keep their pretrained averages", "take their averages from the batches"
    if not strategy(training.strategy).pretrained:
        keep = "keep the averages that they begin with"
    size = training.batch_size
    match training.norm_statistics:
        case "frozen":
            said = keep
        case "batch":
            said = move
        case _ if size == "auto":
            said = f"{keep} below {_FEW_IN_BATCH} images in a batch, and {move} from there on"
        case _ if size < _FEW_IN_BATCH:
            said = f"{keep}, since a batch holds fewer than {_FEW_IN_BATCH} images"
        case _:
            said = f"{move}, which hold {_FEW_IN_BATCH} images or more"
    return f"BatchNorm layers that learn {said}."
