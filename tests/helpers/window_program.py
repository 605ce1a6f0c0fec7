"""The real program in a process of its own, and a person in it who follows a script: for what is seen from outside alone.

    python -P -W error -c "from helpers.window_program import main; main('train', DATA)"

A play is a generator: it presses something, then yields what it waits for. What it says comes as lines on standard output,
whatever Python's own streams are.

Plays: "train" (starts, says each epoch, goes on until it is over or killed), "close" (two answers: stay, then go on next
time), "stop" (the third answer), "go on" (from the start page), "look" (reads a folder and closes), "demo" (the demo
images, without any stream).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from helpers.window import OFFSCREEN, Person
from tlgui import __main__
from tlgui.gui import app
from tlgui.gui.main_window import MainWindow

LIMIT_S = 240.0  # for a machine under load
Ready = Callable[[], object]
_TESTS = str(Path(__file__).resolve().parent.parent)
_CODE = "import sys; from helpers.window_program import main; sys.exit(main(*sys.argv[1:]))"


def command(play: str, *arguments: object) -> list[str]:
    """The command of such a process; any warning is an error in it."""
    return [sys.executable, "-W", "error", "-c", _CODE, play, *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """Its environment."""
    return os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": _TESTS} | more


class Program:
    """Such a process, seen from outside. Use as a context manager."""

    def __init__(self, play: str, *arguments: object, **more: str) -> None:
        self.process = subprocess.Popen(
            command(play, *arguments),
            env=environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.lines: list[str] = []
        # Else a test would wait for ever for a line that never comes.
        self._limit = threading.Timer(LIMIT_S, self.process.kill)
        self._limit.daemon = True
        self._limit.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exception: object) -> None:
        self._limit.cancel()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def until(self, words: str) -> str:
        """Reads on to the next line that begins with these words; the rest of it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(words):
                return line[len(words) :].strip()
        raise AssertionError(f"{words!r} was not said: {self.lines}, {self.end()}")

    def end(self, timeout_s: float = LIMIT_S) -> tuple[int, str]:
        """Waits for its end; its exit code, and what it complained of, but for what the offscreen platform cannot do."""
        out, err = self.process.communicate(timeout=timeout_s)
        self.lines += out.splitlines()
        told = [line for line in err.splitlines() if not line.startswith(OFFSCREEN)]
        return self.process.returncode, "\n".join(told)


def main(play: str, *arguments: str) -> int:
    """Runs the program with a person in it; the program's exit code."""
    make_bench = app.make_bench
    held: list[_Script] = []  # a timer does not hold whose method it calls

    def with_a_person(settings: Any) -> Any:
        bench = make_bench(settings)
        held.append(_Script(PLAYS[play], bench, arguments))
        return bench

    app.make_bench = with_a_person  # type: ignore[assignment]
    sys.argv = ["tlgui"]
    if play == "demo":
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None  # type: ignore[assignment,misc]
    return __main__.main()


class _Script:
    """Plays on as soon as what the play waits for is there."""

    def __init__(self, play: Callable[..., Iterator[Ready]], bench: Any, arguments: tuple[str, ...]) -> None:
        self._play, self._bench, self._arguments = play, bench, arguments
        self._steps: Iterator[Ready] | None = None
        self._ready: Ready = lambda: True
        self._timer = QTimer(bench)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start(20)

    def _on_tick(self) -> None:
        if self._steps is None:
            shown = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible()]
            if not shown:
                return
            self._steps = self._play(Person(shown[0]), self._bench, *self._arguments)
        if self._ready():
            try:
                self._ready = next(self._steps)
            except BaseException as error:
                # A failed press would else leave a window that waits for ever.
                self._timer.stop()
                if not isinstance(error, StopIteration):
                    os.write(2, f"the play failed: {error!r}\n".encode())
                    os._exit(99)


def say(words: str) -> None:
    """One line for whoever watches."""
    os.write(1, f"{words}\n".encode())


def begin(person: Person, bench: Any, data: str) -> Iterator[Ready]:
    """Starts a training of three slow epochs; says its folder, and each epoch as it ends."""
    bench.open_folder(Path(data))
    yield lambda: bench.draft.summary is not None
    bench.draft.set_strategy("full-fine-tuning")
    bench.draft.set_training("epochs", 3)
    bench.draft.set_training("batch_size", 4)
    person.window.show_page("review")
    yield lambda: person.in_reach("Start training")
    person.press("Start training")
    yield lambda: bench.run_folder is not None
    yield from watch(bench)


def watch(bench: Any) -> Iterator[Ready]:
    """Says the run's folder, and each epoch from now on."""
    say(f"run {bench.run_folder.path}")
    bench.run.epoch_added.connect(lambda: say(f"epoch {bench.run.epochs[-1].epoch}") if bench.run.epochs else None)
    yield lambda: bench.run.state not in ("starting", "preparing")
    yield lambda: bool(bench.run.epochs)


def _train(person: Person, bench: Any, data: str) -> Iterator[Ready]:
    yield from begin(person, bench, data)
    yield lambda: not bench.is_training
    say(bench.run.state)
    person.window.close()


def _asked_once(person: Person) -> Iterator[Ready]:
    person.window.close()
    person.window.close()
    yield lambda: person.reads("A training is at work")
    assert len(person.dialogs()) == 1, person.dialogs()
    assert person.reads("Training is at epoch"), person.words()


def _close(person: Person, bench: Any, data: str) -> Iterator[Ready]:
    yield from begin(person, bench, data)
    yield from _asked_once(person)
    person.press("Keep training")
    yield lambda: not person.dialogs()
    assert person.window.isVisible() and bench.is_training
    say("stays")
    done = len(bench.run.epochs)
    yield lambda: len(bench.run.epochs) > done
    yield from _asked_once(person)
    person.press("Close and go on next time")


def _stop(person: Person, bench: Any, data: str) -> Iterator[Ready]:
    yield from begin(person, bench, data)
    yield from _asked_once(person)
    person.press("Stop, keep the best and close")


def _go_on(person: Person, bench: Any, name: str) -> Iterator[Ready]:
    yield lambda: person.in_reach(f"Continue {name}")
    assert person.reads("interrupted"), person.words()
    person.press(f"Continue {name}")
    yield lambda: bench.is_training
    say(f"run {bench.run_folder.path}")
    yield lambda: not bench.is_training
    say(bench.run.state)
    person.window.close()


def _look(person: Person, bench: Any, data: str) -> Iterator[Ready]:
    bench.open_folder(Path(data))
    yield lambda: bench.draft.summary is not None or bench.draft.scan_error is not None
    say(f"read {bench.draft.images}")
    shown = bench.draft.summary.classes[0].samples[0]
    yield lambda: person.in_reach("Next: Backbone")
    person.page.dialogs.show_seen()
    yield lambda: person.dialogs() and person.reads(Path(shown).name)
    for dialog in person.dialogs():
        dialog.close()
    person.window.close()


def _demo(person: Person, bench: Any) -> Iterator[Ready]:
    yield lambda: person.in_reach("Run the demo")
    person.press("Run the demo")
    yield lambda: bench.draft.summary is not None or bench.draft.scan_error is not None
    say(f"read {bench.draft.images}")
    yield lambda: bench.run is not None and (bench.run.epochs or bench.run.ending)
    say(f"training {bench.run.state}")
    sys.stdout.write("a library prints\n")
    person.window.closing.close_anyway()


PLAYS: dict[str, Callable[..., Iterator[Ready]]] = {
    "train": _train,
    "close": _close,
    "stop": _stop,
    "go on": _go_on,
    "look": _look,
    "demo": _demo,
}
