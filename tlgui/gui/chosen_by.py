"""By what the best epoch of a run is the best, in words: the picture shows more than one measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tlgui.gui import numbers
from tlgui.gui.new_site import learns_to_adapt

if TYPE_CHECKING:
    from tlgui.core.events import EpochEnded
    from tlgui.core.run_spec import BestBy, RunSpec


class Measure(NamedTuple):
    """What chooses the best epoch.

    Attributes:
        words: such as "lowest validation loss".
        plot: in which of the two the best epoch is named.
        note: what the words mean, where they need it; a sentence.
    """

    words: str
    plot: Literal["loss", "accuracy"]
    note: str = ""


# To add a measure: its row here; a test walks every value of `BestBy`.
MEASURES: dict[BestBy, Measure] = {
    "calibrated_loss": Measure(
        "lowest calibrated loss",
        "loss",
        "That is the validation loss once too sure or too timid answers have been corrected: while a network tells more "
        "images right it also gets too sure, and the curve may rise.",
    ),
    "validation_loss": Measure("lowest validation loss", "loss"),
    "balanced_accuracy": Measure("highest balanced accuracy", "accuracy"),
    "accuracy": Measure("highest accuracy", "accuracy"),
}


# What goes before all of them, of a run that adapts to a new site in training.
BOTH_SITES = Measure(
    "best score over both sites",
    "accuracy",
    "That is the balanced accuracy on the known site, and how sure and how spread the answers for the new site are: no label "
    "of the new site is read.",
)


def measure_of(spec: RunSpec | None) -> Measure | None:
    """The measure of a run; `None` where the run is not known yet."""
    if learns_to_adapt(spec):
        return BOTH_SITES
    return MEASURES.get(spec.training.best_by) if spec is not None else None


def chosen_words(spec: RunSpec) -> str:
    """On which images the best epoch was chosen, and by what where no label of them was read."""
    if not learns_to_adapt(spec):
        return "chosen on validation"
    return (
        "chosen without a label of the new site: by balanced accuracy on the known site's validation images, and how sure and "
        "how spread the answers for the new site are"
    )


def best_words(measure: Measure, epoch: EpochEnded | None) -> str:
    """The measure, with the value where no curve shows it."""
    if epoch is None:
        return measure.words
    if measure is BOTH_SITES and epoch.adaptation is not None and epoch.adaptation.score is not None:
        return f"{measure.words}, {epoch.adaptation.score:.2f}"
    balanced, calibrated = epoch.validation_balanced_accuracy, epoch.validation_calibrated_loss
    if measure is MEASURES["balanced_accuracy"] and balanced is not None:
        return f"{measure.words}, {numbers.percent(balanced)}"
    if measure is MEASURES["calibrated_loss"] and calibrated is not None:
        return f"{measure.words}, {calibrated:.3f}"
    return measure.words
