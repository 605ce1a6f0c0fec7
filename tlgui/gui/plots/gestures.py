"""What mouse and keys do in a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea

if TYPE_CHECKING:
    from tlgui.gui.plots.curve_plot import CurvePlot

_IN, _OUT = 0.8, 1.25
_A_DRAG = 8.0  # pixels; a shorter one is a click with an unsteady hand


class Gestures:
    """Crosshair by moving and by arrow keys; zoom by wheel, by dragging over a stretch, and by + and -."""

    def __init__(self, plot: CurvePlot) -> None:
        self._plot = plot
        self._began: QPointF | None = None

    def pressed(self, event: QMouseEvent) -> None:
        """A drag may begin."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._began = event.position()

    def moved(self, event: QMouseEvent) -> None:
        """Points at the nearest epoch, or widens the stretch."""
        plot, at = self._plot, event.position()
        if self._began is not None and abs(at.x() - self._began.x()) >= _A_DRAG:
            plot.band = (self._began.x(), at.x())
            plot.viewport().update()
            return
        inside = plot.area().adjusted(-6, -axis_room(plot), 6, axis_room(plot)).contains(at)
        plot.window_of_epochs.point_at(self._nearest(plot.epoch_at(at.x())) if inside else None)

    def released(self, event: QMouseEvent) -> None:
        """Shows the stretch that was dragged over."""
        plot, band = self._plot, self._plot.band
        self._began = plot.band = None
        plot.viewport().update()
        if band is not None:
            low, high = sorted(plot.epoch_at(x) for x in band)
            plot.window_of_epochs.show_part(low, high)

    def wheeled(self, event: QWheelEvent) -> None:
        """Zooms around the pointer.

        While the page can scroll, the wheel scrolls it, unless the plot was clicked or Ctrl is held: a page must not
        get stuck under the pointer.
        """
        plot, window = self._plot, self._plot.window_of_epochs
        meant = event.modifiers() & Qt.KeyboardModifier.ControlModifier or plot.hasFocus() or not self._page_scrolls()
        steps = event.angleDelta().y()
        if not meant or steps == 0 or (steps < 0 and not window.zoomed):
            event.ignore()
            return
        window.zoom_by(_IN if steps > 0 else _OUT, plot.epoch_at(event.position().x()))
        event.accept()

    def key_pressed(self, event: QKeyEvent) -> bool:
        """Whether the key meant something here."""
        window, epochs = self._plot.window_of_epochs, self._epochs()
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            return False
        centre = window.epoch if window.epoch is not None else (window.low + window.high) / 2
        match Qt.Key(event.key()):
            case Qt.Key.Key_Left | Qt.Key.Key_Right | Qt.Key.Key_Home | Qt.Key.Key_End if epochs:
                window.point_at(self._beside(Qt.Key(event.key()), epochs))
            case Qt.Key.Key_0:
                window.reset()
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                window.zoom_by(_IN, centre)
            case Qt.Key.Key_Minus:
                window.zoom_by(_OUT, centre)
            case Qt.Key.Key_Escape if window.epoch is not None:
                window.point_at(None)
            case _:
                return False
        return True

    def _beside(self, key: Qt.Key, epochs: Sequence[int]) -> int:
        now = self._plot.window_of_epochs.epoch
        if key == Qt.Key.Key_Home:
            return epochs[0]
        if key == Qt.Key.Key_End or now not in epochs:
            return epochs[-1]
        step = -1 if key == Qt.Key.Key_Left else 1
        return epochs[min(max(0, epochs.index(now) + step), len(epochs) - 1)]

    def _epochs(self) -> list[int]:
        (low, high), curve = self._plot.ranges()[0], self._plot.curves[0]
        return [int(x) for x in curve.series.x if low <= x <= high]

    def _nearest(self, place: float) -> int | None:
        return min(self._epochs(), key=lambda epoch: abs(epoch - place), default=None)

    def _page_scrolls(self) -> bool:
        parent = self._plot.parentWidget()
        while parent is not None:
            if isinstance(parent, QAbstractScrollArea) and parent.verticalScrollBar().maximum() > 0:
                return True
            parent = parent.parentWidget()
        return False


def axis_room(plot: CurvePlot) -> float:
    """How far above and below the curves the pointer still counts."""
    return float(plot.viewport().height() - plot.area().height())
