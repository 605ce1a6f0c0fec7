"""What the first bytes of many files show: the same verdicts as `file_check.read_head`, without its cost for each file."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tlgui.core.records import Reason
from tlgui.imaging.file_check import read_head
from tlgui.imaging.pixels import HEAD_BYTES, DecodeError, kind_of
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import FoundFile

_CANCEL_EVERY = 256  # files; some milliseconds
# Not blocking: a pipe put in place of a file would hold the scan for ever.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def read_heads(
    root: Path,
    files: Sequence[FoundFile],
    stop_if_cancelled: Callable[[], None] = lambda: None,
    within_s: float | None = None,
) -> Iterator[tuple[FoundFile, Verdict]]:
    """Reads the first bytes of files, one after the other.

    Args:
        root: of the paths.
        files: to read.
        stop_if_cancelled: called every few milliseconds; raises to end the work.
        within_s: no file is begun later than this; those left are not answered.
    """
    base = f"{root}{os.sep}"
    ends = time.monotonic() + within_s if within_s is not None else None
    known: dict[str, Verdict] = {}  # most files of a folder are of one kind: they share a verdict
    for number, found in enumerate(files):
        if not number % _CANCEL_EVERY:
            stop_if_cancelled()
        if ends is not None and time.monotonic() > ends:
            return
        yield found, _verdict(root, base, found, known)


def _verdict(root: Path, base: str, found: FoundFile, known: dict[str, Verdict]) -> Verdict:
    try:
        head = _head(base + found.path)
        kind = kind_of(head)
    except DecodeError as error:
        return Verdict(level="head", reason_code=Reason(error.code), reason=error.message)
    except OSError:
        return read_head(root, found)  # says why
    if kind not in known:
        known[kind] = Verdict(level="head", kind=kind)
    return known[kind]


def _head(path: str) -> bytes:
    descriptor = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DecodeError("unreadable", "It is not an ordinary file.")
        return os.read(descriptor, HEAD_BYTES)
    finally:
        os.close(descriptor)
