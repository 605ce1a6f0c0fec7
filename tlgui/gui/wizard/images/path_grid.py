"""Tiles in rows and columns for any number of images: where one stands is arithmetic, so thirty thousand cost nothing."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from tlgui.gui.theme import color, font
from tlgui.gui.wizard.images.paths import PAGE
from tlgui.gui.wizard.images.pictures import Pictures, paint_tile

SIDE = 112
CELL = QSize(SIDE + 14, SIDE + 32)
_TEXT_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole)

AnyIndex = QModelIndex | QPersistentModelIndex


class PathModel(QAbstractTableModel):
    """Places for every image of the class; which image stands where is asked for when the place comes into view."""

    asked = Signal(int)
    """The paths from here on are wanted."""

    def __init__(self, total: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._total = total
        self._columns = 1
        self._paths: dict[int, str] = {}
        self._asked: set[int] = set()

    @property
    def columns(self) -> int:
        """How many images stand side by side."""
        return self._columns

    def set_columns(self, columns: int) -> None:
        """Another width has room for more or fewer."""
        self.beginResetModel()
        self._columns = columns
        self.endResetModel()

    def place(self, index: AnyIndex) -> int:
        """The number of the image, from 0; -1 behind the last one."""
        place = index.row() * self._columns + index.column()
        return place if index.isValid() and place < self._total else -1

    def index_of(self, place: int) -> QModelIndex:
        """Where the image stands."""
        return self.index(place // self._columns, place % self._columns)

    def path(self, place: int) -> str:
        """The path of that place, or "" while it is not known."""
        known = self._paths.get(place, "")
        start = place - place % PAGE
        if not known and place >= 0 and start not in self._asked:
            self._asked.add(start)
            self.asked.emit(start)
        return known

    def known_around(self, place: int) -> tuple[int, list[str]]:
        """The first place of the page that holds `place`, and the paths of that page as far as they are known."""
        first = place - place % PAGE
        known = range(first, min(first + PAGE, self._total))
        return first, [self._paths[one] for one in known if one in self._paths]

    def fill(self, offset: int, paths: list[str]) -> None:
        """Paths from `offset` on."""
        self._paths.update(enumerate(paths, offset))
        last = min(offset + len(paths), self._total) - 1
        if last >= offset:
            first_row, last_row = offset // self._columns, last // self._columns
            self.dataChanged.emit(self.index(first_row, 0), self.index(last_row, self._columns - 1))

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """See `QAbstractItemModel`."""
        return 0 if parent.isValid() else -(-self._total // self._columns)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """See `QAbstractItemModel`."""
        return 0 if parent.isValid() else self._columns

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Behind the last image there is nothing to go to."""
        if self.place(index) < 0:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The file's name."""
        return PurePosixPath(self.path(self.place(index))).name if role in _TEXT_ROLES else None


class PathGrid(QTableView):
    """One Tab stop, arrows inside, as many columns as there is room for."""

    opened = Signal(int)
    """Enter or a double click on the image of that number."""

    def __init__(self, model: PathModel, pictures: Pictures, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self.setItemDelegate(_TileDelegate(pictures, self))
        for header, size in ((self.horizontalHeader(), CELL.width()), (self.verticalHeader(), CELL.height())):
            header.hide()
            header.setMinimumSectionSize(size)
            header.setDefaultSectionSize(size)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        # After the headers know their sizes: each change of them walks over all rows.
        self.setModel(model)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("role", "table")
        self.setProperty("no_ring", True)
        self.viewport().setAutoFillBackground(False)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self.setMinimumSize(CELL.width() + 16, CELL.height())
        self.setAccessibleName("Images of this class")
        self.setToolTip("Arrows go from image to image, Enter shows one large.")
        self.doubleClicked.connect(self._open)
        pictures.arrived.connect(lambda _path: self.viewport().update())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The image at hand stays at hand in the new order."""
        super().resizeEvent(event)
        columns = max(1, self.viewport().width() // CELL.width())
        if columns != self._model.columns:
            place = max(0, self._model.place(self.currentIndex()))
            self._model.set_columns(columns)
            self.setCurrentIndex(self._model.index_of(place))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter and Space open the image at hand."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and not event.modifiers():
            self._open(self.currentIndex())
            return
        super().keyPressEvent(event)

    def _open(self, index: QModelIndex) -> None:
        place = self._model.place(index)
        if place >= 0 and self._model.path(place):
            self.opened.emit(place)


class _TileDelegate(QStyledItemDelegate):
    def __init__(self, pictures: Pictures, parent: QWidget) -> None:
        super().__init__(parent)
        self._pictures = pictures

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: N802
        return CELL

    def paint(self, painter: QPainter, option: Any, index: AnyIndex) -> None:
        model = index.model()
        if not isinstance(model, PathModel) or (place := model.place(index)) < 0:
            return
        rect: QRect = option.rect
        path = model.path(place)
        tile = QRect(rect.x() + 7, rect.y() + 5, SIDE, SIDE)
        image = self._pictures.picture(path, painter.device().devicePixelRatio()) if path else None
        paint_tile(painter, tile, image, bool(path) and self._pictures.unreadable(path))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(color("primary"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(tile.adjusted(-3, -3, 3, 3), 8, 8)
        painter.setFont(font(12))
        painter.setPen(color("muted"))
        name = PurePosixPath(path).name
        shown = QFontMetrics(painter.font()).elidedText(name, Qt.TextElideMode.ElideMiddle, tile.width())
        below = QRect(tile.x(), tile.bottom() + 4, tile.width(), 18)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextSingleLine), shown)
