"""A straight line through a few numbers, and the range of a share: plain arithmetic for where no library is loaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Trend:
    """The least-squares line through values at 0, 1, 2, ...

    Attributes:
        slope: per value.
        error: standard error of the slope.
        scatter: standard deviation of the values around the line.
        first, last: the line's own values at both ends.
    """

    slope: float
    error: float
    scatter: float
    first: float
    last: float

    @property
    def sureness(self) -> float:
        """How many standard errors the slope is away from 0."""
        return abs(self.slope) / self.error if self.error > 0 else math.inf if self.slope else 0.0


@dataclass(frozen=True)
class Range:
    """A share with its 95 % interval."""

    share: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of the interval's width."""
        return (self.high - self.low) / 2


def trend(values: Sequence[float]) -> Trend:
    """The line through at least three values.

    Raises:
        ValueError: there are fewer.
    """
    n = len(values)
    if n < 3:
        raise ValueError("a line with its scatter needs three values")
    middle, mean = (n - 1) / 2, sum(values) / n
    spread = n * (n * n - 1) / 12  # sum of (i - middle)^2
    slope = sum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread
    rest = sum((value - mean - slope * (at - middle)) ** 2 for at, value in enumerate(values))
    scatter = math.sqrt(rest / (n - 2))
    return Trend(
        slope=slope,
        error=scatter / math.sqrt(spread),
        scatter=scatter,
        first=mean - slope * middle,
        last=mean + slope * middle,
    )


def wilson(share: float, of: int, z: float = 1.959964) -> Range:
    """The 95 % interval of a share of `of` things; of none it is everything.

    Source: Wilson 1927, JASA 22, 209-212.
    """
    if of < 1:
        return Range(share, 0.0, 1.0)
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return Range(share, max(0.0, middle - half), min(1.0, middle + half))
