"""What a person means by dropping something: a folder, a run, an archive, or a table of labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Meaning:
    """What to do with it.

    Attributes:
        images: the dataset folder to read, or None.
        table: name of the file in it that was dropped: the labels come from there.
        archive: the zip to unpack and read, or None.
        run: the run folder to open, or None.
        problem, remedy: what is wrong, where neither is there.
        newest: where the folder holds runs, the last one that was begun.
    """

    images: Path | None = None
    table: str = ""
    archive: Path | None = None
    run: Path | None = None
    problem: str = ""
    remedy: str = ""
    newest: Path | None = None


def meaning_of(paths: Sequence[Path]) -> Meaning:
    """Reads the disk, so it belongs on a thread of its own: a share that sleeps answers after seconds."""
    if not paths:
        return Meaning(
            problem="What was dropped is no file of this computer.", remedy="Save it here first, then drop its folder."
        )
    if len(paths) > 1:
        return _several(paths)
    path = paths[0]
    if path.is_dir():
        return Meaning(run=path) if is_run(path) else _of_folder(path)
    if not path.exists():
        return Meaning(
            problem=f"'{path.name}' is not there any more.", remedy="Choose a folder that this computer can reach."
        )
    if path.name in RUN_FILES and is_run(path.parent):
        return Meaning(run=path.parent)
    return _of_file(path)


def _of_file(path: Path) -> Meaning:
    if path.suffix.lower() in TABLES:
        return Meaning(images=path.parent, table=path.name)
    if _is_zip(path):
        return Meaning(archive=path)
    return Meaning(
        problem=f"'{path.name}' is a single file, not a folder.",
        remedy="Drop the folder that holds one folder of images for each class.",
    )


def _is_zip(path: Path) -> bool:
    """By its first bytes: a zip may have any name."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except OSError:
        return path.suffix.lower() == ".zip"  # whoever unpacks it says what is wrong


def is_run(path: Path) -> bool:
    """Whether a run was kept there."""
    return (path / "run.toml").is_file() and (path / "checkpoints").is_dir()


TABLES = frozenset({".csv", ".tsv", ".xlsx"})
RUN_FILES = frozenset({"run.toml", "manifest.csv", "events.jsonl"})


# A project, the folder of its runs, and the folder of all projects.
_RUNS_BELOW = ("runs/*/run.toml", "*/run.toml", "*/runs/*/run.toml")
_BEGUN = re.compile(r"\d{4}-\d\d-\d\d \d\d\.\d\d")


def _of_folder(path: Path) -> Meaning:
    runs = _runs_below(path)
    if not runs:
        return Meaning(images=path)
    return Meaning(
        problem="This folder holds runs of tlgui, not images.",
        remedy="Open one of its runs.",
        newest=max(runs, key=_begun),
    )


def _runs_below(path: Path) -> list[Path]:
    for pattern in _RUNS_BELOW:
        try:
            if runs := [file.parent for file in path.glob(pattern)]:
                return runs
        except OSError:  # a folder that may not be looked into
            continue
    return []


def _begun(run: Path) -> tuple[str, str]:
    """When it was begun, by its name, which a copy keeps; a run that was named by hand by the time of its file."""
    if found := _BEGUN.match(run.name):
        return found[0], run.name
    try:
        written = datetime.fromtimestamp((run / "run.toml").stat().st_mtime)
    except OSError:
        return "", run.name
    return f"{written:%Y-%m-%d %H.%M}", run.name


def _several(paths: Sequence[Path]) -> Meaning:
    parents = {path.parent for path in paths}
    if all(path.is_dir() for path in paths):
        if len(parents) == 1 and (parent := parents.pop()).name:
            return Meaning(
                problem=f"{len(paths)} folders were dropped, and one dataset is one folder.",
                remedy=f"Drop '{parent.name}', the folder that holds them, if these are its classes.",
            )
        return Meaning(
            problem=f"{len(paths)} folders were dropped, and one dataset is one folder.",
            remedy="Put the class folders into one folder and drop that.",
        )
    return Meaning(
        problem=f"{len(paths)} files and folders were dropped, and one dataset is one folder.",
        remedy="Drop the folder that holds one folder of images for each class.",
    )
