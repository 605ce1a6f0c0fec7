"""A fault of the program: it is logged, said once in plain words, and the window stays."""

from __future__ import annotations

import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from importlib import metadata
from types import TracebackType
from typing import Any

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, Signal, Slot, qInstallMessageHandler, qVersion

from tlgui import __version__
from tlgui.core.scrub import scrub
from tlgui.gui.logs import last_lines

logger = logging.getLogger(__name__)

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_LIBRARIES = ("PySide6-Essentials", "numpy", "torch", "torchvision", "timm", "onnxruntime")


class CrashReporter(QObject):
    """Catches what nobody caught, wherever it happens: in slots, threads, destructors, and in Qt itself.

    Args:
        show: called in the window's thread with the report, at most once until it calls `shown_over`.
        interrupted: called where Ctrl-C arrives as an exception.
    """

    _caught = Signal(str)

    def __init__(
        self, show: Callable[[str], None], interrupted: Callable[[], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._show = show
        self._interrupted = interrupted
        self._is_showing = False
        self._before: tuple[Any, Any, Any, Any] | None = None
        self._caught.connect(self._on_caught, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Begins to catch."""
        qt_before = qInstallMessageHandler(self._on_qt_message)
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook, qt_before)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        sys.unraisablehook = self._on_unraisable

    def uninstall(self) -> None:
        """Gives everything back."""
        if self._before is not None:
            sys.excepthook, threading.excepthook, sys.unraisablehook, qt_before = self._before
            qInstallMessageHandler(qt_before)
            self._before = None

    @Slot(object)
    def on_said(self, said: Any) -> None:
        """What an engine or the imaging child said; a fault of theirs is one of the program too."""
        if getattr(said, "is_fault", False):
            self._note(f"{said.problem}\n{said.details}\n")

    def shown_over(self) -> None:
        """The dialog was closed; the next fault may open another."""
        self._is_showing = False

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._interrupted()
            return
        self._note("".join(traceback.format_exception(kind, error, trace)))

    def _on_thread_exception(self, arguments: threading.ExceptHookArgs) -> None:
        if not issubclass(arguments.exc_type, SystemExit):
            text = traceback.format_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
            self._note("".join(text))

    def _on_unraisable(self, arguments: Any) -> None:
        text = traceback.format_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        self._note(f"{arguments.err_msg or 'Nobody could catch this'}\n{''.join(text)}")

    def _note(self, text: str) -> None:
        """Logs it and has it shown; from any thread."""
        text = scrub(text)
        logger.error("A fault\n%s", text)
        _say(text)
        self._caught.emit(text)

    @Slot(str)
    def _on_caught(self, text: str) -> None:
        if not self._is_showing:
            self._is_showing = True
            self._show(report(text))

    def _on_qt_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        logger.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s", message)
        if kind != QtMsgType.QtDebugMsg:
            _say(f"{message}\n")


def report(fault: str) -> str:
    """What a person may send us: versions, the fault, the end of the log; no places and no names of theirs."""
    versions = [f"tlgui {__version__}", f"Python {platform.python_version()}", f"Qt {qVersion()}"]
    versions += [f"{name} {found}" for name in _LIBRARIES if (found := _version(name))]
    parts = [", ".join(versions), platform.platform(), "", fault.rstrip(), "", "The end of the log:", *last_lines()]
    return scrub("\n".join(parts))


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _say(text: str) -> None:
    """On the console, where there is one; the log has it in any case."""
    stream = sys.__stderr__
    if stream is not None and not stream.closed:
        stream.write(text)
