"""The curves of a run, whoever draws or writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tlgui.core.events import EpochEnded
from tlgui.gui.plots.axis import Kind
from tlgui.gui.plots.series import Series


class Style(NamedTuple):
    """How a part of the data looks on every page."""

    name: str
    tone: str
    dashed: bool
    dots: bool


TRAINING = Style("training", "s1", dashed=False, dots=False)
VALIDATION = Style("validation", "s2", dashed=True, dots=True)


class Curve(NamedTuple):
    """One line of a plot."""

    style: Style
    series: Series


class RunCurves:
    """Loss and accuracy by epoch. Takes only what is new, so that a long run costs no more than a short one."""

    def __init__(self) -> None:
        self.training_loss = Series()
        self.validation_loss = Series()
        self.validation_accuracy = Series()
        self._taken = 0
        self._last: EpochEnded | None = None

    def of(self, kind: Kind) -> list[Curve]:
        """The lines of one plot."""
        if kind == "loss":
            return [Curve(TRAINING, self.training_loss), Curve(VALIDATION, self.validation_loss)]
        return [Curve(VALIDATION, self.validation_accuracy)]

    @property
    def epochs(self) -> list[int]:
        """The epochs that there are, in order."""
        return [int(x) for x in self.training_loss.x]

    def take(self, epochs: Sequence[EpochEnded]) -> None:
        """Follows the run's epochs; where it went back to a checkpoint, the curves go back too."""
        if self._taken and (len(epochs) < self._taken or epochs[self._taken - 1] is not self._last):
            self.clear()
        for event in epochs[self._taken :]:
            self.training_loss.append(event.epoch, event.train_loss)
            self.validation_loss.append(event.epoch, event.validation_loss)
            self.validation_accuracy.append(event.epoch, event.validation_accuracy)
        self._taken = len(epochs)
        self._last = epochs[-1] if epochs else None

    def clear(self) -> None:
        """Forgets the run."""
        for series in (self.training_loss, self.validation_loss, self.validation_accuracy):
            series.clear()
        self._taken, self._last = 0, None
