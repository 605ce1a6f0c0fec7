"""Running other programs: the one seam between the set-up and the system, replaced by a fake in the tests."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

_TICK_S = 0.5
_GRACE_S = 5.0
TIMED_OUT = 124


class Answer(NamedTuple):
    """How a program ended and what it said (both streams, in order)."""

    exit_code: int
    lines: list[str]


def _ignore_line(_line: str) -> None:
    pass


def _ignore_tick() -> None:
    pass


class Commands:
    """Runs programs, without a shell."""

    def listen(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        on_line: Callable[[str], None] = _ignore_line,
        on_tick: Callable[[], None] = _ignore_tick,
        limit_s: float | None = None,
        inherited: Sequence[int] = (),
    ) -> Answer:
        """Run a program to its end and read what it says.

        The program gets a session of its own, so that a time limit or Ctrl-C ends it with all its children.

        Args:
            command: the program and its arguments.
            environment: its environment variables, ours when None.
            folder: its working folder, ours when None.
            on_line: called with each line, without its end.
            on_tick: called about twice a second, whether it speaks or not.
            limit_s: end it after so many seconds, with exit code 124.
            inherited: file descriptors that it keeps open (POSIX only).

        Raises:
            OSError: the program could not be started.
        """
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            encoding="utf-8",
            errors="replace",
            pass_fds=inherited if os.name == "posix" else (),
            start_new_session=os.name == "posix",
        )
        assert process.stdout is not None
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reader.start()
        said: list[str] = []
        deadline = time.monotonic() + limit_s if limit_s is not None else None
        next_tick = 0.0
        timed_out = False
        try:
            while True:
                now = time.monotonic()
                if deadline is not None and now > deadline:
                    timed_out = True
                    break
                if now >= next_tick:
                    on_tick()
                    next_tick = now + _TICK_S
                try:
                    line = lines.get(timeout=_TICK_S)
                except queue.Empty:
                    continue
                if line is None:
                    break
                said.append(line)
                on_line(line)
            if not timed_out:
                process.wait()
        finally:
            _end(process)
            reader.join(timeout=_GRACE_S)
            if not reader.is_alive():
                process.stdout.close()
        return Answer(TIMED_OUT if timed_out else process.returncode, said)

    def attend(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> int:
        """Run a program in our terminal and leave Ctrl-C to it; returns its exit code."""
        with subprocess.Popen(command, env=environment, cwd=folder) as process:
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                return process.wait()
            finally:
                signal.signal(signal.SIGINT, before)

    def become(self, command: Sequence[str]) -> int:
        """Go on as another program; on Windows, which cannot, run it and return its exit code."""
        sys.stdout.flush()
        sys.stderr.flush()
        if os.name == "posix":
            os.execv(command[0], list(command))
        return self.attend(command)


def _read(stream: IO[str], lines: "queue.SimpleQueue[str | None]") -> None:
    for line in stream:
        lines.put(line.rstrip("\r\n"))
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """End a program that still runs, first politely; its children go with it where the system knows sessions."""
    if process.poll() is not None:
        return
    _signal(process, force=False)
    try:
        process.wait(timeout=_GRACE_S)
    except subprocess.TimeoutExpired:
        _signal(process, force=True)
        process.wait()


def _signal(process: subprocess.Popen[str], *, force: bool) -> None:
    if sys.platform == "win32":
        process.kill() if force else process.terminate()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
        except ProcessLookupError:
            return
