"""A person's own notes on a run: one text file in its folder, theirs alone. No export and no report holds them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tlgui.core import atomic
from tlgui.core.errors import UserError

NAME = "notes.txt"
MOST_CHARACTERS = 100_000
_GLANCE_BYTES = 4_096


def read(run: Path) -> str:
    """The notes; "" where there are none.

    Raises:
        UserError: there are some, and they cannot be read.
    """
    try:
        text = (run / NAME).read_bytes().decode("utf-8-sig", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UserError(
            f"The notes of this run cannot be read: {error.strerror}.", "Mend the permissions of 'notes.txt'."
        ) from error
    return text.replace("\r\n", "\n")[:MOST_CHARACTERS]


def write(run: Path, text: str) -> None:
    """Keeps the notes, atomically; without any words the file goes away.

    Raises:
        UserError: the folder may not be written to, is gone, or the disk is full.
    """
    try:
        if text.strip():
            atomic.write_text(run / NAME, text)
        else:
            (run / NAME).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"The notes cannot be kept in the run folder: {error.strerror}.",
            "Copy them to another place, or give yourself permission to write there.",
        ) from error


def may_write(run: Path) -> bool:
    """Whether notes can be kept there, as far as the system says before it is tried."""
    return os.access(run, os.W_OK) and (not (run / NAME).exists() or os.access(run / NAME, os.W_OK))


def glance(run: Path) -> str:
    """The beginning of the notes, for a list of runs; "" where there are none or they cannot be read."""
    with contextlib.suppress(OSError), (run / NAME).open("rb") as stream:
        return stream.read(_GLANCE_BYTES).decode("utf-8-sig", "ignore").strip()
    return ""


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
