"""When those who look at a run are told: once the window's thread is free, each signal at most once."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from tlgui.core.events import Ending
from tlgui.gui.run_reasons import State


class RunSignals(QObject):
    """The signals of a run, gathered so that a thousand events make one picture.

    Attributes:
        state: see `run_reasons.State`; "interrupted" is a replayed run whose story has no ending.
        ending: the run's last event; `None` while it is at work or where its story breaks off.
    """

    changed = Signal()
    epoch_added = Signal()
    layers_changed = Signal()
    state_changed = Signal(str)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: State = "starting"
        self.ending: Ending | None = None
        self._silent = False
        self._news: set[str] = set()
        self._told_state: State = self.state
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.flush)

    def flush(self) -> None:
        """Emits what is due now instead of when the window's thread is free next."""
        self._timer.stop()
        news, self._news = self._news, set()
        if "layers" in news:
            self.layers_changed.emit()
        if "epoch" in news:
            self.epoch_added.emit()
        if self.state != self._told_state:
            self._told_state = self.state
            self.state_changed.emit(self.state)
        if news:
            self.changed.emit()
        if "ended" in news and self.ending is not None:
            self.ended.emit(self.ending)

    def _tell(self, news: str) -> None:
        self._news.add(news)
        if not self._silent and not self._timer.isActive():
            self._timer.start(0)

    def _forget_news(self) -> None:
        """What came so far is known to everybody."""
        self._told_state = self.state
        self._news.clear()
