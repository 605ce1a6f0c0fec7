"""Label tables: CSV, TSV and XLSX files that say which class each image is of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tlgui.core.records import TableColumns
from tlgui.imaging.file_index import FileIndex
from tlgui.imaging.folder_names import PICTURE_SUFFIXES, Parts
from tlgui.imaging.names import nfc
from tlgui.imaging.table_columns import FILE_WORDS, Column, columns_of, is_known_word
from tlgui.imaging.table_file import read_cells

_SAMPLE_ROWS = 300
_NEARLY = 0.7  # what a number counts that names a file but for the zeros before it
_SURE_SHARE = 0.5  # of a column's cells that name files, where the header does not speak of files


@dataclass(frozen=True)
class LabelTable:
    """A table that was read.

    Attributes:
        name: as in `Look.tables`.
        header: names of the columns, made up as "column 1", ... where the table has none; no two are equal.
        rows: the cells, as text, without the header; all of the same length.
        columns: which column is what, as recognised; `None` where it looks like no label table.
        evidence: sentences that say what it was told by, such as "Separated by semicolons, UTF-8 with a byte order mark."
        numbers: of the rows, as a spreadsheet counts them.
        header_number: of the row that names the columns; 0 = there is none.
        file_column: the column with names of files, also where no labels are recognised; "" = none.
    """

    name: str
    header: list[str]
    rows: list[list[str]]
    columns: TableColumns | None
    evidence: list[str]
    numbers: list[int] = field(default_factory=list)
    header_number: int = 0
    file_column: str = ""

    @property
    def folder(self) -> Parts:
        """Where it lies below the root; () also for one from elsewhere."""
        return tuple(self.name.split("/")[:-1])

    def number(self, position: int) -> int:
        """Of a row, as a spreadsheet counts."""
        return self.numbers[position] if self.numbers else position + 1 + bool(self.header_number)

    def cells(self, column: str) -> list[str]:
        """A column, by its name."""
        index = self.header.index(column)
        return [row[index] for row in self.rows]


def read_table(path: Path, name: str) -> LabelTable:
    """Reads a table; its columns are told by their names and cells alone (see `fitted`).

    Raises:
        UserError: it is none, or cannot be read; names it.
    """
    cells = read_cells(path, name)
    has_header = _looks_like_header(cells.rows)
    first, rest = (cells.rows[0], cells.rows[1:]) if has_header else ([], cells.rows)
    width = len(cells.rows[0]) if cells.rows else 0
    table = LabelTable(
        name=name,
        header=_unique(first or [""] * width),
        rows=rest,
        columns=None,
        evidence=cells.evidence,
        numbers=cells.numbers[1:] if has_header else cells.numbers,
        header_number=cells.numbers[0] if has_header else 0,
    )
    return _with_columns(table, [0.0] * width)


def fitted(table: LabelTable, files: FileIndex) -> LabelTable:
    """The same table, with its columns told by the files that it speaks of; `columns` is `None` where it speaks of none."""
    shares = [_share_of_files(table, index, files) for index in range(len(table.header))]
    if not any(shares) and table.columns is None:
        return table
    if table.header_number and shares:
        best = shares.index(max(shares))
        # The first row names a file as the others do: it is no header.
        if (
            shares[best] >= _SURE_SHARE
            and not is_known_word(table.header[best])
            and files.find(table.header[best]).files
        ):
            table = replace(
                table,
                header=_unique([""] * len(table.header)),
                rows=[table.header, *table.rows],
                numbers=[table.header_number, *table.numbers],
                header_number=0,
            )
    return _with_columns(table, shares)


def _with_columns(table: LabelTable, shares: Sequence[float]) -> LabelTable:
    columns = [
        Column(name if table.header_number else "", position, [row[position] for row in table.rows])
        for position, name in enumerate(table.header)
    ]
    file = _file_column(columns, shares)
    if file is None:
        return replace(table, columns=None, file_column="")
    name = table.header[file.position]
    found = columns_of(columns, file)
    if found is None:
        return replace(table, columns=None, file_column=name)
    labels, split, group = found
    recognised = TableColumns(
        file=name,
        labels=[table.header[column.position] for column in labels],
        split=table.header[split.position] if split else "",
        group=table.header[group.position] if group else "",
    )
    return replace(table, columns=recognised, file_column=name)


def _file_column(columns: list[Column], shares: Sequence[float]) -> Column | None:
    """The column whose cells name files in the folder, else one whose header or suffixes speak of files."""
    # A file may come in many rows, as in tables of marked regions; then the header must speak of files.
    candidates = [column for column in columns if column.is_mostly_unique or column.word in FILE_WORDS]

    def worth(column: Column) -> float:
        return shares[column.position] + (0.2 if column.word in FILE_WORDS else 0.0)

    matching = [
        column
        for column in candidates
        if shares[column.position] >= _SURE_SHARE or (shares[column.position] and column.word in FILE_WORDS)
    ]
    if matching:
        return max(matching, key=lambda column: (worth(column), -column.position))
    named = [column for column in candidates if _share(column.values, PICTURE_SUFFIXES.search) >= _SURE_SHARE]
    worded = [column for word in FILE_WORDS for column in candidates if column.word == word]
    return next(iter(named + worded), None)


def names_files(table: LabelTable, files: FileIndex) -> bool:
    """Whether a column holds names of these files."""
    shares = [_share_of_files(table, index, files) for index in range(len(table.header))]
    return max(shares, default=0.0) >= _SURE_SHARE or (any(shares) and fitted(table, files).columns is not None)


def _share(values: Sequence[str], holds: Callable[[str], object]) -> float:
    return sum(bool(holds(value)) for value in values) / len(values) if values else 0.0


def _share_of_files(table: LabelTable, index: int, files: FileIndex) -> float:
    step = max(1, len(table.rows) // _SAMPLE_ROWS)
    cells = [row[index] for row in table.rows[::step] if row[index]]
    # The numbers of rows, or ages, would nearly fit numbered files: the header must speak of files, and a better fit wins.
    of_files = table.header_number and Column(table.header[index], index, []).word in FILE_WORDS
    nearly = _NEARLY if of_files else 0.0
    meant = [files.find(cell, table.folder) for cell in cells]
    return sum(bool(one.files) * (nearly if one.zeros_differ else 1.0) for one in meant) / len(cells) if cells else 0.0


def _looks_like_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns."""
    if len(rows) < 2:
        return bool(rows) and any(map(is_known_word, rows[0]))
    first, rest = rows[0], rows[1 : 1 + _SAMPLE_ROWS]
    if any(PICTURE_SUFFIXES.search(cell) for cell in first):
        return False
    if any(map(is_known_word, first)):
        return True
    # A label comes again further down; the name of a column does not.
    return not any(cell and cell in {row[index] for row in rest} for index, cell in enumerate(first))


def _unique(names: Iterable[str]) -> list[str]:
    """Names of columns, none empty and no two equal."""
    unique: list[str] = []
    for number, given in enumerate(names, 1):
        name = " ".join(nfc(given).split()) or f"column {number}"
        again = (f"{name} ({times})" for times in itertools.count(2))
        unique.append(name if name not in unique else next(other for other in again if other not in unique))
    return unique
