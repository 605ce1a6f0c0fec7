"""The cells of a CSV, TSV or XLSX file as text: encoding and delimiter are told by the content, not by the name."""

from __future__ import annotations

import codecs
import csv
import datetime
import io
import itertools
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlgui.core.errors import UserError
from tlgui.imaging.names import counted
from tlgui.imaging.pixels import reason_of

MOST_BYTES = 50_000_000
MOST_CELLS = 5_000_000
MOST_UNPACKED_BYTES = 400_000_000  # of the parts of an XLSX file, which is a zip

# (first bytes, encoding, its name in a sentence); the longer ones first, since they begin alike.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
# The first one wins where two do equally well: a comma may be the decimal mark, the others mean nothing else.
_DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "vertical bars", ",": "commas"}
_SAMPLE_CHARACTERS = 50_000
_MOST_CONTROL_SIGNS = 0.001  # share of characters; text has none but tabs and line ends
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Cells:
    """All rows that hold something, padded to the same length, cells without blanks around.

    Attributes:
        numbers: of the rows, as a spreadsheet counts them, from 1.
        evidence: how the file was read.
    """

    rows: list[list[str]]
    numbers: list[int]
    evidence: list[str]


def read_cells(path: Path, name: str) -> Cells:
    """Reads a table; `name` stands in messages.

    Raises:
        UserError: it is no table, too large, or cannot be read.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise _too_large(name)
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The table '{name}' cannot be read ({reason_of(error)}).", "Check that it is there and may be read."
        ) from error
    if content.startswith(_OLD_EXCEL):
        raise UserError(f"'{name}' is an old Excel file (XLS).", "Save it as XLSX or CSV.")
    if content.startswith(_ZIP):
        return _workbook(content, name)
    return _text(content, name)


def _text(content: bytes, name: str) -> Cells:
    text, encoding = _decoded(content, name)
    begin = re.match(r"sep=(.)\r?\n", text)  # Excel's own hint
    text = text[begin.end() :] if begin else text
    delimiter = begin[1] if begin else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or ",", skipinitialspace=True)
    try:
        rows, numbers = _kept(reader, name)
    except csv.Error as error:
        raise _no_table(name, str(error)) from error
    separated = f"Separated by {_DELIMITERS.get(delimiter, repr(delimiter))}" if delimiter else "One column"
    return Cells(rows, numbers, [f"{separated}, {encoding}."])


def _decoded(content: bytes, name: str) -> tuple[str, str]:
    """The text, and the name of its encoding."""
    for mark, encoding, shown in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            try:
                return _checked(content.decode(encoding).removeprefix("\ufeff"), name), shown
            except UnicodeDecodeError as error:
                raise _no_table(name, str(error)) from error
    if encoding := _unmarked_utf16(content):
        return _checked(content.decode(encoding, "replace"), name), "UTF-16"
    try:
        return _checked(content.decode("utf-8"), name), "UTF-8"
    except UnicodeDecodeError:
        # Five bytes mean nothing in it; a sign in their place spoils one name, not the table.
        return _checked(content.decode("cp1252", "replace"), name), "Windows-1252, since it is no UTF-8"


def _unmarked_utf16(content: bytes) -> str:
    even, odd = content[:2000:2].count(0), content[1:2000:2].count(0)
    half = min(len(content), 2000) // 2
    if half and max(even, odd) > half / 2 and min(even, odd) < half / 10:
        return "utf-16-be" if even > odd else "utf-16-le"
    return ""


def _checked(text: str, name: str) -> str:
    signs = sum(character < " " and character not in "\t\r\n\f" for character in text[:_SAMPLE_CHARACTERS])
    if "\0" in text or signs > _MOST_CONTROL_SIGNS * min(len(text), _SAMPLE_CHARACTERS):
        raise _no_table(name, "The content is no text.")
    return text


def _delimiter(text: str) -> str:
    """The sign that parts most lines into the same number of cells; "" where none does."""
    sample = text[:_SAMPLE_CHARACTERS]
    if len(sample) < len(text):
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, best_share = "", 0.5
    for delimiter in _DELIMITERS:
        try:
            lengths = [len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
        except csv.Error:
            continue
        usual, times = Counter(lengths).most_common(1)[0] if lengths else (0, 0)
        if usual >= 2 and (share := times / len(lengths)) > best_share + 0.001:
            best, best_share = delimiter, share
    return best


def _workbook(content: bytes, name: str) -> Cells:
    # Imported when needed: it takes a quarter of a second.
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if not any(entry.startswith("xl/") for entry in archive.namelist()):
                raise _no_table(name, "A zip, but no XLSX file.")
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED_BYTES:
                raise _too_large(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that a table of labels does not need
            with closing(openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)) as book:
                sheets = [(sheet.title, *_kept(_rows_of(sheet), name)) for sheet in itertools.islice(_filled(book), 1)]
                several = len(book.worksheets) > 1
    except UserError:
        raise
    except Exception as error:  # openpyxl answers a damaged file with errors of every kind
        raise _no_table(name, f"{type(error).__name__}: {error}") from error
    if not sheets:
        return Cells([], [], ["An Excel file without content."])
    title, rows, numbers = sheets[0]
    return Cells(rows, numbers, [f"An Excel file; the sheet '{title}' is read." if several else "An Excel file."])


def _filled(book: Any) -> Iterator[Any]:
    """Sheets with content."""
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what the file says of its size may be wrong
        if any(_shown(cell) for row in sheet.iter_rows() for cell in row):
            yield sheet


def _rows_of(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows():
        yield [_shown(cell) for cell in row]


def _shown(cell: Any) -> str:
    """A cell as it looks in the spreadsheet, as far as names and labels go."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        pattern = str(getattr(cell, "number_format", ""))
        if float(value).is_integer() and abs(value) < 1e15:
            width = len(pattern) if re.fullmatch("0+", pattern) else 0  # "000" shows 7 as 007
            return f"{int(value):0{width}d}"
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


def _kept(rows: Iterable[list[str]], name: str) -> tuple[list[list[str]], list[int]]:
    """The rows that hold something, with their numbers."""
    kept: list[list[str]] = []
    numbers: list[int] = []
    cells = 0
    for number, row in enumerate(rows, 1):
        stripped = [cell.strip() for cell in row]
        while stripped and not stripped[-1]:
            stripped.pop()
        if not stripped:
            continue
        kept.append(stripped)
        numbers.append(number)
        cells += len(stripped)
        if cells > MOST_CELLS:
            raise _too_large(name)
    width = max(map(len, kept), default=0)
    if width * len(kept) > 2 * MOST_CELLS:  # one endless line among short ones
        raise _too_large(name)
    return [row + [""] * (width - len(row)) for row in kept], numbers


def _too_large(name: str) -> UserError:
    return UserError(
        f"The table '{name}' is too large: at most {MOST_BYTES // 1_000_000} MB and "
        f"{counted(MOST_CELLS // 1_000_000, 'million cell')} are read.",
        "Keep the columns for file, label, part and patient, and leave the others out.",
    )


def _no_table(name: str, details: str) -> UserError:
    return UserError(f"'{name}' is no table that can be read.", "Save it as CSV (UTF-8), TSV or XLSX.", details=details)
