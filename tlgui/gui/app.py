"""Makes the window and everything behind it, and ends all of it in order."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from types import FrameType

from PySide6.QtCore import QEvent, QObject, QSocketNotifier, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from tlgui import __version__
from tlgui.core.engine_process import EngineProcess, engine_command
from tlgui.gui import logs
from tlgui.gui.closing import shut_down
from tlgui.gui.crash import CrashReporter
from tlgui.gui.engine_thread import EngineThread
from tlgui.gui.imaging_thread import ImagingThread
from tlgui.gui.main_window import MainWindow
from tlgui.gui.recent import RecentRuns
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.workbench import Workbench

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str], *, measure_start: bool = False) -> int:
    """Opens the window and returns the exit code once it is closed.

    Args:
        arguments: the program's name and what Qt may read.
        measure_start: print the seconds from the start of the process to the first paint, and leave.
    """
    app = QApplication(list(arguments))
    app.setApplicationName("tlgui")
    app.setApplicationDisplayName("tlgui")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("tlgui")
    with logs.logging_to_file():
        return _run(app, measure_start)


def _run(app: QApplication, measure_start: bool) -> int:
    logger.info("tlgui %s starts", __version__)
    settings = Settings()
    theme().set_choice(settings.values.appearance)
    theme().install(app)
    bench = make_bench(settings)
    window = MainWindow(bench)
    reporter = make_reporter(bench, window)
    reporter.install()
    first = FirstPaint(window)
    if measure_start:
        first.happened.connect(lambda: _print_start(window))
    else:
        first.happened.connect(bench.wake)
    window.show()
    try:
        with _ended_by_signals(window):
            return app.exec()
    finally:
        window.hide()
        if not shut_down(bench):
            # A thread that waits for a drive would keep the program in memory, without a window, until the drive answers.
            logging.shutdown()
            os._exit(0)
        # Before the interpreter ends, so that no widget outlives what it speaks with.
        window.deleteLater()
        bench.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        reporter.uninstall()


def make_bench(settings: Settings) -> Workbench:
    """Everything that works behind the window; nothing of it runs yet."""
    imaging = ImagingThread()
    return Workbench(
        engine=EngineThread(),
        side=EngineThread(make=lambda: EngineProcess(engine_command(side=True)), on_demand=True),
        imaging=imaging,
        thumbnails=ThumbnailStore(imaging),
        settings=settings,
        recent=RecentRuns(settings),
    )


def make_reporter(bench: Workbench, window: MainWindow) -> CrashReporter:
    """Hears of faults of the window, of both engines and of the imaging child; `install` begins the first."""
    reporter = CrashReporter(lambda report: _show_crash(report, reporter, window), window.closing.close_anyway)
    for heard in (bench.engine.event_received, bench.side.event_received, bench.imaging.answered):
        heard.connect(reporter.on_said)
    return reporter


class FirstPaint(QObject):
    """Tells when the window has been painted for the first time.

    Args:
        window: watched until then.
    """

    happened = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        """Looks for the first paint."""
        if event.type() == QEvent.Type.Paint:
            self._window.removeEventFilter(self)
            # After the paint itself, which is still to come.
            QTimer.singleShot(0, self, self.happened.emit)
        return False


def _print_start(window: QWidget) -> None:
    import psutil

    seconds = time.time() - psutil.Process().create_time()
    sys.stdout.write(f"{seconds:.2f}\n")
    sys.stdout.flush()
    window.close()


def _show_crash(report: str, reporter: CrashReporter, window: MainWindow) -> None:
    from tlgui.gui.crash_dialog import CrashDialog  # not before it is needed: the window should open fast

    CrashDialog(report, reporter.shown_over, window).open()


@contextlib.contextmanager
def _ended_by_signals(window: MainWindow) -> Iterator[None]:
    """Ctrl-C in the terminal and a polite end by the system close the window; a training is saved for next time."""
    here, there = socket.socketpair()
    here.setblocking(False)
    there.setblocking(False)
    notifier = QSocketNotifier(here.fileno(), QSocketNotifier.Type.Read, window)

    def on_wakeup() -> None:
        with contextlib.suppress(BlockingIOError):
            here.recv(64)

    def on_signal(number: int, frame: FrameType | None) -> None:
        window.closing.close_anyway()

    notifier.activated.connect(on_wakeup)
    before_fd = signal.set_wakeup_fd(there.fileno())
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_fd)
        notifier.setEnabled(False)
        here.close()
        there.close()
