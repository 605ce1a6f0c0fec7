"""A file is either the old one or the new one, whole, whatever happens while it is written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; on a clean exit it is fsynced and renamed to `path`, otherwise removed.

    Raises:
        OSError: the disk is full or the folder is read-only; `path` is then as it was before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
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
