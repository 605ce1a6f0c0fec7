"""What the checks of a dataset look at, and how they say what they found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tlgui.core.intake import Change, Intake, LeaveOutClass, LeaveOutFiles, repair
from tlgui.core.records import Copies, DatasetWarning, Grouping, LayoutFacts, LeftOut, PixelRule, Repair
from tlgui.imaging.file_check import Checked
from tlgui.imaging.layout import Layout
from tlgui.imaging.walk import Tree

MOST_EVIDENCE = 100  # paths of one warning
MOST_REPAIRED = 2000  # files or pairs that one press settles: a warning is sent to the window with all of them

Found = Iterator[DatasetWarning]


@dataclass(frozen=True)
class Findings:
    """All that the checks look at.

    Attributes:
        used: sorted, at least one.
        classes: of used images, sorted.
        facts: how the folder is read.
        intake: what the person decided already.
        grouping, proposed: the key in use, and the one that the names suggest.
        groups: path -> group, for images that do not stand alone.
        copies: not settled yet.
        found_classes: class as shown -> names of folders or labels; "" for those left out.
    """

    tree: Tree
    layout: Layout
    used: list[Checked]
    left_out: list[LeftOut]
    classes: list[str]
    rule: PixelRule
    facts: LayoutFacts
    intake: Intake
    grouping: Grouping
    proposed: Grouping
    groups: dict[str, str]
    copies: list[Copies]
    found_classes: dict[str, list[str]]


def warning(code: str, message: str, paths: Iterable[str] = (), repairs: Iterable[Repair] = ()) -> DatasetWarning:
    """A warning with the first of its evidence."""
    evidence = list(dict.fromkeys(paths))[:MOST_EVIDENCE]
    return DatasetWarning(code=code, message=message, paths=evidence, repairs=list(repairs))


def paths_of(checked: Iterable[Checked]) -> list[str]:
    """Their relative paths."""
    return [one.found.path for one in checked]


def by_class(used: Iterable[Checked]) -> dict[str, list[Checked]]:
    """Class -> its images, in their order."""
    classes: defaultdict[str, list[Checked]] = defaultdict(list)
    for checked in used:
        classes[checked.place.class_name].append(checked)
    return classes


def leave_out(paths: Iterable[str], label: str = "") -> Repair:
    """The repair that uses these files no more."""
    paths = list(dict.fromkeys(paths))
    label = label or ("Leave it out" if len(paths) == 1 else "Leave them out")
    return repair(first_of(label, len(paths)), LeaveOutFiles(paths=paths[:MOST_REPAIRED]))


def first_of(label: str, number: int) -> str:
    """The label of a repair, which says so where one press does not settle all."""
    return f"{label} (the first {MOST_REPAIRED})" if number > MOST_REPAIRED else label


def leave_out_class(name: str, classes: Iterable[str], found_classes: dict[str, list[str]]) -> list[Repair]:
    """The repair that uses a class no more; none where no two classes would be left to tell apart."""
    if len(list(classes)) <= 2:
        return []
    changes: list[Change] = [LeaveOutClass(name=found) for found in found_classes.get(name, [name])]
    return [repair(f"Leave out the class '{name}'", *changes)]


def class_depth(findings: Findings) -> int:
    """How many parts of a path lead to the class folder, with it."""
    return len(findings.layout.base) + findings.layout.levels.index("class") + 1
