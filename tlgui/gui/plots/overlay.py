"""What lies over the curves of one plot: marks, the best epoch with its name, the crosshair."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from tlgui.gui.plots import marks
from tlgui.gui.plots.axis import START_WORDS
from tlgui.gui.theme import color, font

if TYPE_CHECKING:
    from tlgui.gui.plots.curve_plot import CurvePlot

_POINTS = 160  # of a curve, that the name of the best epoch keeps clear of


class Overlay:
    """Paints over a plot, in its pixels.

    Args:
        plot: whose curves lie below.
        names_marks: whether marks are named in this plot. The best epoch is named where `plot.best_words` says by what.
    """

    def __init__(self, plot: CurvePlot, names_marks: bool) -> None:
        self._plot = plot
        self._names_marks = names_marks
        self._place_key: object = None  # where the name of the best epoch goes is worked out once for each picture
        self._place = QRectF()

    def paint(self, painter: QPainter) -> None:
        """Draws all of it; names come last, so that no line crosses them."""
        area = self._plot.area()
        labels = self._paint_marks(painter, area)
        self._paint_best(painter, area)
        labels += self._paint_crosshair(painter, area)
        marks.paint_labels(painter, area, marks.stack(labels, area.left(), area.right()))
        if self._plot.band is not None:
            low, high = sorted(self._plot.band)
            painter.fillRect(QRectF(low, area.top(), high - low, area.height()) & area, color("primary", 0.14))

    def _paint_marks(self, painter: QPainter, area: QRectF) -> list[marks.Label]:
        labels = []
        (low, high), _ = self._plot.ranges()
        for epoch, text in sorted(self._plot.marks):
            if low <= epoch <= high:
                x = self._plot.x_of(epoch)
                marks.paint_vertical(painter, area, x, "mark", dashed=True)
                if self._names_marks:
                    labels.append(marks.measured(x, text))
        return labels

    def _paint_best(self, painter: QPainter, area: QRectF) -> None:
        plot, best = self._plot, self._plot.best_epoch
        value = plot.curves[-1].series.at(best) if best is not None else None
        if best is None or value is None:
            return
        point = plot.point_of(best, value)
        if not area.adjusted(-1, -1, 1, 1).contains(point):
            return
        marks.paint_best(painter, area, point)
        if not plot.best_words:
            return
        text = f"best: {f'epoch {best}' if best else 'the start'}, {plot.best_words}"
        place = self._place_of_name(area, point, marks.measured(point.x(), text, weight=600).width, text)
        painter.fillRect(place.adjusted(-2, 1, 2, -1), color("surface", 0.85))
        painter.setFont(font(11, 600))
        painter.setPen(color("text"))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)

    def _place_of_name(self, area: QRectF, point: QPointF, width: float, text: str) -> QRectF:
        key = (area.size(), point, self._plot.ranges(), len(self._plot.curves[-1].series), text)
        if key != self._place_key:
            self._place_key = key
            self._place = marks.place_name(area, point, width, self._pixels())
        return self._place

    def _paint_crosshair(self, painter: QPainter, area: QRectF) -> list[marks.Label]:
        plot, epoch = self._plot, self._plot.window_of_epochs.epoch
        (low, high), _ = plot.ranges()
        if epoch is None or not low <= epoch <= high:
            return []
        x = plot.x_of(epoch)
        marks.paint_vertical(painter, area, x, "primary", dashed=False)
        for curve in plot.curves:
            value = curve.series.at(epoch)
            if value is not None:
                marks.paint_ring(painter, plot.point_of(epoch, value), color(curve.style.tone))
        name = marks.measured(x, f"epoch {epoch}" if epoch else f"the start: {START_WORDS}", "primary", 600)
        fits = x + marks.ROW + name.width < area.right()
        return [name if fits or epoch else marks.measured(x, "the start", "primary", 600)]

    def _pixels(self) -> list[QPointF]:
        """Points of the curves, and one between each two, where a name must not go."""
        points: list[QPointF] = []
        (low, high), _ = self._plot.ranges()
        for curve in self._plot.curves:
            x, y = curve.series.drawn(low, high, most=_POINTS)
            pixels = [self._plot.point_of(a, b) for a, b in zip(x, y, strict=True) if not np.isnan(b)]
            for one, two in itertools.pairwise(pixels):
                points += [one, (one + two) / 2]
            points += pixels[-1:]
        return points
