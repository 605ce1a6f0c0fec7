"""A file is either the old one or the new one, whole, whatever happens while it is written."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

# Two threads of one program may write the same file at once, as a download that was given up and the next one do.
_numbers = itertools.count()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; on a clean exit it is fsynced and renamed to `path`, otherwise removed.

    Raises:
        OSError: the disk is full or the folder is read-only; `path` is then as it was before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{next(_numbers)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _fsync_folder(path.parent)


def remove_leftovers(path: Path, own: bool = False) -> None:
    """Removes what programs that were killed had begun to write in the place of `path`.

    With `own` also what this program writes there at this moment, where the system allows that.
    """
    import psutil  # needed here alone: most programs that write a file never ask who else lives

    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        owner = temporary.name.split(".")[-2].split("-")[0]
        gone = owner.isdecimal() and not psutil.pid_exists(int(owner))
        if gone or (own and owner == str(os.getpid())):
            with contextlib.suppress(OSError):
                temporary.unlink()


def write_bytes(path: Path, data: bytes) -> None:
    """Writes `data` to `path` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path` atomically, as UTF-8 with the line ends that it has."""
    write_bytes(path, text.encode("utf-8"))


def _fsync_folder(folder: Path) -> None:
    # Without this a power cut can undo the rename. Windows cannot open folders, and needs no such call.
    if os.name == "posix":
        # The file has its name by now: network drives that refuse this call must not make the writing fail.
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
