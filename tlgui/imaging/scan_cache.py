"""What reading a folder's files found out, kept on this computer, so that nothing is decoded twice.

One SQLite file for each folder, named by the hash of its place; inside stand paths relative to it. A row counts while
its file has the size and both times that it had. It is written while the reading goes on, so that a reading that was
ended goes on there the next time. Whatever goes wrong here, the files are read anew and nobody is bothered.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import msgspec

import tlgui
from tlgui.core.errors import UserError
from tlgui.core.paths import cache_dir
from tlgui.core.records import Reason
from tlgui.imaging.pseudonyms import pseudonym
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import FoundFile

logger = logging.getLogger(__name__)

FORMAT = 1  # of this file, and of `Verdict`; one more when either changes its meaning
MOST_BYTES = 1_000_000_000  # of all folders together; those that were not opened for longest make room
RACY_NS = 2_000_000_000  # the coarsest times on a disk (FAT): within them a file can change twice
BUSY_S = 1.0  # that another program may hold it
_ROWS_AT_ONCE = 2000
_SECONDS_AT_ONCE = 2.0
_CANCEL_EVERY = 1000
# What may be otherwise the next time, though the file is the same: a disk that failed, memory that ran out.
_NOT_KEPT = (Reason.UNREADABLE, Reason.TOO_LARGE)
# Modules and packages that decide what a verdict says.
DECODERS = (
    "decoding",
    "dicom",
    "dicom_facts",
    "dicom_frames",
    "file_check",
    "fingerprints",
    "mapping",
    "pillow_frames",
    "pixels",
    "pseudonyms",
    "signatures",
    "tiff",
    "verdict",
)
_PACKAGES = ("Pillow", "numpy", "pydicom", "pi-heif", "tifffile", "python-gdcm", "pyjpegls", "pylibjpeg-openjpeg")


class ScanCache:
    """The cache of one folder; to be used in a `with` block, in one thread.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(root)
        self._database: sqlite3.Connection | None = None
        self._new: list[tuple[str, int, int, int, bytes]] = []
        self._written_at = time.monotonic()
        self._encode = msgspec.msgpack.Encoder().encode

    def __enter__(self) -> ScanCache:
        with contextlib.suppress(OSError, UserError):
            self._database = _opened(_path_of(self._root))
        return self

    def __exit__(self, *exception: object) -> None:
        self._write()
        if self._database is not None:
            self._database.close()
            self._database = None
            with contextlib.suppress(OSError):
                _make_room(_path_of(self._root))

    def known(self, files: Iterable[FoundFile], stop_if_cancelled: Callable[[], None]) -> dict[str, Verdict]:
        """The verdicts on those files that did not change since; all other rows are dropped."""
        if self._database is None:
            return {}
        there = {found.path: (found.size_bytes, found.modified_ns, found.changed_ns) for found in files}
        decode = msgspec.msgpack.Decoder(Verdict).decode
        verdicts: dict[str, Verdict] = {}
        gone: list[tuple[str]] = []
        try:
            rows = self._database.execute("SELECT path, size, modified, changed, verdict FROM verdicts")
            for number, (path, size, modified, changed, verdict) in enumerate(rows):
                if not number % _CANCEL_EVERY:
                    stop_if_cancelled()
                if there.get(path) == (size, modified, changed):
                    verdicts[path] = decode(verdict)
                else:
                    gone.append((path,))
            with self._database:
                self._database.executemany("DELETE FROM verdicts WHERE path = ?", gone)
        except (sqlite3.Error, msgspec.DecodeError, UnicodeError) as error:
            self._give_up(error)
        return verdicts

    def keep(self, found: FoundFile, verdict: Verdict) -> None:
        """Takes a verdict, unless it or its file may be another one the next time."""
        newest = max(found.modified_ns, found.changed_ns)
        if self._database is None or found.size_bytes < 0 or abs(time.time_ns() - newest) < RACY_NS:
            return
        if verdict.level != "full" or verdict.reason_code in _NOT_KEPT:
            return
        row = (found.path, found.size_bytes, found.modified_ns, found.changed_ns, self._encode(verdict))
        self._new.append(row)
        if len(self._new) >= _ROWS_AT_ONCE or time.monotonic() - self._written_at > _SECONDS_AT_ONCE:
            self._write()

    def _write(self) -> None:
        rows, self._new = self._new, []
        self._written_at = time.monotonic()
        if self._database is None or not rows:
            return
        try:
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)", rows)
        except (sqlite3.Error, UnicodeError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Goes on without a cache; one that is damaged is thrown away."""
        logger.warning("The cache of a folder is not used: %s", type(error).__name__)
        if self._database is not None:
            self._database.close()
            self._database = None
        if not isinstance(error, sqlite3.OperationalError):  # which says that it is locked, or that the disk is full
            with contextlib.suppress(OSError):
                _path_of(self._root).unlink(missing_ok=True)


def _path_of(root: Path) -> Path:
    folder = cache_dir() / "scans"
    folder.mkdir(mode=0o700, exist_ok=True)  # small pictures of other people's patients may stand there
    return folder / f"{hashlib.sha256(os.fsencode(root.absolute())).hexdigest()}.sqlite"


def _opened(path: Path) -> sqlite3.Connection | None:
    """The database, made anew where it is damaged or of another version; `None` where that cannot be."""
    for _ in range(2):
        try:
            return _connected(path)
        except sqlite3.OperationalError:  # it is locked, or no file can be made there
            break
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
    logger.warning("The cache of a folder cannot be used")
    return None


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_S)
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    with contextlib.suppress(OSError):
        os.utime(path)  # the last use
    return database


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA page_size = 16384")  # a row takes up more than 1 KB
    # What a loss of power damages is found out and thrown away; a process that is killed damages nothing.
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA journal_mode = TRUNCATE")
    with database:
        database.execute("CREATE TABLE IF NOT EXISTS about (version TEXT NOT NULL)")
        if database.execute("SELECT version FROM about").fetchall() == [(version(),)]:
            return
        database.execute("DELETE FROM about")
        database.execute("DROP TABLE IF EXISTS verdicts")
        database.execute(
            "CREATE TABLE verdicts (path TEXT PRIMARY KEY, size INTEGER, modified INTEGER, changed INTEGER, verdict BLOB)"
        )
        database.execute("INSERT INTO about VALUES (?)", (version(),))


def version() -> str:
    """Everything that verdicts depend on beside the files: with another version of it, they are read anew."""
    with contextlib.suppress(UserError):
        # Identifiers of DICOM files are told apart by the key of this computer.
        return f"{_version_of_decoders()}, key {pseudonym('version of the key')}"
    return _version_of_decoders()


@lru_cache(maxsize=1)
def _version_of_decoders() -> str:
    parts = [f"format {FORMAT}", f"tlgui {tlgui.__version__}"]
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            parts.append(f"{name} {importlib.metadata.version(name)}")
    # In a checkout, decoders change without a new version. A built program has no such files.
    digest = hashlib.sha256()
    for name in DECODERS:
        with contextlib.suppress(OSError):
            digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    parts.append(digest.hexdigest()[:16])
    return ", ".join(parts)


def _make_room(kept: Path) -> None:
    """Removes the caches that were not used for longest, until the others are small enough."""
    facts = sorted((path.stat().st_mtime_ns, path.stat().st_size, path) for path in kept.parent.glob("*.sqlite"))
    total = sum(size for _, size, _ in facts)
    for _, size, path in facts:
        if total <= MOST_BYTES:
            return
        if path != kept:
            path.unlink(missing_ok=True)
            total -= size
