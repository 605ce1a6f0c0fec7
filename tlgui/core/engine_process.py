"""The engine as a child process: start it, talk to it in JSON lines, name its ending. No Qt, so all owners share it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.line_process import LineProcess, new_log, role_command

_TICK_S = 1.0


def engine_command(side: bool = False) -> list[str]:
    """How to start an engine; with `side` one for short jobs beside a training, on one thread at low priority."""
    return role_command("engine", "--side") if side else role_command("engine")


class EngineProcess(LineProcess[events.AnyEvent]):
    """A warm engine that takes one job after another.

    Args:
        command: the program and its arguments; the default is this installation's engine.
        log: file for what libraries print; the default is a new one among the person's logs.

    The process is started at once; `wait_until_ready` answers when its libraries are loaded.
    """

    def __init__(self, command: Sequence[str] | None = None, log: Path | None = None) -> None:
        super().__init__(command or engine_command(), log or new_log("engine"), events.decode, "engine")
        self.ready: events.EngineReady | None = None

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
                raise UserError(event.problem, event.remedy, event.details, event.code)
            elif isinstance(event, events.Crashed):
                raise UserError(
                    f"The engine could not start ({event.cause}).",
                    "Run 'python3 packaging/run.py' again to repair the installation.",
                    event.last_lines,
                    code="installation",
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
        self.write(commands.encode(message))

    def next_event(self, timeout_s: float | None = None) -> events.AnyEvent | None:
        """The next event, or `None` when there is none within the time. The death of the process is a `Crashed`."""
        event = self.next_message(timeout_s)
        if event is None and self.ended:
            return events.Crashed(cause=self.cause, last_lines=self.last_lines())
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

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
