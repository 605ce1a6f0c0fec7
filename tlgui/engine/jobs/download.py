"""Fetches published weights while saying how far it is; `Stop` cancels it at once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from tlgui.core import commands, events
from tlgui.core.backbones import Backbone
from tlgui.core.events import Event
from tlgui.engine import weights
from tlgui.engine.control import Control
from tlgui.engine.timm_models import row_of

_T = TypeVar("_T")
_POLL_S = 0.2
# A server that says nothing is given up by the download itself; a cancelled job does not wait for that.
_PATIENCE_S = 2.0


def fetch(job: commands.Fetch, control: Control) -> Iterator[Event]:
    """`Progress` while it downloads; weights that are here already are not fetched again.

    Raises:
        UserError: they are not to be had.
    """
    row = row_of(job.backbone)
    try:
        yield from _told(row, lambda report, cancelled: weights.make_ready(row, report, cancelled), control)
    except weights.DownloadCancelledError:
        yield events.Stopped()
        return
    yield events.Completed(message=f"The weights of {row.label} are on this computer.")


def pretrained(row: Backbone, download: bool, control: Control) -> Generator[Event, None, weights.State]:
    """The published weights of a backbone.

    Raises:
        UserError: they are not to be had.
        DownloadCancelledError: the person stopped it; nothing of it is left.
        OwnerGoneError: the owner is gone.
    """
    if row.embedded or not download:
        return weights.pretrained(row)
    return (yield from _told(row, lambda report, cancelled: weights.pretrained(row, True, report, cancelled), control))


def _told(
    row: Backbone, work: Callable[[weights.OnBytes, Callable[[], bool]], _T], control: Control
) -> Generator[Event, None, _T]:
    """Works in a thread of its own and says how far it is; raises what the work raises."""
    progress: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
    cancelled = threading.Event()
    answer: list[_T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            report = weights.progress_by_time(lambda done, total: progress.put((done, total)))
            answer.append(work(report, cancelled.is_set))
        except BaseException as error:
            failure.append(error)
        finally:
            progress.put(None)

    thread = threading.Thread(target=run, name="download", daemon=True)
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
        if thread.is_alive():
            # It waits for a server that says nothing, and would remove its file only then.
            weights.drop_download(row)
    if failure:
        raise failure[0]
    return answer[0]
