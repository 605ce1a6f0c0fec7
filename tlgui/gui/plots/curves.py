"""The curves of a run, whoever draws or writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tlgui.core.events import EpochEnded
from tlgui.gui.plots.axis import Kind
from tlgui.gui.plots.series import MOST_DRAWN, Floats, Series, thinned
from tlgui.gui.run_kept import AGREEMENT, EARLIER


class Style(NamedTuple):
    """How a part of the data looks on every page.

    Attributes:
        name: of it.
        tone: its colour.
        dashed: whether its line is broken, as `dashes` says.
        dots: whether each value has a dot.
        dashes: lengths of line and gap, in widths of the line.
        square: the dots are squares.
        short: its name where there is little room; "" = as it is.
    """

    name: str
    tone: str
    dashed: bool
    dots: bool
    dashes: tuple[float, ...] = (3.0, 2.0)
    square: bool = False
    short: str = ""


KINDS: tuple[Kind, ...] = ("loss", "accuracy")
TRAINING = Style("training", "s1", dashed=False, dots=False)
VALIDATION = Style("validation", "s2", dashed=True, dots=True)
# Images of before were held out as test images are; the stand-in is no accuracy of theirs, so it has no part's colour.
EARLIER_IMAGES = Style(EARLIER, "s3", dashed=True, dots=True, dashes=(1.2, 1.6), square=True, short="earlier")
SAME_ANSWERS = Style(AGREEMENT, "muted", dashed=True, dots=False, dashes=(1.2, 1.6), short="as before")


class Curve(NamedTuple):
    """One line of a plot.

    Attributes:
        style: how it looks.
        series: its points.
        optional: most runs have no such line: without a point nothing is said of it.
    """

    style: Style
    series: Series
    optional: bool = False

    @property
    def absent(self) -> bool:
        """Whether nothing is said of it."""
        return self.optional and not len(self.series)


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
    if kind == "loss":
        return event.train_loss, event.validation_loss
    return event.retention.now if event.retention is not None else None, event.validation_accuracy


def ghost_points(kind: Kind, ghosts: Sequence[Ghost]) -> list[tuple[Floats, Floats]]:
    """For each curve of a plot the points of all ghosts, one after the other with gaps between them."""
    lines: list[tuple[list[float], list[float | None]]] = [([], []) for _ in range(2)]
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
        self.earlier = Series()
        self._earlier_style = EARLIER_IMAGES
        self._taken = 0
        self._last: EpochEnded | None = None

    def of(self, kind: Kind) -> list[Curve]:
        """The lines of one plot."""
        if kind == "loss":
            return [Curve(TRAINING, self.training_loss), Curve(VALIDATION, self.validation_loss)]
        # The last one is what the star stands on.
        return [Curve(self._earlier_style, self.earlier, optional=True), Curve(VALIDATION, self.validation_accuracy)]

    @property
    def epochs(self) -> list[int]:
        """The epochs that there are, in order."""
        return [int(x) for x in self.training_loss.x]

    def take(self, epochs: Sequence[EpochEnded]) -> None:
        """Follows the run's epochs; where it went back to a checkpoint, the curves go back too."""
        if self._taken and (len(epochs) < self._taken or epochs[self._taken - 1] is not self._last):
            self.clear()
        for event in epochs[self._taken :]:
            if event.retention is not None:
                self._earlier_style = SAME_ANSWERS if event.retention.meter == "agreement" else EARLIER_IMAGES
            for kind in KINDS:
                for curve, value in zip(self.of(kind), values_of(kind, event), strict=True):
                    if not (curve.optional and event.retention is None):
                        curve.series.append(event.epoch, value)
        self._taken = len(epochs)
        self._last = epochs[-1] if epochs else None

    def clear(self) -> None:
        """Forgets the run."""
        for series in (self.training_loss, self.validation_loss, self.validation_accuracy, self.earlier):
            series.clear()
        self._taken, self._last = 0, None
