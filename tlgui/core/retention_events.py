"""What is said of how much a network that learns on still knows of what it had learned before."""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.event import Event

Meter = Literal["accuracy", "agreement"]


class RetentionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of the earlier task, on images of it that were never learned; it chooses nothing.

    Attributes:
        meter: "accuracy" on the earlier task's held-out images. Where these are not there, "agreement": the share of this
            run's own validation images to which the earlier head gives the same answer as before. That is a stand-in and
            no accuracy.
        images: that were asked.
        before: accuracy of the earlier model on them; 1 for an agreement.
        now: of the network as it is.
        low, high: 95 % interval of now - before, paired; of an agreement, of the share that changed.
    """

    meter: Meter
    images: int
    before: float
    now: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """What was gained; below 0, what was forgotten. Known as backward transfer."""
        return self.now - self.before


class TaskSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One earlier set of images.

    Attributes:
        name: of its folder.
        images: of it, held out.
        before, now: accuracies.
    """

    name: str
    images: int
    before: float
    now: float


class EveryClass(msgspec.Struct, frozen=True, kw_only=True):
    """How well all classes are told apart, where new images do not show all: earlier ones stand for the others.

    Attributes:
        balanced_accuracy: mean recall of the classes, each on images that were never learned.
        low, high: its 95 % interval; images count as independent of each other.
        classes, of_classes: with images, of how many that the model tells apart; the second 0 in runs of before.
        new_images, earlier_images: that it is of.
    """

    balanced_accuracy: float
    low: float
    high: float
    classes: int
    new_images: int
    earlier_images: int
    of_classes: int = 0

    @property
    def over(self) -> str:
        """All classes, or those that have images."""
        if self.classes < self.of_classes:
            return f"{self.classes} of the {self.of_classes} classes (the others have no image that was never learned)"
        return f"all {self.classes} classes"

    def sentence(self) -> str:
        """For people."""
        low, high = (f"{100 * one:.1f}" for one in (self.low, self.high))
        return (
            f"Over {self.over}, {self.new_images:,} new and {self.earlier_images:,} earlier images together, the "
            f"balanced accuracy is {100 * self.balanced_accuracy:.1f} % ({low} to {high})."
        )


class RetentionMeasured(Event, frozen=True, kw_only=True):
    """What the kept model still knows of the earlier task.

    Attributes:
        seen: over everything that was learned before.
        tasks: for each earlier set of images, oldest last: its name, images, accuracy before and now; empty for an
            agreement.
        looks: how often these images were looked at while the run trained; looks at test images chose nothing.
        every: the score over every class, where the new images do not show all; else `None`.
        sentence: for people.
    """

    seen: RetentionSeen
    tasks: list[TaskSeen] = msgspec.field(default_factory=list)
    looks: int = 0
    every: EveryClass | None = None
    sentence: str


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """One mix of the weights before and after.

    Attributes:
        earlier: share of the earlier weights.
        new: accuracy on the new validation images.
        old: likewise on validation images of the earlier task; `None` where they are not there.
    """

    earlier: float
    new: float
    old: float | None = None


class MixesTried(Event, frozen=True, kw_only=True):
    """Weights before and after training, mixed in several shares.

    Attributes:
        mixes: in the order of their shares.
        chosen: share of the earlier weights in the model that is kept.
        by_itself: it was chosen on validation images, as the mean of both accuracies; else the person said it.
        new_images, old_images: that the accuracies are of.
        sentence: for people.
    """

    mixes: list[Mix]
    chosen: float
    by_itself: bool
    new_images: int
    old_images: int
    sentence: str


class StrengthTried(msgspec.Struct, frozen=True, kw_only=True):
    """What a quick copy came to that was held so hard.

    Attributes:
        strength: 0 = it was not held at all.
        new: accuracy on the new validation images.
        old: likewise on validation images of the earlier task; `None` where they are not there.
    """

    strength: float
    new: float
    old: float | None = None


class StrengthsTried(Event, frozen=True, kw_only=True):
    """The trade-off between learning the new and keeping the old, from quick copies.

    Attributes:
        points: in the order of their strengths.
        epochs: of each copy.
        new_images, old_images: that the accuracies are of; `old_images` 0 = none are there.
        best: the strength with the highest mean of both; `None` where only the new one is measured.
        old_before: accuracy of the earlier model on its validation images.
        sentence: for people.
    """

    points: list[StrengthTried]
    epochs: int
    new_images: int
    old_images: int
    best: float | None = None
    old_before: float | None = None
    sentence: str
