"""A reader as its owner holds it: started, asked, heard, ended; and one that waits for the next scan."""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import threading
from pathlib import Path

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.line_process import new_log, role_command
from tlgui.core.paths import state_dir
from tlgui.imaging.reader import GREETING, Batch, read_frame, write_frame
from tlgui.imaging.verdict import Verdict

MEMORY_BYTES = 4_000_000_000  # of one reader: several times the largest image that is accepted
IDLE_S = 10.0  # how long a reader is kept for the next scan


def reader_command() -> list[str]:
    """How to start a reader."""
    return role_command("imaging-reader", str(MEMORY_BYTES))


def cause(code: int) -> str:
    """How a process ended: "signal 11" or "exit code 3"."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


class ReaderProcess:
    """One process. It is asked and heard in one thread, and may be ended from another one."""

    def __init__(self) -> None:
        self._log: Path | None = None
        stream: int = subprocess.DEVNULL
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(UserError, OSError):
                self._log = new_log("reader")
                stream = stack.enter_context(self._log.open("ab")).fileno()
            self._process = subprocess.Popen(
                reader_command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                # Each is one of many: the parts of numpy that start threads of their own would only get in the way.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        self._decoder = msgspec.msgpack.Decoder(Verdict)

    def is_greeting(self) -> bool:
        """Waits for its first word; False where it ended without one."""
        assert self._process.stdout is not None
        return read_frame(self._process.stdout) == GREETING

    def ask(self, batch: Batch) -> None:
        """Gives it files to read; that it has ended is heard in place of its answer."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            write_frame(self._process.stdin, msgspec.msgpack.encode(batch))

    def hear(self) -> Verdict | None:
        """Its next answer; `None` where it has ended, or talks nonsense, which a broken decoder may bring about."""
        assert self._process.stdout is not None
        frame = read_frame(self._process.stdout)
        with contextlib.suppress(msgspec.DecodeError):
            return self._decoder.decode(frame) if frame is not None else None
        return None

    def end(self) -> int:
        """Ends it at once, and returns its exit code."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        code = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        return code

    def kill(self) -> None:
        """Ends it from another thread, which then hears that it has ended."""
        self._process.kill()

    def end_of_pipe(self) -> int:
        """Waits a moment for a process that says nothing any more, so that its own exit code is known; then as `end`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        return self.end()

    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def last_lines(self) -> str:
        """The end of its log."""
        with contextlib.suppress(OSError):
            if self._log is not None:
                return "\n".join(self._log.read_bytes()[-4000:].decode("utf-8", "replace").splitlines()[-20:])
        return ""


def _serves() -> list[str]:
    """What a reader that is started now is good for: one that hides identifiers by the key of other folders is not."""
    with contextlib.suppress(UserError):
        return [*reader_command(), str(state_dir())]
    return reader_command()


class _Warm:
    """One reader that waits for the next scan for a while, since a small folder is read faster than a reader starts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reader: ReaderProcess | None = None
        self._serves: list[str] = []
        self._timer: threading.Timer | None = None

    def take(self) -> ReaderProcess | None:
        """The reader that waits, or `None`."""
        with self._lock:
            reader = self._let_go()
            if reader is not None and (self._serves != _serves() or not reader.is_alive()):
                reader.end()
                return None
            return reader

    def keep(self, reader: ReaderProcess) -> None:
        """Takes an idle reader; where another one waits already, it is ended."""
        with self._lock:
            if self._reader is not None or not reader.is_alive():
                reader.end()
                return
            self._reader, self._serves = reader, _serves()
            self._timer = threading.Timer(IDLE_S, self.end)
            self._timer.daemon = True
            self._timer.name = "idle reader"
            self._timer.start()

    def end(self) -> None:
        """Ends the reader that waits."""
        with self._lock:
            reader = self._let_go()
        if reader is not None:
            reader.end()

    def _let_go(self) -> ReaderProcess | None:
        if self._timer is not None:
            self._timer.cancel()
        reader, self._reader, self._timer = self._reader, None, None
        return reader


WARM = _Warm()
atexit.register(WARM.end)
