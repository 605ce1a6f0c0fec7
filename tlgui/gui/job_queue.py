"""One engine, many askers: jobs run one after another, and each asker hears only of its own."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from tlgui.core import commands, events

logger = logging.getLogger(__name__)

Listener = Callable[[Any], None]


class EngineLike(Protocol):
    """What a queue needs of an `EngineThread`."""

    event_received: Any
    start_failed: Any

    def run_job(self, job: Any) -> None:
        """Begins a job."""

    def send(self, command: Any) -> None:
        """Tells the running job something."""

    def end_now(self) -> None:
        """Kills an engine that does not answer."""


class Work:
    """A job that was asked for; `cancel` asks it to stop, `forget` lets its events arrive nowhere.

    Attributes:
        job: what is done.
        state: "waiting", "running" or "ended".
    """

    def __init__(self, jobs: JobQueue, job: commands.Job, listener: Listener) -> None:
        self.job = job
        self.state = "waiting"
        self._jobs = jobs
        self._listener: Listener | None = listener

    def send(self, command: commands.Command) -> None:
        """Tells the job something; a job that waits or has ended hears nothing."""
        if self.state == "running":
            self._jobs.engine.send(command)

    def cancel(self) -> None:
        """Ends it: at once where it waits, else after what it has in hand; the ending still arrives."""
        self._jobs.cancel(self)

    def forget(self) -> None:
        """Cancels it, and nothing of it arrives any more."""
        self._listener = None
        self.cancel()

    def tell(self, event: Any) -> None:
        """Hands on what the engine said."""
        if isinstance(event, events.Ending):
            self.state = "ended"
        if self._listener is not None:
            self._listener(event)


class JobQueue(QObject):
    """Hands jobs to an engine one at a time.

    Args:
        engine: an `EngineThread`; this queue alone gives it jobs.
        parent: its owner.
        patience_s: how long a job that was asked to stop may take for that; then its engine is ended, so that one that
            hangs does not hold up all that waits. `None`: as long as it likes, as a training that saves.
    """

    idle = Signal()
    """The last job has ended, and none waits."""

    def __init__(self, engine: EngineLike, parent: QObject | None = None, patience_s: float | None = None) -> None:
        super().__init__(parent)
        self.engine = engine
        self._patience_s = patience_s
        self._was_ended = False
        self._patience = QTimer(self, singleShot=True)
        self._patience.timeout.connect(self._on_patience_over)
        self.current: Work | None = None
        self._waiting: deque[Work] = deque()
        engine.event_received.connect(self._on_event_received)
        engine.start_failed.connect(self._on_start_failed)

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self.current is not None or bool(self._waiting)

    def submit(self, job: commands.Job, listener: Listener, *, first: bool = False) -> Work:
        """Does a job when its turn comes.

        Args:
            job: what is done.
            listener: hears every event of the job, its ending last, in the window's thread.
            first: before all that wait.
        """
        work = Work(self, job, listener)
        self._waiting.appendleft(work) if first else self._waiting.append(work)
        self._go_on()
        return work

    def cancel(self, work: Work) -> None:
        """See `Work.cancel`."""
        if work is self.current:
            self.engine.send(commands.Stop())
            if self._patience_s is not None and not self._patience.isActive():
                self._patience.start(round(self._patience_s * 1000))
        elif work in self._waiting:
            self._waiting.remove(work)
            work.tell(events.Stopped())

    def clear(self) -> None:
        """Drops what waits and asks what runs to stop, for the window closes and ends the engine itself."""
        for work in list(self._waiting):
            work.cancel()
        if self.current is not None:
            self.current.cancel()
        self._patience.stop()

    def _go_on(self) -> None:
        if self.current is None and self._waiting:
            self.current = self._waiting.popleft()
            self.current.state = "running"
            self.engine.run_job(self.current.job)

    def _on_event_received(self, event: Any) -> None:
        work = self.current
        if work is None or isinstance(event, events.EngineReady):
            return
        if not isinstance(event, events.Ending):
            work.tell(event)
            return
        # Free before the listener hears of the ending, so that it may submit another.
        self.current = None
        self._patience.stop()
        was_ended, self._was_ended = self._was_ended, False
        if was_ended and isinstance(event, events.Crashed):
            event = events.Stopped()  # that is what the person had asked for
        try:
            work.tell(event)
        finally:
            self._go_on()
            if not self.busy:
                self.idle.emit()

    def _on_patience_over(self) -> None:
        if self.current is not None:
            logger.warning("The engine did not stop when it was asked to, and is ended")
            self._was_ended = True
            self.engine.end_now()

    def _on_start_failed(self, error: Any) -> None:
        """No engine, no job: each asker hears the reason."""
        logger.warning("The engine could not start")
        failed = events.Failed(
            problem=error.problem,
            remedy=error.remedy,
            details=getattr(error, "details", ""),
            code=getattr(error, "code", ""),
        )
        ended = [self.current] if self.current is not None else []
        ended += list(self._waiting)
        self.current = None
        self._patience.stop()
        self._waiting.clear()
        for work in ended:
            work.tell(failed)
