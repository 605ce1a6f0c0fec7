"""Says how far a loop of a job is, and hears a `Stop` between its steps."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

from tlgui.core import commands, events
from tlgui.core.events import BackbonesRanked, Event, GapMeasured, RateFound, SimilarityMeasured
from tlgui.engine.control import Control

_T = TypeVar("_T")
# Answers with a sentence of their own, which is that of the ending too.
_Answer = BackbonesRanked | GapMeasured | RateFound | SimilarityMeasured


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


def until_stopped(steps: Generator[Event, None, _T], control: Control) -> Generator[Event, None, _T | None]:
    """Passes on what the steps say and returns what they find; after a `Stop` between two of them `Stopped`, and `None`."""
    with closing(steps):
        while not isinstance(control.take(), commands.Stop):
            try:
                yield next(steps)
            except StopIteration as end:
                found: _T = end.value
                return found
    yield events.Stopped()
    return None


def answered(steps: Generator[Event, None, _Answer], control: Control) -> Generator[Event, None, None]:
    """A question from its first step to its ending: the answer, and its sentence as that of `Completed`."""
    answer = yield from until_stopped(steps, control)
    if answer is not None:
        yield answer
        yield events.Completed(message=answer.sentence)
