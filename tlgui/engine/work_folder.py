"""A folder in the cache that goes with the work that made it, also when the engine is killed meanwhile."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tlgui.core.paths import cache_dir


def work_folder(kind: str, stack: ExitStack) -> Path:
    """A new folder; what an engine that was killed left there goes too.

    Args:
        kind: of work: the beginning of its name.
        stack: the folder is removed with it.

    Raises:
        OSError: it cannot be made.
    """
    for old in cache_dir().glob(f"{kind}-*"):
        owner = old.name.removeprefix(f"{kind}-").split("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(old, ignore_errors=True)
    made = TemporaryDirectory(prefix=f"{kind}-{os.getpid()}-", dir=cache_dir(), ignore_cleanup_errors=True)
    return Path(stack.enter_context(made))
