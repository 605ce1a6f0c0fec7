"""The real window in a process of its own, on a fake engine: what happens at its end can be seen from outside.

    python -P -c "from helpers.window_child import main; main('close')" DATA

Plays: "close" (start a training, close the window, go on next time), "stop" (... stop and keep the best),
"idle" (close at once), "fault" (a slot raises, then close), "terminate" (wait for a signal).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_engine import fake_engine_command
from tlgui.core.engine_process import EngineProcess
from tlgui.gui import app, main_window, places
from tlgui.gui.engine_thread import EngineThread
from tlgui.gui.widgets import Button, Page


class Small(Page):
    """Any page."""

    def __init__(self, bench: Any, parent: QWidget | None = None) -> None:
        super().__init__("Small", parent=parent)


def main(play: str) -> int:
    """Plays a part and returns the window's exit code."""
    data = Path(sys.argv[1])
    small = [replace(row, path="helpers.window_child:Small") for row in places.PLACES]
    # The pages have their own tests; here it is about what stands behind them.
    window_class = main_window.MainWindow
    app.MainWindow = lambda bench: window_class(bench, small)  # type: ignore[assignment,misc,attr-defined]
    app.EngineThread = lambda make=None, on_demand=False: EngineThread(  # type: ignore[assignment,misc,attr-defined]
        make=lambda: EngineProcess(fake_engine_command("train", pace=0.02)), on_demand=on_demand
    )
    steps = {"close": _close, "stop": _stop, "idle": _idle, "fault": _fault, "terminate": _terminate}[play](data)
    timer = QTimer()

    def on_tick() -> None:
        window = next((w for w in QApplication.topLevelWidgets() if isinstance(w, window_class)), None)
        if window is None or not window.isVisible():
            return
        state["window"] = window
        if state["ready"] is None or state["ready"]():
            state["ready"] = next(steps, timer.stop)

    state: dict[str, Any] = {"window": None, "ready": None}
    _state.update(state=state)
    timer.timeout.connect(on_tick)
    QTimer.singleShot(0, lambda: timer.start(20))
    return app.main(["tlgui"])


_state: dict[str, Any] = {}
Ready = Callable[[], bool]


def _window() -> Any:
    return _state["state"]["window"]


def _press(words: str) -> None:
    buttons = _window().closing.dialog.findChildren(Button)
    next(button for button in buttons if button.plain_text == words).click()


def _training(data: Path) -> Iterator[Ready]:
    bench = _window()._bench
    bench.open_folder(data)
    yield lambda: bench.draft.summary is not None
    bench.start_training()
    bench.start_training()
    yield lambda: bool(bench.run.epochs)
    _window().close()
    yield lambda: _window().closing.dialog is not None


def _close(data: Path) -> Iterator[Ready]:
    yield from _training(data)
    _press("Close and go on next time")


def _stop(data: Path) -> Iterator[Ready]:
    yield from _training(data)
    _press("Stop, keep the best and close")


def _idle(data: Path) -> Iterator[Ready]:
    yield lambda: True
    _window().close()


def _fault(data: Path) -> Iterator[Ready]:
    def broken() -> None:
        raise RuntimeError("this slot is broken")

    QTimer.singleShot(0, broken)
    yield lambda: any(type(one).__name__ == "CrashDialog" for one in QApplication.topLevelWidgets())
    for dialog in QApplication.topLevelWidgets():
        if type(dialog).__name__ == "CrashDialog":
            dialog.close()
    _window().close()


def _terminate(data: Path) -> Iterator[Ready]:
    sys.stdout.write("open\n")
    sys.stdout.flush()
    yield lambda: False
