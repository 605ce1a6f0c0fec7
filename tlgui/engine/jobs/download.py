"""Fetches published weights while saying how far it is; `Stop` cancels it at once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator

from tlgui.core import commands, events
from tlgui.core.backbones import Backbone
from tlgui.core.events import Event
from tlgui.engine import weights
from tlgui.engine.control import Control

_POLL_S = 0.2
# A server that says nothing is given up by the download itself; a cancelled job does not wait for that.
_PATIENCE_S = 2.0


def pretrained(row: Backbone, download: bool, control: Control) -> Generator[Event, None, weights.State]:
    """The published weights of a backbone.

    Raises:
        UserError: they are not to be had.
        DownloadCancelledError: the person stopped it; nothing of it is left.
        OwnerGoneError: the owner is gone.
    """
    if row.embedded or not download:
        return weights.pretrained(row)
    progress: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
    cancelled = threading.Event()
    answer: list[weights.State | BaseException] = []

    def work() -> None:
        try:
            report = weights.progress_by_time(lambda done, total: progress.put((done, total)))
            answer.append(weights.pretrained(row, True, report, cancelled.is_set))
        except BaseException as error:
            answer.append(error)
        finally:
            progress.put(None)

    thread = threading.Thread(target=work, name="download", daemon=True)
    thread.start()
    started = time.monotonic()
    try:
        while True:
            if isinstance(control.take(), commands.Stop):
                raise weights.DownloadCancelledError
            try:
                step = progress.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if step is None:
                break
            done, total = step
            left = (time.monotonic() - started) / done * (total - done) if total else None
            yield events.Progress(stage=f"download of {row.label}", done=done, total=total, seconds_left=left)
    finally:
        cancelled.set()
        thread.join(_PATIENCE_S)
    (result,) = answer
    if isinstance(result, BaseException):
        raise result
    return result
