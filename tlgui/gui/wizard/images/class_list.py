"""Classes one below the other, each with its pictures: painted, so that a thousand classes cost what ten do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from tlgui.gui.numbers import count
from tlgui.gui.theme import color, font
from tlgui.gui.wizard.images.pictures import Pictures, paint_more, paint_tile
from tlgui.gui.wizard.images.words import files_word, images_word

TILE = 60
_GAP = 8
_ROW = 81
_NAME, _LONG_NAME, _NARROW_NAME = 100, 190, 130  # least width of the names' column, most, and most in a narrow list

AnyIndex = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class ClassRow:
    """One class: `number` files while it is being read, and images after that."""

    name: str
    number: int
    samples: tuple[str, ...]
    read: bool
    can_open: bool = False

    @property
    def caption(self) -> str:
        """'348 images'; before the files were read it is only known how many there are."""
        return images_word(self.number) if self.read else files_word(self.number)


class ClassModel(QAbstractListModel):
    """The rows, as text for those who hear them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ClassRow] = []

    def set_rows(self, rows: list[ClassRow]) -> None:
        """Shows other classes, or the same with other numbers."""
        if [row.name for row in rows] == [row.name for row in self.rows]:
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """See `QAbstractItemModel`."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The class's name, and the sentence that a screen reader says."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.name}, {row.caption}" + (". Enter shows them all." if row.can_open else "")
        return None


class ClassList(QListView):
    """As high as its rows; the page around it scrolls. Arrows go from class to class, Enter opens one."""

    opened = Signal(int)

    def __init__(self, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ClassModel(self)
        self.widest_name = 0
        self.setModel(self._model)
        self.setItemDelegate(_ClassDelegate(pictures, self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setAccessibleName("Classes")
        self.setToolTip("Arrows go from class to class, Enter shows all images of one.")
        pictures.arrived.connect(self._on_arrived)

    def set_rows(self, rows: list[ClassRow]) -> None:
        """Shows these classes."""
        if rows == self._model.rows:
            return
        self._model.set_rows(rows)
        metrics = QFontMetrics(font(13, 600))
        # With thousands of classes the first ones must do: measuring takes its time.
        self.widest_name = max((metrics.horizontalAdvance(row.name) for row in rows[:200]), default=0)
        self.setFixedHeight(max(1, len(rows)) * _ROW)

    @property
    def rows(self) -> list[ClassRow]:
        """What is shown."""
        return self._model.rows

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter and Space open the class at hand."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and not event.modifiers():
            self._open(self.currentIndex())
            return
        super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click opens the class."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._open(self.indexAt(event.position().toPoint()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The hand says that a row can be pressed."""
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        can_open = index.isValid() and self.rows[index.row()].can_open
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if can_open else Qt.CursorShape.ArrowCursor)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Rows are as wide as the view."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()
        self._tell_ring()

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:  # noqa: N802
        """The ring stands around the class at hand, and the page scrolls along."""
        super().currentChanged(current, previous)
        self._tell_ring()
        above = self.parentWidget()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        if isinstance(above, QScrollArea) and (page := above.widget()) is not None and self.hasFocus():
            centre = self.mapTo(page, self.visualRect(current).center())
            above.ensureVisible(centre.x(), centre.y(), 0, _ROW)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """With Tab the first class is at hand."""
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self.rows:
            self.setCurrentIndex(self._model.index(0))
        self._tell_ring()

    def _tell_ring(self) -> None:
        index = self.currentIndex()
        row = self.visualRect(index) if index.isValid() else self.rect()
        self.setProperty("ring_rect", row.adjusted(-2, 6, 2, -6))

    def _open(self, index: QModelIndex) -> None:
        if index.isValid() and self.rows[index.row()].can_open:
            self.opened.emit(index.row())

    def _on_arrived(self, _path: str) -> None:
        self.viewport().update()


class _ClassDelegate(QStyledItemDelegate):
    def __init__(self, pictures: Pictures, parent: ClassList) -> None:
        super().__init__(parent)
        self._list = parent
        self._pictures = pictures

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: N802
        return QSize(200, _ROW)

    def paint(self, painter: QPainter, option: Any, index: AnyIndex) -> None:
        model = index.model()
        if not isinstance(model, ClassModel):
            return
        row = model.rows[index.row()]
        rect: QRect = option.rect
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        if index.row():
            painter.setPen(QPen(color("line"), 1))
            painter.drawLine(rect.topLeft(), rect.topRight())
        most = _LONG_NAME if rect.width() >= 560 else _NARROW_NAME
        name_width = min(most, max(_NAME, self._list.widest_name + 16))
        self._paint_name(painter, QRect(rect.x(), rect.y(), name_width - 12, rect.height()), row)
        self._paint_tiles(painter, rect.adjusted(name_width, 0, 0, 0), row, hovered or focused)

    def _paint_name(self, painter: QPainter, rect: QRect, row: ClassRow) -> None:
        middle = rect.center().y()
        for text, height, weight, size, tone in (
            (row.name, middle - 18, 600, 13, "text"),
            (row.caption, middle, 400, 12, "muted"),
        ):
            painter.setFont(font(size, weight))
            painter.setPen(color(tone))
            shown = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, rect.width())
            place = QRect(rect.x(), height, rect.width(), 18)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), shown)

    def _paint_tiles(self, painter: QPainter, rect: QRect, row: ClassRow, lit: bool) -> None:
        ratio = painter.device().devicePixelRatio()
        fitting = max(1, (rect.width() + _GAP) // (TILE + _GAP))
        shown = list(row.samples[: fitting if row.number <= fitting else fitting - 1])
        top = rect.center().y() - TILE // 2
        for place, path in enumerate(shown):
            tile = QRect(rect.x() + place * (TILE + _GAP), top, TILE, TILE)
            paint_tile(painter, tile, self._pictures.picture(path, ratio), self._pictures.unreadable(path))
        if row.number > len(shown):
            painter.setFont(font(12, 600))
            tile = QRect(rect.x() + len(shown) * (TILE + _GAP), top, TILE, TILE)
            paint_more(painter, tile, f"+{count(row.number - len(shown))}", lit and row.can_open)
