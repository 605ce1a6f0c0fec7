"""Says how far a loop of a job is."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TypeVar

from tlgui.core import events
from tlgui.core.events import Event

_T = TypeVar("_T")


def told(steps: Generator[int, None, _T], stage: str, total: int) -> Generator[Event, None, _T]:
    """Turns each step (how many are done) into a `Progress` with the time left, and returns what the loop returns."""
    started = time.monotonic()
    while True:
        try:
            done = next(steps)
        except StopIteration as end:
            result: _T = end.value
            return result
        left = (time.monotonic() - started) / done * (total - done)
        yield events.Progress(stage=stage, done=done, total=total, seconds_left=left)
