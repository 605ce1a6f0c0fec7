"""The journal as a person made it: decisions of one press are one entry, and those that a later one replaced say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tlgui.core import superseded
from tlgui.core.imaging_messages import ChangeLine


@dataclass(frozen=True)
class Press:
    """What one press decided.

    Attributes:
        lines: of the journal, at least one; all in force, or all taken back.
    """

    lines: tuple[ChangeLine, ...]

    @property
    def number(self) -> int:
        """Of its first decision."""
        return self.lines[0].number

    @property
    def numbers(self) -> list[int]:
        """Of all its decisions."""
        return [line.number for line in self.lines]

    @property
    def at(self) -> str:
        """When it was decided."""
        return self.lines[0].at

    @property
    def undone_at(self) -> str:
        """When it was taken back; "" = it is in force."""
        return self.lines[0].undone_at

    @property
    def sentence(self) -> str:
        """What it does."""
        return " ".join(line.sentence for line in self.lines)


def presses(changes: Iterable[ChangeLine]) -> list[Press]:
    """The journal, the newest first; lines of one moment that follow each other came of one press."""
    found: list[list[ChangeLine]] = []
    for line in changes:
        before = found[-1][-1] if found else None
        if before is not None and (before.at, before.undone_at) == (line.at, line.undone_at):
            found[-1].append(line)
        else:
            found.append([line])
    return [Press(tuple(lines)) for lines in reversed(found)]


def in_effect(changes: Sequence[ChangeLine]) -> list[Press]:
    """The presses that hold and that no later one has replaced altogether, the newest first."""
    replaced = without_effect(changes)
    return [
        press
        for press in presses(changes)
        if not press.undone_at and not all(number in replaced for number in press.numbers)
    ]


def without_effect(changes: Sequence[ChangeLine]) -> frozenset[int]:
    """Numbers of decisions in force that change nothing, since later ones say otherwise."""
    lines = [line for line in changes if not line.undone_at]
    return frozenset(lines[place].number for place in superseded.without_effect([line.change for line in lines]))
