"""Which epochs the plots show, and which one is pointed at: one for all plots of a run, so that epochs line up."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

_SMALLEST = 1.0  # epochs


class EpochWindow(QObject):
    """The stretch of epochs that is shown.

    Signals:
        changed: another stretch is shown.
        pointed: the epoch under the crosshair (an int), or `None`.
    """

    changed = Signal()
    pointed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._first, self._planned = 1, 1
        self._zoom: tuple[float, float] | None = None
        self._epoch: int | None = None

    @property
    def whole(self) -> tuple[float, float]:
        """From half an epoch before the first (0 where the run began with a warm start) to half of one past the last."""
        return self._first - 0.5, max(self._planned, self._first) + 0.5

    @property
    def low(self) -> float:
        """Left end of what is shown."""
        return self._zoom[0] if self._zoom else self.whole[0]

    @property
    def high(self) -> float:
        """Right end of what is shown."""
        return self._zoom[1] if self._zoom else self.whole[1]

    @property
    def zoomed(self) -> bool:
        """Whether only a part is shown."""
        return self._zoom is not None

    @property
    def epoch(self) -> int | None:
        """The epoch that is pointed at."""
        return self._epoch

    def set_planned(self, first: int, planned: int) -> None:
        """What there is in all; a zoom stays as it is."""
        if (first, planned) != (self._first, self._planned):
            self._first, self._planned = first, planned
            self.changed.emit()

    def show_part(self, low: float, high: float) -> None:
        """Shows a stretch, at least one epoch wide and no further than there is."""
        start, end = self.whole
        width = max(high - low, min(_SMALLEST, end - start))
        if width >= end - start:
            self.reset()
            return
        low = min(max(start, low), end - width)
        self._zoom = (low, low + width)
        self.changed.emit()

    def zoom_by(self, factor: float, centre: float) -> None:
        """Shows `factor` times as much; `centre` stays where it is."""
        low, high = self.low, self.high
        self.show_part(centre - (centre - low) * factor, centre + (high - centre) * factor)

    def reset(self) -> None:
        """Shows everything."""
        if self._zoom is not None:
            self._zoom = None
            self.changed.emit()

    def point_at(self, epoch: int | None) -> None:
        """Moves the crosshair; `None` takes it away."""
        if epoch != self._epoch:
            self._epoch = epoch
            self.pointed.emit(epoch)
