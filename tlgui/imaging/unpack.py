"""A zip of images, unpacked into the person's projects: all of it or nothing, and nothing outside of its folder."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import json
import lzma
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tlgui.core.errors import UserError
from tlgui.core.run_folder import safe_name
from tlgui.imaging.pixels import reason_of
from tlgui.imaging.scan import ScanCancelled
from tlgui.imaging.zip_entries import Entry, entries_of, open_archive, refuse_full_disk

_BEING_WRITTEN = "images"  # until it is known which number the project gets
NOTE = "archive.json"
SPARE_BYTES = 1_000_000_000  # stay free for what the training writes
_PIECE = 1 << 20
_TEMPORARY = ".unpacking"
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, NotImplementedError, RuntimeError)

_numbers = itertools.count()


def unpack(archive: Path, projects: Path, progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> Path:
    """The folder with the archive's files: `<projects>/<name of the archive>/<the same name>`.

    The same archive is not unpacked twice; another one of that name gets a number. Beside the images lies a note of
    the archive's size and hash, from which that is told.

    Args:
        archive: a zip file.
        projects: the person's projects.
        progress: called with (bytes done, bytes in all): those of the archive, which is read once, and of the files.
        cancelled: asked often; nothing is left behind after a yes.

    Raises:
        UserError: it is no zip, holds something else than ordinary files, is too large, or cannot be written.
        ScanCancelled: `cancelled()` returned True.
    """
    try:
        size = archive.stat().st_size
        with open_archive(archive) as opened:
            entries = entries_of(opened, archive.name, size)
            total = sum(entry.info.file_size for entry in entries)
            count = _Count(size + total, progress, cancelled)
            digest = _digest(archive, count)
            if known := _unpacked_before(projects, archive, size, digest):
                return known
            refuse_full_disk(total, SPARE_BYTES, shutil.disk_usage(projects).free, archive.name)
            with _temporary(projects) as folder:
                for entry in entries:
                    _write(opened, entry, folder / _BEING_WRITTEN, count)
                note = {"size_bytes": size, "sha256": digest, "files": len(entries)}
                (folder / NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
                target = next(place for place in _places(projects, archive) if not os.path.lexists(place))
                (folder / _BEING_WRITTEN).rename(folder / target.name)
                folder.rename(target)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else reason_of(error)
        raise UserError(
            f"'{archive.name}' cannot be unpacked ({reason}).",
            "Free some space, check that the file is there and may be read, then try again.",
        ) from error
    return target / target.name


class _Count:
    """Bytes that were dealt with; the place where a wish to stop is heard."""

    def __init__(self, total: int, progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> None:
        self._total = total
        self._done = 0
        self._progress = progress
        self._cancelled = cancelled

    def add(self, size_bytes: int) -> None:
        if self._cancelled():
            raise ScanCancelled
        self._done += size_bytes
        self._progress(self._done, self._total)


def _digest(archive: Path, count: _Count) -> str:
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            count.add(len(piece))
    return digest.hexdigest()


def _places(projects: Path, archive: Path) -> Iterator[Path]:
    name = safe_name(archive.stem)
    yield projects / name
    for number in itertools.count(2):
        yield projects / f"{name} {number}"


def _unpacked_before(projects: Path, archive: Path, size: int, digest: str) -> Path | None:
    for place in _places(projects, archive):
        if not os.path.lexists(place):
            return None
        try:
            note = json.loads((place / NOTE).read_bytes())
            same = (note["size_bytes"], note["sha256"]) == (size, digest)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        images = place / place.name
        if same and images.is_dir() and any(images.iterdir()):
            return images
    return None


@contextlib.contextmanager
def _temporary(projects: Path) -> Iterator[Path]:
    """A folder beside the one to be, gone again unless it was renamed."""
    _remove_leftovers(projects)
    folder = projects / f"{_TEMPORARY}.{os.getpid()}-{next(_numbers)}"
    (folder / _BEING_WRITTEN).mkdir(parents=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _remove_leftovers(projects: Path) -> None:
    """Removes what programs that were killed had begun to unpack."""
    import psutil  # needed here alone

    for folder in projects.glob(f"{_TEMPORARY}.*"):
        owner = folder.name.rpartition(".")[2].split("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _write(archive: zipfile.ZipFile, entry: Entry, images: Path, count: _Count) -> None:
    target = images.joinpath(*entry.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("xb") as out, _opened(archive, entry) as packed:
        while piece := _read(packed, entry):
            written += len(piece)
            if written > entry.info.file_size:
                break
            out.write(piece)
            count.add(len(piece))
    if written != entry.info.file_size:
        raise _damaged(entry, f"{written} bytes where {entry.info.file_size} were announced")


def _opened(archive: zipfile.ZipFile, entry: Entry) -> contextlib.AbstractContextManager[zipfile.ZipExtFile]:
    try:
        return archive.open(entry.info)  # type: ignore[return-value]
    except _DAMAGED as error:
        raise _damaged(entry, str(error)) from error


def _read(packed: zipfile.ZipExtFile, entry: Entry) -> bytes:
    try:
        return packed.read(_PIECE)
    except _DAMAGED as error:
        raise _damaged(entry, str(error)) from error


def _damaged(entry: Entry, details: str) -> UserError:
    return UserError(
        f"The archive is damaged: '{'/'.join(entry.parts)}' in it cannot be unpacked.",
        "Download or copy the archive again.",
        details=details,
    )
