"""The files to predict on, from the files and folders that a person names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tlgui.core.errors import UserError
from tlgui.imaging.names import not_a_persons, printable
from tlgui.imaging.pixels import reason_of
from tlgui.imaging.walk import folder_name, walk


class NamedFile(NamedTuple):
    """A file to try.

    Attributes:
        shown: what a table or a message calls it; never an absolute path.
        path: where it lies, absolute.
    """

    shown: str
    path: Path


def collect_files(paths: list[Path]) -> list[NamedFile]:
    """Every file that was named, and all files below the named folders but hidden ones and those of the system.

    Whether a file is an image is found out when it is read. A file that is named twice comes once. Order: as named,
    within a folder by name.

    Raises:
        UserError: a path does not exist, a folder cannot be read, or nothing was found.
    """
    found: dict[Path, str] = {}
    for path in paths:
        absolute = path.absolute()
        name = folder_name(path)
        if _exists_as_file(path, name):
            found.setdefault(absolute, name)
        elif path.is_dir():
            for file in walk(path).files:
                if file.kind == "file" and not_a_persons(file.parts) is None:
                    found.setdefault(absolute.joinpath(*file.parts), f"{name}/{printable(file.path)}")
        else:
            raise UserError(f"'{name}' does not exist.", "Check the spelling of the file or folder.")
    if not found:
        raise UserError("No file was found to predict on.", "Name image files, or folders that hold some.")
    times = Counter(found.values())
    return [
        NamedFile(shown if times[shown] == 1 else f"{folder_name(path.parent)}/{shown}", path)
        for path, shown in found.items()
    ]


def _exists_as_file(path: Path, name: str) -> bool:
    try:
        return path.is_file()
    except OSError as error:  # a folder above may not be entered
        raise UserError(f"'{name}' cannot be read ({reason_of(error)}).", "Ask for permission to read it.") from error
