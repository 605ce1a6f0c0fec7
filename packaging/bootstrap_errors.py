"""What can go wrong while setting up, each as one sentence with a remedy.

A new known failure of pip takes three steps: add a row to `KNOWN_FAILURES` with a pattern of pip's words, write the
problem (placeholders: `{needed}`, `{free}`, `{folder}`, `{python}`, `{match}`) and the remedy, and add pip's words to
`PIP_SAYS` in tests/packaging/test_errors.py. The first row that matches answers, so the narrow ones stand first.
"""

import csv
import errno
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class SetupError(Exception):
    """A failure that the person can act on: what is wrong, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


class Surroundings(NamedTuple):
    """What a sentence about a failed installation may name."""

    folder: Path
    log: Path
    python: str
    needed_bytes: int
    free_bytes: int


class KnownFailure(NamedTuple):
    """A row: the words by which pip's output is recognised, and the sentence that a person reads instead."""

    pattern: str
    problem: str
    remedy: str


_KEPT = "and start again; what is already installed is kept."

KNOWN_FAILURES: tuple[KnownFailure, ...] = (
    KnownFailure(
        r"No space left on device|Errno 28\b|not enough space on the disk|WinError 112\b|Disk quota exceeded",
        "The disk is too small: about {needed} are needed for '{folder}' and {free} are free.",
        f"Free some room, or use a smaller CPU-only build of PyTorch with --torch-index URL, {_KEPT}",
    ),
    KnownFailure(
        r"Permission denied|Errno 13\b|Read-only file system|Errno 30\b|WinError 5\b",
        "There is no permission to write everywhere in '{folder}'.",
        "Make the folder yours, or copy the checkout to a folder of your own, and start again.",
    ),
    KnownFailure(
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed",
        "The certificate of the package index is not trusted here, as behind many hospital and company proxies.",
        f"Name your organisation's certificate file in the environment variable PIP_CERT {_KEPT}",
    ),
    KnownFailure(
        r"407 Proxy Authentication|Cannot connect to proxy|ProxyError",
        "The proxy between this computer and the package index does not let pip through.",
        f"Set the environment variable HTTPS_PROXY to your organisation's proxy {_KEPT}",
    ),
    KnownFailure(
        r"NewConnectionError|Failed to establish a new connection|NameResolutionError|name resolution"
        r"|getaddrinfo failed|ConnectTimeoutError|ReadTimeoutError|Read timed out|Network is unreachable"
        r"|Connection refused|Connection reset by peer|RemoteDisconnected|Max retries exceeded|IncompleteRead|IncompleteDownload"
        r"|incomplete-download|Connection aborted",
        "There is no network: pip cannot reach the package index.",
        f"Connect to the network, or set HTTPS_PROXY behind a proxy, {_KEPT}",
    ),
    KnownFailure(
        r"DO NOT MATCH THE HASHES",
        "A package arrived damaged.",
        "Start again: it will be fetched anew.",
    ),
    KnownFailure(
        r"No matching distribution found for (?P<match>[^\s;]+)",
        "There is no build of '{match}' for Python {python} on this kind of computer.",
        "Use another version of Python (the newest ones are often served last), then start again.",
    ),
    KnownFailure(
        r"(?:because )?it contains the PATH separator",
        "Python cannot make an environment in '{folder}', because a folder of its path has ':' in its name.",
        "Rename that folder, and start again.",
    ),
    KnownFailure(
        r"ensurepip is not available|No module named '?ensurepip|No module named '?venv",
        "This Python lacks the module that makes environments (venv with ensurepip).",
        "Debian, Ubuntu: sudo apt install python3-venv; elsewhere: install Python from python.org; then start again.",
    ),
)


def installation_error(output: Iterable[str], exit_code: int, surroundings: Surroundings) -> SetupError:
    """The sentence for a failed step of the installation.

    Args:
        output: the lines of the command that failed.
        exit_code: its exit code; negative when a signal ended it.
        surroundings: what the sentence may name.
    """
    text = "\n".join(output)
    for row in KNOWN_FAILURES:
        found = re.search(row.pattern, text)
        if found:
            words = {
                "needed": size_words(surroundings.needed_bytes),
                "free": size_words(surroundings.free_bytes),
                "folder": surroundings.folder,
                "python": surroundings.python,
                "match": found.groupdict().get("match", ""),
            }
            return SetupError(row.problem.format(**words), row.remedy)
    if exit_code < 0:
        return SetupError(
            f"The system ended pip (signal {-exit_code}), most likely for want of memory.",
            "Close other programs and start again; what is already installed is kept.",
        )
    last_words = [line for line in text.splitlines() if line.lower().startswith("error")]
    said = f": {last_words[-1][:200].rstrip('.')}" if last_words else f" with exit code {exit_code}"
    return SetupError(f"pip failed{said}.", f"Its whole output is in '{surroundings.log}'; start again after a remedy.")


def no_room(folder: Path, needed_bytes: int, free_bytes: int) -> SetupError:
    """The sentence for a disk that is too small, before anything was written."""
    row = KNOWN_FAILURES[0]
    needed, free = size_words(needed_bytes), size_words(free_bytes)
    return SetupError(row.problem.format(needed=needed, free=free, folder=folder), row.remedy)


def no_permission(folder: Path) -> SetupError:
    """The sentence for a checkout that this person may not write to."""
    return SetupError(
        f"There is no permission to write in '{folder}', where the environment '.venv' is kept.",
        "Make the folder yours, or copy the checkout to a folder of your own, and start again.",
    )


def no_venv_module() -> SetupError:
    """The sentence for a Python that came without venv or ensurepip, as Debian's does."""
    return SetupError(KNOWN_FAILURES[-1].problem, KNOWN_FAILURES[-1].remedy)


def not_an_environment(folder: Path) -> SetupError:
    """The sentence for something at `.venv` that is not ours to delete."""
    return SetupError(
        f"'{folder}' is no Python environment, and its place is needed for one.",
        "Move it away or delete it, and start again.",
    )


def from_os_error(error: OSError, surroundings: Surroundings) -> SetupError | None:
    """The sentence for a failed system call, None when it is a bug of ours and must be seen."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_room(surroundings.folder, surroundings.needed_bytes, surroundings.free_bytes)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return no_permission(surroundings.folder.parent)
    return None


class SystemLibrary(NamedTuple):
    """A shared library that Qt's wheel expects from the system, and the packages that bring it."""

    name: str
    debian: str
    fedora: str


def _qt_libraries() -> tuple[SystemLibrary, ...]:
    # One table for the set-up and for the window's own look before it starts (tlgui/gui/start_check.py).
    table = Path(__file__).resolve().parent.parent / "resources" / "qt_libraries.csv"
    with table.open(encoding="utf-8", newline="") as stream:
        return tuple(SystemLibrary(**row) for row in csv.DictReader(stream))


# What libQt6Gui, libQt6DBus and the xcb platform plugin of PySide6-Essentials 6.8 to 6.12 link to (readelf -d).
QT_LIBRARIES: tuple[SystemLibrary, ...] = _qt_libraries()


def missing_libraries_error(names: Sequence[str]) -> SetupError:
    """The sentence for Qt's missing system libraries, with the Debian and the Fedora packages that bring them."""
    rows = [row for row in QT_LIBRARIES if row.name in names]
    problem = f"Qt needs system libraries that are missing here: {', '.join(names)}."
    if not rows:
        return SetupError(problem, "Install the package of your system that brings them.")
    return SetupError(
        problem,
        f"Debian, Ubuntu: sudo apt install {' '.join(dict.fromkeys(row.debian for row in rows))}; "
        f"Fedora: sudo dnf install {' '.join(dict.fromkeys(row.fedora for row in rows))}.",
    )


def library_named_in(output: Iterable[str]) -> str | None:
    """The shared library that the loader did not find, by its own words; None when it named none."""
    for line in output:
        found = re.search(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file", line)
        if found:
            return found.group(1)
    return None


def size_words(size_bytes: int) -> str:
    """A size for people: `6.4 GB`, `230 MB`; decimal units, as disks and pip count."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{max(size_bytes, 0) / 1e6:.0f} MB"
