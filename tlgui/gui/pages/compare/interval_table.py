"""A table in which one column draws each row's value with its 95 % interval, all on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from tlgui.gui.theme import color
from tlgui.gui.widgets import Cell, Column, Table, bar
from tlgui.gui.widgets.table_cells import Index
from tlgui.gui.widgets.table_delegate import CellDelegate

_LEAST_SPAN = 0.02


class Span(NamedTuple):
    """What is drawn in a row.

    Attributes:
        value: the dot.
        low, high: the line.
        beside: a ring, for another value of the same row; `None` = there is none.
    """

    value: float
    low: float
    high: float
    beside: float | None = None


class IntervalTable(Table):
    """The words of what is drawn belong in another column.

    Args:
        columns: from left to right.
        axis: place of the one that draws.
        name: what the table shows.
    """

    def __init__(self, columns: Sequence[Column], axis: int, name: str) -> None:
        super().__init__(columns, name=name)
        self.axis = axis
        self.spans: list[Span] = []
        self.delegate = _SpanDelegate(self)
        self.setItemDelegate(self.delegate)

    def show_rows(self, rows: Sequence[Sequence[Cell]], spans: Sequence[Span]) -> None:
        """Other rows, and what is drawn in each."""
        self.spans = list(spans)
        self.set_rows(rows)


class _SpanDelegate(CellDelegate):
    def __init__(self, table: IntervalTable) -> None:
        super().__init__(table)
        self._intervals = table

    def paint(self, painter: QPainter, option: Any, index: Index) -> None:
        table = self._intervals
        if index.column() != table.axis:
            super().paint(painter, option, index)
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        span = table.spans[table.cells.source_row(index.row())]
        _draw(painter, self.room(option.rect, index.column()), span, table.spans)
        painter.restore()


def _draw(painter: QPainter, room: QRectF, one: Span, spans: Sequence[Span]) -> None:
    beside = [span.beside for span in spans if span.beside is not None]
    low = min([*(span.low for span in spans), *beside])
    high = max([*(span.high for span in spans), *beside])
    reach = max(_LEAST_SPAN, high - low)
    middle = room.center().y()

    def x(value: float) -> float:
        return room.left() + 6 + (room.width() - 12) * (value - low) / reach

    bar(painter, QRectF(room.left(), middle - 1, room.width(), 2), color("sunken"), 1)
    bar(painter, QRectF(x(one.low), middle - 1.5, max(3.0, x(one.high) - x(one.low)), 3), color("primary"), 1.5)
    if one.beside is not None:
        painter.setBrush(color("surface"))
        painter.setPen(QPen(color("muted"), 1.5))
        painter.drawEllipse(QPointF(x(one.beside), middle), 4, 4)
    painter.setBrush(color("primary"))
    painter.setPen(color("surface"))
    painter.drawEllipse(QPointF(x(one.value), middle), 5, 5)
