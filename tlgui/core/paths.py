"""Where things lie: packed data files, the person's projects, caches, weights and logs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from tlgui.core.errors import UserError

_PACKAGE = Path(__file__).resolve().parent.parent


def resource(name: str) -> Path:
    """The data file `resources/<name>`: beside the checkout, or inside the installed package.

    Raises:
        FileNotFoundError: there is no such file in this installation.
    """
    beside, packed = _PACKAGE.parent / "resources", _PACKAGE / "resources"
    # A checkout wins, so that an editable installation never serves a stale packed copy; beside an installed package
    # a folder of that name is somebody else's.
    is_checkout = (_PACKAGE.parent / "pyproject.toml").is_file()
    for folder in (beside, packed) if is_checkout else (packed, beside):
        path = folder / name
        if path.exists():
            return path
    raise FileNotFoundError(f"The installation lacks its data file '{name}'.")


def cache_dir() -> Path:
    """What can be made again at any time: activations, compiled trunks. `TLGUI_CACHE_DIR` moves it."""
    return _ensured(os.environ.get("TLGUI_CACHE_DIR") or platformdirs.user_cache_path("tlgui", appauthor=False))


def state_dir() -> Path:
    """What belongs to this person on this computer: places of datasets, logs. `TLGUI_STATE_DIR` moves it."""
    return _ensured(os.environ.get("TLGUI_STATE_DIR") or platformdirs.user_state_path("tlgui", appauthor=False))


def projects_dir() -> Path:
    """Where runs go when no `--run-dir` is given: "tlgui" in the documents. `TLGUI_PROJECTS_DIR` moves it."""
    return _ensured(os.environ.get("TLGUI_PROJECTS_DIR") or platformdirs.user_documents_path() / "tlgui")


def logs_dir() -> Path:
    """Logs of the engine, for us; never a person's absolute paths."""
    return _ensured(state_dir() / "logs")


def _ensured(folder: str | Path) -> Path:
    folder = Path(folder).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder '{folder.name}' for this program's own files cannot be made: {error.strerror}.",
            "Free some space or give yourself permission to write there, then try again.",
            str(error),
        ) from error
    return folder
