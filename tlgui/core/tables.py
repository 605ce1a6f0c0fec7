"""Tables that read back exactly: names and numbers as they are, quoted where CSV needs it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a text that begins so, spreadsheets calculate with


def csv_bytes(rows: Iterable[Sequence[object]], for_spreadsheets: bool = False) -> bytes:
    """Rows as a CSV file; floats are written so that they read back as the very same number.

    A file name may hold bytes that are no text: they go out as they came in.

    Args:
        rows: of cells.
        for_spreadsheets: for a list that a person opens: an apostrophe is put before a text that would be a formula
            there (a file called "=cmd|..." runs a program in old ones). Not for tables that are read back.
    """
    text = io.StringIO(newline="")
    if for_spreadsheets:
        rows = ([_no_formula(cell) for cell in row] for row in rows)
    # With this line end a carriage return in a name is quoted ("Icon\r" lies in many folders of a Mac); before
    # Python 3.13 "\n" alone would leave it bare, and the file would not read back.
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _no_formula(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
