"""Tables that read back exactly: names and numbers as they are, quoted where CSV needs it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def csv_bytes(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as a CSV file; floats are written so that they read back as the very same number.

    A file name may hold bytes that are no text: they go out as they came in.
    """
    text = io.StringIO(newline="")
    # With this line end a carriage return in a name is quoted ("Icon\r" lies in many folders of a Mac); before
    # Python 3.13 "\n" alone would leave it bare, and the file would not read back.
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")
