"""How a cell and a header are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
)

from tlgui.gui import icons
from tlgui.gui.theme import color, font
from tlgui.gui.widgets.painted import bar, text_width, write
from tlgui.gui.widgets.table_cells import CELL_ROLE, Cell, Column, Index
from tlgui.gui.widgets.text import plain_tooltip

if TYPE_CHECKING:
    from tlgui.gui.widgets.table import Table

PAD = 12  # left and right of a cell
EDGE = 4  # more at the outer edges of the table
RADIO = 28
BAR, BAR_GAP = 60, 10
_ICON = 24
_CHIP_REACH = 8  # a chip may reach so far into the gap to the next column
_INKS = {"": "text", "muted": "muted", "good": "good", "warn": "warn", "bad": "bad", "info": "primary"}
_CHIP_GROUNDS = {"neutral": "sunken", "good": "good_bg", "info": "tint", "warn": "warn_bg", "bad": "bad_bg"}
_CHIP_INKS = {"neutral": "muted", "good": "good", "info": "primary", "warn": "warn", "bad": "bad"}


def cell_width(cell: Cell, radio: bool, chip: bool = True) -> int:
    """The width in which nothing of the cell is cut; without its chip if told so."""
    first = text_width(cell.text, font(13, _weight(cell)))
    width = max(first, text_width(cell.second, font(12))) + 2 * PAD + 2
    if cell.icon:
        width += _ICON
    if cell.chip and chip:
        width += text_width(cell.chip, font(12, 600)) + 30 - _CHIP_REACH
    if cell.bar is not None:
        width += BAR + BAR_GAP
    return round(width + (RADIO if radio else 0))


def header_width(column: Column, sortable: bool) -> int:
    """The width in which the header is not cut."""
    return round(text_width(column.title, font(12, 500)) + 2 * PAD + 2 + (16 if sortable else 0))


def _weight(cell: Cell) -> int:
    return 600 if cell.bold else 500 if cell.link or cell.tone in ("good", "warn", "bad", "info") else 400


class CellDelegate(QStyledItemDelegate):
    """Draws cells; the rows' grounds and lines are drawn by the table before."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._table = table

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802  Qt's name
        """Rows have one height; widths are laid out by the table."""
        return QSize(10, self._table.row_height)

    def room(self, rect: QRect, column: int) -> QRectF:
        """The part of a cell that is written in."""
        first, last = self._table.outer_columns()
        return QRectF(rect).adjusted(
            PAD + (EDGE if column == first else 0), 0, -PAD - (EDGE if column == last else 0), 0
        )

    def paint(self, painter: QPainter, option: Any, index: Index) -> None:
        """Draws one cell."""
        cell: Cell = index.data(CELL_ROLE)
        table, model = self._table, self._table.cells
        source = model.source_row(index.row())
        picked, lit = source == model.picked, source == model.lit
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = self.room(option.rect, index.column())
        if table.pickable and index.column() == table.radio_column:
            _draw_radio(painter, QPointF(room.left() + 8, room.center().y()), picked)
            room.setLeft(room.left() + RADIO)
        if cell.bar is not None:
            _draw_bar(painter, QRectF(room.right() - BAR, room.center().y() - 2.5, BAR, 5), cell)
            room.setRight(room.right() - BAR - BAR_GAP)
        if cell.icon:
            ink = "primary" if cell.link else _INKS[cell.tone] if cell.tone else "muted"
            drawn = icons.pixmap(cell.icon, 16, ink, table.devicePixelRatioF())
            painter.drawPixmap(QPointF(room.left(), room.center().y() - 8), drawn)
            room.setLeft(room.left() + _ICON)
        self._write(painter, room, cell, index.column(), picked or lit, lit)
        painter.restore()

    def _write(self, painter: QPainter, room: QRectF, cell: Cell, column: int, marked: bool, lit: bool) -> None:
        right = self._table.cells.columns[column].align == "right"
        align = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        weight = 600 if lit else _weight(cell)
        ink = color("primary" if cell.link else _INKS[cell.tone])
        first = QRectF(room)
        if cell.second:
            first = QRectF(room.left(), room.center().y() - 18, room.width(), 18)
            second = QRectF(room.left(), room.center().y(), room.width(), 17)
            write(painter, cell.second, second, font(12), color("primary" if lit else "muted"), align)
        if cell.chip:
            width = text_width(cell.chip, font(12, 600)) + 20
            end = first.left() + text_width(cell.text, font(13, weight))
            # The name is never cut for the chip: that yields.
            if end + 10 + width <= first.right() + _CHIP_REACH:
                _draw_chip(painter, QRectF(end + 10, first.center().y() - 10, width, 20), cell, marked)
                first.setRight(end + 1)
        write(painter, cell.text, first, font(13, weight), ink, align)

    def helpEvent(  # noqa: N802  Qt's name
        self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """A cell that is cut shows itself whole."""
        cell: Cell | None = index.data(CELL_ROLE)
        if event.type() == QEvent.Type.ToolTip and cell is not None and not cell.tooltip:
            rect = view.visualRect(index)
            radio = self._table.pickable and index.column() == self._table.radio_column
            if cell_width(cell, radio) > rect.width() + 4:
                words = f"{cell.text}\n{cell.second}".strip()
                QToolTip.showText(event.globalPos(), plain_tooltip(words), view)
                return True
        return super().helpEvent(event, view, option, index)


class TableHeader(QHeaderView):
    """12 px muted titles over their columns, with an arrow where the table is sorted."""

    def __init__(self, table: Table) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self._table = table
        self.setFixedHeight(36)
        self.setHighlightSections(False)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMinimumSectionSize(1)
        self.setSortIndicatorShown(False)

    def paintSection(self, painter: QPainter, rect: QRect, logical_index: int) -> None:  # noqa: N802  Qt's name
        """Draws one title."""
        model = self._table.cells
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = self._table.delegate.room(rect, logical_index)
        column = model.columns[logical_index]
        sorted_here = self._table.sortable and self._table.sorted_by[0] == logical_index
        if sorted_here:
            up = self._table.sorted_by[1] == Qt.SortOrder.AscendingOrder
            x = (
                room.right() - 10
                if column.align == "right"
                else room.left() + text_width(column.title, font(12, 500)) + 6
            )
            _draw_arrow(painter, QPointF(x + 4, room.center().y()), up)
            if column.align == "right":
                room.setRight(room.right() - 14)
        align = Qt.AlignmentFlag.AlignRight if column.align == "right" else Qt.AlignmentFlag.AlignLeft
        ink = color("text" if sorted_here else "muted")
        write(painter, column.title, room, font(12, 500), ink, align)
        painter.restore()


def _draw_radio(painter: QPainter, at: QPointF, picked: bool) -> None:
    if picked:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("primary"))
        painter.drawEllipse(at, 8, 8)
        painter.setBrush(color("on_primary"))
        painter.drawEllipse(at, 3, 3)
    else:
        painter.setPen(QPen(color("control"), 1.5))
        painter.setBrush(color("surface"))
        painter.drawEllipse(at, 7.25, 7.25)


def _draw_bar(painter: QPainter, where: QRectF, cell: Cell) -> None:
    bar(painter, where, color("sunken"), 2.5)
    part = QRectF(where.left(), where.top(), max(4.0, where.width() * min(1.0, cell.bar or 0.0)), where.height())
    if cell.bar_kind == "filled":
        bar(painter, part, color("primary"), 2.5)
        return
    painter.setPen(QPen(color("control"), 1))
    painter.setBrush(color("surface"))
    painter.drawRoundedRect(part.adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)


def _draw_chip(painter: QPainter, where: QRectF, cell: Cell, marked: bool) -> None:
    edged = marked and cell.chip_tone == "info"  # on the tinted row the tinted chip would vanish
    painter.setPen(QPen(color("tint_line"), 1) if edged else Qt.PenStyle.NoPen)
    painter.setBrush(color("surface" if edged else _CHIP_GROUNDS[cell.chip_tone]))
    painter.drawRoundedRect(where.adjusted(0.5, 0.5, -0.5, -0.5), 9.5, 9.5)
    centre = Qt.AlignmentFlag.AlignHCenter
    write(painter, cell.chip, where, font(12, 600), color(_CHIP_INKS[cell.chip_tone]), centre)


def _draw_arrow(painter: QPainter, at: QPointF, up: bool) -> None:
    pen = QPen(color("text"), 1.5)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    tip = -2.0 if up else 2.0
    ends = [QPointF(at.x() - 3.5, at.y() - tip), QPointF(at.x() + 3.5, at.y() - tip)]
    painter.drawPolyline([ends[0], QPointF(at.x(), at.y() + tip), ends[1]])
