"""What is done about classes of unequal size, and the other choice in one press."""

from __future__ import annotations

from dataclasses import dataclass

from tlgui.core.imaging_messages import ClassCount
from tlgui.core.planning import IMBALANCED, imbalance_of_counts
from tlgui.core.run_spec import Imbalance, Training
from tlgui.gui.numbers import count

_WORDS = {
    "logit-adjustment": "corrected by logit adjustment (the answers are weighed by how rare a class is)",
    "class-weights": "corrected by class weights (images of rare classes count more)",
    "balanced-sampling": "corrected by balanced sampling (images of rare classes are shown more often)",
}


@dataclass(frozen=True)
class Balance:
    """One line of the review.

    Attributes:
        tone, title, text: as in a notice.
        button, value: what a press sets `Training.imbalance` to.
    """

    tone: str
    title: str
    text: str
    button: str
    value: Imbalance


def balance(training: Training, classes: list[ClassCount]) -> Balance | None:
    """The line for these classes; `None` where they are alike in size and nothing is done."""
    present = [one for one in classes if one.train]
    if not present:
        return None
    largest, smallest = max(present, key=lambda one: one.train), min(present, key=lambda one: one.train)
    in_use = imbalance_of_counts(training, [one.train for one in present])
    uneven = largest.train > IMBALANCED * smallest.train
    if in_use == "off" and not uneven:
        return None
    title = f"“{largest.name}” has {_times(largest.train / smallest.train)} the training images of “{smallest.name}”"
    counts = f"{count(largest.train)} and {count(smallest.train)}"
    if in_use == "off":
        text = f"{counts}; not corrected, so rare classes will be missed more often."
        return Balance("warn", title, text, "Correct it", "auto")
    return Balance(
        "info", title, f"{counts}; {_WORDS[in_use]}, so that each class counts as much.", "Switch off", "off"
    )


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 3 else f"{ratio:.0f} times"
