"""Which project belongs to a folder of images: by a note in the state folder, else by the files that it knows."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tlgui.core import kept_splits, project_file, state_file
from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir
from tlgui.core.run_folder import RunFolder, recall_place, safe_name
from tlgui.core.split import nfc

_PLACES = "projects.json"
_ENOUGH = 0.5  # of the files that a project knows
_ENOUGH_UNDER_ANOTHER_NAME = 0.9
_FEWEST_UNDER_ANOTHER_NAME = 10  # files that are known again; "a/1.png" alone lies in many folders
_NEWEST = 10  # runs that are looked at


def folder_of(data: Path, paths: Collection[str]) -> Path:
    """The folder of the project that belongs to `data`; it may not exist yet.

    Args:
        data: the folder of images.
        paths: of all files in it, relative.
    """
    projects = projects_dir()
    if around := _project_around(data, projects):
        return around
    notes = state_file.read(_PLACES)
    noted = notes.get(key_of(data))
    if isinstance(noted, str) and noted == safe_name(noted) and _is_apart(projects / noted, data):
        return projects / noted
    others = _at_home(notes, data)
    name = _name_of(data)
    for folder in _of_this_name(projects, name):
        if folder.name.casefold() not in others and _is_apart(folder, data) and _knows(folder, data, paths):
            return folder
    # The folder may have another name now.
    for folder in _of_any_name(projects):
        if folder.name.casefold() not in others and _is_apart(folder, data) and _knows_surely(folder, paths):
            return folder
    return _fresh(projects, name, notes, data)


def claim(folder: Path, data: Path) -> Path:
    """Notes that the folder of images has this project, before anything is written there.

    Returns:
        The project's folder: another one where another program was quicker.
    """
    with state_file.changing(_PLACES, "The project of the images") as notes:
        projects = projects_dir()
        if folder.parent == projects:
            noted = notes.get(key_of(data))
            if isinstance(noted, str) and noted == safe_name(noted) and (projects / noted).is_dir():
                folder = projects / noted
            elif folder.name.casefold() in _at_home(notes, data):
                folder = _fresh(projects, _name_of(data), notes, data)
            notes[key_of(data)] = folder.name
    return folder


def key_of(data: Path) -> str:
    """The place of a folder as the state folder notes it, the same by whichever link it was reached."""
    try:
        place = data.resolve()
    except (OSError, RuntimeError):
        place = data.absolute()
    return os.path.normcase(place)


def _project_around(data: Path, projects: Path) -> Path | None:
    """Of images that the program itself wrote, an unpacked archive or the demo: they lie in the project, named like it."""
    with contextlib.suppress(OSError, RuntimeError):
        place = data.resolve()
        if place.name == place.parent.name and place.parent.parent == projects.resolve():
            return projects / place.parent.name
    return None


def _name_of(data: Path) -> str:
    name = data.name if data.name not in ("", "..") else Path(key_of(data)).name
    return safe_name(name)


def _is_apart(folder: Path, data: Path) -> bool:
    """Nothing of a project may lie in the folder of images."""
    return not Path(key_of(folder)).is_relative_to(key_of(data))


def _at_home(notes: dict[str, Any], data: Path) -> set[str]:
    """Projects of other folders, which are still where they were noted."""
    own = key_of(data)
    return {
        name.casefold()
        for place, name in notes.items()
        if place != own and isinstance(name, str) and _is_folder(Path(place))
    }


def _is_folder(path: Path) -> bool:
    # A drive that is gone, or a folder that is closed to us, raises for some kinds of failure.
    with contextlib.suppress(OSError, ValueError):
        return path.is_dir()
    return False


def _of_this_name(projects: Path, name: str) -> Iterator[Path]:
    numbered = re.compile(re.escape(name) + r"(?: (\d{1,6}))?", re.IGNORECASE)
    with contextlib.suppress(OSError):
        found = [(match, path) for path in projects.iterdir() if (match := numbered.fullmatch(nfc(path.name)))]
        yield from [path for _, path in sorted((int(match[1] or 1), path) for match, path in found) if path.is_dir()]


def _of_any_name(projects: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(path for path in projects.iterdir() if path.is_dir())
    return []


def _fresh(projects: Path, name: str, notes: dict[str, Any], data: Path) -> Path:
    own = key_of(data)
    taken = {noted.casefold() for place, noted in notes.items() if place != own and isinstance(noted, str)}
    for n in itertools.count(1):
        folder = projects / (name if n == 1 else f"{name} {n}")
        if folder.name.casefold() not in taken and _is_empty(folder) and _is_apart(folder, data):
            return folder
    raise AssertionError("itertools.count ends never")


def _is_empty(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        if not folder.exists():
            return True
        # What was claimed by a run that could not be written is nobody's.
        return {item.name for item in folder.iterdir()} <= {"runs"} and not any(folder.glob("runs/*"))
    return False


def _knows(folder: Path, data: Path, paths: Collection[str]) -> bool:
    """Whether most of what the project knows lies in this folder of images."""
    try:
        file = project_file.read(folder)
    except UserError:
        file = None  # its split may still tell
    if file is not None and file.sample:
        return _share(file.sample, {project_file.path_hash(path) for path in paths}) >= _ENOUGH
    spelt = {nfc(path) for path in paths}
    if known := kept_splits.paths(folder):
        return _share(known, spelt) >= _ENOUGH
    return _has_runs_of(folder, data, spelt)


def _knows_surely(folder: Path, paths: Collection[str]) -> bool:
    """Whether so many files of the project lie in a folder of images that it is the same under another name."""
    with contextlib.suppress(UserError):
        file = project_file.read(folder)
        if file is not None:
            again = len(set(file.sample) & {project_file.path_hash(path) for path in paths})
            return again >= max(_FEWEST_UNDER_ANOTHER_NAME, _ENOUGH_UNDER_ANOTHER_NAME * len(file.sample))
    return False


def _has_runs_of(folder: Path, data: Path, paths: set[str]) -> bool:
    """Runs from before there were projects: by the place that they remember, else by their newest manifest."""
    runs = [RunFolder(path) for path in sorted(folder.glob("runs/*"), reverse=True)[:_NEWEST]]
    places = [place for run in runs if (place := _place_of(run)) is not None]
    if places:
        return any(key_of(place) == key_of(data) for place in places)
    for run in runs:
        with contextlib.suppress(UserError):
            return _share({nfc(row.path) for row in run.manifest()}, paths) >= _ENOUGH
    return False


def _place_of(run: RunFolder) -> Path | None:
    with contextlib.suppress(UserError):
        dataset = run.spec().dataset
        return recall_place(dataset.fingerprint) if dataset is not None else None
    return None


def _share(known: Collection[str], present: Collection[str]) -> float:
    return sum(one in present for one in known) / len(known) if known else 0.0
