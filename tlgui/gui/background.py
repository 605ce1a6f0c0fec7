"""Work that takes longer than a frame, away from the window's thread: one door in, the result comes back here."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import shiboken6
from PySide6.QtCore import QObject, Qt, QThreadPool, Signal, Slot

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
# Most of this work waits for a disk, and the engine needs the processor.
_THREADS = 4


class Task:
    """Work that was handed over.

    Attributes:
        cancelled: whether nobody wants the result any more.
    """

    def __init__(
        self,
        owner: QObject,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException], None] | None,
    ) -> None:
        self.cancelled = False
        self._owner = owner
        self._work: Callable[[], Any] | None = work
        self._done = done
        self._failed = failed
        self._result: Any = None
        self._error: BaseException | None = None

    def cancel(self) -> None:
        """Forgets the work: it is not begun any more, and its result never arrives."""
        self.cancelled = True

    def work(self) -> None:
        """Does it; in a thread of the pool."""
        work, self._work = self._work, None
        if self.cancelled or work is None:
            return
        try:
            self._result = work()
        except BaseException as error:
            self._error = error

    def arrive(self) -> None:
        """Hands the result over; in the window's thread."""
        if self.cancelled or not shiboken6.isValid(self._owner):
            return
        error, self._error = self._error, None
        if error is None:
            self._done(self._result)
        elif self._failed is not None:
            self._failed(error)
        else:
            sys.excepthook(type(error), error, error.__traceback__)


class _Desk(QObject):
    """Lives in the window's thread; where results come in."""

    _finished = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_THREADS)
        # Threads that have nothing to do leave at once; making one takes less than a millisecond.
        self._pool.setExpiryTimeout(0)
        self._finished.connect(self._on_finished, Qt.ConnectionType.QueuedConnection)

    def begin(self, task: Task) -> None:
        def run() -> None:
            task.work()
            self._finished.emit(task)

        self._pool.start(run)

    def wait(self, timeout_s: float) -> bool:
        return self._pool.waitForDone(round(timeout_s * 1000))

    @Slot(object)
    def _on_finished(self, task: Task) -> None:
        task.arrive()


_desk: _Desk | None = None


def run_in_background(
    owner: QObject,
    work: Callable[[], _T],
    done: Callable[[_T], None],
    failed: Callable[[BaseException], None] | None = None,
) -> Task:
    """Does `work` in another thread; `done` hears its result in the window's thread.

    Args:
        owner: whose work it is; once it is destroyed, nothing arrives any more.
        work: touches no widget.
        done: hears the result.
        failed: hears what `work` raised; without it that is an error of the program and goes to `sys.excepthook`.

    Returns:
        The task; its `cancel` forgets it.
    """
    global _desk  # noqa: PLW0603 - one pool for the program
    if _desk is None or not shiboken6.isValid(_desk):
        _desk = _Desk()
    task = Task(owner, work, cast("Callable[[Any], None]", done), failed)
    _desk.begin(task)
    return task


def shut_down(timeout_s: float = 10.0) -> bool:
    """Waits until all work has ended; what arrives after that is heard while the window's thread still runs.

    Returns:
        Whether it has; a network drive that is gone can hold it up for minutes.
    """
    return _desk.wait(timeout_s) if _desk is not None and shiboken6.isValid(_desk) else True
