"""A pair of images that show the same: what is said of it, and what each press on it decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from tlgui.core.imaging_messages import ChangeLine, Leak
from tlgui.core.intake import Change, DrawSplitAnew, IgnoreCopies, KeepTogether, LeaveOutFiles
from tlgui.core.split import PARTS
from tlgui.gui.numbers import counted
from tlgui.gui.wizard.images.words import in_force

_LABEL = "They lie in one part already: a label is in doubt, so leave one out."
_NEVER_PARTED = "Exact copies are never parted."
_KEPT = "You keep them together already."
_SAME_BYTES = "The two files are the same byte for byte."


class Given(NamedTuple):
    """What was said about the folder before.

    Attributes:
        together: sets of images that the person keeps together.
        parts: whether the folder or the table says what trains and what tests: then keeping together moves nothing.
    """

    together: Sequence[frozenset[str]] = ()
    parts: bool = False


def given(changes: Iterable[ChangeLine], gives_split: bool) -> Given:
    """Out of the journal and the summary."""
    kept = [line.change for line in in_force(changes) if isinstance(line.change, KeepTogether)]
    return Given([frozenset(group) for change in kept for group in change.groups], gives_split)


def pair_title(leak: Leak) -> str:
    """'The same file twice' or 'Nearly the same picture'."""
    if leak.pair.kind == "copy":
        return "The same file twice"
    return f"Nearly the same picture, similarity {leak.pair.similarity:.3f} of 1"


def pair_sentence(leak: Leak) -> str:
    """What is wrong with it."""
    one, other = leak.parts
    if leak.pair.classes[0] != leak.pair.classes[1]:
        sure = "is" if leak.pair.kind == "copy" else "may be"
        wrong = f"They stand in two classes, so one of the two labels {sure} wrong."
        return f"{wrong} They also lie in two parts: {one} and {other}." if one != other else wrong
    if one != other:
        return f"One is in {one}, the other in {other}: the score is better than it should be."
    return f"Both are in {one}, so the score does not suffer from it."


def pair_spoken(leak: Leak) -> str:
    """The whole pair for a screen reader."""
    sides = [
        f"{PurePosixPath(path).name} of '{name}' in {part}"
        for path, name, part in zip((leak.pair.first, leak.pair.second), leak.pair.classes, leak.parts, strict=True)
    ]
    return f"{pair_title(leak)}: {' and '.join(sides)}"


def less_needed(leak: Leak) -> str:
    """Which of the two goes where one must: the one that trains, since what measures is kept; of equal ones the later."""
    by_path = {leak.pair.first: leak.parts[0], leak.pair.second: leak.parts[1]}
    return min((leak.pair.second, leak.pair.first), key=lambda path: _rank(by_path[path]))


def _rank(part: str) -> int:
    return next((place for place, known in enumerate(PARTS) if known == part), len(PARTS))


def against_together(leak: Leak, before: Given) -> str:
    """Why keeping this pair together would settle nothing; "" when it would."""
    if leak.parts[0] == leak.parts[1]:
        if leak.pair.classes[0] != leak.pair.classes[1]:
            return _LABEL
        if leak.pair.kind == "copy":
            return _NEVER_PARTED
        if any({leak.pair.first, leak.pair.second} <= group for group in before.together):
            return _KEPT
    return ""


def against_different(leak: Leak) -> str:
    """Why the two cannot be taken for different pictures; "" when they can."""
    return _SAME_BYTES if leak.pair.kind == "copy" else ""


def together(leaks: Sequence[Leak], before: Given) -> list[Change]:
    """Keeps each pair in one part.

    The parts that a folder gives are respected, so that keeping together alone moves nothing there: they are drawn anew.
    """
    wanted = [leak for leak in leaks if not against_together(leak, before)]
    changes: list[Change] = []
    if wanted:
        changes.append(KeepTogether(groups=[[leak.pair.first, leak.pair.second] for leak in wanted]))
        if before.parts and any(leak.parts[0] != leak.parts[1] for leak in wanted):
            changes.append(DrawSplitAnew())
    return changes


def left_out(leaks: Sequence[Leak], path: str = "") -> list[Change]:
    """Uses one image of each pair no more.

    Args:
        leaks: the pairs.
        path: which one; "" = of each pair the less needed one.
    """
    paths = [path] if path else list(dict.fromkeys(less_needed(leak) for leak in leaks))
    return [LeaveOutFiles(paths=paths)] if paths else []


def different(leaks: Sequence[Leak]) -> list[Change]:
    """Takes the two of each pair for different pictures; files that are equal byte for byte are not."""
    pairs = [(leak.pair.first, leak.pair.second) for leak in leaks if not against_different(leak)]
    return [IgnoreCopies(pairs=pairs)] if pairs else []


def done_words(changes: Sequence[Change]) -> str:
    """What was just decided, for the line that offers to undo it."""
    words = []
    for change in changes:
        match change:
            case KeepTogether():
                words.append(f"{_pairs(len(change.groups))} kept together.")
            case LeaveOutFiles(paths=[path]):
                words.append(f"'{PurePosixPath(path).name}' is left out.")
            case LeaveOutFiles():
                words.append(f"{counted(len(change.paths), 'image')} are left out.")
            case IgnoreCopies():
                words.append(f"{_pairs(len(change.pairs))} taken for different pictures.")
            case DrawSplitAnew():
                words.append("All three parts are drawn anew.")
    return " ".join(words)


def total_words(total: int, every: bool) -> str:
    """What the list holds."""
    if every:
        return f"{counted(total, 'pair')} of images that show the same." if total else "No two images show the same."
    if not total:
        return "No two images that show the same lie in two parts or in two classes."
    shows = "pair shows" if total == 1 else "pairs show"
    return (
        f"{counted(total, shows, shows)} the same and {'lies' if total == 1 else 'lie'} in two parts or in two classes."
    )


def _pairs(number: int) -> str:
    return f"{counted(number, 'pair')} {'is' if number == 1 else 'are'}"
