"""Small tables in the person's state folder that several programs may change at once."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from typing import Any

from filelock import FileLock, Timeout

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.paths import state_dir

logger = logging.getLogger(__name__)

_PATIENCE_S = 5.0


def read(name: str) -> dict[str, Any]:
    """The table in a file of the state folder; empty where it is missing or damaged."""
    try:
        # Not msgspec's reader: it refuses names that are no valid text, and with them the whole file.
        content = json.loads((state_dir() / name).read_bytes())
    except (OSError, ValueError, RecursionError, UserError):
        return {}
    return content if isinstance(content, dict) else {}


@contextlib.contextmanager
def changing(name: str, what: str) -> Iterator[dict[str, Any]]:
    """The table, to be changed; at the end it is written atomically, and nobody else changes it meanwhile.

    What cannot be noted is said in the log alone.

    Args:
        name: of the file.
        what: is noted there, for the log, such as "The place of the images".
    """
    try:
        lock = FileLock(state_dir() / f"{name}.lock")
        lock.acquire(timeout=_PATIENCE_S)
    except (OSError, NotImplementedError, Timeout, UserError) as error:
        logger.warning("%s could not be noted: %s", what, type(error).__name__)
        yield read(name)
        return
    try:
        table = read(name)
        yield table
        atomic.write_text(state_dir() / name, json.dumps(table, indent=1))
    except OSError as error:
        logger.warning("%s could not be noted: %s", what, error.strerror)
    finally:
        lock.release()
