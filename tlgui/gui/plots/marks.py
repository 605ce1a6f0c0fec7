"""What happened during the run, drawn over the curves: unfreezings, the best epoch, the crosshair."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from tlgui.gui.plots.series import Floats
from tlgui.gui.theme import color, font

ROW = 16.0  # height of a label
_GAP = 7.0
_TOP = 4.0  # of the first row, below the edge of the plot
_CLEAR = 3.0  # between a label and a curve
_FAR = 60.0  # a name at the end of the curves is still beside its point up to here
_GROUND, _SHEER = 0.85, 0.3  # of the strip behind a name; a curve that runs through it stays in sight
NOTHING: Floats = np.empty((0, 2))


class Label(NamedTuple):
    """A name beside a vertical line at `x`, in pixels."""

    x: float
    text: str
    width: float
    tone: str = "muted"
    weight: int = 400


class Placed(NamedTuple):
    """A label and where it went: its left end, the row from the top, and whether a curve runs through it there."""

    label: Label
    left: float
    row: int
    crossed: bool = False


def stack(
    labels: Iterable[Label], left: float, right: float, area: QRectF | None = None, curves: Floats = NOTHING
) -> list[Placed]:
    """Puts each label to the right of its line, or to the left of it where the plot ends, in the first free row.

    Args:
        labels: from left to right.
        left, right: ends of the plot.
        area: the plot; with it a row that a curve runs through is not free, as long as there is another.
        curves: (N, 2) pixels of the curves, close to each other.
    """
    rows: dict[int, list[tuple[float, float]]] = {}
    placed = []
    for label in labels:
        start = label.x + _GAP
        if start + label.width > right:
            start = max(left, label.x - _GAP - label.width)
        end = start + label.width
        free = [n for n in range(len(rows) + 1) if _is_free(rows.get(n, ()), start, end)]
        row, crossed = free[0], set[int]()
        if area is not None and len(curves):
            crossed = _crossed(curves, area, start, end)
            clear = (n for n in range(_rows(area)) if n not in crossed and _is_free(rows.get(n, ()), start, end))
            row = next(clear, row)
        for n in range(row + 1):
            rows.setdefault(n, [])
        rows[row].append((start, end))
        placed.append(Placed(label, start, row, row in crossed))
    return placed


def _is_free(taken: Sequence[tuple[float, float]], start: float, end: float) -> bool:
    return all(end + _GAP <= a or b + _GAP <= start for a, b in taken)


def _crossed(curves: Floats, area: QRectF, start: float, end: float) -> set[int]:
    """The rows in which a curve runs between two places."""
    x, y = curves[:, 0], curves[:, 1] - area.top() - _TOP
    inside = y[(x >= start - _CLEAR) & (x <= end + _CLEAR)]
    return {int(row) for shift in (-_CLEAR, _CLEAR) for row in np.unique((inside + shift) // ROW)}


def close_points(corners: Floats, most: float) -> Floats:
    """(M, 2) points along a line of (N, 2) corners, at most so many pixels from each other sideways; NaN is a gap."""
    steps = np.diff(corners, axis=0)
    known = ~np.isnan(steps).any(axis=1)
    begins, steps = corners[:-1][known], steps[known]
    counts = np.maximum(1, np.ceil(np.abs(steps[:, 0]) / most)).astype(int)
    which = np.repeat(np.arange(len(counts)), counts)
    share = (np.arange(len(which)) - (np.cumsum(counts) - counts)[which]) / counts[which]
    along = begins[which] + share[:, None] * steps[which]
    return np.concatenate([along, corners[~np.isnan(corners).any(axis=1)]])


def _rows(area: QRectF) -> int:
    """How many rows of labels a plot has room for."""
    return int(area.height() // ROW) - 1


def place_of(area: QRectF, placed: Placed) -> QRectF:
    """The rectangle of a label."""
    return QRectF(placed.left, area.top() + _TOP + placed.row * ROW, placed.label.width + 1, ROW)


def measured(x: float, text: str, tone: str = "muted", weight: int = 500) -> Label:
    """A label with the width that its text needs."""
    return Label(x, text, QFontMetricsF(font(11, weight)).horizontalAdvance(text), tone, weight)


def paint_labels(painter: QPainter, area: QRectF, placed: Sequence[Placed]) -> None:
    """Writes names from the top of the plot downward, on a strip of the card's colour so that lines stay behind them."""
    for one in placed:
        if one.row >= _rows(area):
            continue  # more names than the plot is high; the lines still stand
        ground = _SHEER if one.crossed else _GROUND
        paint_name(painter, place_of(area, one), one.label.text, one.label.tone, one.label.weight, ground)


def paint_name(painter: QPainter, place: QRectF, text: str, tone: str, weight: int, ground: float = _GROUND) -> None:
    """Writes on a strip of the card's colour, so that lines stay behind the words."""
    painter.fillRect(place.adjusted(-2, 1, 2, -1), color("surface", ground))
    painter.setFont(font(11, weight))
    painter.setPen(color(tone))
    painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)


def paint_horizontal(painter: QPainter, area: QRectF, y: float) -> None:
    """A reference line over the whole width: it belongs to no part of the data."""
    pen = QPen(color("text"), 1.5)
    pen.setDashPattern([4.0, 3.0])
    painter.setPen(pen)
    painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))


def paint_vertical(painter: QPainter, area: QRectF, x: float, tone: str, dashed: bool) -> None:
    """A line over the whole height."""
    pen = QPen(color(tone), 1.2)
    if dashed:
        pen.setDashPattern([4.0, 3.0])
    painter.setPen(pen)
    painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))


def star(centre: QPointF, radius: float) -> QPolygonF:
    """A five-pointed star."""
    points = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.42
        angle = math.pi * (corner / 5 - 0.5)
        points.append(QPointF(centre.x() + reach * math.cos(angle), centre.y() + reach * math.sin(angle)))
    return QPolygonF(points)


def paint_best(painter: QPainter, area: QRectF, centre: QPointF) -> None:
    """The star of the best epoch and the hairline that leads down to it."""
    painter.setPen(QPen(color("faint"), 1.0))
    painter.drawLine(centre, QPointF(centre.x(), area.bottom()))
    painter.setPen(
        QPen(color("surface"), 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    )
    painter.setBrush(color("text"))
    painter.drawPolygon(star(centre, 7.0))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(star(centre, 7.0))


def paint_ring(painter: QPainter, centre: QPointF, tone: QColor) -> None:
    """The point of a curve under the crosshair."""
    painter.setPen(QPen(tone, 2.0))
    painter.setBrush(color("surface"))
    painter.drawEllipse(centre, 5.0, 5.0)


def free_place(
    area: QRectF,
    at: QPointF,
    width: float,
    points: Sequence[QPointF],
    taken: Sequence[QRectF] = (),
    near: bool = False,
) -> QRectF | None:
    """Where a name covers no point of a curve and no other name: beside its point, else where the curves end; or nowhere.

    Args:
        area: the plot.
        at: the point that is named.
        width: of the name.
        points: of the curves.
        taken: where other names stand.
        near: nowhere rather than away from its point.
    """
    last = max((point.x() for point in points), default=at.x())
    right, low, high = max(at.x(), last) + 11, at.y() + 6, at.y() - 6 - ROW
    ends = [(right, low), (right, at.y() - ROW / 2)]
    beside = [
        (at.x() + 10, low + 4), (at.x() - 10 - width, low + 12), (at.x() - 10 - width, high), (at.x() + 10, high),
    ]  # fmt: skip
    # Far from its point a name would be read as that of another one.
    candidates = [*ends, *beside] if last - at.x() <= _FAR else [*beside, *ends]
    candidates += [(at.x() + 10, area.bottom() - ROW - 2), (at.x() - 10 - width, area.bottom() - ROW - 2)]
    if near:
        candidates = beside
    # A long name may begin left of the point; the uppermost rows are for the marks.
    left = min(at.x() + 10, area.right() - width - 4)
    steps = max(0, int((high - area.top() - 2 * ROW) // 8) + 1)
    candidates += [(left, high - 8 * step) for step in range(2 if near else steps)]
    for left, top in candidates:
        place = QRectF(left, top, width, ROW)
        covered = any(place.adjusted(-4, -4, 4, 4).contains(point) for point in points)
        if area.contains(place) and not covered and not any(place.intersects(other) for other in taken):
            return place
    return None


def place_name(
    area: QRectF, at: QPointF, width: float, points: Sequence[QPointF], taken: Sequence[QRectF] = ()
) -> QRectF:
    """The same, or over the curves where there is no free place."""
    fallback = QRectF(max(area.left(), at.x() - 10 - width), min(at.y() + 6, area.bottom() - ROW), width, ROW)
    return free_place(area, at, width, points, taken) or fallback


def place_on_line(area: QRectF, y: float, width: float, points: Sequence[QPointF]) -> QRectF:
    """Where the name of a horizontal line covers no point of a curve: at its right end, else at its left one."""
    above, below = y - ROW - 1, y + 2
    sides = (area.right() - width - 4, area.left() + 4)
    candidates = [QRectF(left, top, width + 1, ROW) for left in sides for top in (above, below)]
    inside = [place for place in candidates if area.contains(place)] or candidates
    free = (place for place in inside if not any(place.adjusted(-2, -2, 2, 2).contains(point) for point in points))
    return next(free, inside[0])
