"""Numbers as a person reads them: digits, a comma for thousands, a space before the unit; the same in every locale."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
NOT_KNOWN = "not known"


def count(number: int) -> str:
    """1092 -> "1,092"."""
    return f"{number:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """(1, "image") -> "1 image", (1092, "image") -> "1,092 images"."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(fraction: float, decimals: int = 1) -> str:
    """0.957 -> "95.7 %"; a value that is no number -> "not known"."""
    return f"{fraction * 100:.{decimals}f} %" if math.isfinite(fraction) else NOT_KNOWN


def interval(low: float, high: float, decimals: int = 1, scale: float = 100.0) -> str:
    """(0.92, 0.977) -> "92.0 to 97.7"; with scale 1 the bounds stay fractions."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return NOT_KNOWN
    return f"{low * scale:.{decimals}f} to {high * scale:.{decimals}f}"


def share(fraction: float) -> str:
    """0.3 -> "30 %", 0.004 -> "<1 %", 0 -> "0 %"."""
    if not math.isfinite(fraction):
        return NOT_KNOWN
    return "<1 %" if 0 < fraction < 0.01 else f"{fraction * 100:.0f} %"


def duration(seconds: float) -> str:
    """152 -> "2 min 32 s", 7300 -> "2 h 2 min", 0.4 -> "under 1 s"."""
    if not math.isfinite(seconds) or seconds < 0:
        return NOT_KNOWN
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{count(hours)} h {minutes} min" if minutes else f"{count(hours)} h"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"


def about(seconds: float) -> str:
    """45 -> "about 45 s", 152 -> "about 2 min 30 s": an estimate, so never finer than it can be known."""
    if not math.isfinite(seconds) or seconds < 0:
        return NOT_KNOWN
    if seconds < 1:
        return "under 1 s"
    for limit, step in ((20, 1), (60, 5), (300, 10), (3600, 60), (math.inf, 600)):
        if seconds < limit:
            return f"about {duration(max(1, round(seconds / step) * step))}"
    raise AssertionError("the last limit has no end")


def seconds_short(seconds: float) -> str:
    """5.1 -> "5.1 s", 21.4 -> "21 s"; from two minutes on like `duration`."""
    if not math.isfinite(seconds) or seconds < 0:
        return NOT_KNOWN
    if seconds >= 120:
        return duration(seconds)
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


def size(size_bytes: float) -> str:
    """18_400_000 -> "18 MB", 1_200_000_000 -> "1.2 GB", 512 -> "512 bytes"; a megabyte is a million bytes."""
    if size_bytes < 1000:
        return counted(round(size_bytes), "byte")
    for unit, factor in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)):
        if size_bytes < 999.5 * factor or unit == "TB":
            value = size_bytes / factor
            return f"{value:.1f} {unit}" if value < 9.95 and unit not in ("kB",) else f"{value:.0f} {unit}"
    raise AssertionError("the last unit has no end")


def millions(number: int) -> str:
    """4_652_008 -> "4.7 M", 1_010_000 -> "1.0 M", 3_843 -> "3,843"."""
    return f"{number / 1e6:.1f} M" if number >= 100_000 else count(number)


def rate(learning_rate: float) -> str:
    """0.00038 -> "0.00038": a plain decimal with two or three figures, never an exponent above a billionth."""
    if not math.isfinite(learning_rate):
        return NOT_KNOWN
    if learning_rate == 0:
        return "0"
    places = max(2, 1 - math.floor(math.log10(abs(learning_rate))))
    if places > 12:
        return f"{learning_rate:.1e}"
    return f"{learning_rate:.{places}f}"


def rate_in_use(learning_rate: float) -> str:
    """Like `rate`, for one that falls to nothing at the end of a run: 0.0000000012 -> "<0.00001"."""
    return "<0.00001" if 0 < learning_rate < 1e-5 else rate(learning_rate)


def day(when: datetime, now: datetime | None = None) -> str:
    """The day in words: "today", "yesterday", "Monday" within a week, else "24 Nov" (with the year of another year)."""
    now = now or datetime.now(when.tzinfo)
    days = (now.date() - when.date()) // timedelta(days=1)
    if days == 0:
        return "today"
    if days == 1:
        return "yesterday"
    if 1 < days < 7:
        return _DAYS[when.weekday()]
    name = f"{when.day} {_MONTHS[when.month - 1]}"
    return name if when.year == now.year else f"{name} {when.year}"


def clock(when: datetime) -> str:
    """The time of day: "14:03"."""
    return f"{when.hour:02d}:{when.minute:02d}"


def parse_number(text: str) -> float | None:
    """What a person typed: "0,001", "0.001" and "1e-3" are the same number in every locale; None when it is none.

    One comma or one point is the decimal sign; a text with both, or two of one, is refused rather than guessed.
    """
    stripped = text.strip().replace("−", "-")
    if not _NUMBER.fullmatch(stripped):
        return None
    value = float(stripped.replace(",", "."))
    return value if math.isfinite(value) else None
