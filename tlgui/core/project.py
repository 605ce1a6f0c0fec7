"""What belongs to one folder of images for good: the person's decisions, the split, the runs.

    <projects>/<name>/
      project.toml   the journal of decisions, and the salt of group keys; no absolute path, no identifier
      changes.csv    the journal to read: when, what, and when it was taken back
      split.csv      which image trains, validates, tests: adding files later moves no image
      split seed 1 70-15-15.csv   another split that was drawn earlier, taken up again when it is asked for
      images/        where a dropped archive was unpacked
      runs/          one folder a run

The folder of images is never written to. Which project belongs to a folder is noted in the state folder; where that is
lost (another computer, a moved folder), the project that knows most of its files is taken.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from tlgui.core import atomic, kept_splits, project_file, project_places, state_file
from tlgui.core.errors import UserError
from tlgui.core.intake import Change, Entry, Intake, fold
from tlgui.core.project_file import ProjectFile
from tlgui.core.records import ImageRecord
from tlgui.core.split import Kept, Part
from tlgui.core.tables import csv_bytes

_PATIENCE_S = 10.0
_TABLES = "tables.json"


class Project:
    """Decisions, split and runs of one folder of images. Nothing is on the disk before something is kept.

    Args:
        path: its folder, which may not exist yet.
        data: the folder of images.
        paths: of all files in it, relative.

    Raises:
        UserError: its file is damaged, or a newer version wrote it.
    """

    def __init__(self, path: Path, data: Path | None = None, paths: Collection[str] = ()) -> None:
        self.path = path
        self._data = data
        self._paths = paths
        self._is_claimed = False
        self._file = project_file.read(path) or ProjectFile()

    @property
    def salt(self) -> str:
        """For group keys."""
        return self._file.salt

    @property
    def runs(self) -> Path:
        """Where its runs go."""
        return self.path / "runs"

    @property
    def entries(self) -> Sequence[Entry]:
        """The journal, oldest first."""
        return self._file.entries

    @property
    def in_force(self) -> list[Change]:
        """The decisions that were not taken back, oldest first."""
        return [entry.change for entry in self.entries if not entry.undone_at]

    @property
    def intake(self) -> Intake:
        """The decisions in force."""
        return fold(self.in_force)

    def refresh(self) -> None:
        """Learns what other windows decided meanwhile.

        Raises:
            UserError: the project's file is damaged.
        """
        if self._data is not None and not self._is_claimed:
            self.path = project_places.folder_of(self._data, self._paths)
        self._file = project_file.read(self.path) or self._file

    def record(self, changes: Sequence[Change]) -> None:
        """Adds decisions to the journal and keeps it on the disk.

        Raises:
            UserError: the project's folder cannot be written.
        """
        if changes:
            at = _now()  # one for all: by it they are known to have been decided together
            added = [msgspec.convert({"change": msgspec.to_builtins(change), "at": at}, Entry) for change in changes]
            with self._changing() as file:
                self._keep(msgspec.structs.replace(file, entries=[*file.entries, *added]))

    def undo(self, numbers: Collection[int]) -> None:
        """Takes decisions back, by their place in the journal; those that are undone already stay so.

        Raises:
            UserError: the project's folder cannot be written.
        """
        if not any(n in numbers and not entry.undone_at for n, entry in enumerate(self.entries)):
            return
        now = _now()
        with self._changing() as file:
            entries = [
                msgspec.structs.replace(entry, undone_at=now) if n in numbers and not entry.undone_at else entry
                for n, entry in enumerate(file.entries)
            ]
            self._keep(msgspec.structs.replace(file, entries=entries))

    def claim(self) -> None:
        """Has a folder of its own from now on, before something other than decisions, a split or a run goes there.

        Raises:
            UserError: the project's folder cannot be written.
        """
        with self._changing() as file:
            known = self.entries
            self._keep(file)
            # What other windows decided meanwhile is followed after `refresh` alone.
            self._file = msgspec.structs.replace(self._file, entries=list(known))

    def with_changes(self, changes: Sequence[Change]) -> Intake:
        """What would be in force with these too; nothing is kept."""
        return fold([*self.in_force, *changes])

    def without(self, numbers: Collection[int]) -> Intake:
        """What would be in force without these; nothing is kept."""
        return fold(entry.change for n, entry in enumerate(self.entries) if not entry.undone_at and n not in numbers)

    def kept_split(self, fractions: tuple[float, float, float], seed: int) -> Kept | None:
        """The split that was written with these fractions and this seed; `None` = there is none yet.

        After a decision to draw parts anew it is another one, see `kept_splits.name_of`.

        Raises:
            UserError: its file is damaged.
        """
        return kept_splits.read(self.path, self._split_name(fractions, seed), self._file.split)

    def write_split(
        self,
        records: Sequence[ImageRecord],
        parts: Mapping[str, Part],
        fractions: tuple[float, float, float],
        seed: int,
    ) -> None:
        """Keeps the split: images that are gone for now keep their line.

        Raises:
            UserError: the project's folder cannot be written.
        """
        name = self._split_name(fractions, seed)
        with self._changing() as file:
            # In this order split.csv is never taken for another split, whenever the power goes.
            known = self.entries
            kept_splits.set_aside(self.path, name, file.split)
            self._keep(msgspec.structs.replace(file, split=name))
            kept_splits.write(self.path, name, records, parts)
            # What other windows decided meanwhile is followed after `refresh` alone.
            self._file = msgspec.structs.replace(self._file, entries=list(known))

    def _split_name(self, fractions: tuple[float, float, float], seed: int) -> str:
        return kept_splits.name_of(fractions, seed, self.in_force)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[ProjectFile]:
        """The file as it is on the disk by now; nobody else changes it meanwhile."""
        try:
            if self._data is not None and not self._is_claimed:
                self.path = project_places.claim(self.path, self._data)
                self._is_claimed = True
            self.path.mkdir(parents=True, exist_ok=True)
            with self._locked():
                yield project_file.read(self.path) or self._file
        except OSError as error:
            raise self._cannot_be_written(error) from error
        except UnicodeEncodeError as error:
            raise UserError("The name of a file holds bytes that are no text.", "Rename that file.") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=_PATIENCE_S)
        except Timeout as error:
            raise UserError(
                f"The project '{self.path.name}' is being changed by another window.", "Try again in a moment."
            ) from error
        except NotImplementedError:
            pass  # a place where nobody can hold one
        try:
            yield
        finally:
            lock.release()

    def _keep(self, file: ProjectFile) -> None:
        if self._paths:
            file = msgspec.structs.replace(file, sample=project_file.sample_of(self._paths))
        project_file.write(self.path, file)
        self._file = file
        rows = [(entry.at, entry.change.sentence(), entry.undone_at) for entry in file.entries]
        if rows:
            atomic.write_bytes(self.path / "changes.csv", csv_bytes([("at", "what", "undone_at"), *rows]))

    def _cannot_be_written(self, error: OSError) -> UserError:
        return UserError(
            f"The project '{self.path.name}' cannot be written: {error.strerror}.",
            "Free some space, or give yourself permission to write in your folder of projects.",
            error.strerror or "",
            code="disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "project_folder",
        )


def find_project(data: Path, paths: Collection[str]) -> Project:
    """The project of a folder of images; a new one (not on the disk yet) where none knows it.

    Args:
        data: the folder.
        paths: of all files in it, relative.

    Raises:
        UserError: the project's file is damaged, or a newer version wrote it.
    """
    return Project(project_places.folder_of(data, paths), data, paths)


def table_place(key: str) -> Path | None:
    """Where a label table lies that is not in the folder of images; `None` where that is unknown."""
    place = state_file.read(_TABLES).get(key)
    return Path(place) if isinstance(place, str) else None


def remember_table(key: str, path: Path) -> None:
    """Notes where it lies, in the person's own state folder: no project holds a place."""
    with state_file.changing(_TABLES, "The place of the label table") as tables:
        tables[key] = str(path.absolute())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")  # finer than two presses
