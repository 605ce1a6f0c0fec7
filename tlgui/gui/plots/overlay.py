"""What lies over the curves of one plot: marks, the best epoch with its name, the crosshair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from tlgui.gui.plots import marks
from tlgui.gui.plots.axis import START_WORDS, value_words
from tlgui.gui.plots.curves import ghost_points
from tlgui.gui.plots.series import Floats
from tlgui.gui.theme import color

if TYPE_CHECKING:
    from tlgui.gui.plots.curve_plot import CurvePlot

Placed = tuple[str, QRectF]
_POINTS = 160  # of a curve, that the name of the best epoch keeps clear of
_CLOSE = 3.0  # pixels, that names of marks keep clear of


class Overlay:
    """Paints over a plot, in its pixels.

    Args:
        plot: whose curves lie below.
        names_marks: whether marks are named in this plot. The best epoch is named where `plot.best_words` says by what.
    """

    def __init__(self, plot: CurvePlot, names_marks: bool) -> None:
        self._plot = plot
        self._names_marks = names_marks
        # Where a name goes is worked out once for each picture.
        self._places: dict[str, tuple[object, Placed]] = {}
        self._lines: tuple[object, Floats] = (None, marks.NOTHING)
        self._taken: list[QRectF] = []  # where names stand already in this picture

    def paint(self, painter: QPainter) -> None:
        """Draws all of it; names come last, so that no line crosses them."""
        area = self._plot.area()
        labels = self._paint_marks(painter, area)
        self._taken = [marks.place_of(area, one) for one in self._stacked(area, labels)]
        self._paint_reference(painter, area)
        self._paint_best(painter, area)
        self._paint_ghost_name(painter, area)
        labels += self._paint_crosshair(painter, area)
        marks.paint_labels(painter, area, self._stacked(area, labels))
        if self._plot.band is not None:
            low, high = sorted(self._plot.band)
            painter.fillRect(QRectF(low, area.top(), high - low, area.height()) & area, color("primary", 0.14))

    def _stacked(self, area: QRectF, labels: Sequence[marks.Label]) -> list[marks.Placed]:
        """Names of marks, where they hide no curve."""
        if not labels:
            return []
        key = (area, self._plot.ranges(), self._drawn_so_far())
        if self._lines[0] != key:
            self._lines = (key, self._close_pixels())
        return marks.stack(labels, area.left(), area.right(), area, self._lines[1])

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
        short = f"best: {f'epoch {best}' if best else 'the start'}"
        self._paint_name(painter, area, "best", point, (f"{short}, {plot.best_words}", short), "text", 600)

    def _paint_ghost_name(self, painter: QPainter, area: QRectF) -> None:
        """Names the newest stretch that was taken back, at its end, where marks are named too."""
        ghosts = [ghost for ghost in self._plot.ghosts if ghost.epochs]
        if not ghosts or not self._names_marks:
            return
        x, y = ghost_points(self._plot.kind, ghosts[-1:])[-1]
        shown = ~np.isnan(y)
        if not shown.any():
            return
        point = self._plot.point_of(float(x[shown][-1]), float(y[shown][-1]))
        if area.contains(point):
            # Where there is no room the mark says it, and the stretch is pale.
            self._paint_name(painter, area, "ghost", point, (ghosts[-1].name, ""), "muted", 500, near=True)

    def _paint_reference(self, painter: QPainter, area: QRectF) -> None:
        """A dashed line across the plot with its name above or below one of its ends, where no curve runs."""
        for value, name in self._plot.references:
            self._paint_line(painter, area, value, name)

    def _paint_line(self, painter: QPainter, area: QRectF, value: float, name: str) -> None:
        y = self._plot.point_of(0.0, value).y()
        if not area.top() <= y <= area.bottom():
            return
        marks.paint_horizontal(painter, area, y)
        label = marks.measured(area.left(), f"{name}: {value_words(self._plot.kind, value)}")
        key = (area.size(), y, label.text, self._plot.ranges(), self._drawn_so_far())
        _, place = self._kept(
            f"reference {name}", key, lambda: (label.text, marks.place_on_line(area, y, label.width, self._pixels()))
        )
        marks.paint_name(painter, place, label.text, "muted", 500)

    def _paint_name(
        self, painter: QPainter, area: QRectF, key: str, point: QPointF, texts: Sequence[str], tone: str, weight: int,
        near: bool = False,
    ) -> None:  # fmt: skip
        """A name beside a point, where it covers nothing: the first of the texts for which there is room, or the last."""
        taken = list(self._taken)
        known = (area.size(), point, self._plot.ranges(), self._drawn_so_far(), texts, taken)

        def work_out() -> tuple[str, QRectF]:
            points = self._pixels()
            widths = [marks.measured(point.x(), text, weight=weight).width for text in texts]
            for text, width in zip(texts, widths, strict=True):
                if (place := marks.free_place(area, point, width, points, taken, near)) is not None:
                    return text, place
            return texts[-1], marks.place_name(area, point, widths[-1], points, taken)

        text, place = self._kept(key, known, work_out)
        if text:
            marks.paint_name(painter, place, text, tone, weight)
            self._taken.append(place)

    def _drawn_so_far(self) -> tuple[int, int]:
        return len(self._plot.curves[-1].series), sum(len(ghost.epochs) for ghost in self._plot.ghosts)

    def _kept(self, name: str, key: object, work_out: Callable[[], Placed]) -> Placed:
        known = self._places.get(name)
        if known is None or known[0] != key:
            known = self._places[name] = (key, work_out())
        return known[1]

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

    def _close_pixels(self) -> Floats:
        """(N, 2) pixels along the curves, so close to each other that no name slips between two."""
        (low, high), _ = self._plot.ranges()
        lines = [curve.series.drawn(low, high, most=_POINTS) for curve in self._plot.curves]
        found = []
        for x, y in [*lines, *self._plot.ghost_points]:
            corners = [self._plot.point_of(a, b) for a, b in zip(x, y, strict=True)]
            pixels = np.array([(corner.x(), corner.y()) for corner in corners]).reshape(-1, 2)
            found += [marks.close_points(pixels, _CLOSE)]
        return np.concatenate(found) if found else marks.NOTHING

    def _pixels(self) -> list[QPointF]:
        """The same as points, where a name must not go."""
        return [QPointF(x, y) for x, y in self._close_pixels()]
