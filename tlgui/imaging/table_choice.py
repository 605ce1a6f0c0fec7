"""Which label table tells of a folder: those that lie in it are looked for, read, and the one that fits best is chosen."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import TableRead
from tlgui.core.intake import Intake
from tlgui.core.records import TableColumns
from tlgui.imaging.file_index import FileIndex, index_of
from tlgui.imaging.folder_names import Parts
from tlgui.imaging.label_table import LabelTable, fitted, names_files, read_table
from tlgui.imaging.names import counted, listed, not_a_persons, order
from tlgui.imaging.table_match import Matched, match
from tlgui.imaging.walk import FoundFile, Tree

logger = logging.getLogger(__name__)

LABEL_TABLE = "label table"

SUFFIXES = (".csv", ".tsv", ".xlsx", ".txt")
MOST_DEPTH = 3  # path parts, the file's name among them
MOST_TABLES = 20
MOST_NOTES = 3  # text files in one folder; more of them are notes that belong to images, one for each
MOST_BYTES_UNASKED = 40_000_000  # of all tables together that nobody asked for
MOST_SHOWN = 20  # rows, and names without a file, in an answer to the window


@dataclass(frozen=True)
class TableChoice:
    """A table with the columns in use and what it says of the files."""

    table: LabelTable
    columns: TableColumns
    matched: Matched


def find_tables(tree: Tree) -> list[FoundFile]:
    """Files that could be label tables by their names, at most two folders deep; those nearest to the root first."""
    by_folder: defaultdict[Parts, list[FoundFile]] = defaultdict(list)
    for found in tree.files:
        if len(found.parts) <= MOST_DEPTH and found.parts[-1].lower().endswith(SUFFIXES) and found.kind == "file":
            by_folder[found.parts[:-1]].append(found)
    candidates: list[FoundFile] = []
    for files in by_folder.values():
        notes = [found for found in files if found.parts[-1].lower().endswith(".txt")]
        tables = [found for found in files if found not in notes] if len(notes) > MOST_NOTES else files
        candidates += [found for found in tables if not_a_persons(found.parts) is None]
    candidates.sort(key=lambda found: (len(found.parts), order(found.path)))
    return candidates[:MOST_TABLES]


def read_tables(root: Path, tree: Tree, extra: Mapping[str, Path] | None = None) -> dict[str, LabelTable]:
    """The label tables of a folder by their paths: those that lie in it and name files of it, and `extra` ones.

    A file that merely looks like a table is passed over.

    Args:
        root: the folder.
        tree: what lies in it.
        extra: tables that the person asked for, by the names that `Look.tables` knows them by.

    Raises:
        UserError: one of `extra` is no table, or cannot be read.
    """
    asked = {name: read_table(path, name) for name, path in (extra or {}).items()}
    tables: dict[str, LabelTable] = {}
    bytes_left = MOST_BYTES_UNASKED
    for found in find_tables(tree):
        if found.path in asked:
            continue
        path = root.joinpath(*found.parts)
        try:
            if (size := path.stat().st_size) <= bytes_left:
                bytes_left -= size
                table = read_table(path, found.path)
                if names_files(table, index_of(tree)):
                    tables[found.path] = table
        except (UserError, OSError) as error:
            logger.info("A file with the name of a table is none: %s", type(error).__name__)
    return tables | asked


def choose_table(tree: Tree, tables: Mapping[str, LabelTable], intake: Intake) -> TableChoice | None:
    """The table that the person asked for, else the one that labels most of the files; `None` where none does.

    Raises:
        UserError: the table that was asked for does not do.
    """
    asked = intake.table and intake.layout in ("", LABEL_TABLE)
    if not tables and not asked:
        return None
    files = index_of(tree)
    if asked:
        return _asked(files, tables, intake)
    choices = [choice for table in tables.values() if (choice := _recognised(table, files, intake)) is not None]
    return min(
        choices,
        key=lambda choice: (
            choice.matched.problem is not None,
            -len(choice.matched.rows),
            len(choice.columns.labels),
            not choice.columns.split,
            order(choice.table.name),
        ),
        default=None,
    )


def _asked(files: FileIndex, tables: Mapping[str, LabelTable], intake: Intake) -> TableChoice:
    if intake.table not in tables:
        raise UserError(
            f"The label table '{intake.table}' is not at hand, or names no file of this folder.",
            "Choose the table again.",
        )
    table = fit(tables[intake.table], files)
    columns = intake.columns or table.columns
    if columns is None:
        raise UserError(
            f"In the table '{table.name}' no column with the names of the files, or none with the labels, was recognised.",
            f"Say which of its columns they are: {listed(table.header, 12)}.",
        )
    columns = _with_group(columns, table, intake)
    choice = TableChoice(table, columns, matched(table, columns, files))
    if choice.matched.problem is not None:
        raise choice.matched.problem
    return choice


def _recognised(table: LabelTable, files: FileIndex, intake: Intake) -> TableChoice | None:
    table = fit(table, files)
    if table.columns is None:
        return None
    columns = _with_group(table.columns, table, intake)
    choice = TableChoice(table, columns, matched(table, columns, files))
    return choice if choice.matched.matched else None


def _with_group(columns: TableColumns, table: LabelTable, intake: Intake) -> TableColumns:
    """With the column by which the person wants images kept together."""
    kind, _, name = intake.group.partition(":")
    return msgspec.structs.replace(columns, group=name) if kind == "column" and name in table.header else columns


def groups_by_column(tree: Tree, tables: Mapping[str, LabelTable], name: str) -> dict[str, str] | None:
    """Path -> cell of a column, from the first table that has it, whatever tells the classes; `None` where none has."""
    for key in sorted(tables, key=order):
        table = fit(tables[key], index_of(tree))
        if name in table.header and table.file_column:
            # The column of files alone matters here, so the group stands in for the labels too.
            columns = TableColumns(file=table.file_column, labels=[name], group=name)
            found = matched(table, columns, index_of(tree))
            if found.rows:
                return {path: row.group for path, row in found.rows.items()}
    return None


def fit(table: LabelTable, files: FileIndex) -> LabelTable:
    """`fitted`, remembered: each change of mind asks again."""
    return files.remembered(table, "fitted", lambda: fitted(table, files))


def matched(table: LabelTable, columns: TableColumns, files: FileIndex) -> Matched:
    """`match`, remembered."""
    return files.remembered(table, repr(columns), lambda: match(table, columns, files))


def table_evidence(choice: TableChoice, others: list[str]) -> list[str]:
    """What a table was told by, in a few sentences.

    Args:
        choice: the table in use.
        others: names of further tables in the folder.
    """
    table, columns, found = choice.table, choice.columns, choice.matched
    beside = f" {listed(others)} could be used too." if others else ""
    return [
        f"'{table.name}': {' '.join(table.evidence)}{beside}",
        f"{counted(found.matched, 'row names', 'rows name')} a file in this folder (column '{columns.file}')"
        f"{_unused(found)}.",
        _of_labels(columns, found),
        *_nearly(found),
    ]


def _unused(found: Matched) -> str:
    parts = [
        (len(found.without_file), "names a file that is not there", "name files that are not there"),
        (len(found.ambiguous), "fits several files", "fit several files"),
        (found.repeated, "repeats another one", "repeat others"),
    ]
    return "".join(f"; {number} {one if number == 1 else more}" for number, one, more in parts if number)


def _of_labels(columns: TableColumns, found: Matched) -> str:
    if len(columns.labels) > 1:
        labels = f"{len(columns.labels)} columns of 0 and 1, one for each class: {listed(columns.labels)}"
    else:
        labels = f"{counted(len(found.classes), 'class', 'classes')} in the column '{columns.labels[0]}'"
    split = f"; train, validation or test in '{columns.split}'" if columns.split else ""
    if found.without_split:
        split += f" ({counted(found.without_split, 'row names none and trains', 'rows name none and train')})"
    group = f"; what belongs together in '{columns.group}'" if columns.group else ""
    return f"{labels}{split}{group}."


def _nearly(found: Matched) -> list[str]:
    """Names that are not quite those of their files."""
    differing = (
        (found.case_differs, "only in upper and lower case"),
        (found.extension_differs, "only in the extension"),
        (found.zeros_differ, "only in the zeros before the number"),
    )
    return [
        f"{counted(len(names), 'name differs', 'names differ')} from the file's {how}, and "
        f"{'is taken for it' if len(names) == 1 else 'are taken for them'}: {listed(names, 3)}."
        for names, how in differing
        if names
    ]


def table_read(ticket: int, table: LabelTable, columns: TableColumns | None, tree: Tree) -> TableRead:
    """What the window's dialog shows of a table, with columns as chosen, or as recognised (`None`)."""
    files = index_of(tree)
    table = fit(table, files)
    columns = columns or table.columns
    found = matched(table, columns, files) if columns is not None else Matched(problem=_NOT_RECOGNISED)
    problem = found.problem
    return TableRead(
        ticket=ticket,
        table=table.name,
        header=table.header,
        rows=table.rows[:MOST_SHOWN],
        row_count=len(table.rows),
        columns=columns,
        evidence=table.evidence + (_nearly(found) if columns else []),
        matched=found.matched,
        unmatched=[*found.without_file, *found.ambiguous][:MOST_SHOWN],
        problem=f"{problem.problem} {problem.remedy}" if problem else "",
        classes=found.classes or (_counted(table, columns) if columns else {}),
    )


_NOT_RECOGNISED = UserError(
    "No column with the names of the files, or none with the labels, was recognised.", "Choose both columns."
)


def _counted(table: LabelTable, columns: TableColumns) -> dict[str, int]:
    """Labels as they stand there, for a table whose rows do not do yet."""
    if len(columns.labels) != 1 or columns.labels[0] not in table.header:
        return {}
    return dict(sorted(Counter(cell for cell in table.cells(columns.labels[0]) if cell).most_common(100)))
