"""How a class is painted: its name, where it comes from, its pictures, and the three dots of its menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from tlgui.gui.icons import pixmap
from tlgui.gui.numbers import count
from tlgui.gui.theme import color, font
from tlgui.gui.wizard.images.class_rows import AnyIndex, ClassModel, ClassRow
from tlgui.gui.wizard.images.pictures import Pictures, paint_more, paint_tile

TILE = 60
ROW = 81
MENU = 36  # the place of the three dots, at the right end
_GAP = 8
_NAME, _LONG_NAME, _NARROW_NAME = 100, 190, 130  # least width of the names' column, most, and most in a narrow list


class ClassDelegate(QStyledItemDelegate):
    """Paints name, captions, pictures and the three dots of a row; lets a name be typed over.

    Args:
        pictures: where the pictures come from.
        parent: the list.
    """

    renamed = Signal(int, str)
    """Another name was typed for the class of that row."""

    def __init__(self, pictures: Pictures, parent: QObject) -> None:
        super().__init__(parent)
        self.widest_name = 0
        self._pictures = pictures

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: N802
        """Every row is equally high."""
        return QSize(200, ROW)

    def paint(self, painter: QPainter, option: Any, index: AnyIndex) -> None:
        """One class."""
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
        self._paint_name(painter, self._name_rect(rect), row)
        self._paint_tiles(painter, rect.adjusted(self._name_width(rect), 0, -MENU, 0), row, hovered or focused)
        if row.read:
            ratio = painter.device().devicePixelRatio()
            dots = pixmap("more-horizontal", 18, "text" if hovered or focused else "muted", ratio)
            painter.drawPixmap(rect.right() - MENU + 12, rect.center().y() - 9, dots)

    def createEditor(self, parent: QWidget, option: Any, index: AnyIndex) -> QWidget:  # noqa: N802
        """A field for the name."""
        editor = QLineEdit(parent)
        editor.setAccessibleName("New name of the class")
        editor.setMaxLength(200)
        return editor

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:  # noqa: N802
        """Begins with the name as it is."""
        if isinstance(editor, QLineEdit):
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: AnyIndex) -> None:  # noqa: N802
        """Tells the new name; the list changes when it holds."""
        name = editor.text().strip() if isinstance(editor, QLineEdit) else ""
        if name and name != index.data(Qt.ItemDataRole.EditRole):
            self.renamed.emit(index.row(), name)

    def updateEditorGeometry(self, editor: QWidget, option: Any, index: AnyIndex) -> None:  # noqa: N802
        """Over the name."""
        rect: QRect = option.rect
        width = max(self._name_width(rect) - 8, 160)
        editor.setGeometry(rect.x(), rect.center().y() - 17, width, 34)

    def measure(self, rows: Sequence[ClassRow]) -> None:
        """Gives the names the room that they need; with thousands of classes the first ones must do."""
        names, origins = QFontMetrics(font(13, 600)), QFontMetrics(font(12))
        self.widest_name = max(
            (max(names.horizontalAdvance(row.name), origins.horizontalAdvance(row.origin)) for row in rows[:200]),
            default=0,
        )

    def _name_width(self, rect: QRect) -> int:
        most = _LONG_NAME if rect.width() >= 560 else _NARROW_NAME
        return min(most, max(_NAME, self.widest_name + 16))

    def _name_rect(self, rect: QRect) -> QRect:
        return QRect(rect.x(), rect.y(), self._name_width(rect) - 12, rect.height())

    def _paint_name(self, painter: QPainter, rect: QRect, row: ClassRow) -> None:
        middle = rect.center().y() - (9 if row.origin else 0)
        lines = [(row.name, middle - 18, 600, 13, "text"), (row.caption, middle, 400, 12, "muted")]
        if row.origin:
            lines.append((row.origin, middle + 18, 400, 12, "muted"))
        for text, height, weight, size, tone in lines:
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
