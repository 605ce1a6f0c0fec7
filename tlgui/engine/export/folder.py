"""The export's folder `<run>-<format>-<n>`: whole or not there at all, and never in the place of another."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from tlgui.core.errors import UserError

FAILED = "-failed"


@contextlib.contextmanager
def building(to: Path) -> Iterator[Path]:
    """A hidden folder inside `to` to build in; whatever is still in it at the end is removed.

    Raises:
        UserError: `to` is no folder, or nothing can be made there.
    """
    if not to.is_dir():
        raise UserError(
            f"There is no folder '{to.name}' to export to.",
            "Make it first, or name another with --to DIR.",
            code="export_folder",
        )
    hidden = to / f".tlgui-export-{secrets.token_hex(6)}"
    with _told(to):
        hidden.mkdir()
    try:
        yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def write(path: Path, data: bytes | memoryview) -> None:
    """Writes a file down to the disk.

    Libraries that write files themselves answer a full disk each in its own way (torch with a RuntimeError about
    positions), so they fill memory, and this fills the disk.

    Raises:
        UserError: the disk is full or refuses.
    """
    with _told(path.parent.parent), path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def publish(hidden: Path, to: Path, stem: str, *, failed: bool) -> Path:
    """Gives the built folder the first free name `<stem>-<n>`, or `<stem>-<n>-failed`, and returns it.

    Raises:
        UserError: the disk refuses.
    """
    with _told(to):
        for n in itertools.count(1):
            names = [to / f"{stem}-{n}", to / f"{stem}-{n}{FAILED}"]
            if any(os.path.lexists(name) for name in names):
                continue
            target = names[1] if failed else names[0]
            # Renaming claims the name in one step: onto a folder with something in it, it fails on every system. So
            # two exports that end at the same moment cannot get the same one.
            try:
                return hidden.rename(target)
            except OSError:
                if not os.path.lexists(target):
                    raise
    raise AssertionError("itertools.count ends never")


@contextlib.contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"The export cannot be written to '{place.name}': {error.strerror or error}.",
            "Free some space there, or choose another place with --to DIR.",
            type(error).__name__,
            code="export_folder",
        ) from error
