"""What is said of a look for shortcuts: verdicts, counts, the repair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tlgui.core.events import ProbeScore, Progress, ShortcutsProbed
from tlgui.gui.numbers import about, count, counted

_COMPARED = ("full", "masked")  # probes that are no shortcut: what the others are measured against
_MOST_BORDER = 0.4  # as `PixelRule.border` allows
_MOST_NAMED = 2


class Verdict(NamedTuple):
    """How a verdict is shown: never by its colour alone.

    Attributes:
        word, icon, tone: in the table.
        rank: the first row stands at the top.
    """

    word: str
    icon: str
    tone: str
    rank: int


VERDICTS = {
    "red": Verdict("Shortcut", "warning", "bad", 0),
    "question": Verdict("Question", "help", "", 1),
    "quiet": Verdict("Quiet", "check", "good", 2),
    "alike": Verdict("All alike", "minus", "muted", 3),
    "compared": Verdict("To compare", "scales", "muted", 4),
}
# Verdict of the whole -> tone, title and icon of the banner.
TITLES = {
    "red": ("bad", "A shortcut was found", "warning"),
    "question": ("neutral", "No shortcut, but something to ask yourself", "help"),
    "quiet": ("good", "Nothing was found", "check"),
}
QUESTION_NOTE = (
    "A question is no verdict: the size of a picture, its colours and its edge carry honest signal in many sets. "
    "Ask yourself whether the classes should differ in that, or whether it comes from how the images were taken."
)


def verdict_of(score: ProbeScore) -> Verdict:
    """Its row of `VERDICTS`."""
    if score.auc is None:
        return VERDICTS["alike"]
    return VERDICTS["compared" if score.name in _COMPARED else score.verdict]


def in_order(probes: Sequence[ProbeScore]) -> list[ProbeScore]:
    """The worst first, the rows to compare with last."""
    return sorted(probes, key=lambda score: verdict_of(score).rank)


def auc_words(score: ProbeScore) -> str:
    """'0.91, 0.88 to 0.94'; "" where nothing varies."""
    if score.auc is None:
        return ""
    around = f", {score.low:.2f} to {score.high:.2f}" if score.low is not None and score.high is not None else ""
    return f"{score.auc:.2f}{around}"


def looked_words(found: ShortcutsProbed) -> str:
    """The whole in a line, as 'Looked at: no shortcut found, 400 images'."""
    images = counted(found.images, "image")
    red = [score.label.lower() for score in found.probes if score.verdict == "red"]
    questions = sum(score.verdict == "question" for score in found.probes)
    if red:
        more = f" and {count(len(red) - _MOST_NAMED)} more" if len(red) > _MOST_NAMED else ""
        what = f"{'a shortcut' if len(red) == 1 else 'shortcuts'} found ({', '.join(red[:_MOST_NAMED])}{more})"
    else:
        what = "no shortcut found" + (f", {counted(questions, 'question')}" if questions else "")
    return f"Looked at: {what}, {images}."


def border_in_all(found: ShortcutsProbed, before: float) -> float:
    """The share to cut off on each side of the stored image, or 0 where cutting is no repair.

    Args:
        found: measured on images of which `before` was cut off already.
        before: that share.
    """
    share = round(before + found.border * (1 - 2 * before), 4)
    return share if found.border and share <= _MOST_BORDER else 0.0


def progress_words(progress: Progress) -> str:
    """'120 of 400, about 6 s left'."""
    left = f", {about(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    return f"{count(progress.done)} of {count(progress.total)}{left}"
