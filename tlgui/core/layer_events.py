"""What the engine says of layers: which of them learn, what a change would cost, and what it brought."""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.event import Event


class FirstAnswered(Event, frozen=True, kw_only=True):
    """What the pretrained network as it is recognises, before anything is trained.

    A converged linear answer on the features of plain training images, cross-validated with groups kept together.

    Attributes:
        accuracy, low, high: share of the images that are told right, with its 95 % interval; 1 - accuracy is the headroom.
        images: how many were asked.
        folds: of the cross-validation.
        largest_class: share of the images that the largest class has: what guessing reaches.
        classes, of_classes: how many classes the training images show, and how many the run tells apart: more where it goes on
            with a model that knows others. 0 = not told, by runs of before.
        seconds: that it took, reading included.
    """

    accuracy: float
    low: float
    high: float
    images: int
    folds: int
    largest_class: float
    seconds: float
    classes: int = 0
    of_classes: int = 0

    @property
    def whole(self) -> bool:
        """Whether the same classes were told apart as the run's: else its accuracy is another, harder one."""
        return self.classes == self.of_classes

    @property
    def among(self) -> str:
        """Of how many classes, as the end of a sentence; "" where these are all of the run's."""
        if self.whole:
            return ""
        return f", among the {self.classes} classes that they show; the model tells {self.of_classes} apart"

    def sentence(self) -> str:
        """For people."""
        return (
            f"The network as it is already recognises about {100 * self.accuracy:.0f} % of your training images "
            f"({100 * self.low:.0f} to {100 * self.high:.0f} %){self.among}."
        )


class StrategyChosen(Event, frozen=True, kw_only=True):
    """What "auto" became; it stands in `run.toml` from now on.

    Attributes:
        strategy, top_groups: as in `run_spec.Training`.
        by: what decided: the number of images, the headroom, or a short trial.
        sentence: the reason, for people.
        epochs: how many are planned now.
    """

    strategy: str
    top_groups: int
    by: Literal["images", "headroom", "trial"]
    sentence: str
    epochs: int


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """One rung of the layer ladder: a layer group or the head, from stem to head.

    Attributes:
        learning_rate: peak of its schedule; `None` while frozen.
    """

    name: str
    parameters: int
    trainable: bool
    learning_rate: float | None


class LayersChanged(Event, frozen=True, kw_only=True):
    """What is trainable from `step` on, and how fast.

    Attributes:
        reason: "start", "unfreeze", "freeze", "resume", "undo", "rates" (a learning rate was set by hand), "chosen"
            ("auto" was decided) or "verdict" (the one that was waited for will not come; a `Notice` says why).
        by_itself: it followed from a plateau or the written schedule, and not from a press.
        undo_step: the optimizer step to which `Undo` would go back; `None` where nothing can be taken back.
        snapshot_bytes: what the snapshots for that take on disk.
        judged_after: the epoch after which it is judged; `None` where it is not.
    """

    step: int
    reason: Literal["start", "unfreeze", "freeze", "resume", "undo", "rates", "chosen", "verdict"]
    parameters: int
    trainable_parameters: int
    groups: list[GroupState]
    by_itself: bool = False
    undo_step: int | None = None
    snapshot_bytes: int = 0
    judged_after: int | None = None


class MovePlanned(Event, frozen=True, kw_only=True):
    """What an unfreezing or freezing would cost, measured on a copy: nothing of the run has changed.

    Attributes:
        kind, groups: as asked for; fewer groups where there are not so many.
        names: of the layer groups, the uppermost first.
        parameters_now, parameters_then: that learn.
        seconds_now, seconds_then: per epoch, measured on a few batches; `None` where they could not be.
        memory_now_bytes, memory_then_bytes: for one batch and the optimizer, measured; `None` where they could not be.
        learning_rates: peaks of the groups that would learn, by name.
        snapshot_bytes: what being able to take it back needs on disk.
        judged_after: epochs after which it would be judged.
        control_seconds: what the comparison takes then; `None` where unknown.
        reason: why it cannot be done; "" where it can.
    """

    kind: Literal["unfreeze", "freeze"]
    groups: int
    names: list[str]
    parameters_now: int
    parameters_then: int
    seconds_now: float | None
    seconds_then: float | None
    memory_now_bytes: int | None
    memory_then_bytes: int | None
    learning_rates: dict[str, float]
    snapshot_bytes: int
    judged_after: int
    control_seconds: float | None = None
    reason: str = ""


class MoveJudged(Event, frozen=True, kw_only=True):
    """Whether an unfreezing or freezing helped: against the same state trained on for as many epochs without it.

    Attributes:
        kind: which of them.
        names: of the layer groups that it was about.
        step: where it was done.
        epoch: after which it is judged.
        verdict: "helped" where the whole interval lies above 0, "hurt" where below, else "no difference".
        difference, low, high: in accuracy on the same validation images, with its 95 % interval.
        with_it, without_it: accuracies of the two.
        better, worse: images that are right only with it, and only without it.
        images: validation images.
        epochs: that both were trained.
        sentence: the verdict in words.
    """

    kind: Literal["unfreeze", "freeze"]
    names: list[str]
    step: int
    epoch: int
    verdict: Literal["helped", "no difference", "hurt"]
    difference: float
    low: float
    high: float
    with_it: float
    without_it: float
    better: int
    worse: int
    images: int
    epochs: int
    sentence: str


class Undone(Event, frozen=True, kw_only=True):
    """The run is again as it was at `to_step`; what came after it is a branch that no longer counts.

    Attributes:
        to_step, to_epoch: optimizer steps and finished epochs there.
        from_step, from_epoch: where the branch ended.
        best_epoch: the best epoch so far, as it was there.
        keep_strength: how hard it holds on to what it knew, as it was there; `None` where it holds on to nothing.
    """

    to_step: int
    to_epoch: int
    from_step: int
    from_epoch: int
    best_epoch: int | None
    keep_strength: float | None = None


class GroupScore(msgspec.Struct, frozen=True, kw_only=True):
    """How well the classes are told from what one layer group gives, with the 95 % interval."""

    name: str
    accuracy: float
    low: float
    high: float


class LayersProbed(Event, frozen=True, kw_only=True):
    """How much each layer group of the pretrained network tells about the classes.

    Attributes:
        backbone: whose.
        groups: from the stem to the last group below the head.
        images, folds: of the cross-validation.
        largest_class: share of the images that the largest class has.
        sentence: what it means, for people.
    """

    backbone: str
    groups: list[GroupScore]
    images: int
    folds: int
    largest_class: float
    sentence: str


class RateFound(Event, frozen=True, kw_only=True):
    """A learning rate for the last layer, read off a run of rising rates.

    Attributes:
        rates, losses: the curve, smoothed; a loss that is no number is `None`.
        suggested: the rate; `None` where the curve does not tell one.
        in_use: the rate that the strategy would use.
        sentence: what was found and why.
    """

    rates: list[float]
    losses: list[float | None]
    suggested: float | None
    in_use: float
    sentence: str


class BackboneDescribed(Event, frozen=True, kw_only=True):
    """A timm model was looked at and can be chosen now.

    Attributes:
        backbone: the name under which it is a row from now on.
        label: for people.
        parameters: of the whole network.
        groups: names of its layer groups.
        size: side of its input in pixels.
        sentence: what was found.
    """

    backbone: str
    label: str
    parameters: int
    groups: list[str]
    size: int
    sentence: str
