"""From any thread to the window's: what arrives is handed over 30 times a second, for a few milliseconds each time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from tlgui.core import events

_EVERY_MS = 33
# Less than half a frame, so that the window can draw what it was told.
_BUDGET_S = 0.006
# More than this and the window is behind: then of several `BatchEnded` in a row the last one tells enough.
_BEHIND = 256


class EventMailbox(QObject):
    """Holds messages in their order until the window's thread has time for them.

    Args:
        deliver: hears each message, in the thread that made the mailbox.
        parent: its owner.

    The timer runs only while there is something, so an idle window does nothing.
    """

    _woken = Signal()

    def __init__(self, deliver: Callable[[Any], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._deliver = deliver
        self._waiting: deque[Any] = deque()
        self._lock = threading.Lock()
        self._awake = self._closed = False
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._on_timeout)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Any) -> None:
        """Adds a message; from any thread, and never waits for the window."""
        with self._lock:
            if self._closed:
                return
            waiting = self._waiting
            is_batch = isinstance(message, events.BatchEnded)
            if is_batch and len(waiting) >= _BEHIND and isinstance(waiting[-1], events.BatchEnded):
                waiting[-1] = message
            else:
                waiting.append(message)
            asleep, self._awake = not self._awake, True
        if asleep:
            self._woken.emit()

    def close(self) -> None:
        """Drops what waits and hands over nothing more."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        self._timer.stop()

    @Slot()
    def _on_woken(self) -> None:
        if self._closed:
            return
        self._timer.start()
        self._hand_over()

    @Slot()
    def _on_timeout(self) -> None:
        with self._lock:
            if not self._waiting:
                # A whole tick without anything: whoever comes next wakes it again.
                self._awake = False
                self._timer.stop()
                return
        self._hand_over()

    def _hand_over(self) -> None:
        deadline = time.monotonic() + _BUDGET_S
        while time.monotonic() < deadline:
            with self._lock:
                if not self._waiting:
                    return
                message = self._waiting.popleft()
            self._deliver(message)
