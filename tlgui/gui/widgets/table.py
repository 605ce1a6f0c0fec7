"""A table that is read like a page: full width, horizontal lines only, as tall as its rows, one Tab stop."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QScrollArea, QSizePolicy, QTableView, QWidget

from tlgui.gui.theme import color
from tlgui.gui.widgets.table_cells import Cell, CellModel, Column, Index
from tlgui.gui.widgets.table_delegate import EDGE, CellDelegate, TableHeader, cell_width, header_width

__all__ = ["Cell", "Column", "Table"]

ONE_LINE, TWO_LINES = 43, 52
_PICK_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class Table(QTableView):
    """Rows of cells.

    `picked(i)` comes when a person picks a row (pickable tables: a click, Enter or Space), `pressed_cell(i, column)`
    when a cell with `link=True` is pressed, `opened(i)` when a row of a table that is not pickable is double-clicked
    or gets Enter. `i` is the place in the list given to `set_rows`, however the table is sorted.
    (QTableView has a signal `pressed` of its own, hence the name.)

    Args:
        columns: from left to right.
        pickable: one row can be picked: radio, tint and a 3 px bar.
        sortable: a press on a header sorts.
        scrolls: keeps its height and scrolls inside; otherwise it is as tall as its rows.
        row_height: 0 takes 43 for one line, 52 for two.
        name: what the table shows, for a screen reader.
        spreads: spare width goes to all columns alike, not to the stretching one alone.
        parent: the widget it lies in.
    """

    picked = Signal(int)
    pressed_cell = Signal(int, int)
    opened = Signal(int)

    def __init__(
        self, columns: Sequence[Column], *, pickable: bool = False, sortable: bool = False, scrolls: bool = False,
        row_height: int = 0, name: str = "", spreads: bool = False, parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.cells = CellModel(list(columns), self)
        self.pickable, self.sortable, self.scrolls, self.spreads = pickable, sortable, scrolls, spreads
        self.radio_column = next((number for number, one in enumerate(columns) if one.radio), 0)
        self.sorted_by = (-1, Qt.SortOrder.AscendingOrder)
        self.row_height = row_height or ONE_LINE
        self._own_row_height, self._hovered = row_height, -1
        self._natural: list[int] = []
        self.delegate = CellDelegate(self)
        self.setModel(self.cells)
        self.setItemDelegate(self.delegate)
        self.setHorizontalHeader(TableHeader(self))
        self._set_up(name)

    def _set_up(self, name: str) -> None:
        self.setProperty("role", "table")
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(10)
        self.viewport().setAutoFillBackground(False)
        header = self.horizontalHeader()
        header.setSectionsClickable(self.sortable)
        if self.sortable:
            header.sectionClicked.connect(self._on_header_clicked)
            header.setCursor(Qt.CursorShape.PointingHandCursor)
        if not self.scrolls:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        fixed = QSizePolicy.Policy.Expanding if self.scrolls else QSizePolicy.Policy.Fixed
        self.setSizePolicy(QSizePolicy.Policy.Expanding, fixed)

    # --- filling

    def set_rows(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Other rows; the picked and the lit row, the sorting and the keyboard's place are kept where they exist."""
        here = self.currentIndex()
        source, column = self.cells.source_row(here.row()), here.column()
        self.cells.set_rows([list(row) for row in rows])
        if self.sorted_by[0] >= 0:
            self.cells.sort(*self.sorted_by)
        two = any(cell.second for row in rows for cell in row)
        self.row_height = self._own_row_height or (TWO_LINES if two else ONE_LINE)
        self.verticalHeader().setDefaultSectionSize(self.row_height)
        self._natural = self._natural_widths()
        self._lay_out()
        if not self.scrolls:
            self.setFixedHeight(self._full_height())
        self.updateGeometry()
        if (shown := self.cells.shown_row(source)) >= 0:
            self._go_to(shown, max(0, column))

    def set_picked(self, row: int) -> None:
        """Marks a row as picked without telling it; -1 marks none."""
        self.cells.picked = row
        if row >= 0 and not self.hasFocus():
            self._go_to(self.cells.shown_row(row), self.radio_column)
        self.viewport().update()

    def picked_row(self) -> int:
        """The picked row, or -1."""
        return self.cells.picked

    def set_lit(self, row: int) -> None:
        """Lights a row (2 px edge and tint across its cells); -1 lights none."""
        self.cells.lit = row
        self.viewport().update()

    def cell_text(self, row: int, column: int) -> str:
        """Both lines of a cell as read, by its place in the list."""
        cell = self.cells.rows[row][column]
        return f"{cell.text}\n{cell.second}" if cell.second else cell.text

    def row_count(self) -> int:
        """How many rows."""
        return self.cells.rowCount()

    # --- layout

    def outer_columns(self) -> tuple[int, int]:
        """The first and the last column shown."""
        shown = [number for number in range(len(self.cells.columns)) if not self.isColumnHidden(number)]
        return (shown[0], shown[-1]) if shown else (0, 0)

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """As wide as its texts, as tall as its rows."""
        height = self._full_height()
        return QSize(sum(self._natural or [200]), min(height, 320) if self.scrolls else height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Any width: columns elide."""
        return QSize(80, min(120, self._full_height()) if self.scrolls else self._full_height())

    def _full_height(self) -> int:
        head = 0 if self.horizontalHeader().isHidden() else self.horizontalHeader().height() or 36
        return head + self.row_height * self.cells.rowCount() + (0 if self.scrolls else 2)

    def _natural_widths(self) -> list[int]:
        widths = []
        for number, column in enumerate(self.cells.columns):
            radio = self.pickable and number == self.radio_column
            # A thousand long names need not all be measured: the longest by letters is wide enough.
            longest = sorted(
                (row[number] for row in self.cells.rows if number < len(row)),
                key=lambda cell: max(len(cell.text) + len(cell.chip), len(cell.second)), reverse=True,
            )[:12]  # fmt: skip
            texts = max((cell_width(cell, radio) for cell in longest), default=0)
            wanted = column.width or max(texts, header_width(column, self.sortable))
            widths.append(max(wanted, column.min))
        return widths

    def _lay_out(self) -> None:
        room = self.viewport().width()
        columns = self.cells.columns
        if len(self._natural) != len(columns):
            self._natural = self._natural_widths()
        shown = self._columns_that_fit(room)
        for number in range(len(columns)):
            self.setColumnHidden(number, number not in shown)
        widths = {number: self._natural[number] for number in shown}
        if not widths:
            return
        widths[shown[0]] += EDGE
        widths[shown[-1]] += EDGE
        stretching = next((number for number in shown if columns[number].stretch), shown[0])
        spare = room - sum(widths.values())
        if self.spreads and spare > 0:
            # Figures far from their name are hard to follow, so all columns share what is left.
            for number in shown:
                widths[number] += spare // len(shown)
            spare -= spare // len(shown) * len(shown)
        widths[stretching] += spare
        self._squeeze(widths, stretching)
        for number, width in widths.items():
            self.setColumnWidth(number, width)

    def _columns_that_fit(self, room: int) -> list[int]:
        columns = self.cells.columns
        shown = list(range(len(columns)))
        while sum(self._natural[number] for number in shown) + 2 * EDGE > room:
            last = max(shown, key=lambda number: columns[number].yields, default=-1)
            if last < 0 or not columns[last].yields:
                break
            shown.remove(last)
        return shown

    def _squeeze(self, widths: dict[int, int], stretching: int) -> None:
        # The stretching column keeps its least width (names are not cut away); the others share the loss.
        least = max(self.cells.columns[stretching].min, min(self._least_of(stretching), 280))
        lacking = least - widths[stretching]
        if lacking <= 0:
            return
        widths[stretching] = least
        others = [number for number in widths if number != stretching]
        total = sum(widths[number] for number in others) or 1
        for number in others:
            widths[number] = max(30, widths[number] - round(lacking * widths[number] / total))

    def _least_of(self, number: int) -> int:
        radio = self.pickable and number == self.radio_column
        return max((cell_width(row[number], radio, chip=False) for row in self.cells.rows[:50]), default=0)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        """Columns take the room there is."""
        super().resizeEvent(event)
        self._lay_out()
        self._tell_ring()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """New colours are painted."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()
            self.horizontalHeader().viewport().update()

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Grounds and lines of the rows first, then the cells."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        last = self.cells.rowCount() - 1
        for row in range(last + 1):
            top = self.rowViewportPosition(row)
            if top + self.row_height >= event.rect().top() and top <= event.rect().bottom():
                self._paint_row(painter, row, QRectF(0, top, self.viewport().width(), self.row_height), row == last)
        painter.end()
        super().paintEvent(event)

    def _paint_row(self, painter: QPainter, row: int, where: QRectF, is_last: bool) -> None:
        source = self.cells.source_row(row)
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        if not is_last or self.scrolls:
            painter.fillRect(QRectF(where.left(), where.bottom() - 1, where.width(), 1), color("line"))
        elif self._ends_its_card():
            path = QPainterPath()  # the ground of the last row follows the card's round corners
            path.addRoundedRect(where.adjusted(0, -20, 0, 1), 9, 9)
            painter.setClipPath(path)
        if source == self.cells.lit:
            painter.setPen(QPen(color("primary"), 2))
            painter.setBrush(color("tint"))
            painter.drawRoundedRect(where.adjusted(7, 1, -7, -1), 8, 8)
        elif self.pickable and source == self.cells.picked:
            painter.fillRect(where.adjusted(0, 0, 0, -1), color("tint"))
            painter.fillRect(QRectF(where.left(), where.top(), 3, where.height() - 1), color("primary"))
        elif self.pickable and row == self._hovered:
            painter.fillRect(where.adjusted(0, 0, 0, -1), color("hover"))
        painter.restore()

    def _ends_its_card(self) -> bool:
        card = self.parentWidget()
        return card is not None and card.property("role") == "card" and self.geometry().bottom() >= card.height() - 5

    # --- hands and keys

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802  Qt's name
        """The row under the pointer comes up; links show a hand."""
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        self._set_hovered(index.row())
        link = index.isValid() and self.cells.cell(index.row(), index.column()).link
        hand = link or (self.pickable and index.isValid())
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """No row is under the pointer."""
        self._set_hovered(-1)
        super().leaveEvent(event)

    def _set_hovered(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802  Qt's name
        """A click presses a link or picks the row."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            self._act(index, opens=False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802  Qt's name
        """Opens a row of a table where nothing is picked."""
        super().mouseDoubleClickEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and not self.pickable:
            self.opened.emit(self.cells.source_row(index.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  Qt's name
        """Arrows move inside; Enter and Space act on the row or on its link."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if event.key() in _PICK_KEYS and plain and self.currentIndex().isValid():
            self._act(self.currentIndex(), opens=True)
            return
        super().keyPressEvent(event)

    def _act(self, index: QModelIndex, opens: bool) -> None:
        source = self.cells.source_row(index.row())
        if self.cells.cell(index.row(), index.column()).link:
            self.pressed_cell.emit(source, index.column())
        elif self.pickable:
            if source != self.cells.picked:
                self.set_picked(source)
                self.picked.emit(source)
        elif opens:
            self.opened.emit(source)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  Qt's name
        """A table as tall as its rows leaves the wheel to the page."""
        if self.scrolls:
            super().wheelEvent(event)
        else:
            event.ignore()

    def _on_header_clicked(self, column: int) -> None:
        down, up = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder
        order = down if self.sorted_by == (column, up) else up
        self.sorted_by = (column, order)
        self.cells.sort(column, order)
        self.horizontalHeader().viewport().update()

    # --- the keyboard's place

    def _go_to(self, shown: int, column: int) -> None:
        if shown >= 0:
            flags = QItemSelectionModel.SelectionFlag.NoUpdate
            self.selectionModel().setCurrentIndex(self.cells.index(shown, column), flags)

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802  Qt's name
        """The page scrolls along, and the ring stands around the row (or the link)."""
        super().currentChanged(current, previous)
        self._tell_ring()
        if self.scrolls or not self.hasFocus():
            return
        above = self.parentWidget()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        if isinstance(above, QScrollArea) and (page := above.widget()) is not None:
            centre = self.mapTo(page, self._ring_rect().center())
            above.ensureVisible(centre.x(), centre.y(), 0, self.row_height)

    def _ring_rect(self) -> QRect:
        index = self.currentIndex()
        if not index.isValid():
            return self.rect()
        cell = self.visualRect(index)
        top = self.viewport().pos().y() + cell.top()
        if self.cells.cell(index.row(), index.column()).link:
            return QRect(self.viewport().pos().x() + cell.left() + 4, top + 6, cell.width() - 8, cell.height() - 13)
        return QRect(6, top + 5, self.width() - 12, cell.height() - 11)

    def _tell_ring(self) -> None:
        self.setProperty("ring_rect", self._ring_rect())
