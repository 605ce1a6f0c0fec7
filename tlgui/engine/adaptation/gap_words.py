"""What a measured gap between two sites means, in sentences; nothing is claimed that was not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tlgui.core.gap_events import Gap
from tlgui.imaging.names import counted, listed

SLIGHT, CLEAR = 0.7, 0.9
FEW = 30  # images of a site, below which the interval is said to be wide
_SURE = 0.05
KNOWN, COPY, LEARNED = "known", "copy", "learned"

CAVEAT = (
    "This is a difference between images, not a loss of accuracy: it may be one that does not matter to the classes, or "
    "another mix of them. How good a model is there, only labelled images of the new site tell."
)
_ALIKE = (
    "from what this network sees of an image. That is no proof that a model is as good there: only labelled images of the "
    "new site tell."
)
_SAID: dict[Gap, tuple[str, str]] = {
    "slight": (
        "Told apart a little more often than by chance",
        "the images of the new site are slightly different, and a model of the known site may do a little worse there",
    ),
    "clear": (
        "Told apart most of the time",
        "the images of the new site are clearly different; be ready for a model of the known site to do worse there",
    ),
    "wide": ("Told apart almost always", "expect a model of the known site to do worse there"),
}


def gap_of(auc: float | None, low: float | None) -> Gap:
    """How wide it is, in a word."""
    if auc is None or low is None:
        return "unknown"
    if low <= 0.5:
        return "alike"
    return "slight" if auc < SLIGHT else "clear" if auc < CLEAR else "wide"


def sentence_of(auc: float | None, low: float | None, high: float | None) -> str:
    """What it means, for people."""
    if auc is None or low is None or high is None:
        return (
            "The network gives the same numbers for every image of both sites, so it cannot say how different they are."
        )
    gap, score = gap_of(auc, low), f"(AUC {_short(auc)}, {_short(low)} to {_short(high)})"
    if gap == "alike":
        return f"The two sites cannot be told apart {score} {_ALIKE}"
    how, expect = _SAID[gap]
    return f"{how} {score}: {expect}. {CAVEAT}"


def notes_of(
    images: tuple[int, int],
    available: tuple[int, int],
    groups: tuple[int, int],
    left_out: Mapping[str, int],
    known_paths: Sequence[str],
    unlisted: int,
    gap: Gap,
    p: float,
    learned: int = 0,
) -> list[str]:
    """What people should know beside the sentence.

    Args:
        images: that were looked at, of the known and of the new site, as those of the next two.
        available: that they were drawn from.
        groups: independent ones among them: images that stand alone, and groups.
        left_out: see `GapMeasured`.
        known_paths: likewise.
        unlisted: folders that could not be looked into.
        gap: in a word.
        p: of the distance of the features.
        learned: images of the known site that the network has learned.
    """
    test = "test images of the known site are none of them"
    if learned:
        test = (
            f"{learned:,} more of the known site, which this network has learned, took no part, so test images are among "
            "those that did"
        )
    notes = [
        f"{images[0]:,} of {counted(available[0], 'image')} of the known site and {images[1]:,} of {available[1]:,} of the "
        f"new site were looked at, drawn without regard to class; {test}."
    ]
    if min(images) < FEW:
        notes.append("So few images leave a wide interval: add images to know more.")
    if groups != images:
        notes.append(
            f"Images that belong together are no independent witnesses: {groups[0]:,} and {groups[1]:,} of them are."
        )
    notes += _not_used(left_out, known_paths, unlisted)
    if gap == "alike" and p < _SURE:
        notes.append(
            f"As a whole, though, their features lie further apart than by chance (p = {_short(p, 3)}): there may be a small "
            "difference."
        )
    elif gap in _SAID and p >= _SURE:
        notes.append(
            f"As a whole, their features lie no further apart than by chance (p = {_short(p)}): the difference is in few of "
            "them."
        )
    return notes


def _not_used(left_out: Mapping[str, int], known_paths: Sequence[str], unlisted: int) -> list[str]:
    notes = []
    if known := left_out.get(KNOWN, 0):
        are = "image of the new site is also an image" if known == 1 else "images of the new site are also images"
        rest = known - len(known_paths)
        named = listed(known_paths, len(known_paths)) + (f" and {rest:,} more" if rest > 0 else "")
        notes.append(f"{known:,} {are} of the known site (the same file) and took no part: {named}.")
    if copies := left_out.get(COPY, 0):
        are = "file is a copy of another one" if copies == 1 else "files are copies of others"
        notes.append(f"{copies:,} {are} in the new site's folder and took no part.")
    if learned := left_out.get(LEARNED, 0):
        notes.append(f"{counted(learned, 'image')} of the new site, which this network has learned, took no part.")
    broken = {code: n for code, n in left_out.items() if code not in (KNOWN, COPY, LEARNED)}
    if broken:
        reasons = ", ".join(f"{n:,} {code.replace('_', ' ')}" for code, n in broken.items())
        notes.append(f"{counted(sum(broken.values()), 'file')} in the new site's folder cannot be used: {reasons}.")
    if unlisted:
        notes.append(
            f"{counted(unlisted, 'folder')} of the new site could not be looked into; what lies there is not counted."
        )
    return notes


def _short(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".removeprefix("0")
