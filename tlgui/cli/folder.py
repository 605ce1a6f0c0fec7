"""The images that were typed: a zip is unpacked first, and options say how the folder is read, for this once."""

from __future__ import annotations

import argparse
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tlgui.core.errors import UserError
from tlgui.core.intake import Change, CutTest, GroupBy, SetDomain, SetTable, UseFold
from tlgui.core.paths import projects_dir
from tlgui.imaging.label_table import read_table
from tlgui.imaging.opening import Opened, open_folder
from tlgui.imaging.unpack import unpack

Progress = Callable[[int, int], None]

ALL_DOMAINS = "all"
_KINDS = ("dicom:", "column:", "pattern:")
_DICOM = ("patient", "study")
_SIGNS = frozenset("\\()[]{}.*+?^$|")  # of a regular expression


@dataclass(frozen=True)
class Typed:
    """What was asked for.

    Attributes:
        data: the folder.
        changes: what the options decide, for this once.
        tables: places of label tables that are not in the folder.
        second: what to keep images together by where the first key is found in no image.
    """

    data: Path
    changes: list[Change] = field(default_factory=list)
    tables: dict[str, Path] = field(default_factory=dict)
    second: GroupBy | None = None


def typed(options: argparse.Namespace, data: Path, progress: Progress) -> Typed:
    """The folder and what the options say about it.

    Args:
        options: with `table`, `group`, `domain`, `fold` and, for a training, `cut_test`.
        data: a folder, or a zip, which is unpacked into the projects.
        progress: called with (bytes done, bytes in all) meanwhile.

    Raises:
        UserError: the zip is none that can be used, or an option does not do.
    """
    if data.is_file() and zipfile.is_zipfile(data):
        data = unpack(data, projects_dir(), progress, lambda: False)
    changes: list[Change] = []
    tables: dict[str, Path] = {}
    header: list[str] = []
    if options.table is not None:
        name, header = _table(options.table, data)
        tables = {name: options.table.absolute()}
        changes.append(SetTable(table=name))
    if options.domain is not None:
        changes.append(SetDomain(domain="*" if options.domain == ALL_DOMAINS else options.domain))
    second = None
    if options.group is not None:
        key = group_key(options.group, header)
        changes.append(GroupBy(key=key))
        second = (
            GroupBy(key=f"column:{options.group}") if key.startswith("dicom:") and options.group in _DICOM else None
        )
    if options.fold is not None:
        changes.append(UseFold(number=options.fold[0], of=options.fold[1]))
    if getattr(options, "cut_test", False):
        changes.append(CutTest())
    return Typed(data, changes, tables, second)


def group_key(text: str, header: list[str]) -> str:
    """The key that `--group` means, as in `records.Grouping`.

    Args:
        text: "patient" or "study", a column's name, or a pattern; with "dicom:", "column:" or "pattern:" before it, that.
        header: columns of the table that was typed.
    """
    kind, _, rest = text.partition(":")
    if f"{kind}:" in _KINDS and rest:
        return f"pattern:{_capturing(rest)}" if kind == "pattern" else text
    if text in header:
        return f"column:{text}"
    if text in _DICOM:
        return f"dicom:{text}"
    return f"pattern:{_capturing(text)}" if _SIGNS & set(text) else f"column:{text}"


def opened(asked: Typed, progress: Progress, follow_journal: bool = True, fewest_classes: int = 2) -> Opened:
    """The folder, read as the project and the options say.

    Raises:
        UserError: no classifier can come of this folder, or the options do not fit it.
    """

    def read(changes: list[Change]) -> Opened:
        return open_folder(
            asked.data,
            progress,
            changes=changes,
            follow_journal=follow_journal,
            tables=asked.tables,
            fewest_classes=fewest_classes,
        )

    found = read(asked.changes)
    if asked.second is None or found.scan.grouping.groups:
        return found
    # No DICOM file names a patient: a table may have a column of that name.
    return read([asked.second if isinstance(change, GroupBy) else change for change in asked.changes])


def _table(path: Path, data: Path) -> tuple[str, list[str]]:
    """The name of a label table, relative to the folder where it lies there, and its columns."""
    if not path.is_file():
        raise UserError(f"There is no label table '{path.name}'.", "Check the name.")
    table, folder = path.resolve(), data.resolve()
    name = table.relative_to(folder).as_posix() if table.is_relative_to(folder) else path.name
    return name, read_table(path, name).header


def _capturing(pattern: str) -> str:
    """The pattern with a capturing group: the whole of it, where it has none."""
    try:
        return pattern if re.compile(pattern).groups else f"({pattern})"
    except re.error:
        return pattern  # whoever follows it says what is wrong
