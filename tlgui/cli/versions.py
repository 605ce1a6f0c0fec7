"""Which versions are at work here, for a report of a fault."""

from __future__ import annotations

import platform
from importlib import metadata, util

from tlgui import __version__
from tlgui.core.engine_process import EngineProcess
from tlgui.core.errors import UserError


def report() -> str:
    """Some lines for people; a missing library is said, not raised."""
    lines = {
        "tlgui": __version__,
        "Python": platform.python_version(),
        "torch": _version("torch"),
        "Qt": _version("PySide6-Essentials"),
        "device": _device(),
    }
    return "".join(f"{name:<8}{value}\n" for name, value in lines.items())


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _device() -> str:
    if util.find_spec("torch") is None:
        return "unknown, since torch is not installed: run 'python3 packaging/run.py' again to repair it"
    try:
        with EngineProcess() as engine:
            return engine.wait_until_ready().device_sentence
    except UserError as error:
        return f"unknown: {error}"
