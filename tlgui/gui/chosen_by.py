"""By what the best epoch of a run is the best, in words: the picture shows more than one measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tlgui.gui import numbers

if TYPE_CHECKING:
    from tlgui.core.events import EpochEnded
    from tlgui.core.run_spec import BestBy, RunSpec


class Measure(NamedTuple):
    """What chooses the best epoch.

    Attributes:
        words: such as "lowest validation loss".
        plot: in which of the two the best epoch is named.
    """

    words: str
    plot: Literal["loss", "accuracy"]


# To add a measure: its row here; a test walks every value of `BestBy`.
MEASURES: dict[BestBy, Measure] = {
    "validation_loss": Measure("lowest validation loss", "loss"),
    "balanced_accuracy": Measure("highest balanced accuracy", "accuracy"),
    "accuracy": Measure("highest accuracy", "accuracy"),
}


def measure_of(spec: RunSpec | None) -> Measure | None:
    """The measure of a run; `None` where the run is not known yet."""
    return MEASURES.get(spec.training.best_by) if spec is not None else None


def best_words(measure: Measure, epoch: EpochEnded | None) -> str:
    """The measure, with the value where no curve shows it."""
    balanced = epoch.validation_balanced_accuracy if epoch is not None else None
    if measure is MEASURES["balanced_accuracy"] and balanced is not None:
        return f"{measure.words}, {numbers.percent(balanced)}"
    return measure.words
