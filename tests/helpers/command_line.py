"""The command line as a person uses it: in this process with an engine that is warm already, or as a process of its own."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from tlgui.cli.main import main
from tlgui.core import commands, events
from tlgui.core.engine_process import EngineProcess


@dataclass(frozen=True)
class Typed:
    """What came of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one answer on standard output."""
        assert self.out.count("\n") == 1 and self.out.endswith("\n"), self.out
        return strict_json(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events on standard output, one to a line."""
        assert self.out.endswith("\n"), self.out
        return [strict_json(line) for line in self.out.splitlines()]


Tlgui = Callable[..., Typed]


def strict_json(text: str) -> Any:
    """JSON as its standard has it: Python's reader alone would take NaN and Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


class OpenEngine:
    """Stands where a command would start an engine of its own; it stays warm for the next command."""

    def __init__(self, engine: EngineProcess) -> None:
        self._engine = engine

    def __enter__(self) -> OpenEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self, timeout_s: float = 0.0) -> int:
        return 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


class PlayedEngine:
    """No process at all: answers each job with the given events, and fails the test where there are none."""

    def __init__(self, *answers: events.AnyEvent) -> None:
        self.answers = answers
        self.closed_after_s: list[float] = []

    def __enter__(self) -> PlayedEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def wait_until_ready(self) -> events.EngineReady:
        return events.EngineReady(protocol=1, tlgui="0", device="cpu", device_sentence="none")

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        assert self.answers, f"a job that should have been refused came to the engine: {job}"
        yield from self.answers

    def send(self, message: commands.Command) -> None:
        pass

    def close(self, timeout_s: float = 30.0) -> int:
        self.closed_after_s.append(timeout_s)
        return 0


def type_here(engine: Callable[[], object], *arguments: object) -> Typed:
    """Runs one command in this process; no command may show a traceback."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with (
        patch("tlgui.cli.drive.EngineProcess", engine),
        patch("tlgui.cli.versions.EngineProcess", engine),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    return _typed(code, *(_content(stream) for stream in (out, err)))


def command(*arguments: object) -> list[str]:
    """The command of a process of its own."""
    return [sys.executable, "-m", "tlgui", *map(str, arguments)]


def type_in(*arguments: object, timeout_s: float = 150.0, **more: Any) -> Typed:
    """Runs one command as a process of its own; no command may show a traceback."""
    environment = {**os.environ, **more.pop("env", {})}
    done = subprocess.run(
        command(*arguments), check=False, capture_output=True, timeout=timeout_s, env=environment, **more
    )
    return _typed(done.returncode, done.stdout.decode(), done.stderr.decode())


class Running:
    """A command with `--json` that goes on while the test looks at its events. Use as a context manager."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *exception: object) -> None:
        for child in (*self.children(), psutil.Process(self.process.pid)) if self.process.poll() is None else ():
            child.kill()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.process.wait()

    def until(self, kind: str, times: int = 1) -> dict[str, Any]:
        """Reads on to the next event of that type, the `times`-th from here."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(strict_json(line.decode()))
            if self.events[-1]["type"] == kind:
                times -= 1
                if times == 0:
                    return self.events[-1]
        raise AssertionError(f"no {kind} came; {self.end().err}")

    def send(self, number: signal.Signals, group: bool = False) -> None:
        """A signal to the command line's process alone, or to its whole group as a terminal sends it."""
        (os.killpg if group else os.kill)(self.process.pid, number)

    def children(self) -> list[psutil.Process]:
        """The processes that it started, and those that they started."""
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def end(self, timeout_s: float = 120.0) -> Typed:
        """Waits for its end; `out` holds what was not read before."""
        out, err = self.process.communicate(timeout=timeout_s)
        self.events += [strict_json(line) for line in out.decode().splitlines()]
        return _typed(self.process.returncode, out.decode(), err.decode())


def gone(process: psutil.Process, within_s: float = 30.0) -> bool:
    """Whether it ends within the time."""
    return not psutil.wait_procs([process], timeout=within_s)[1]


def content_of(folder: Path) -> Mapping[str, bytes]:
    """Every file below a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def _typed(code: int, out: str, err: str) -> Typed:
    assert "Traceback" not in err + out, err + out
    return Typed(code, out, err)


def _content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
