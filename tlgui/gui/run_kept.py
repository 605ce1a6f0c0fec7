"""What a run said of what it knew before: how much is left, mixes and strengths that were tried; live or replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tlgui.core import events
from tlgui.core.retention import WAYS, strength_of
from tlgui.gui import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlgui.core.events import EpochEnded, EveryClass, MixesTried, RetentionMeasured, RetentionSeen, StrengthsTried
    from tlgui.core.run_spec import RunSpec
    from tlgui.gui.run_model import RunModel

EARLIER, AGREEMENT = "earlier images", "same answers as before"


@dataclass
class Kept:
    """What follows from the events of a run, also from those that came after its ending.

    Attributes:
        measured: what its kept model still knows; `None` before its training has ended.
        mixes: of weights before and after; `None` where none were tried.
        strengths: that quick copies were held with; `None` where none were tried.
    """

    measured: RetentionMeasured | None = None
    mixes: MixesTried | None = None
    strengths: StrengthsTried | None = None
    _set: list[tuple[int, float]] = field(default_factory=list)  # (optimizer steps before it, strength)
    _step: int = 0

    @property
    def strength(self) -> float | None:
        """That was set last while it trained; `None` where none was, or all of it was taken back."""
        return self._set[-1][1] if self._set else None

    def take(self, event: events.AnyEvent) -> None:
        """Hears one event."""
        match event:
            case events.RetentionMeasured():
                self.measured = event
            case events.MixesTried():
                self.mixes = event
            case events.StrengthsTried():
                self.strengths = event
            case events.BatchEnded():
                self._step = event.step
            case events.LayersChanged(reason="start"):
                self._go_back(-1)
            case events.Resumed():
                self._go_back(event.step, event.keep_strength)
            case events.Undone():
                self._go_back(event.to_step, event.keep_strength)
            case events.Notice(code="keep_strength"):
                self._set.append((self._step, strength_in(event.message)))

    def _go_back(self, step: int, strength: float | None = None) -> None:
        """What was said of a model that came later is not of the one that will come now.

        A strength is told between two batches and not each batch is told, so the engine says which was in use there; runs of
        before do not, and the steps have to do.
        """
        self.measured = self.mixes = None
        before = [one for one in self._set if one[0] <= step]
        self._set = before if strength is None else [(step, strength)]
        self._step = max(0, step)


def strength_in(sentence: str) -> float:
    """The strength that the engine says it holds on with from now on; 0 where it says that it lets go."""
    _, found, rest = sentence.partition("a strength of ")
    try:
        return float(rest.split()[0]) if found else 0.0
    except (ValueError, IndexError):
        return 0.0


def seen_last(epochs: Sequence[EpochEnded]) -> RetentionSeen | None:
    """What was left after the newest epoch in which that was looked at; `None` where it never was."""
    return next((epoch.retention for epoch in reversed(epochs) if epoch.retention is not None), None)


def keeps_in_training(spec: RunSpec | None) -> bool:
    """Whether a run holds on while it trains, so that a strength can be set."""
    way = WAYS.get(spec.training.keep) if spec is not None else None
    return way is not None and way.during


def strength_in_use(run: RunModel, spec: RunSpec | None) -> float | None:
    """How hard it holds on now; `None` where it does not, or not in training."""
    if not keeps_in_training(spec) or spec is None:
        return None
    return run.kept.strength if run.kept.strength is not None else strength_of(spec.training)


def curve_name(meter: str) -> str:
    """What the curve is called."""
    return AGREEMENT if meter == "agreement" else EARLIER


def before_of(epochs: Sequence[EpochEnded]) -> tuple[float, str] | None:
    """Where the dashed line of the state before stands in the plot of accuracies, and what it is called."""
    seen = seen_last(epochs)
    if seen is None:
        return None
    return seen.before, "all as before" if seen.meter == "agreement" else "earlier images, before"


def meter_tip(epochs: Sequence[EpochEnded]) -> str:
    """What the curve of what it knew before is, for the plot's tooltip; "" where there is none."""
    seen = seen_last(epochs)
    if seen is None:
        return ""
    if seen.meter == "agreement":
        return (
            f"The dotted line is the share of {numbers.counted(seen.images, 'new validation image')} that are still answered "
            "as before: a stand-in for what is left, and no accuracy. "
        )
    return (
        f"The dotted line is the accuracy on {numbers.counted(seen.images, 'earlier image')} that were never learned; the "
        "dashed line across is what the earlier model reached on them. Test images among them choose nothing. "
    )


def difference_words(seen: RetentionSeen) -> str:
    """In percentage points, with its interval: -7.0 points (-12.0 to -2.0)."""
    return f"{_points(seen.difference)} points ({_points(seen.low)} to {_points(seen.high)})"


def verdict_of(seen: RetentionSeen) -> tuple[str, str]:
    """What the interval allows to be said, and its tone: that it has forgotten only where all of it lies below 0."""
    if seen.meter == "agreement":
        return (
            "No accuracy, but a stand-in: images of before are not here. Answers may change for the better or the worse.",
            "",
        )
    if seen.high < 0:
        return "It has forgotten some of what it knew.", "warn"
    if seen.low > 0:
        return "It does better on the earlier images than before.", "good"
    return "That it has forgotten anything cannot be told: the range includes no change.", ""


def about_new_images(
    spec: RunSpec | None, matrix: Sequence[Sequence[int]], every: EveryClass | None = None
) -> tuple[str, str]:
    """What the scores of a run that continues another one say nothing of; ("", "") for any other run.

    Args:
        spec: of the run.
        matrix: counts, a row for each class that the images really are of.
        every: the score over all classes, where the new images do not show all and earlier ones are there.
    """
    if spec is None or not spec.continues:
        return "", ""
    there, all_of_them = sum(any(row) for row in matrix), len(matrix)
    if every is not None:
        return (
            f"Over {every.over} the balanced accuracy is {numbers.percent(every.balanced_accuracy)}, plausibly "
            f"{numbers.interval(every.low, every.high)}.",
            f"The scores above are of the new images, which show {there} of the classes. This one is of "
            f"{numbers.counted(every.new_images, 'new image')} and {numbers.counted(every.earlier_images, 'earlier image')}. It "
            "learned from none of them; each class counts alike, and images count as independent of each other.",
        )
    few = (
        f"They are of {there} of the {numbers.counted(all_of_them, 'class', 'classes')} that the model knows, so they tell "
        "little of how well it tells all of them apart. "
        if there < all_of_them
        else ""
    )
    return "These scores are of the new images.", f"{few}What it still knows of the earlier ones stands below."


def spoken_meter(seen: RetentionSeen) -> str:
    """All of it in one sentence, for those who hear it."""
    now = numbers.percent(seen.now)
    if seen.meter == "agreement":
        return f"Same answers as before on {now} of {numbers.counted(seen.images, 'new image')}. {verdict_of(seen)[0]}"
    return (
        f"Earlier images: {numbers.percent(seen.before)} right before, {now} now, {difference_words(seen)}. "
        f"{verdict_of(seen)[0]}"
    )


def _points(share: float) -> str:
    text = f"{100 * share:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "\N{MINUS SIGN}")
