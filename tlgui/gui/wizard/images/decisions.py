"""From a press on the images page to the decision that is kept: names of folders, the journal, what undoes what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from tlgui.core.imaging_messages import ChangeLine, ClassCount, ScanSummary
from tlgui.core.intake import (
    Change,
    CutTest,
    DrawSplitAnew,
    GroupBy,
    LeaveOutClass,
    MergeClasses,
    RenameClass,
    SetDomain,
    SetLayout,
    SetTable,
    UseFold,
)  # fmt: skip
from tlgui.gui.wizard.images.words import in_force

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


class Decisions:
    """Each method is one press; the desk sends it, and the page shows what came of it."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    @property
    def against(self) -> str:
        """Why nothing can be decided now, as a sentence; "" when it can."""
        return self._bench.intake.reason_against()

    def rename(self, place: int, name: str) -> None:
        """Calls a class by another name; under the name of another class the two are one."""
        if (row := self._row(place)) is not None:
            self._change(renamed(row, name, self._classes()))

    def merge(self, place: int, other: int) -> None:
        """Makes one class of two, under the name of the other."""
        row, into = self._row(place), self._row(other)
        if row is not None and into is not None:
            self._change(merged(row, into))

    def leave_out(self, place: int) -> None:
        """Uses no image of a class."""
        if (row := self._row(place)) is not None:
            self._bench.intake.change(*(LeaveOutClass(name=name) for name in found_in(row)))

    def use_again(self, name: str) -> None:
        """A class that was left out is wanted again."""
        numbers = [line.number for line in self._in_force() if _leaves_out(line, name)]
        if numbers:
            self._bench.intake.undo(numbers)
        else:
            self._change(RenameClass(old=name, new=name))

    def choose_layout(self, layout: str) -> None:
        """Reads the folder in another way."""
        self._change(SetLayout(layout=layout))

    def as_recognised(self) -> None:
        """Takes back every choice of a layout or a table."""
        self._bench.intake.undo(layout_choices(self._changes()))

    def choose_domain(self, domain: str) -> None:
        """Uses one domain, or all ("*")."""
        self._change(SetDomain(domain=domain))

    def take_table(self, change: SetTable) -> None:
        """The labels come from a table."""
        self._change(change)

    def keep_together(self, key: str) -> None:
        """Images are kept together by a key."""
        self._change(GroupBy(key=key))

    def cut_test(self) -> None:
        """A test part is cut from the training images."""
        self._change(CutTest())

    def draw_anew(self) -> None:
        """The folders' own parts are not followed."""
        self._change(DrawSplitAnew())

    def use_fold(self, chosen: tuple[int, int] | None) -> None:
        """Tests with one of several folds, as (number, folds); `None` = with a share, as usual."""
        if chosen is not None:
            number, of = chosen
            self._change(UseFold(number=number, of=of))
        else:
            self.undo([line.number for line in self._in_force() if isinstance(line.change, UseFold)])

    def undo(self, numbers: Collection[int]) -> None:
        """Takes the decisions of one press back."""
        self._bench.intake.undo(numbers)

    def again(self, lines: Iterable[ChangeLine]) -> None:
        """Makes decisions that were taken back once more."""
        self._bench.intake.change(*(line.change for line in lines))

    def _change(self, change: Change) -> None:
        self._bench.intake.change(change)

    def _summary(self) -> ScanSummary | None:
        return self._bench.draft.summary

    def _classes(self) -> Sequence[ClassCount]:
        summary = self._summary()
        return summary.classes if summary is not None else ()

    def _row(self, place: int) -> ClassCount | None:
        classes = self._classes()
        return classes[place] if 0 <= place < len(classes) else None

    def _changes(self) -> Sequence[ChangeLine]:
        summary = self._summary()
        return summary.changes if summary is not None else ()

    def _in_force(self) -> Sequence[ChangeLine]:
        return in_force(self._changes())


def found_in(row: ClassCount) -> list[str]:
    """Names of the folders or labels that a class is made of."""
    return list(row.found) or [row.name]


def renamed(row: ClassCount, name: str, classes: Sequence[ClassCount]) -> Change:
    """What gives a class another name, also one that is made of several folders, or the name of another class."""
    into = next((other for other in classes if other.name == name and other is not row), None)
    if into is not None:
        return merged(row, into)
    found = found_in(row)
    return RenameClass(old=found[0], new=name) if len(found) == 1 else MergeClasses(names=found, into=name)


def merged(row: ClassCount, into: ClassCount) -> MergeClasses:
    """What makes one class of two."""
    return MergeClasses(names=[*found_in(into), *found_in(row)], into=into.name)


def layout_choices(changes: Sequence[ChangeLine]) -> list[int]:
    """Numbers of the decisions in force that say how the folder is read."""
    return [line.number for line in in_force(changes) if isinstance(line.change, SetLayout | SetTable)]


def _leaves_out(line: ChangeLine, name: str) -> bool:
    return isinstance(line.change, LeaveOutClass) and line.change.name == name
