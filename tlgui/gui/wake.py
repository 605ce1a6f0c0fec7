"""Keeps the computer awake while it trains, and says so; where that cannot be done, it says that instead."""

from __future__ import annotations

import logging
import threading

from PySide6.QtCore import QObject, Qt, Signal, Slot

logger = logging.getLogger(__name__)

HELD_OFF = "Sleep is held off while training."
# The system's own service may not answer; the window closes all the same.
_PATIENCE_S = 2.0


class Wakefulness(QObject):
    """Holds sleep off between `begin` and `end`. The screen may still go dark.

    Asking the system may take a while, so it happens in a thread of its own, which lives as long as sleep is held off.
    """

    changed = Signal(str)
    """The new `text`."""

    _answered = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._turn = 0
        self._over: threading.Event | None = None
        self._threads: list[threading.Thread] = []
        self._answered.connect(self._on_answered, Qt.ConnectionType.QueuedConnection)

    @property
    def text(self) -> str:
        """What a person reads about it; "" where nothing is held off or the system has not answered yet."""
        return self._text

    def begin(self) -> None:
        """Training begins; where it had begun, nothing happens."""
        if self._over is not None:
            return
        self._turn += 1
        self._over = threading.Event()
        thread = threading.Thread(target=self._hold, args=(self._over, self._turn), name="awake", daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def end(self) -> None:
        """Training is over: the computer may sleep."""
        if self._over is not None:
            self._over.set()
            self._over = None
            self._turn += 1
            self._say("")

    def shut_down(self) -> None:
        """Ends it and waits for the thread."""
        self.end()
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        self._threads.clear()

    def _hold(self, over: threading.Event, turn: int) -> None:
        try:
            # Not before it is needed: the window should open fast.
            from wakepy import keep

            # What the system's services answered is in the library's own log.
            with keep.running(on_fail="pass") as mode:
                self._answered.emit(turn, HELD_OFF if mode.active else _failure("the system offers no way to do it"))
                over.wait()
        except Exception as error:
            # Whatever a system's service answers: the training is what matters.
            logger.warning("Sleep could not be held off (%s)", type(error).__name__)
            self._answered.emit(turn, _failure("the system refused it"))

    @Slot(int, str)
    def _on_answered(self, turn: int, text: str) -> None:
        if turn == self._turn:
            self._say(text)

    def _say(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.changed.emit(text)


def _failure(reason: str) -> str:
    return f"This computer may fall asleep: {reason}. The run goes on where it was after waking."
