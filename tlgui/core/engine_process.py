"""The engine as a child process: start it, talk to it in JSON lines, name its ending. No Qt, so all owners share it."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.paths import logs_dir

logger = logging.getLogger(__name__)

# The pipe may stay open in a process that the engine forked; once the engine itself has ended, what it had written
# arrives within this time.
_DRAIN_S = 0.5
_LOGS_KEPT = 10
_TICK_S = 1.0


def engine_command() -> list[str]:
    """How to start an engine: in a frozen build `sys.executable` is the program itself.

    With `-P` Python searches no working folder for modules: a `queue.py` among a person's images is never run.
    """
    if getattr(sys, "frozen", False):
        return [sys.executable, "engine"]
    return [sys.executable, "-P", "-m", "tlgui", "engine"]


class EngineProcess:
    """A warm engine that takes one job after another.

    Args:
        command: the program and its arguments; the default is this installation's engine.
        log: file for what libraries print; the default is a new one among the person's logs.

    The process is started at once; `wait_until_ready` answers when its libraries are loaded.
    """

    def __init__(self, command: Sequence[str] | None = None, log: Path | None = None) -> None:
        self.log = log or _new_log()
        with self.log.open("ab") as log_stream:
            self._process = subprocess.Popen(
                list(command or engine_command()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_stream,
                # Ctrl-C in a terminal reaches the whole group; the owner decides what it means.
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        self._events: queue.SimpleQueue[events.AnyEvent | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="engine reader", daemon=True)
        self._waiter = threading.Thread(target=self._wait, name="engine waiter", daemon=True)
        self._reader.start()
        self._waiter.start()
        self.ready: events.EngineReady | None = None
        self._ended = False

    @property
    def pid(self) -> int:
        """The engine's process number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_until_ready(self, timeout_s: float = 300.0) -> events.EngineReady:
        """Its first line.

        Raises:
            UserError: it speaks another version, died before its first line, or did not answer in time.
        """
        deadline = time.monotonic() + timeout_s
        while self.ready is None:
            event = self.next_event(max(0.0, deadline - time.monotonic()))
            if isinstance(event, events.EngineReady):
                self.ready = event
            elif isinstance(event, events.Failed):
                raise UserError(event.problem, event.remedy, event.details)
            elif isinstance(event, events.Crashed):
                raise UserError(
                    f"The engine could not start ({event.cause}).",
                    "Run 'python3 packaging/run.py' again to repair the installation.",
                    event.last_lines,
                )
            elif time.monotonic() >= deadline:
                raise UserError(
                    "The engine did not answer in time.", "Close other programs that use much memory, then try again."
                )
        if self.ready.protocol != events.PROTOCOL:
            raise UserError(
                f"The engine speaks version {self.ready.protocol} of the protocol, this program version "
                f"{events.PROTOCOL}.",
                "Install the same version of tlgui on both sides.",
            )
        return self.ready

    def send(self, message: commands.Command | commands.Job) -> None:
        """Writes one line; to an engine that has ended it does nothing, since its ending is about to be read.

        Raises:
            UserError: a path in it is no valid text.
        """
        assert self._process.stdin is not None
        line = commands.encode(message)
        # To a dead pipe Windows answers EINVAL, others EPIPE; to one that was closed Python answers ValueError.
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def next_event(self, timeout_s: float | None = None) -> events.AnyEvent | None:
        """The next event, or `None` when there is none within the time. The death of the process is a `Crashed`."""
        if self._ended:
            return self._crashed()
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if event is None:
            self._ended = True
            return self._crashed()
        return event

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        """Sends a job and yields its events, the ending last."""
        self.wait_until_ready()
        self.send(job)
        yield from self.until_ending()

    def until_ending(self) -> Iterator[events.AnyEvent]:
        """The events of the running job, its ending last."""
        while True:
            # On Windows, Ctrl-C does not get through to a wait that has no end.
            event = self.next_event(_TICK_S)
            if event is not None:
                yield event
                if event.ends_job:
                    return

    def close(self, timeout_s: float = 30.0) -> int:
        """Tells the engine that its owner goes, waits for it to save and leave, and returns its exit code."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._waiter.join()
        return code

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        # Closed here alone, since another process may hold the pipe open for longer than its owner waits.
        with self._process.stdout as stream:
            for line in stream:
                try:
                    self._events.put(events.decode(line))
                except msgspec.DecodeError:
                    logger.warning("The engine wrote a line that is no event (%d bytes)", len(line))

    def _wait(self) -> None:
        # Its process, not its pipe, tells whether the engine lives.
        self._process.wait()
        self._reader.join(_DRAIN_S)
        self._events.put(None)

    def _crashed(self) -> events.Crashed:
        code = self._process.returncode
        cause = f"signal {-code}" if code < 0 else f"exit code {code}"
        with contextlib.suppress(OSError):
            tail = self.log.read_bytes()[-4000:].decode("utf-8", "replace").splitlines()[-20:]
            return events.Crashed(cause=cause, last_lines="\n".join(tail))
        return events.Crashed(cause=cause)


def _new_log() -> Path:
    folder = logs_dir()
    old = sorted(folder.glob("engine-*.log"), key=lambda path: path.name)
    for path in old[: max(0, len(old) - _LOGS_KEPT + 1)]:
        with contextlib.suppress(OSError):
            path.unlink()
    return folder / f"engine-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{threading.get_native_id()}.log"
