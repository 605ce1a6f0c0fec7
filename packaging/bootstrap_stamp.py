"""The stamp in `.venv` that says what was installed there: written last and in one step, so never too early."""

import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

STAMP_NAME = "install-stamp.json"


class Stamp(NamedTuple):
    """What an environment was made from.

    Attributes:
        pyproject: SHA-256 of pyproject.toml, in hexadecimal.
        python: version of the environment's Python, `3.11`: its packages serve every patch release of it.
        checkout: where the checkout lay, since an editable installation points there.
        groups: the dependency groups installed besides the project.
    """

    pyproject: str
    python: str
    checkout: str
    groups: tuple[str, ...] = ()


class Missing(NamedTuple):
    """What has to be done before the program can start; false when nothing has.

    Attributes:
        project: the project is to be installed (again).
        groups: the dependency groups to add.
        reason: why, as a sentence; empty for a first installation.
    """

    project: bool
    groups: tuple[str, ...]
    reason: str = ""

    def __bool__(self) -> bool:
        return self.project or bool(self.groups)


def wanted_stamp(pyproject: bytes, python: str, checkout: Path, groups: tuple[str, ...]) -> Stamp:
    """The stamp that an environment must carry to be started as it is."""
    return Stamp(hashlib.sha256(pyproject).hexdigest(), python, str(checkout), groups)


def what_is_missing(found: Stamp | None, wanted: Stamp) -> Missing:
    """Compare the stamp of an environment with the wanted one.

    Groups that were there are installed again with the project, so that a start between two test runs loses nothing.
    """
    if found is None:
        return Missing(True, wanted.groups)
    groups = tuple(dict.fromkeys((*found.groups, *wanted.groups)))
    if found.python != wanted.python:
        return Missing(True, groups, f"The environment was made for Python {found.python}, this is {wanted.python}.")
    if found.pyproject != wanted.pyproject:
        return Missing(True, groups, "pyproject.toml has changed since the last installation.")
    if found.checkout != wanted.checkout:
        return Missing(True, groups, "The checkout has moved since the last installation.")
    return Missing(False, tuple(group for group in wanted.groups if group not in found.groups))


def read_stamp(venv: Path) -> Stamp | None:
    """The stamp of an environment; None when there is none or it cannot be read, which means: not finished."""
    try:
        content = json.loads((venv / STAMP_NAME).read_text(encoding="utf-8"))
        return Stamp(
            str(content["pyproject"]), str(content["python"]), str(content["checkout"]), tuple(content["groups"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(venv: Path, stamp: Stamp) -> None:
    """Write the stamp so that after a power cut it is there whole or not at all."""
    write_atomically(venv / STAMP_NAME, json.dumps(stamp._asdict(), indent=1))


def remove_stamp(venv: Path) -> None:
    """Take the stamp away before anything in the environment changes."""
    (venv / STAMP_NAME).unlink(missing_ok=True)


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a small file under a temporary name, flush it to the disk, then rename it.

    Others may read it unless `mode` says otherwise: a checkout can be shared, and their starts look at the stamp.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
