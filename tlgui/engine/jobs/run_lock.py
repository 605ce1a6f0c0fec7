"""One program at a time works on a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder

# A window that lists runs tries the lock for an instant; that must not look like a training.
_PATIENCE_S = 0.5


@contextmanager
def held(run: RunFolder) -> Iterator[None]:
    """Nobody else works on the run meanwhile.

    Raises:
        UserError: somebody does.
    """
    lock = FileLock(run.lock_path)
    try:
        lock.acquire(timeout=_PATIENCE_S)
    except Timeout:
        raise UserError(
            f"The run '{run.name}' is being trained by another program.",
            "Wait until that ends, or stop it there.",
            code="run_locked",
        ) from None
    try:
        yield
    finally:
        lock.release()
