"""Hands a job to an engine and listens to the end; Ctrl-C asks for a clean stop, a second one does not wait."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from tlgui.core import commands, events
from tlgui.core.crash_note import crash_of
from tlgui.core.engine_process import EngineProcess
from tlgui.core.errors import UserError

EXIT_DONE, EXIT_ERROR, EXIT_STOPPED = 0, 1, 130
# So long an engine that was left at once may take to save, before it is ended.
_PATIENCE_S = 2.0


@contextmanager
def engine_at_work(patience_s: float = _PATIENCE_S) -> Iterator[EngineProcess]:
    """An engine that starts to load its libraries now; no process of it outlives the block.

    Where the block fails before there is a job, nobody waits for it.

    Args:
        patience_s: how long it may take to save where the person leaves at once.
    """
    engine = EngineProcess()
    try:
        yield engine
    except (UserError, KeyboardInterrupt) as error:
        engine.close(0.0 if isinstance(error, UserError) else patience_s)
        raise
    except BaseException:
        engine.close()
        raise
    engine.close()


def drive(engine: EngineProcess, job: commands.Job, on_event: Callable[[events.AnyEvent], None]) -> events.Ending:
    """Runs a job to its ending, which is passed to `on_event` too.

    Raises:
        UserError: the engine cannot start.
        KeyboardInterrupt: the person pressed Ctrl-C before the engine was ready, or twice.
    """
    engine.wait_until_ready()
    with _stop_on_interrupt(engine, training=isinstance(job, commands.Train)):
        full = _FullDisk(engine)
        for heard in engine.run(job):
            event = crash_of(heard, job, _say) if isinstance(heard, events.Crashed) else heard
            on_event(event)
            if isinstance(event, events.Ending):
                return event
            full.on_event(event)
    raise AssertionError("a job has exactly one ending")


def finish(ending: events.Ending, stream_has_it: bool = False, training: bool = True) -> int:
    """Says on standard error what went wrong, and gives the exit code."""
    if isinstance(ending, events.Completed):
        return EXIT_DONE
    if isinstance(ending, events.Stopped):
        if not stream_has_it:
            sentence = ending.sentence() if training else "Stopped as you asked; nothing was written."
            sys.stderr.write(f"{sentence}\n")
        return EXIT_STOPPED
    sys.stderr.write(f"{ending.sentence()}\n")
    details = ""
    if isinstance(ending, events.Crashed):
        details = ending.last_lines
    elif isinstance(ending, events.Failed) and ending.is_fault:
        details = ending.details
    if details:
        sys.stderr.write(f"{details}\n")
    return EXIT_ERROR


class _FullDisk:
    """What is done about a run that waits since the disk is full: it is in memory, and nothing of it is lost.

    At a terminal somebody can make room: they are told, and asked to press Enter. Where nobody sits, the run ends with
    the sentence; what it had saved before is whole.
    """

    def __init__(self, engine: EngineProcess) -> None:
        self._engine = engine
        self._full = False
        self._waits: threading.Thread | None = None

    def on_event(self, event: events.AnyEvent) -> None:
        """Looks for a pause that follows on a full disk."""
        if isinstance(event, events.Notice) and event.code == "disk_full":
            self._full = True
        elif isinstance(event, events.Paused) and self._full:
            self._full = False
            self._ask()
        elif isinstance(event, events.Continued):
            self._full = False

    def _ask(self) -> None:
        if sys.stdin is None or not sys.stdin.isatty():
            self._engine.send(commands.Stop())
            return
        _say("The disk is full. Free some space, then press Enter to go on; Ctrl-C ends the run.")
        # Not on this thread, which hears what the engine says meanwhile, and Ctrl-C.
        if self._waits is None or not self._waits.is_alive():
            self._waits = threading.Thread(target=self._wait, name="enter", daemon=True)
            self._waits.start()

    def _wait(self) -> None:
        line = sys.stdin.readline()
        self._engine.send(commands.Continue() if line else commands.Stop())


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


@contextmanager
def _stop_on_interrupt(engine: EngineProcess, training: bool) -> Iterator[None]:
    asked = False

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        how = "Stopping after this batch and keeping the best state" if training else "Stopping"
        sys.stderr.write(f"\n{how}; press Ctrl-C again to leave at once.\n")
        engine.send(commands.Stop())

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
