"""The thread that owns the engine process, and the signals by which the window hears of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QThread, Signal

from tlgui.core import commands, events
from tlgui.core.engine_process import EngineProcess
from tlgui.gui.engine_keeper import EngineKeeper, StartFailed, Told
from tlgui.gui.event_mailbox import EventMailbox

# What the thread itself needs to end, on top of what the engine was given.
_MARGIN_S = 2.0


class EngineThread(QThread):
    """An engine that the window can talk to without ever waiting for it.

    Args:
        parent: its owner.
        make: starts an engine process; called in this thread.
        on_demand: whether the engine is started by the first job and ended when idle; else `start` starts it.
        idle_s: for how long it may be idle then.
        ready_s: within what time a new engine must say its first line.

    All signals come in the window's thread, in the order in which things happened, at most 30 times a second.
    A job ends with exactly one `Ending` in `event_received`, or with `start_failed`, which ends all jobs that were
    given. An engine that dies is replaced by a fresh one.
    """

    event_received = Signal(object)
    """Each event of a job; `Crashed` is one too."""
    ready = Signal(object)
    """`EngineReady` of each engine that started."""
    start_failed = Signal(object)
    """A `UserError`: there is no engine. The next job tries again."""
    memory_changed = Signal(object)
    """Whole number of bytes of the engine (more than Qt's int can hold), once a second while a job runs."""
    busy_changed = Signal(bool)

    def __init__(
        self,
        parent: QObject | None = None,
        make: Callable[[], EngineProcess] = EngineProcess,
        on_demand: bool = False,
        idle_s: float = 60.0,
        ready_s: float = 300.0,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("engine")
        self._mailbox = EventMailbox(self._deliver, self)
        self._keeper = EngineKeeper(make, self._mailbox.put, on_demand=on_demand, idle_s=idle_s, ready_s=ready_s)
        self._jobs: deque[commands.Job] = deque()
        self._leaving = False

    @property
    def busy(self) -> bool:
        """Whether a job was given that has not ended."""
        return bool(self._jobs)

    @property
    def job(self) -> commands.Job | None:
        """The job that runs now; during `event_received`, the one that the event is about."""
        return self._jobs[0] if self._jobs else None

    def run_job(self, job: commands.Job) -> None:
        """Gives the engine a job; where one runs, it comes after that. After `shut_down` nothing happens."""
        if self._leaving:
            return
        self._jobs.append(job)
        self._keeper.put(job)
        if not self.isRunning():
            self.start()
        if len(self._jobs) == 1:
            self.busy_changed.emit(True)

    def send(self, command: commands.Command) -> None:
        """Tells the running job something; one that has not begun hears it when it begins."""
        self._keeper.put(command)

    def end_now(self) -> None:
        """Kills an engine that does not answer: the job ends as `Crashed`, a fresh engine starts."""
        self._keeper.kill()

    def begin_shut_down(self, timeout_s: float = 30.0) -> None:
        """Lets the engine save and leave, for which it gets so long; `finished` tells the end. Waits for nothing."""
        if not self._leaving:
            self._leaving = True
            self._mailbox.close()
            self._jobs.clear()
            self._keeper.leave(timeout_s)

    def shut_down(self, timeout_s: float = 30.0) -> None:
        """Lets the engine save and leave, ends it after the time, and waits for both. The window is about to go."""
        self.begin_shut_down(timeout_s)
        if not self.wait(round((timeout_s + _MARGIN_S) * 1000)):
            # It stands in a pipe that nobody reads.
            self._keeper.kill()
            self.wait()

    def run(self) -> None:
        """The thread's own work; called by `start`."""
        self._keeper.run()

    def _deliver(self, told: Told) -> None:
        match told:
            case events.EngineReady():
                self.ready.emit(told)
            case StartFailed():
                for _ in range(told.jobs):
                    self._job_ended()
                # A job that was given since is on its way, and tries again: it must not be taken for ended.
                if told.jobs or not self._jobs:
                    self.start_failed.emit(told.error)
            case int():
                self.memory_changed.emit(told)
            case events.Ending():
                self._on_ending(told)
            case _:
                self.event_received.emit(told)

    def _on_ending(self, ending: events.Ending) -> None:
        # Whoever hears of the ending may give the next job at once.
        self.event_received.emit(ending)
        self._job_ended()

    def _job_ended(self) -> None:
        if self._jobs:
            self._jobs.popleft()
            if not self._jobs:
                self.busy_changed.emit(False)
