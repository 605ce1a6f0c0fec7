"""What happened during the run, drawn over the curves: unfreezings, the best epoch, the crosshair."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from tlgui.gui.theme import color, font

ROW = 16.0  # height of a label
_GAP = 7.0


class Label(NamedTuple):
    """A name beside a vertical line at `x`, in pixels."""

    x: float
    text: str
    width: float
    tone: str = "muted"
    weight: int = 400


class Placed(NamedTuple):
    """A label and where it went: its left end, and the row from the top."""

    label: Label
    left: float
    row: int


def stack(labels: Iterable[Label], left: float, right: float) -> list[Placed]:
    """Puts each label to the right of its line, or to the left of it where the plot ends, in the first free row."""
    rows: list[list[tuple[float, float]]] = []
    placed = []
    for label in labels:
        start = label.x + _GAP
        if start + label.width > right:
            start = max(left, label.x - _GAP - label.width)
        end = start + label.width
        row = next((n for n, taken in enumerate(rows) if all(end + _GAP <= a or b + _GAP <= start for a, b in taken)),
                   len(rows))  # fmt: skip
        if row == len(rows):
            rows.append([])
        rows[row].append((start, end))
        placed.append(Placed(label, start, row))
    return placed


def measured(x: float, text: str, tone: str = "muted", weight: int = 500) -> Label:
    """A label with the width that its text needs."""
    return Label(x, text, QFontMetricsF(font(11, weight)).horizontalAdvance(text), tone, weight)


def paint_labels(painter: QPainter, area: QRectF, placed: Sequence[Placed]) -> None:
    """Writes names from the top of the plot downward, on a strip of the card's colour so that lines stay behind them."""
    rows = int(area.height() // ROW) - 1
    for label, left, row in placed:
        if row >= rows:
            continue  # more names than the plot is high; the lines still stand
        place = QRectF(left, area.top() + 4 + row * ROW, label.width + 1, ROW)
        painter.fillRect(place.adjusted(-2, 1, 2, -1), color("surface", 0.85))
        painter.setFont(font(11, label.weight))
        painter.setPen(color(label.tone))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), label.text)


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


def place_name(area: QRectF, at: QPointF, width: float, points: Sequence[QPointF]) -> QRectF:
    """Where the best epoch's name covers no point of the curve: right of it and below, else left, else above."""
    last = max((point.x() for point in points), default=at.x())
    right, low, high = max(at.x(), last) + 11, at.y() + 6, at.y() - 6 - ROW
    candidates = [
        (right, low), (right, at.y() - ROW / 2), (at.x() + 10, low + 4), (at.x() - 10 - width, low + 12),
        (at.x() - 10 - width, high), (at.x() + 10, high), (at.x() + 10, area.bottom() - ROW - 2),
        (at.x() - 10 - width, area.bottom() - ROW - 2),
    ]  # fmt: skip
    for left, top in candidates:
        place = QRectF(left, top, width, ROW)
        covered = any(place.adjusted(-4, -4, 4, 4).contains(point) for point in points)
        if area.contains(place) and not covered:
            return place
    return QRectF(max(area.left(), at.x() - 10 - width), min(low, area.bottom() - ROW), width, ROW)
