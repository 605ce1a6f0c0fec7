"""One plot: the curves by pyqtgraph, all around and over them painted from the theme when Qt asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QGraphicsView, QSizePolicy, QWidget

from tlgui.gui.plots import axis, gestures, overlay
from tlgui.gui.plots.axis import Kind, value_words
from tlgui.gui.plots.curves import Curve, Ghost, ghost_points
from tlgui.gui.plots.series import MOST_DRAWN, Floats, thinned
from tlgui.gui.plots.window import EpochWindow
from tlgui.gui.theme import color, theme

_WIDTH, _DOT, _MANY_DOTS = 2.2, 6.5, 80
# Qt needs 40 ms to smooth a thick line of a thousand corners, and 3 ms for a thin one: a frame has 16.
_MANY_CORNERS = 150
_GHOST = 0.45  # how strongly what was taken back is drawn
_NO_POINTS: tuple[Floats, Floats] = (np.empty(0), np.empty(0))


class CurvePlot(pg.GraphicsView):  # type: ignore[misc]
    """Curves over epochs with marks, best epoch, crosshair and zoom.

    Args:
        kind: which value it is; it decides the range and the words of the left axis.
        window: the epochs that are shown, shared with the plots that stand above and below.
        curves: what is drawn; each is asked for its points at `refresh`.
        names_marks: whether the marks are named here (in the upper plot alone).

    Attributes:
        best_epoch: where the star stands; `None` before there is one.
        best_words: by what that epoch is the best; "" where it is not named in this plot.
        ghosts: stretches that were taken back, shown pale.
        reference: a value that the curves are to be compared with, and its name; `None` where there is none.
        before: another such value: that of the optional curve before anything was trained.
    """

    refreshed = Signal()

    def __init__(
        self,
        kind: Kind,
        window: EpochWindow,
        curves: Sequence[Curve],
        *,
        names_marks: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, background=None)
        self.kind, self.window_of_epochs, self.curves = kind, window, curves
        self._overlay = overlay.Overlay(self, names_marks)
        self.best_epoch: int | None = None
        self.best_words = ""
        self.marks: list[tuple[float, str]] = []
        self.ghosts: Sequence[Ghost] = ()
        self.reference: tuple[float, str] | None = None
        self.before: tuple[float, str] | None = None
        self._tail: tuple[Floats, Floats] = _NO_POINTS
        self._x_range, self._scale = window.whole, axis.whole_scale(kind, None, None)
        self.band: tuple[float, float] | None = None
        self._ratio = 1.0
        self._prepare()
        self._gestures = gestures.Gestures(self)
        window.changed.connect(self.refresh)
        window.pointed.connect(self._on_pointed)
        theme().changed.connect(self.restyle)
        self.restyle()

    def _prepare(self) -> None:
        # Not a PlotWidget: its axes and menus, which are painted or done here otherwise, take 60 ms to build.
        box = self.box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        box.disableAutoRange()
        self.addItem(box)
        self._ghost_items = [pg.PlotCurveItem(antialias=True, connect="finite") for _ in self.curves]
        self._tail_item = pg.PlotCurveItem(antialias=True)
        self._lines = [pg.PlotCurveItem(antialias=True, connect="finite") for _ in self.curves]
        self._dots = [pg.ScatterPlotItem(pxMode=True, size=_DOT, antialias=True) for _ in self.curves]
        for drawn in (*self._ghost_items, self._tail_item, *self._lines, *self._dots):
            box.addItem(drawn, ignoreBounds=True)
        # Grid and labels are painted behind the curves: a cached background would keep the old ones.
        self.setCacheMode(self.CacheModeFlag.CacheNone)
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        self.setFrameShape(self.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)  # the card shows through
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(180)

    # -- data ----------------------------------------------------------------------------------------------------

    def set_marks(self, marks_at: Sequence[tuple[float, str]]) -> None:
        """Places (in epochs) where something was done to the run, and what; shown at the next `refresh`."""
        self.marks = list(marks_at)

    def set_ghosts(self, ghosts: Sequence[Ghost]) -> None:
        """What was taken back; shown at once."""
        if list(ghosts) != list(self.ghosts):
            self.ghosts = ghosts
            for item, points in zip(self._ghost_items, ghost_points(self.kind, ghosts), strict=True):
                item.setData(*points)
            self.viewport().update()

    @property
    def ghost_points(self) -> list[tuple[Floats, Floats]]:
        """The points of what was taken back, for each curve."""
        return ghost_points(self.kind, self.ghosts)

    @property
    def references(self) -> list[tuple[float, str]]:
        """The dashed lines across the plot."""
        return [one for one in (self.before, self.reference) if one is not None]

    def set_curves(self, curves: Sequence[Curve]) -> None:
        """The same curves in other styles; their number stays."""
        if [curve.style for curve in curves] != [curve.style for curve in self.curves]:
            self.curves = curves
            self.restyle()

    def set_tail(self, x: Floats, y: Floats) -> None:
        """The batches of the epoch that is not over yet: shown thin, since one batch says little."""
        self._tail = thinned(x, y, MOST_DRAWN // 2)

    @property
    def tail(self) -> tuple[Floats, Floats]:
        """The batches that are shown."""
        return self._tail

    def refresh(self) -> None:
        """Draws what there is now: never more points than a wide plot has pixels, however many there are."""
        window = self.window_of_epochs
        self._x_range = window.low, window.high
        self._scale = self._scale_of_values()
        low, high, _ = self._scale
        box = self.box
        box.setRange(xRange=self._x_range, yRange=(low, high), padding=0, disableAutoRange=True)
        for curve, line, dots in zip(self.curves, self._lines, self._dots, strict=True):
            x, y = curve.series.drawn(*self._x_range)
            line.setData(x, y)
            self._set_pen(curve, line, len(x) > _MANY_CORNERS)
            # A number between two gaps has no line to either side: its dot is all there is of it.
            shown = ~np.isnan(y) & (_alone(y) | (curve.style.dots and len(x) <= _MANY_DOTS))
            dots.setData(x[shown], y[shown])
        self._tail_item.setData(*self._tail)
        self._say_content()
        self.viewport().update()
        self.refreshed.emit()

    def drawn_points(self) -> int:
        """How many points the curves consist of on the screen."""
        return sum(len(line.getData()[0]) for line in self._lines if line.getData()[0] is not None)

    def ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What is shown: epochs from and to, values from and to."""
        return self._x_range, (self._scale.low, self._scale.high)

    def _scale_of_values(self) -> axis.Scale:
        found = [curve.series.extremes(*self._x_range) for curve in self.curves]
        pairs = [pair for pair in found if pair is not None]
        if not pairs and len(self._tail[1]):
            pairs = [(0.0, float(np.nanmax(self._tail[1])))]
        lowest = min((pair[0] for pair in pairs), default=None)
        highest = max((pair[1] for pair in pairs), default=None)
        if self.window_of_epochs.zoomed:
            return axis.zoomed_scale(self.kind, lowest, highest)
        for value, _ in self.references:
            lowest = min(value, lowest if lowest is not None else 1.0)
        return axis.whole_scale(self.kind, lowest, highest)

    def _say_content(self) -> None:
        title = "Loss" if self.kind == "loss" else "Accuracy"
        words = [f"{title} by epoch"]
        for curve in self.curves:
            newest = curve.series.last()
            if newest is not None:
                words.append(f"{curve.style.name} {value_words(self.kind, newest[1])}")
        if self.best_epoch is not None:
            words.append(f"best epoch {self.best_epoch}" if self.best_epoch else "best: the start")
            words += [self.best_words] if self.best_words else []
        words += [f"{name} {value_words(self.kind, value)}" for value, name in self.references]
        words += ["what was taken back is shown pale"] if self.ghosts else []
        if not any(len(curve.series) for curve in self.curves):
            words.append("no epoch has ended yet")
        text = ", ".join(words)
        if text != self.accessibleName():
            self.setAccessibleName(text)

    # -- style ---------------------------------------------------------------------------------------------------

    def restyle(self, ratio: float | None = None) -> None:
        """Takes colours from the theme and line widths for the screen's pixels (pyqtgraph counts device pixels)."""
        self._ratio = ratio = ratio or self.devicePixelRatioF()
        edge = pg.mkPen(color("surface"), width=1.4 * ratio)
        for curve, line, dots in zip(self.curves, self._lines, self._dots, strict=True):
            points = line.getData()[0]
            self._set_pen(curve, line, points is not None and len(points) > _MANY_CORNERS)
            dots.setBrush(color(curve.style.tone))
            dots.setPen(edge)
            dots.setSymbol("s" if curve.style.square else "o")
        self._tail_item.setPen(pg.mkPen(color(self.curves[0].style.tone, 0.45), width=1.0))
        for curve, item in zip(self.curves, self._ghost_items, strict=True):
            pen = pg.mkPen(color(curve.style.tone, _GHOST), width=_WIDTH * 0.7 * ratio)
            if curve.style.dashed:
                pen.setDashPattern(curve.style.dashes)
            item.setPen(pen)
        self.viewport().update()

    def _set_pen(self, curve: Curve, line: pg.PlotCurveItem, thin: bool) -> None:
        pen = pg.mkPen(color(curve.style.tone), width=1.0 if thin else _WIDTH * self._ratio)
        if curve.style.dashed:
            pen.setDashPattern(curve.style.dashes)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if pen != line.opts["pen"]:
            line.setPen(pen)

    def begin_export(self, ratio: float) -> None:
        """Until `end_export`, lines are as wide as a device with `ratio` pixels to one of ours needs them."""
        self.restyle(ratio)
        for dots in self._dots:
            # From its atlas of bitmaps the scatter would put little pictures into a drawing.
            dots.setExportMode(True, {"antialias": True, "resolutionScale": 1.0})

    def end_export(self) -> None:
        """Back to the screen."""
        for dots in self._dots:
            dots.setExportMode(False)
        self.restyle()

    def event(self, event: QEvent) -> bool:
        """Line widths follow the window to a screen with other pixels."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.restyle()
        return bool(super().event(event))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Less than the 640 x 480 that pyqtgraph would ask for: a page scrolls before its plots give way."""
        return QSize(400, 150)

    # -- painting ------------------------------------------------------------------------------------------------

    def area(self) -> QRectF:
        """The rectangle of the curves, in the view's pixels."""
        rectangle = QRectF(self.viewport().rect())
        return rectangle.adjusted(axis.LEFT, axis.TOP, -axis.RIGHT, -axis.BOTTOM)

    def x_of(self, epoch: float) -> float:
        """The pixel of an epoch."""
        area, (low, high) = self.area(), self._x_range
        return area.left() + (epoch - low) / (high - low) * area.width()

    def epoch_at(self, x: float) -> float:
        """The place in epochs of a pixel."""
        area, (low, high) = self.area(), self._x_range
        return low + (x - area.left()) / area.width() * (high - low)

    def point_of(self, epoch: float, value: float) -> QPointF:
        """The pixel of a value."""
        area, (low, high, _) = self.area(), self._scale
        return QPointF(self.x_of(epoch), area.bottom() - (value - low) / (high - low) * area.height())

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:  # noqa: N802
        """Grid, base line and labels."""
        axis.paint_axes(painter, self.area(), self.kind, self._x_range, self._scale)

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:  # noqa: N802
        """Marks, best epoch, crosshair, and the stretch that is being dragged over."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._overlay.paint(painter)
        painter.restore()

    def _on_pointed(self, _: object) -> None:
        self._say_content()
        self.viewport().update()

    # -- pyqtgraph's own handling of the mouse is passed by; see gestures --------------------------------------------

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """The curves stand in the middle, labels around them."""
        super().resizeEvent(event)
        if hasattr(self, "box"):
            self.box.setGeometry(self.area())

    def close(self) -> bool:
        """Closes like any widget: pyqtgraph's own would take the scene away under items that Qt still asks for."""
        return bool(QGraphicsView.close(self))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begins to mark a stretch."""
        self._gestures.pressed(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Moves the crosshair, or marks a stretch."""
        self._gestures.moved(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Zooms to the stretch."""
        self._gestures.released(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Shows everything again."""
        self.window_of_epochs.reset()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Takes the crosshair away."""
        self.window_of_epochs.point_at(None)

    def focusOutEvent(self, event: Any) -> None:  # noqa: N802
        """Takes the crosshair away."""
        super().focusOutEvent(event)
        self.window_of_epochs.point_at(None)

    def wheelEvent(self, event: Any) -> None:  # noqa: N802
        """Zooms, where the wheel is not needed to scroll the page."""
        self._gestures.wheeled(event)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Arrow keys move the crosshair, 0 shows everything, + and - zoom."""
        if not self._gestures.key_pressed(event):
            event.ignore()


def _alone(y: Floats) -> NDArray[np.bool_]:
    """Which numbers have no number beside them."""
    gaps = np.isnan(y)
    before = np.concatenate([[True], gaps[:-1]]) if len(y) else gaps
    after = np.concatenate([gaps[1:], [True]]) if len(y) else gaps
    alone: NDArray[np.bool_] = ~gaps & before & after
    return alone
