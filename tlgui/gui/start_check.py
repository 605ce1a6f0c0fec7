"""What keeps Qt from opening a window on Linux, said before Qt is loaded: it would end the program without a word."""

from __future__ import annotations

import csv
import ctypes
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tlgui.core.paths import resource


def problem(variables: Mapping[str, str] = os.environ) -> str:
    """Why no window can be opened here, with the remedy; "" when nothing is known against it.

    Args:
        variables: the environment.
    """
    if not sys.platform.startswith("linux"):
        return ""
    platform = variables.get("QT_QPA_PLATFORM", "").partition(":")[0].partition(";")[0]
    if not (platform or variables.get("DISPLAY") or variables.get("WAYLAND_DISPLAY")):
        return (
            "There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the window cannot open. "
            "Start tlgui on a desktop, or use the command line: 'tlgui --help' lists what it can do."
        )
    asks_x = platform == "xcb" or not (platform or variables.get("WAYLAND_DISPLAY"))
    if missing := _missing_libraries(asks_x):
        return missing
    if asks_x and not _screen_answers():
        return (
            f"The screen '{variables.get('DISPLAY', '')}' that DISPLAY names does not answer, so the window cannot "
            "open. Start tlgui from a terminal on the desktop itself, or with 'ssh -X'."
        )
    return ""


def _missing_libraries(asks_x: bool) -> str:
    needed = _qt_library("plugins/platforms/libqxcb.so") if asks_x else _qt_library("lib/libQt6Gui.so.6")
    if needed is None or _loads(str(needed)):
        return ""
    with resource("qt_libraries.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if not _loads(row["name"])]
    if not rows:
        return ""  # Something else is the matter, and Qt says it better than a guess would.
    debian, fedora = (" ".join(dict.fromkeys(row[system] for row in rows)) for system in ("debian", "fedora"))
    return (
        f"Qt needs system libraries that are missing here: {', '.join(row['name'] for row in rows)}. "
        f"Debian, Ubuntu: sudo apt install {debian}; Fedora: sudo dnf install {fedora}. "
        "The command line works without them: 'tlgui --help'."
    )


def _qt_library(name: str) -> Path | None:
    """A file of PySide6; found without loading it."""
    found = importlib.util.find_spec("PySide6")
    for place in (found.submodule_search_locations or []) if found else []:
        path = Path(place) / "Qt" / name
        if path.is_file():
            return path
    return None


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _screen_answers() -> bool:
    """Whether the X server of this environment takes a connection."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    answers = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return bool(answers)
