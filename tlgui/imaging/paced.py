"""Progress as a person reads it: told at most 20 times a second, with the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable

PROGRESS_S = 0.05
_SURE_S = 1.0  # of work, before the time that is left is told


def paced(tell: Callable[[int, int, float | None], None]) -> Callable[[int, int], None]:
    """What is called with (done, total) as often as one likes.

    Args:
        tell: called with (done, total, seconds left or `None`); always at the end.
    """
    began = last = 0.0
    before = 0

    def progress(done: int, total: int) -> None:
        nonlocal began, before, last
        now = time.monotonic()
        if not began:
            # Looking through the folders came before, which says nothing of how fast files are read.
            began, before = now, done
        if now - last < PROGRESS_S and done < total:
            return
        last = now
        spent = now - began
        left = spent / (done - before) * (total - done) if spent > _SURE_S and done > before else None
        tell(done, total, left)

    return progress
