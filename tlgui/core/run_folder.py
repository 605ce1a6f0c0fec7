"""The run folder: durable, readable, enough to repeat the run; it holds no absolute path.

run.toml        the spec
manifest.csv    every file: used ones with their part and content hash, left-out ones with their reason
learned_before.csv  content hashes of what the network had learned before, where it began with another run's
target.csv      the unlabelled images of a new site that it adapts to, where it does
events.jsonl    everything that the run said
checkpoints/    best.safetensors, last.safetensors
results/        metrics.json, predictions.csv
export/         what was exported, unless another place was asked for
.lock           empty; held by the engine that trains the run
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import itertools
import os
import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from tlgui.core import atomic, events, run_spec, state_file
from tlgui.core.errors import UserError
from tlgui.core.records import ImageRecord, LeftOut
from tlgui.core.run_spec import RunSpec
from tlgui.core.split import Part
from tlgui.core.tables import csv_bytes

TIME_IN_NAME = "%Y-%m-%d %H.%M"
_PLACES = "places.json"
_MANIFEST_COLUMNS = ("path", "class", "group", "split", "content_hash", "reason_code", "reason")


class ManifestRow(msgspec.Struct, frozen=True, kw_only=True):
    """A used image as the run knows it: `path` is relative to the dataset folder; `group` as in `ImageRecord`."""

    path: str
    class_name: str
    part: Part
    content_hash: str
    group: str = ""


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spec_path = path / "run.toml"
        self.manifest_path = path / "manifest.csv"
        self.learned_path = path / "learned_before.csv"
        self.target_path = path / "target.csv"
        self.earlier_path = path / "earlier.csv"
        self.events_path = path / "events.jsonl"
        self.checkpoints = path / "checkpoints"
        self.results = path / "results"
        self.exports = path / "export"
        self.lock_path = path / ".lock"

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name

    @property
    def lists(self) -> tuple[Path, ...]:
        """The lists of images that are written when it is made."""
        return self.manifest_path, self.learned_path, self.target_path, self.earlier_path

    @property
    def best_path(self) -> Path:
        """The weights that every later step uses."""
        return self.checkpoints / "best.safetensors"

    @property
    def at_work(self) -> bool:
        """Whether an engine trains it at this moment; found out by trying its lock for an instant."""
        if not self.lock_path.is_file():
            return False
        lock = FileLock(self.lock_path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except (OSError, NotImplementedError):
            return False  # a place where nobody can hold one either
        lock.release()
        return False

    def spec(self) -> RunSpec:
        """What the run is."""
        return run_spec.read(self.spec_path)

    def write_spec(self, spec: RunSpec) -> None:
        """Replaces `run.toml`."""
        run_spec.write(spec, self.spec_path)

    def manifest(self) -> list[ManifestRow]:
        """The used images, in the order of the file.

        Raises:
            UserError: the manifest is missing or is none.
        """
        try:
            with self.manifest_path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
                reader = csv.DictReader(stream)
                if not set(_MANIFEST_COLUMNS) <= set(reader.fieldnames or ()):
                    raise KeyError("a column is missing")
                rows = [
                    {
                        "path": row["path"],
                        "class_name": row["class"],
                        "part": row["split"],
                        "content_hash": row["content_hash"],
                        "group": row["group"],
                    }
                    for row in reader
                    if row["split"] != "left_out"
                ]
            return msgspec.convert(rows, list[ManifestRow])
        except (OSError, KeyError, UnicodeDecodeError, csv.Error, msgspec.ValidationError) as error:
            raise UserError(
                f"'manifest.csv' of the run '{self.name}' cannot be read.",
                "Take the run folder from a backup, or train again.",
                str(error),
                code="run_damaged",
            ) from error

    def write_manifest(self, used: Sequence[ImageRecord], parts: dict[str, Part], left_out: Sequence[LeftOut]) -> None:
        """Writes every file of the dataset: used + left out = all.

        Raises:
            UserError: the disk is full, or the folder may not be written to.
        """
        rows: list[tuple[str, ...]] = [_MANIFEST_COLUMNS]
        rows += [(r.path, r.class_name, r.group, parts[r.path], r.content_hash, "", "") for r in used]
        rows += [(item.path, "", "", "left_out", "", item.reason_code.value, item.reason) for item in left_out]
        try:
            atomic.write_bytes(self.manifest_path, csv_bytes(rows))
        except OSError as error:
            raise _cannot_be_written(self.name, error) from error

    def target(self) -> list[ManifestRow]:
        """The unlabelled images of a new site that it adapts to; class "" and part "train" say nothing of them.

        Raises:
            UserError: the list is missing or is none.
        """
        try:
            with self.target_path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
                rows = [(row["path"], row["content_hash"]) for row in csv.DictReader(stream)]
            site = self.spec().target
            # What is missing here would count as never seen.
            if site is None or len(rows) != site.images or not all(_is_hash(one) for _, one in rows):
                raise ValueError("it is not whole")
            return [ManifestRow(path=path, class_name="", part="train", content_hash=one) for path, one in rows]
        except (OSError, KeyError, ValueError, csv.Error) as error:
            raise UserError(
                f"'target.csv' of the run '{self.name}' cannot be read.",
                "Take the run folder from a backup, or train again.",
                str(error),
                code="run_damaged",
            ) from error

    def write_target(self, images: Sequence[tuple[str, str]]) -> None:
        """Writes the images of a new site: (path below their folder, content hash) of each.

        Raises:
            UserError: the disk is full, or the folder may not be written to.
        """
        self.write_list(self.target_path, [("path", "content_hash"), *images])

    def write_list(self, path: Path, rows: Sequence[tuple[str, ...]]) -> None:
        """Writes one of the lists of images, its heading first.

        Raises:
            UserError: the disk is full, or the folder may not be written to.
        """
        try:
            atomic.write_bytes(path, csv_bytes(rows))
        except OSError as error:
            raise _cannot_be_written(self.name, error) from error

    def append_event(self, event: events.Event) -> None:
        """Adds one line to `events.jsonl`."""
        line = events.encode(event)
        with self.events_path.open("ab+") as stream:
            # A power cut can leave half a line: the next event must not glue itself to it.
            if stream.tell() > 0:
                stream.seek(-1, os.SEEK_END)
                line = line if stream.read(1) == b"\n" else b"\n" + line
            stream.write(line)

    def events(self) -> Iterator[events.AnyEvent]:
        """What the run said, oldest first; a torn last line, as after a power cut, is passed over."""
        if not self.events_path.exists():
            return
        with self.events_path.open("rb") as stream:
            for line in stream:
                try:
                    yield events.decode(line)
                except msgspec.DecodeError:
                    continue


def _is_hash(text: str | None) -> bool:
    return text is not None and re.fullmatch("[0-9a-f]{64}", text) is not None


def refuse_occupied(path: Path) -> None:
    """Makes sure that a run folder can be made there, before anything slow is done for it.

    A run that never began may be replaced, so that what kept it from beginning (weights that were missing, say) can be
    put right with the same command: its folder holds run.toml, the empty folders checkpoints and results, at most
    manifest.csv, events.jsonl and .lock besides, and its last word, if it had any, is an ending.

    Raises:
        UserError: the folder exists and holds anything else, or the place is a file.
    """
    try:
        occupied = path.exists() and any(path.iterdir()) and not _never_began(RunFolder(path))
    except OSError as error:
        raise _cannot_be_written(path.name, error) from error
    if occupied:
        raise UserError(
            f"The run folder '{path.name}' is not empty.", "Name a folder that does not exist yet, or an empty one."
        )


def create(path: Path, spec: RunSpec) -> RunFolder:
    """A new run folder with its spec; a run there that never began is replaced (see `refuse_occupied`).

    Raises:
        UserError: the folder exists and is not empty, or cannot be made.
    """
    folder = RunFolder(path)
    made: list[Path] = []
    try:
        path.mkdir(parents=True, exist_ok=True)
        refuse_occupied(path)
        # The spec goes last: what is left of a removal that was broken off is still a run that never began.
        for file in (folder.events_path, *folder.lists, folder.spec_path):
            file.unlink(missing_ok=True)
        for part in (folder.checkpoints, folder.results):
            made.append(part)
            part.mkdir(exist_ok=True)
        folder.write_spec(spec)
    except OSError as error:
        # What was begun must not make the next try fail as "not empty".
        for part in made:
            with contextlib.suppress(OSError):
                part.rmdir()
        raise _cannot_be_written(path.name, error) from error
    return folder


def _never_began(run: RunFolder) -> bool:
    paths = (run.spec_path, *run.lists, run.events_path, run.lock_path)
    files = {path.name for path in paths}
    folders = {run.checkpoints.name, run.results.name}
    found = {item.name for item in run.path.iterdir()}
    if not {run.spec_path.name} | folders <= found <= files | folders:
        return False
    if any(not (run.path / name).is_file() for name in found & files):
        return False
    if any(any((run.path / name).iterdir()) for name in folders):
        return False
    if run.at_work:
        return False
    # Without an ending it may be at work at this moment, before its first checkpoint.
    return all(isinstance(event, events.Ending) for event in deque(run.events(), maxlen=1))


def _cannot_be_written(name: str, error: OSError) -> UserError:
    return UserError(
        f"The run folder '{name}' cannot be written: {error.strerror}.",
        "Choose another place with --run-dir, or free some space there.",
        str(error),
        code="disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "run_folder",
    )


def open_run(path: Path) -> RunFolder:
    """The run in a folder.

    Raises:
        UserError: there is none.
    """
    folder = RunFolder(path)
    if not folder.spec_path.is_file():
        raise UserError(
            f"'{path.name}' is not a run folder: it has no run.toml.",
            "Give the folder that holds run.toml.",
            code="not_a_run",
        )
    return folder


def new_path(runs: Path, backbone: str, strategy: str, now: datetime) -> Path:
    """A new, empty folder `<time> <backbone> <strategy>` among the runs of a project, which nobody else is given.

    The colon of an added timm model becomes a hyphen, since Windows has no file names with one.

    Raises:
        UserError: it cannot be made.
    """
    stem = f"{now:{TIME_IN_NAME}} {backbone.replace(':', '-')} {strategy}"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for n in itertools.count(1):
            path = runs / (stem if n == 1 else f"{stem} {n}")
            # Making it claims it: of two programs that begin in the same minute, one goes on to the next number.
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise _cannot_be_written(stem, error) from error
    raise AssertionError("itertools.count ends never")


# Names of devices on Windows; it takes the raised digits for plain ones.
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")}
_MOST_CHARACTERS, _MOST_BYTES = 80, 140  # an encrypted home folder may stop at 143 bytes, other disks at 255


def safe_name(text: str) -> str:
    """`text` as one path part on every system: no separators, no reserved names, never empty, never "..".

    What a person typed or a folder of theirs is called becomes part of a path here alone.
    """
    cleaned = re.sub(r'[<>:"/\\|?*\x00-\x1f\ud800-\udfff]', "-", unicodedata.normalize("NFC", text)).strip(" .")
    cleaned = cleaned[:_MOST_CHARACTERS].encode()[:_MOST_BYTES].decode(errors="ignore").rstrip(" .")
    # Windows passes over what follows the first dot, and blanks before it.
    if not cleaned or cleaned.split(".")[0].strip().lower() in _RESERVED:
        return f"images {cleaned}".strip()
    return cleaned


def fingerprint(used: Sequence[ImageRecord]) -> str:
    """A hash over relative paths and contents, equal for equal datasets wherever they lie."""
    lines = sorted(f"{unicodedata.normalize('NFC', record.path)}\0{record.content_hash}" for record in used)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def remember_place(dataset_fingerprint: str, data: Path) -> None:
    """Notes where a dataset lies, in the person's own state folder, so that a run need not hold the place.

    Where that cannot be written, the person is asked for the place when it is needed again.
    """
    with state_file.changing(_PLACES, "The place of the images") as places:
        places[dataset_fingerprint] = str(data.absolute())


def recall_place(dataset_fingerprint: str) -> Path | None:
    """Where a dataset lay when it was last used on this computer; `None` where that is unknown or gone."""
    place = state_file.read(_PLACES).get(dataset_fingerprint)
    if not isinstance(place, str):
        return None
    # A drive that is gone, or a folder that is closed to us, raises for some kinds of failure.
    with contextlib.suppress(OSError):
        return Path(place) if Path(place).is_dir() else None
    return None
