"""The environment `.venv` on the disk: where its parts lie, whether it works, what an aborted pip left half done."""

import csv
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bootstrap_commands import Commands
from bootstrap_errors import not_an_environment
from bootstrap_stamp import Missing, Stamp, read_stamp, wanted_stamp, what_is_missing

LOG_NAME = "install.log"
LOCK_NAME = "install.lock"
INDEX_NAME = "install-torch-index"
TEMPORARY_NAME = "install-tmp"
_KEPT_WHEN_EMPTIED = {LOG_NAME, LOCK_NAME, INDEX_NAME}
_PARTS = {"bin", "include", "lib", "lib64", "share", "scripts", "pyvenv.cfg", ".gitignore", "caches"}
_PROBE = "import sys, pip; print(*sys.version_info[:2], pip.__version__)"


class Found(NamedTuple):
    """What an environment answered: the version of its Python and of its pip."""

    python: tuple[int, int]
    pip: tuple[int, ...]


def version_numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version: `24.3.1` -> (24, 3)."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def version_words(version: Sequence[int]) -> str:
    """`3.11` for (3, 11) and for (3, 11, 7)."""
    return ".".join(str(number) for number in version[:2])


class Environment:
    """The folder `.venv` of a checkout."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        self.folder = checkout / ".venv"
        self.log = self.folder / LOG_NAME
        self.index_note = self.folder / INDEX_NAME
        self.temporary = self.folder / TEMPORARY_NAME
        self.scripts = self.folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / ("python.exe" if os.name == "nt" else "python")

    def site_packages(self) -> list[Path]:
        """The folders where packages lie; empty when there is no environment."""
        if os.name == "nt":
            return [path for path in [self.folder / "Lib" / "site-packages"] if path.is_dir()]
        return sorted(self.folder.glob("lib/python3*/site-packages"))

    def variables(self) -> dict[str, str]:
        """Environment variables for pip and the tools, which run inside this environment.

        pip's own variables and files stay in force. What would make it look or write outside is taken away: packages of
        PYTHONPATH would count as installed, and `user = true` is refused in an environment.
        """
        variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        variables["VIRTUAL_ENV"] = str(self.folder)
        variables["PATH"] = f"{self.scripts}{os.pathsep}{variables.get('PATH', os.defpath)}"
        variables["PIP_USER"] = "0"
        variables["PYTHONUNBUFFERED"] = "1"
        variables["PYTHONIOENCODING"] = "utf-8:backslashreplace"
        return variables

    def probe(self, commands: Commands) -> Found | None:
        """Ask the environment's Python for its version and pip's; None when it does not answer."""
        if not self.python.exists():
            return None
        try:
            answer = commands.listen([str(self.python), "-c", _PROBE], environment=self.variables(), limit_s=120)
        except OSError:
            return None
        if answer.exit_code != 0 or not answer.lines:
            return None
        major, minor, pip = answer.lines[-1].split()
        return Found((int(major), int(minor)), version_numbers(pip))

    def missing(self, commands: Commands, groups: tuple[str, ...]) -> tuple[Missing, Stamp]:
        """What has to be installed, and the stamp that will say that it was.

        When this start runs under another Python than the environment, the environment's own counts while it works.
        """
        pyproject = (self.checkout / "pyproject.toml").read_bytes()
        running = version_words(sys.version_info[:2])
        wanted = wanted_stamp(pyproject, running, self.checkout, groups)
        found = read_stamp(self.folder)
        if found is not None and not self.python.exists():
            found = None
        if found is not None and found.python != running:
            answer = self.probe(commands)
            if answer is not None and version_words(answer.python) == found.python:
                wanted = wanted._replace(python=found.python)
        return what_is_missing(found, wanted), wanted

    def empty(self) -> None:
        """Delete what is in the folder, but for the log and the lock in our hands.

        Raises:
            SetupError: what lies there does not look like an environment; it may be somebody's work.
        """
        children = list(self.folder.iterdir())
        known = _PARTS | {name.lower() for name in (*_KEPT_WHEN_EMPTIED, TEMPORARY_NAME)}
        if not (self.folder / "pyvenv.cfg").exists() and any(child.name.lower() not in known for child in children):
            raise not_an_environment(self.folder)
        for child in children:
            if child.name in _KEPT_WHEN_EMPTIED:
                continue
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child)
            else:
                child.unlink()

    def size_bytes(self) -> int:
        """How much the installed packages take now."""
        return sum(_file_sizes(self.folder))


def _file_sizes(folder: Path) -> Iterator[int]:
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(parent) / name).lstat().st_size
            except OSError:
                continue


def forget_half_installed(site_packages: Path) -> list[str]:
    """Make pip install again what a killed pip or a power cut left half done; returns the names of those packages.

    pip takes a package for installed when its metadata is there, but writes the list of its files last. A package
    without that list, or with files of the list missing or empty, loses its metadata here, and pip replaces its files.
    What pip had moved aside for an upgrade (`~orch`) goes too.
    """
    for leftover in site_packages.glob("~*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    halves = [folder for folder in site_packages.glob("*.dist-info") if not _is_complete(folder)]
    for folder in halves:
        shutil.rmtree(folder)
    return sorted(folder.name.removesuffix(".dist-info").rsplit("-", 1)[0] for folder in halves)


def _is_complete(dist_info: Path) -> bool:
    record = dist_info / "RECORD"
    try:
        with record.open(encoding="utf-8", newline="") as file:
            rows = [(row[0], row[2]) for row in csv.reader(file) if len(row) >= 3]
    except (OSError, UnicodeDecodeError):
        return False
    if not rows:
        return False
    for name, size in rows:
        if not size.isdigit() or int(size) == 0 or name.endswith(".pyc"):
            continue
        try:
            if (dist_info.parent / name).stat().st_size == 0:
                return False
        except OSError:
            return False
    return True
