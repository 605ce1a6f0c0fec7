"""One rule for stored values of more than 8 bits, chosen by looking at all images that may be looked at."""

from __future__ import annotations

from collections.abc import Iterable

from tlgui.core.records import PixelRule
from tlgui.imaging.pixels import Description

# The usual depths, so that a set of 12-bit images gets the 12-bit range even if its brightest value is 4071.
FULL_RANGES = (2**8 - 1, 2**10 - 1, 2**12 - 1, 2**14 - 1, 2**16 - 1, 2**24 - 1, 2**32 - 1)


def choose_pixel_rule(descriptions: Iterable[Description]) -> PixelRule:
    """The range that all stored values of these images fit into, so that nothing is clipped in them.

    Whole numbers: from 0 (or the smallest value, if that is negative) to the first full range that holds the largest.
    Floating-point numbers: 0 to 1 if all lie there, else exactly their smallest to their largest. Both kinds in one
    set: one range over both. No deep image among them: the default rule.
    """
    lows: list[float] = []
    highs: list[float] = []
    deep = [d for d in descriptions if d.lowest is not None and d.highest is not None]
    for floating in (False, True):
        lowest = min((d.lowest for d in deep if d.floating is floating and d.lowest is not None), default=None)
        highest = max((d.highest for d in deep if d.floating is floating and d.highest is not None), default=None)
        if lowest is None or highest is None:
            continue
        low, high = _floating_range(lowest, highest) if floating else _integer_range(lowest, highest)
        lows.append(low)
        highs.append(high)
    return PixelRule(low=min(lows), high=max(highs)) if lows else PixelRule()


def _integer_range(lowest: float, highest: float) -> tuple[float, float]:
    return min(0.0, lowest), float(next(full for full in FULL_RANGES if full >= highest))


def _floating_range(lowest: float, highest: float) -> tuple[float, float]:
    if lowest >= 0.0 and highest <= 1.0:
        return 0.0, 1.0
    return lowest, highest if highest > lowest else lowest + 1.0
