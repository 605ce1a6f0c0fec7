"""Keeps an engine at hand: starts it, gives it jobs, replaces it when it dies, ends it. No Qt; runs in one thread."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from tlgui.core import commands, events
from tlgui.core.crash_note import crash_of
from tlgui.core.engine_process import EngineProcess
from tlgui.core.errors import UserError

logger = logging.getLogger(__name__)

_MEMORY_EVERY_S = 1.0
# An engine that dies again and again with nothing to do is not started for ever.
_IDLE_DEATHS = 3
# So long an engine without a job may take to leave: it has nothing to save, and unloading torch takes seconds.
_IDLE_LEAVE_S = 0.5


@dataclass(frozen=True)
class StartFailed:
    """There is no engine, for the reason given; so many jobs were dropped, the oldest ones."""

    error: UserError
    jobs: int


Told = events.AnyEvent | StartFailed | int


@dataclass(frozen=True)
class _Ready:
    engine: EngineProcess
    ready: events.EngineReady


@dataclass(frozen=True)
class _NotReady:
    engine: EngineProcess
    error: UserError


@dataclass(frozen=True)
class _Heard:
    engine: EngineProcess
    event: events.AnyEvent


@dataclass(frozen=True)
class _Leave:
    timeout_s: float


class EngineKeeper:
    """The owner of one engine process at a time.

    Args:
        make: starts an engine process.
        tell: hears, in the keeper's thread, every event of jobs, `EngineReady`, `StartFailed`, and whole numbers: bytes
            of memory while a job runs.
        on_demand: whether the engine is started by the first job and ended when idle.
        idle_s: for how long it may be idle then.
        ready_s: within what time its first line must come.

    `put`, `leave` and `kill` may be called from any thread; everything else happens in `run`.
    """

    def __init__(
        self,
        make: Callable[[], EngineProcess],
        tell: Callable[[Told], None],
        *,
        on_demand: bool,
        idle_s: float,
        ready_s: float,
    ) -> None:
        self._make = make
        self._tell = tell
        self._on_demand = on_demand
        self._idle_s = idle_s
        self._ready_s = ready_s
        self._inbox: queue.SimpleQueue[commands.Job | commands.Command | _Ready | _NotReady | _Heard | _Leave] = (
            queue.SimpleQueue()
        )
        self._engine: EngineProcess | None = None
        self._listener: threading.Thread | None = None
        self._is_ready = False
        self._jobs: deque[commands.Job] = deque()
        self._unsent: list[commands.Command] = []
        self._idle_deaths = 0
        self._idle_since = self._memory_at = 0.0

    def put(self, message: commands.Job | commands.Command) -> None:
        """Hands on a job, or a command for the job that runs."""
        self._inbox.put(message)

    def leave(self, timeout_s: float) -> None:
        """Ends `run`: an engine at work gets so long to save and leave, then it is killed."""
        self._inbox.put(_Leave(timeout_s))

    def kill(self) -> None:
        """Ends the engine's process at once; `run` goes on with a `Crashed` and a fresh one."""
        engine = self._engine
        if engine is not None and engine.alive:
            with contextlib.suppress(psutil.Error):
                psutil.Process(engine.pid).kill()

    def run(self) -> None:
        """Serves until `leave`."""
        if not self._on_demand:
            self._start()
        while True:
            message = self._next()
            match message:
                case _Leave():
                    self._end(message.timeout_s)
                    return
                case commands.Job():
                    self._on_job(message)
                case commands.Command():
                    self._on_command(message)
                case _Ready() | _NotReady() | _Heard():
                    # What an engine that was replaced had still to say is of no interest.
                    if message.engine is self._engine:
                        self._on_said(message)
            self._look_around()

    # -- what came ---------------------------------------------------------------------------------------------

    def _next(self) -> object:
        try:
            return self._inbox.get(timeout=self._patience())
        except queue.Empty:
            return None

    def _patience(self) -> float | None:
        """Until when there is nothing to look after; `None`: nothing at all, so an idle window costs nothing."""
        if self._engine is None or not self._is_ready:
            return None
        if self._jobs:
            return max(0.0, self._memory_at - time.monotonic())
        return max(0.0, self._idle_since + self._idle_s - time.monotonic()) if self._on_demand else None

    def _on_job(self, job: commands.Job) -> None:
        self._jobs.append(job)
        self._idle_deaths = 0
        if len(self._jobs) == 1:
            self._begin_job()

    def _begin_job(self) -> None:
        """Sends the oldest job. The next one waits here, since a command is obeyed by the job that was sent last."""
        while self._jobs:
            if not self._is_ready:
                self._start()
                return
            if self._send(self._jobs[0]):
                return
            self._jobs.popleft()

    def _on_command(self, command: commands.Command) -> None:
        if not self._jobs:
            return
        if self._is_ready:
            self._send(command)
        else:
            self._unsent.append(command)

    def _on_said(self, said: _Ready | _NotReady | _Heard) -> None:
        match said:
            case _Ready():
                self._is_ready, self._idle_since = True, time.monotonic()
                self._tell(said.ready)
                self._begin_job()
                for command in self._unsent:
                    self._send(command)
                self._unsent.clear()
            case _NotReady():
                self._end(0.0)
                self._give_up(said.error)
            case _Heard(event=events.Crashed() as crashed):
                self._on_crashed(crashed)
            case _Heard(event=event):
                self._tell(event)
                if event.ends_job and self._jobs:
                    self._jobs.popleft()
                    self._idle_since = time.monotonic()
                    self._begin_job()

    def _on_crashed(self, crashed: events.Crashed) -> None:
        self._end(0.0)
        if self._jobs:
            self._tell(crash_of(crashed, self._jobs.popleft()))
        else:
            self._idle_deaths += 1
            logger.warning("The idle engine ended (%s)", crashed.cause)
        if self._idle_deaths >= _IDLE_DEATHS:
            self._give_up(
                UserError(
                    f"The engine ended {_IDLE_DEATHS} times with nothing to do ({crashed.cause}).",
                    "Look whether another program ends it, such as a virus scanner, then start tlgui again.",
                    crashed.last_lines,
                )
            )
        elif self._jobs or not self._on_demand:
            self._start()

    def _give_up(self, error: UserError) -> None:
        dropped = len(self._jobs)
        self._jobs.clear()
        self._unsent.clear()
        self._tell(StartFailed(error, dropped))

    # -- the process -------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._engine is not None:
            return
        try:
            self._engine = self._make()
        except UserError as error:
            self._give_up(error)
            return
        except OSError as error:
            self._give_up(
                UserError(
                    f"The engine could not start: {error.strerror}.",
                    "Close other programs that use much memory, then try again.",
                    str(error),
                )
            )
            return
        self._listener = threading.Thread(target=self._listen, args=(self._engine,), name="engine listener")
        self._listener.start()

    def _listen(self, engine: EngineProcess) -> None:
        try:
            self._inbox.put(_Ready(engine, engine.wait_until_ready(self._ready_s)))
        except UserError as error:
            self._inbox.put(_NotReady(engine, error))
            return
        event: events.AnyEvent | None = None
        while not isinstance(event, events.Crashed):
            event = engine.next_event()
            if event is not None:
                self._inbox.put(_Heard(engine, event))

    def _send(self, message: commands.Job | commands.Command) -> bool:
        """Whether it could be told; a job that could not has its ending made here."""
        assert self._engine is not None
        try:
            self._engine.send(message)
        except UserError as error:
            run = str(getattr(message, "run", ""))
            self._tell(events.Failed(problem=error.problem, remedy=error.remedy, details=error.details, run=run))
            return False
        return True

    def _look_around(self) -> None:
        now = time.monotonic()
        if self._engine is None or not self._is_ready:
            return
        if self._jobs and now >= self._memory_at:
            self._memory_at = now + _MEMORY_EVERY_S
            with contextlib.suppress(psutil.Error):
                self._tell(psutil.Process(self._engine.pid).memory_info().rss)
        elif self._on_demand and not self._jobs and now >= self._idle_since + self._idle_s:
            self._end(_IDLE_LEAVE_S)

    def _end(self, timeout_s: float) -> None:
        """Lets the engine save and leave. One that has nothing to save is not waited for as long."""
        engine, self._engine = self._engine, None
        if engine is None:
            return
        if not self._is_ready:
            timeout_s = 0.0
        elif not self._jobs:
            timeout_s = min(timeout_s, _IDLE_LEAVE_S)
        engine.close(timeout_s)
        self._is_ready = False
        if self._listener is not None:
            self._listener.join()
