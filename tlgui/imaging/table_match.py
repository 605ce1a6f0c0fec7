"""Rows of a label table, brought to the files that they speak of."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tlgui.core.errors import UserError
from tlgui.core.records import TableColumns
from tlgui.imaging.file_index import FileIndex
from tlgui.imaging.folder_names import split_of_word
from tlgui.imaging.label_table import LabelTable
from tlgui.imaging.names import counted, listed, nfc
from tlgui.imaging.table_columns import number_of

_MOST_ROWS_NAMED = 5
_WHOLE = re.compile(r"([+-]?\d+)[.,]0*")
_ABSOLUTE = re.compile(r"[a-z]:|[\\/~]|file:", re.IGNORECASE)
ONE_CLASS_EACH = "this program gives each image one class"


@dataclass(frozen=True)
class Row:
    """What the table says of a file.

    Attributes:
        class_name: "" where the cell is empty.
        split: "train", "validation", "test" or "".
        group: as it stands there.
    """

    class_name: str
    split: str = ""
    group: str = ""


@dataclass
class Matched:
    """What a table says of the files in a folder.

    Attributes:
        rows: path of a file -> what its row says.
        matched: rows that fit one file.
        without_file: names that fit no file, in the order of the table.
        ambiguous: name -> paths of the files that it fits.
        case_differs: names that fit a file only where upper and lower case are not told apart.
        extension_differs: names that fit a file only but for the extension.
        zeros_differ: numbers that fit a file only but for the zeros before them.
        without_split: rows that name no part, where the table has a column for it.
        repeated: rows that say again what another one says.
        classes: class -> rows, in the order of the names.
        problem: why these columns do not do.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    matched: int = 0
    without_file: list[str] = field(default_factory=list)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)
    case_differs: list[str] = field(default_factory=list)
    extension_differs: list[str] = field(default_factory=list)
    zeros_differ: list[str] = field(default_factory=list)
    without_split: int = 0
    repeated: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    problem: UserError | None = None


def match(table: LabelTable, columns: TableColumns, files: FileIndex) -> Matched:
    """Brings rows to files; whatever is wrong with the columns is told in `problem`, never raised."""
    matched = Matched()
    try:
        _require_columns(table, columns)
        found = list(_found_rows(table, columns, files, matched))
        if not found:
            raise _nothing_fits(table, columns, matched)
        labels = _labels(table, columns, [position for position, _path in found])
        splits = _splits(table, columns.split, [position for position, _path in found])
        _take(table, columns, found, labels, splits, matched)
    except UserError as error:
        matched.problem = error
    return matched


def _require_columns(table: LabelTable, columns: TableColumns) -> None:
    asked = [columns.file, *columns.labels, *(name for name in (columns.split, columns.group) if name)]
    for name in asked:
        if name not in table.header:
            raise UserError(
                f"The table '{table.name}' has no column '{name}'.",
                f"Choose one of its columns: {listed(table.header, 12)}.",
            )
    if not columns.labels:
        raise UserError(f"No column of '{table.name}' is chosen for the labels.", "Choose the column with the classes.")
    twice = [name for name, times in Counter(asked[: 1 + len(columns.labels)]).items() if times > 1]
    if twice:
        raise UserError(f"The column '{twice[0]}' is chosen twice.", "Choose one column for each purpose.")


def _found_rows(
    table: LabelTable, columns: TableColumns, files: FileIndex, matched: Matched
) -> Iterator[tuple[int, str]]:
    """(position of the row, path of its file) for the rows that fit one file; the others are noted."""
    for position, name in enumerate(table.cells(columns.file)):
        if not name:
            continue
        meant = files.find(name, table.folder)
        if not meant.files:
            matched.without_file.append(_told(name))
        elif len(meant.files) > 1:
            matched.ambiguous.setdefault(_told(name), []).extend(found.path for found in meant.files)
        else:
            if meant.case_differs:
                matched.case_differs.append(_told(name))
            if meant.extension_differs:
                matched.extension_differs.append(_told(name))
            if meant.zeros_differ:
                matched.zeros_differ.append(_told(name))
            matched.matched += 1
            yield position, meant.files[0].path


def _told(name: str) -> str:
    """The name as it may be repeated: of a path from the root of a disk, which may name a person, the last two parts."""
    if not _ABSOLUTE.match(name):
        return name
    return "/".join(["...", *re.split(r"[\\/]+", name)[-2:]])


def _nothing_fits(table: LabelTable, columns: TableColumns, matched: Matched) -> UserError:
    if matched.ambiguous:
        name, paths = next(iter(matched.ambiguous.items()))
        return UserError(
            f"The names in the column '{columns.file}' of '{table.name}' fit several files each, such as '{name}': "
            f"{listed(paths, 2)}.",
            "Write the names with their folders, such as 'folder/name.png'.",
        )
    such = f", such as '{matched.without_file[0]}'" if matched.without_file else ""
    return UserError(
        f"No file in this folder has a name from the column '{columns.file}' of '{table.name}'{such}.",
        "Choose the column with the names of the files, or the folder that holds these files.",
    )


def _labels(table: LabelTable, columns: TableColumns, positions: Sequence[int]) -> dict[int, str]:
    """Position of a row -> its class; "" where the cell is empty.

    Raises:
        UserError: rows have several labels, or one-hot columns give them none.
    """
    if len(columns.labels) > 1:
        return _one_hot_labels(table, columns.labels, positions)
    cells = table.cells(columns.labels[0])
    named = {position: " ".join(nfc(cells[position]).split()) for position in positions}
    numbers = [number_of(name) for name in named.values() if name]
    if numbers and all(number is not None and number.is_integer() for number in numbers):
        named = {position: _whole(name) for position, name in named.items()}  # "1.0" and "1" are one class
    _refuse_several(table, named)
    return named


def _whole(cell: str) -> str:
    whole = _WHOLE.fullmatch(cell)
    return whole[1] if whole else cell


def _refuse_several(table: LabelTable, named: dict[int, str]) -> None:
    """Cells such as "a|b", where "a" and "b" stand alone in other rows."""
    known = set(named.values())
    several: list[tuple[int, list[str]]] = []
    for position, name in named.items():
        for sign in "|;,":
            parts = [part.strip() for part in name.split(sign)]
            if len(parts) > 1 and all(part in known for part in parts) and all(parts):
                several.append((position, parts))
                break
    if several:
        raise _several_labels(table, several)


def _one_hot_labels(table: LabelTable, columns: Sequence[str], positions: Sequence[int]) -> dict[int, str]:
    indexes = [table.header.index(name) for name in columns]
    named: dict[int, str] = {}
    several: list[tuple[int, list[str]]] = []
    none: list[int] = []
    for position in positions:
        row = table.rows[position]
        numbers = [number_of(row[index]) if row[index] else 0.0 for index in indexes]
        for name, index, number in zip(columns, indexes, numbers, strict=True):
            if number not in (0.0, 1.0):
                raise UserError(
                    f"Row {table.number(position)} of '{table.name}' says '{row[index]}' in the column '{name}', where "
                    "0 or 1 is expected.",
                    "Choose other columns for the labels, or write 1 for the class of the image and 0 for the others.",
                )
        ones = [name for name, number in zip(columns, numbers, strict=True) if number]
        if len(ones) > 1:
            several.append((position, ones))
        elif not ones:
            none.append(position)
        else:
            named[position] = ones[0]
    if several:
        raise _several_labels(table, several)
    if none:
        raise UserError(
            f"Row {table.number(none[0])} of '{table.name}' has no label: none of its columns {listed(columns)} holds "
            f"a 1.{_also(table, none)}",
            "Mark one class in each row, or take these rows out of the table.",
        )
    return named


def _several_labels(table: LabelTable, rows: Sequence[tuple[int, Sequence[str]]]) -> UserError:
    position, names = rows[0]
    quoted = [f"'{name}'" for name in names]
    count = {2: "two", 3: "three", 4: "four"}.get(len(names), str(len(names)))
    return UserError(
        f"Row {table.number(position)} of '{table.name}' has {count} labels, {', '.join(quoted[:-1])} and {quoted[-1]}; "
        f"{ONE_CLASS_EACH}.{_also(table, [position for position, _names in rows])}",
        "Keep one label in each row, take these rows out of the table, or choose another column.",
    )


def _also(table: LabelTable, positions: Sequence[int]) -> str:
    """The other rows of a kind, of which the first one was named."""
    if len(positions) == 1:
        return ""
    named = ", ".join(str(table.number(position)) for position in positions[1 : 1 + _MOST_ROWS_NAMED])
    more = ", ..." if len(positions) > 1 + _MOST_ROWS_NAMED else ""
    return f" The same goes for {counted(len(positions) - 1, 'more row')} ({named}{more})."


def _splits(table: LabelTable, column: str, positions: Sequence[int]) -> dict[int, str]:
    if not column:
        return {}
    cells = table.cells(column)
    splits = {position: split_of_word(cells[position]) for position in positions}
    for position, split in splits.items():
        if cells[position] and not split:
            raise UserError(
                f"Row {table.number(position)} of '{table.name}' says '{cells[position]}' in the column '{column}', where "
                "train, validation or test is expected.",
                "Choose another column for the parts, or none.",
            )
    return splits


def _take(
    table: LabelTable,
    columns: TableColumns,
    found: Sequence[tuple[int, str]],
    labels: dict[int, str],
    splits: dict[int, str],
    matched: Matched,
) -> None:
    groups = table.cells(columns.group) if columns.group else []
    matched.without_split = sum(not split for split in splits.values())
    first: dict[str, int] = {}
    classes: defaultdict[str, int] = defaultdict(int)
    for position, path in found:
        row = Row(labels[position], splits.get(position, ""), groups[position] if groups else "")
        if path not in first:
            first[path] = position
            matched.rows[path] = row
            if row.class_name:
                classes[row.class_name] += 1
        elif row == matched.rows[path]:
            matched.repeated += 1
        else:
            raise _contradiction(table, path, first[path], position, matched.rows[path], row)
    matched.classes = dict(sorted(classes.items()))
    if not classes:
        raise UserError(
            f"The column '{columns.labels[0]}' of '{table.name}' is empty for every file in this folder.",
            "Choose the column with the classes.",
        )


def _contradiction(table: LabelTable, path: str, first: int, second: int, one: Row, other: Row) -> UserError:
    said = [
        ("labels", one.class_name, other.class_name),
        ("parts", one.split, other.split),
        ("groups", one.group, other.group),
    ]
    what, before, after = next(row for row in said if row[1] != row[2])
    return UserError(
        f"Rows {table.number(first)} and {table.number(second)} of '{table.name}' give different {what} to '{path}': "
        f"'{before}' and '{after}'.",
        "Take one of these rows out of the table.",
    )
