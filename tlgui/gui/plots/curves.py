"""The curves of a run, whoever draws or writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tlgui.core.events import EpochEnded
from tlgui.gui.plots.axis import Kind
from tlgui.gui.plots.series import MOST_DRAWN, Floats, Series, thinned


class Style(NamedTuple):
    """How a part of the data looks on every page."""

    name: str
    tone: str
    dashed: bool
    dots: bool


KINDS: tuple[Kind, ...] = ("loss", "accuracy")
TRAINING = Style("training", "s1", dashed=False, dots=False)
VALIDATION = Style("validation", "s2", dashed=True, dots=True)


class Curve(NamedTuple):
    """One line of a plot."""

    style: Style
    series: Series


class Ghost(NamedTuple):
    """A stretch of epochs that was taken back: shown, but it counts no more.

    Attributes:
        epochs: that count no more, with the last one before them that does, oldest first.
        name: such as "taken back".
    """

    epochs: Sequence[EpochEnded]
    name: str


def values_of(kind: Kind, event: EpochEnded) -> tuple[float | None, ...]:
    """What the curves of one plot show of an epoch, in the order of the curves."""
    return (event.train_loss, event.validation_loss) if kind == "loss" else (event.validation_accuracy,)


def ghost_points(kind: Kind, ghosts: Sequence[Ghost]) -> list[tuple[Floats, Floats]]:
    """For each curve of a plot the points of all ghosts, one after the other with gaps between them."""
    lines: list[tuple[list[float], list[float | None]]] = [([], []) for _ in range(2 if kind == "loss" else 1)]
    for ghost in ghosts:
        for event in ghost.epochs:
            for (x, y), value in zip(lines, values_of(kind, event), strict=True):
                x.append(float(event.epoch))
                y.append(value)
        for x, y in lines:
            x.append(x[-1] if x else 0.0)
            y.append(None)
    points = [(np.array(x), np.array(y, dtype=np.float64)) for x, y in lines]
    return [thinned(x, np.where(np.isfinite(y), y, np.nan), MOST_DRAWN) for x, y in points]


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
            for kind in KINDS:
                for curve, value in zip(self.of(kind), values_of(kind, event), strict=True):
                    curve.series.append(event.epoch, value)
        self._taken = len(epochs)
        self._last = epochs[-1] if epochs else None

    def clear(self) -> None:
        """Forgets the run."""
        for series in (self.training_loss, self.validation_loss, self.validation_accuracy):
            series.clear()
        self._taken, self._last = 0, None
