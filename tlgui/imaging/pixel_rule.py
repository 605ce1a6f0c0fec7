"""One rule for stored values, chosen by looking at all images that may be looked at."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import msgspec

from tlgui.core.intake import Intake
from tlgui.core.records import PixelRule
from tlgui.imaging.names import counted
from tlgui.imaging.pixels import Description

# The usual depths, so that a set of 12-bit images gets the 12-bit range even if its brightest value is 4071.
FULL_RANGES = (2**8 - 1, 2**10 - 1, 2**12 - 1, 2**14 - 1, 2**16 - 1, 2**24 - 1, 2**32 - 1)
PERCENTILES = (0.5, 99.5)
# Below this share of the range, the picture of a typical image has less than 32 of 256 grey levels.
LEAST_SHARE = 1 / 8


def choose_pixel_rule(descriptions: Iterable[Description], intake: Intake | None = None) -> tuple[PixelRule, str]:
    """The rule for a set, as the person asked or as its images suggest, and the sentence that says why."""
    intake = intake or Intake()
    deep = _ruled(descriptions)
    full = _full_range(deep, intake)
    if intake.method is not None:
        return _asked_for(full, intake), "You chose it."
    if not deep:
        return full, "All images are stored with 8 bits a channel, which are used as they are."
    dicom = [one for one in deep if one.dicom and one.grey]
    if dicom and all(map(_has_useful_window, dicom)):
        brings = "The DICOM image brings a window." if len(dicom) == 1 else "Every grey DICOM image brings a window."
        return msgspec.structs.replace(full, method="window"), brings
    if _typical_share(deep, full) < LEAST_SHARE:
        return (
            _percentile(full),
            f"Stored values reach from {full.low:.10g} to {full.high:.10g}, but most pixels of a typical image lie in "
            "less than an eighth of that range.",
        )
    lowest, highest = min(one.lowest or 0.0 for one in deep), max(one.highest or 0.0 for one in deep)
    return full, (
        f"The stored values of {counted(len(deep), 'image')} with more than 8 bits a channel (or grey DICOM) reach from "
        f"{lowest:.6g} to {highest:.6g}."
    )


def rule_choices(descriptions: Iterable[Description], intake: Intake | None = None) -> list[PixelRule]:
    """What the person may choose from: distinct rules, the one in force first; one alone where none would matter."""
    descriptions = list(descriptions)
    intake = intake or Intake()
    chosen, _reason = choose_pixel_rule(descriptions, intake)
    deep = _ruled(descriptions)
    if not deep:
        return [chosen]
    full = _full_range(deep, intake)
    # As it would be without the person's own choice.
    others = [choose_pixel_rule(descriptions, msgspec.structs.replace(intake, method=None))[0], full, _percentile(full)]
    if any(one.has_window for one in deep):
        others.append(msgspec.structs.replace(full, method="window"))
    choices = [chosen]
    for rule in others:
        if rule not in choices:
            choices.append(rule)
    return choices


def rule_sentence(rule: PixelRule) -> str:
    """The rule in plain words, for the screen, for `check` and for exports."""
    stretch = f"from {rule.low:.10g} (black) to {rule.high:.10g} (white)"
    told = {
        "range": f"{stretch}; what lies outside is clipped",
        "percentile": f"from their own {rule.low:g} % darkest (black) to their own {100 - rule.high:g} % brightest pixels "
        "(white)",
        "window": f"in the window that a DICOM file brings, others {stretch}",
    }
    sentences = [f"Images of more than 8 bits a channel, and grey DICOM, are shown {told[rule.method]}."]
    if rule.frame != "auto":
        sentences.append(f"Of files with several frames or pages, the {rule.frame} one is used.")
    if rule.colour == "grey":
        sentences.append("Colours are turned to grey.")
    if rule.border:
        sentences.append(f"{100 * rule.border:.3g} % of width and height is cut off on each side.")
    return " ".join(sentences)


def _ruled(descriptions: Iterable[Description]) -> list[Description]:
    """The images that the rule acts on."""
    return [one for one in descriptions if one.lowest is not None and one.highest is not None]


def _asked_for(full: PixelRule, intake: Intake) -> PixelRule:
    """The person's own rule; numbers that make no sense, or none at all, give way to those that would be proposed."""
    low, high = intake.low, intake.high
    if intake.method == "percentile":
        proposed = _percentile(full)
        sound = 0 <= low < high <= 100
    else:
        proposed = msgspec.structs.replace(full, method=intake.method)
        sound = high > low
    return msgspec.structs.replace(proposed, low=low, high=high) if sound else proposed


def _percentile(full: PixelRule) -> PixelRule:
    return msgspec.structs.replace(full, method="percentile", low=PERCENTILES[0], high=PERCENTILES[1])


def _has_useful_window(one: Description) -> bool:
    """Whether a file brings a window in which its own picture shows: some files bring one that misses all values."""
    if not one.has_window or one.window is None or one.typical is None:
        return one.has_window
    (low, high), (darkest, brightest) = one.window, one.typical
    return low <= brightest and high >= darkest


def _typical_share(deep: Sequence[Description], full: PixelRule) -> float:
    """The share of the range that most pixels of the median image lie in; flat images have no contrast to lose."""
    spans = [one.typical[1] - one.typical[0] for one in deep if one.typical is not None]
    spans = [span for span in spans if span > 0]
    return statistics.median(spans) / (full.high - full.low) if spans else 1.0


def _full_range(deep: Sequence[Description], intake: Intake) -> PixelRule:
    """The range that all stored values of these images fit into, so that nothing is clipped in them.

    Whole numbers: from 0 (or the smallest value, if that is negative) to the first full range that holds the largest.
    Floating-point numbers: 0 to 1 if all lie there, else exactly their smallest to their largest. Both kinds in one
    set: one range over both. No deep image among them: the default range.
    """
    lows: list[float] = []
    highs: list[float] = []
    for floating in (False, True):
        lowest = min((d.lowest for d in deep if d.floating is floating and d.lowest is not None), default=None)
        highest = max((d.highest for d in deep if d.floating is floating and d.highest is not None), default=None)
        if lowest is None or highest is None:
            continue
        low, high = _floating_range(lowest, highest) if floating else _integer_range(lowest, highest)
        lows.append(low)
        highs.append(high)
    rule = PixelRule(colour=intake.colour, border=intake.border, frame=intake.frame)
    return msgspec.structs.replace(rule, low=min(lows), high=max(highs)) if lows else rule


def _integer_range(lowest: float, highest: float) -> tuple[float, float]:
    # 64-bit values beyond every usual depth: up to the largest of them.
    return min(0.0, lowest), float(next((full for full in FULL_RANGES if full >= highest), highest))


def _floating_range(lowest: float, highest: float) -> tuple[float, float]:
    if lowest >= 0.0 and highest <= 1.0:
        return 0.0, 1.0
    return lowest, highest if highest > lowest else lowest + 1.0
