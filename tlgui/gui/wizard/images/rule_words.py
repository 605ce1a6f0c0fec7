"""Pixel rules in words, and what it takes to come from one to another."""

from __future__ import annotations

from collections.abc import Sequence

from tlgui.core.imaging_messages import ClassCount, ScanSummary
from tlgui.core.intake import Change, ChooseFrame, CropBorder, SetColour, SetPixelRule
from tlgui.core.records import Frame, PixelRule
from tlgui.gui.numbers import count, counted

FRAMES: tuple[tuple[Frame, str], ...] = (
    ("auto", "Middle of DICOM, else first"),
    ("first", "The first one"),
    ("middle", "The middle one"),
    ("last", "The last one"),
)
PLAIN = "All images are stored with 8 bits a channel, which are used as they are."


def rule_of(summary: ScanSummary | None) -> PixelRule | None:
    """The rule by which pictures are shown, also of 8-bit images: they may be grey or cut; `None` while it is not known."""
    return summary.pixel_rule if summary is not None else None


def rule_title(rule: PixelRule) -> str:
    """What a rule is called among others."""
    match rule.method:
        case "range":
            return f"One range for all: {rule.low:.10g} to {rule.high:.10g}"
        case "percentile":
            return "A range of each image's own"
        case "window":
            return "The window of each DICOM file"


def rule_caption(rule: PixelRule) -> str:
    """What it does, in a sentence or two."""
    match rule.method:
        case "range":
            return f"{rule.low:.10g} becomes black, {rule.high:.10g} white; what lies outside is clipped."
        case "percentile":
            return (
                f"From its {rule.low:g} % darkest to its {100 - rule.high:g} % brightest pixels. "
                "Whether one image is brighter than another is lost."
            )
        case "window":
            return f"As it was set for reading. Images without one: {rule.low:.10g} to {rule.high:.10g}."


def reach_words(summary: ScanSummary) -> str:
    """Which images the mapping of values acts on."""
    if not summary.deep_images:
        return PLAIN
    if summary.deep_images >= summary.used:
        return f"It acts on all {counted(summary.used, 'image')}."
    return (
        f"It acts on {count(summary.deep_images)} of {counted(summary.used, 'image')}: those with more than 8 bits a channel, "
        "and grey DICOM. The others stay as they are."
    )


def changes_between(old: PixelRule, new: PixelRule) -> list[Change]:
    """The decisions that lead from one rule to the other; none where they are equal."""
    changes: list[Change] = []
    if (old.method, old.low, old.high) != (new.method, new.low, new.high):
        changes.append(SetPixelRule(method=new.method, low=new.low, high=new.high))
    if old.frame != new.frame:
        changes.append(ChooseFrame(frame=new.frame))
    if old.colour != new.colour:
        changes.append(SetColour(colour=new.colour))
    if old.border != new.border:
        changes.append(CropBorder(share=new.border))
    return changes


def some_of_each(classes: Sequence[ClassCount], most: int) -> list[str]:
    """At most so many images, the classes taking turns."""
    longest = max((len(row.samples) for row in classes), default=0)
    turns = [row.samples[turn] for turn in range(longest) for row in classes if turn < len(row.samples)]
    return turns[:most]
