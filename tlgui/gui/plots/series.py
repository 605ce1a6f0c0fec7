"""The points of one curve: every one is kept, few are drawn."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_DRAWN = 800  # two for each pixel of a plot, about; more can hardly be told apart


class Series:
    """Values by epoch, in the order in which they came; `x` never falls. What is no number is a gap."""

    def __init__(self) -> None:
        self._x: Floats = np.empty(256)
        self._y: Floats = np.empty(256)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def x(self) -> Floats:
        """Epochs, (N,); a view that the next `append` may leave behind."""
        return self._x[: self._length]

    @property
    def y(self) -> Floats:
        """Values, (N,), finite or NaN; a view as `x` is."""
        return self._y[: self._length]

    def append(self, x: float, y: float | None) -> None:
        """Adds a point; `None`, NaN and infinities are gaps (pyqtgraph refuses to scale when it meets one)."""
        if self._length == len(self._x):
            self._x, self._y = (np.concatenate([old, np.empty_like(old)]) for old in (self._x, self._y))
        self._x[self._length] = x
        self._y[self._length] = y if y is not None and math.isfinite(y) else math.nan
        self._length += 1

    def clear(self) -> None:
        """Forgets every point."""
        self._length = 0

    def at(self, x: float) -> float | None:
        """The value at exactly `x`; `None` for a gap and where there is no point."""
        index = int(np.searchsorted(self.x, x, side="right")) - 1
        if index < 0 or self._x[index] != x or math.isnan(self._y[index]):
            return None
        return float(self._y[index])

    def last(self) -> tuple[float, float] | None:
        """The newest point that is a number."""
        for index in range(self._length - 1, -1, -1):
            if not math.isnan(self._y[index]):
                return float(self._x[index]), float(self._y[index])
        return None

    def extremes(self, low: float, high: float) -> tuple[float, float] | None:
        """Smallest and largest value between two epochs; `None` where there is no number."""
        start, stop = np.searchsorted(self.x, low), np.searchsorted(self.x, high, side="right")
        inside = self.y[start:stop]
        if len(inside) == 0:
            return None
        lowest, highest = float(np.fmin.reduce(inside)), float(np.fmax.reduce(inside))
        return None if math.isnan(lowest) else (lowest, highest)

    def drawn(self, low: float, high: float, most: int = MOST_DRAWN) -> tuple[Floats, Floats]:
        """At most `most` points that show the curve between two epochs, and one neighbour on either side."""
        start = max(0, int(np.searchsorted(self.x, low)) - 1)
        stop = min(self._length, int(np.searchsorted(self.x, high, side="right")) + 1)
        return thinned(self.x[start:stop].copy(), self.y[start:stop].copy(), most)


def thinned(x: Floats, y: Floats, most: int) -> tuple[Floats, Floats]:
    """The curve in at most `most` points: the smallest and the largest value of each stretch, and the last point.

    A peak never goes missing, and a stretch without any number stays a gap.
    """
    if len(x) <= most:
        return x, y
    stretches = (most - 1) // 2
    starts = np.arange(stretches) * len(x) // stretches
    pairs = np.empty((stretches, 2))
    pairs[:, 0] = np.fmin.reduceat(y, starts)
    pairs[:, 1] = np.fmax.reduceat(y, starts)
    places = np.stack([x[starts], x[np.minimum(starts + len(x) // stretches // 2, len(x) - 1)]], axis=1)
    return np.append(places.ravel(), x[-1]), np.append(pairs.ravel(), y[-1])
