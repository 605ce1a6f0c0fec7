"""A small curve over the epochs of a run, beside its newest value: painted, since five plots would be too much."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.gui.theme import color
from tlgui.gui.widgets import Painted, painter_for

_MOST = 240  # more points than it has pixels would show nothing more
_ROOM, _DOT, _WIDTH = 5.0, 2.6, 1.8


class SiteLine(Painted):
    """A curve with gaps, its newest point marked.

    Attributes:
        points: (epoch, value); `None` is a gap.
        scale: lowest and highest value.
        reference: where the dashed line stands; `None` without one.
    """

    def __init__(self, tone: str = "s4", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone = tone
        self.points: list[tuple[int, float | None]] = []
        self.scale = (0.0, 1.0)
        self.reference: float | None = None
        self.setFixedHeight(36)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set(
        self,
        epochs: Sequence[int],
        values: Sequence[float | None],
        scale: tuple[float, float] | None = None,
        reference: float | None = None,
    ) -> None:
        """Another curve.

        Args:
            epochs, values: one value for each epoch.
            scale: lowest and highest value; `None` = as the values need.
            reference: a value that the curve is to be compared with.
        """
        step = max(1, len(epochs) // _MOST)
        points = list(zip(epochs, values, strict=True))
        self.points = [*points[:-1:step], *points[-1:]]
        known = [value for value in values if value is not None]
        self.scale = scale or ((min(known), max(known)) if known else (0.0, 1.0))
        self.reference = reference
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """As wide as its neighbour leaves it."""
        return QSize(110, 36)

    def stretches(self) -> list[list[QPointF]]:
        """The curve in pixels, broken at its gaps."""
        return [
            [self._place(epoch, value) for epoch, value in stretch if value is not None]
            for there, stretch in itertools.groupby(self.points, key=lambda point: point[1] is not None)
            if there
        ]

    def _place(self, epoch: int, value: float) -> QPointF:
        first, last = self.points[0][0], self.points[-1][0]
        x = (epoch - first) / (last - first) if last > first else 1.0
        return QPointF(_ROOM + x * (self.width() - 2 * _ROOM), self._row(value))

    def _row(self, value: float) -> float:
        low, high = self.scale
        y = min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5
        return self.height() - _ROOM - y * (self.height() - 2 * _ROOM)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws it."""
        painter, ink = painter_for(self), color(self._tone)
        painter.setPen(QPen(color("grid"), 1.0))
        painter.drawLine(QPointF(0, self.height() - 0.5), QPointF(self.width(), self.height() - 0.5))
        if self.reference is not None:
            pen = QPen(color("muted"), 1.0)
            pen.setDashPattern([3, 2])
            painter.setPen(pen)
            row = self._row(self.reference)
            painter.drawLine(QPointF(0, row), QPointF(self.width(), row))
        for stretch in self.stretches():
            if len(stretch) > 1:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(ink, _WIDTH))
                painter.drawPolyline(QPolygonF(stretch))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink)
            # A number between two gaps has no line to either side.
            if len(stretch) == 1:
                painter.drawEllipse(stretch[0], _DOT, _DOT)
        if self.points and (value := self.points[-1][1]) is not None:
            painter.setPen(QPen(color("surface"), 1.2))
            painter.setBrush(ink)
            painter.drawEllipse(self._place(self.points[-1][0], value), _DOT + 1, _DOT + 1)
