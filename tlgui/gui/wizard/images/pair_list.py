"""The list of pairs: two small pictures in each row, and the two names beside them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from tlgui.core.imaging_messages import Leak
from tlgui.gui.theme import color, font
from tlgui.gui.wizard.images.pairs import AnyIndex, PairModel
from tlgui.gui.wizard.images.pictures import Pictures, paint_tile

SIDE = 44
_ROW = 58
_GAP = 4


class PairList(QListView):
    """One Tab stop; arrows go from pair to pair, Enter shows the pair large."""

    moved = Signal(int)
    """Another pair is at hand; -1 = none."""
    opened = Signal(int)

    def __init__(self, model: PairModel, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pairs = model
        self.setModel(model)
        self.setItemDelegate(_PairDelegate(pictures, self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("role", "table")
        self.setProperty("no_ring", True)
        self.viewport().setAutoFillBackground(False)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(200, _ROW)
        self.setAccessibleName("Pairs of images that show the same")
        self.setToolTip("Arrows go from pair to pair, Enter shows the pair large.")
        self.doubleClicked.connect(lambda index: self.opened.emit(index.row()))
        pictures.arrived.connect(lambda _path: self.viewport().update())

    @property
    def row(self) -> int:
        """The row at hand; -1 = none."""
        return self.currentIndex().row()

    def go(self, row: int) -> None:
        """Another row, as near to it as there is one."""
        index = self._pairs.index(min(max(0, row), self._pairs.rowCount() - 1))
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.scrollTo(index)

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:  # noqa: N802
        """See `QAbstractItemView`."""
        super().currentChanged(current, previous)
        self.moved.emit(current.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter opens the pair at hand."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.row >= 0:
            self.opened.emit(self.row)
            return
        super().keyPressEvent(event)


class _PairDelegate(QStyledItemDelegate):
    def __init__(self, pictures: Pictures, parent: QWidget) -> None:
        super().__init__(parent)
        self._pictures = pictures

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: N802
        return QSize(200, _ROW)

    def paint(self, painter: QPainter, option: Any, index: AnyIndex) -> None:
        model = index.model()
        if not isinstance(model, PairModel):
            return
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            _paint_picked(painter, rect)
        pair = model.pair(index.row())
        if pair is not None:
            self._paint_pair(painter, rect, pair)
        painter.restore()

    def _paint_pair(self, painter: QPainter, rect: QRect, pair: Leak) -> None:
        left, top = rect.x() + 10, rect.y() + (_ROW - SIDE) // 2
        ratio = painter.device().devicePixelRatio()
        for path in (pair.pair.first, pair.pair.second):
            image = self._pictures.picture(path, ratio)
            paint_tile(painter, QRect(left, top, SIDE, SIDE), image, self._pictures.unreadable(path))
            left += SIDE + _GAP
        words = QRect(QPoint(left + 4, top), QPoint(rect.right() - 8, top + SIDE // 2))
        for path, ink in ((pair.pair.first, "text"), (pair.pair.second, "muted")):
            _write(painter, words, PurePosixPath(path).name, ink)
            words.translate(0, SIDE // 2)


def _paint_picked(painter: QPainter, rect: QRect) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color("tint"))
    painter.drawRoundedRect(rect.adjusted(0, 1, -2, -1), 6, 6)
    painter.setBrush(color("primary"))
    painter.drawRoundedRect(QRect(rect.x(), rect.y() + 8, 3, rect.height() - 16), 1.5, 1.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)  # else the tiles would be filled with it


def _write(painter: QPainter, where: QRect, text: str, ink: str) -> None:
    painter.setFont(font(12))
    painter.setPen(color(ink))
    shown = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, where.width())
    painter.drawText(where, int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), shown)
