"""What a person decided about a folder of images: a journal of changes, each of which can be undone.

The disk is never touched. A change is plain data, kept in the project with its time, so that it is an audit as well.
`fold` makes of those in force the one `Intake` that the reading of the folder follows.

To add a kind of change: a struct with its sentence and its name in `AnyChange` in `changes`, its case in `fold` here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tlgui.core.changes import (
    AnswerMirror,
    AnyChange,
    Change,
    ChooseFrame,
    ChooseSlices,
    CropBorder,
    CutTest,
    CutValidation,
    DrawSplitAnew,
    GroupBy,
    IgnoreCopies,
    KeepTogether,
    LeaveOutClass,
    LeaveOutFiles,
    MergeClasses,
    RenameClass,
    SetColour,
    SetDomain,
    SetLayout,
    SetPixelRule,
    SetTable,
    UseFold,
)
from tlgui.core.errors import UserError
from tlgui.core.records import Colour, Frame, Method, Repair, TableColumns
from tlgui.core.split import nfc

__all__ = [
    "AnswerMirror",
    "AnyChange",
    "Change",
    "ChooseFrame",
    "ChooseSlices",
    "CropBorder",
    "CutTest",
    "CutValidation",
    "DrawSplitAnew",
    "Entry",
    "GroupBy",
    "IgnoreCopies",
    "Intake",
    "KeepTogether",
    "LeaveOutClass",
    "LeaveOutFiles",
    "MergeClasses",
    "RenameClass",
    "SetColour",
    "SetDomain",
    "SetLayout",
    "SetPixelRule",
    "SetTable",
    "UseFold",
    "changes_of",
    "fold",
    "repair",
]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the journal.

    Attributes:
        at: when it was decided, ISO 8601 with the milliseconds; equal for what one press decided.
        undone_at: when it was taken back; "" = it is in force.
    """

    change: AnyChange
    at: str
    undone_at: str = ""


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """All decisions in force, as the reading of a folder follows them; the default follows what is recognised.

    Attributes:
        classes: name of a folder or label -> the class that it is; "" = left out; names that are missing stay.
        left_out: paths.
        together: groups of paths.
        different: pairs of paths, each pair in order.
        group: key as in `Grouping`; "" = as recognised, "none" = nothing.
        method, low, high: of the pixel rule; `None` = as the set suggests.
        slices: "middle", "all", or "" = the default.
        fold: (number from 1, number of folds) of the one that tests; `None` = shares, as usual.
        mirror: whether left and right may change places in training images; `None` = not answered. The reading of the
            folder does not ask for it, a run that is made does.
    """

    layout: str = ""
    domain: str = ""
    table: str = ""
    columns: TableColumns | None = None
    classes: dict[str, str] = {}
    left_out: frozenset[str] = frozenset()
    together: list[list[str]] = []
    different: frozenset[tuple[str, str]] = frozenset()
    group: str = ""
    method: Method | None = None
    low: float = 0.0
    high: float = 0.0
    colour: Colour = "as stored"
    border: float = 0.0
    frame: Frame = "auto"
    slices: str = ""
    cut_test: bool = False
    cut_validation: bool = False
    draw_anew: bool = False
    fold: tuple[int, int] | None = None
    mirror: bool | None = None

    def class_of(self, found: str) -> str:
        """The class of a folder or label; "" = left out."""
        return self.classes.get(found, found)


def fold(changes: Iterable[Change]) -> Intake:
    """The decisions in force, a later one before an earlier one about the same thing."""
    fields: dict[str, Any] = {}
    classes: dict[str, str] = {}
    left_out: set[str] = set()
    together: list[list[str]] = []
    different: set[tuple[str, str]] = set()
    for change in changes:
        match change:
            case SetLayout():
                fields["layout"] = change.layout
            case SetDomain():
                fields["domain"] = change.domain
            case SetTable():
                fields |= {"table": change.table, "columns": change.columns, "layout": "label table"}
            case RenameClass():
                classes[change.old] = nfc(change.new)
            case MergeClasses():
                classes |= dict.fromkeys(change.names, nfc(change.into))
            case LeaveOutClass():
                classes[change.name] = ""
            case LeaveOutFiles():
                left_out |= set(change.paths)
            case KeepTogether():
                together += change.groups
            case IgnoreCopies():
                different |= {(min(pair), max(pair)) for pair in change.pairs}
            case GroupBy():
                fields["group"] = change.key
            case SetPixelRule():
                fields |= {"method": change.method, "low": change.low, "high": change.high}
            case SetColour():
                fields["colour"] = change.colour
            case CropBorder():
                fields["border"] = change.share
            case ChooseFrame():
                fields["frame"] = change.frame
            case ChooseSlices():
                fields["slices"] = change.slices
            case CutTest():
                fields["cut_test"] = True
            case CutValidation():
                fields["cut_validation"] = True
            case DrawSplitAnew():
                fields["draw_anew"] = True
            case UseFold():
                fields["fold"] = (change.number, change.of)
            case AnswerMirror():
                fields["mirror"] = not change.matters
            case _:
                raise AssertionError(f"no case for {type(change).__name__}")
    return Intake(
        classes=classes, left_out=frozenset(left_out), together=together, different=frozenset(different), **fields
    )


def repair(label: str, *changes: Change) -> Repair:
    """A one-press repair that makes these changes."""
    return Repair(label=label, changes=[msgspec.to_builtins(change) for change in changes])


def changes_of(repair: Repair) -> list[Change]:
    """What the press adds to the journal.

    Raises:
        UserError: it is no change that this version knows.
    """
    try:
        changes: list[Change] = msgspec.convert(repair.changes, list[AnyChange])
        return changes
    except msgspec.ValidationError as error:
        raise UserError("This repair is not known to this version.", "Repair it by hand.", str(error)) from error
