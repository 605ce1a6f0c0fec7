"""A child process that talks in lines: start it, write to it, read from it, know when it ended. No Qt."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from tlgui.core.paths import logs_dir

logger = logging.getLogger(__name__)

# The pipe may stay open in a process that the child forked; once the child itself has ended, what it had written
# arrives within this time.
_DRAIN_S = 0.5
_LOGS_KEPT = 10

Message = TypeVar("Message")


def role_command(*role: str) -> list[str]:
    """How to start a role of this program: in a frozen build `sys.executable` is the program itself.

    With `-P` Python searches no working folder for modules: a `queue.py` among a person's images is never run.
    """
    if getattr(sys, "frozen", False):
        return [sys.executable, *role]
    return [sys.executable, "-P", "-m", "tlgui", *role]


class LineProcess(Generic[Message]):
    """A child process and the messages that it writes.

    Args:
        command: the program and its arguments.
        log: file for what its libraries print.
        decode: one line to one message; raises `msgspec.DecodeError` where the line is none.
        name: what it is called in the log and in the names of threads.
        deliver: takes each message, in the thread that reads, and `None` as the last one, when the process has ended;
            without it messages wait for `next_message`.

    The process is started at once.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        decode: Callable[[bytes], Message],
        name: str,
        deliver: Callable[[Message | None], None] | None = None,
    ) -> None:
        self.log = log
        self._decode = decode
        self._name = name
        with self.log.open("ab") as log_stream:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_stream,
                # Ctrl-C in a terminal reaches the whole group; the owner decides what it means.
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._deliver = deliver or self._messages.put
        self._reader = threading.Thread(target=self._read, name=f"{name} reader", daemon=True)
        self._waiter = threading.Thread(target=self._wait, name=f"{name} waiter", daemon=True)
        self._reader.start()
        self._waiter.start()
        self.ended = False
        """Whether the last message was read and the process has ended."""

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def cause(self) -> str:
        """How an ended process ended: "signal 9" or "exit code 3"."""
        code = self._process.returncode
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def last_lines(self) -> str:
        """The end of its log; "" where that cannot be read."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_bytes()[-4000:].decode("utf-8", "replace").splitlines()[-20:])
        return ""

    def write(self, line: bytes) -> None:
        """Writes to it; to a process that has ended it does nothing, since its ending is about to be read."""
        assert self._process.stdin is not None
        # To a dead pipe Windows answers EINVAL, others EPIPE; to one that was closed Python answers ValueError.
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def next_message(self, timeout_s: float | None = None) -> Message | None:
        """The next message; `None` when there is none within the time, and always once it has `ended`."""
        if self.ended:
            return None
        try:
            message = self._messages.get(timeout=timeout_s)
        except queue.Empty:
            return None
        self.ended = message is None
        return message

    def close(self, timeout_s: float = 30.0) -> int:
        """Tells it that its owner goes, waits for it to leave, ends it after the time, and returns its exit code."""
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

    def _read(self) -> None:
        assert self._process.stdout is not None
        # Closed here alone, since another process may hold the pipe open for longer than its owner waits.
        with self._process.stdout as stream:
            for line in stream:
                try:
                    message = self._decode(line)
                except msgspec.DecodeError:
                    logger.warning("The %s wrote a line that is no event (%d bytes)", self._name, len(line))
                    continue
                self._deliver(message)

    def _wait(self) -> None:
        # Its process, not its pipe, tells whether it lives.
        self._process.wait()
        self._reader.join(_DRAIN_S)
        self._deliver(None)


def new_log(name: str) -> Path:
    """A new file among the person's logs, named after the child; the oldest of that name make room."""
    folder = logs_dir()
    old = sorted(folder.glob(f"{name}-*.log"), key=lambda path: path.name)
    for path in old[: max(0, len(old) - _LOGS_KEPT + 1)]:
        with contextlib.suppress(OSError):
            path.unlink()
    return folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{threading.get_native_id()}.log"
