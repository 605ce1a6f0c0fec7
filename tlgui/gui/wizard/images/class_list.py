"""Classes one below the other, each with its pictures: painted, so that a thousand classes cost what ten do."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QListView, QScrollArea, QSizePolicy, QWidget

from tlgui.gui.wizard.images.class_delegate import MENU, ROW, TILE, ClassDelegate
from tlgui.gui.wizard.images.class_rows import AnyIndex, ClassModel, ClassRow
from tlgui.gui.wizard.images.pictures import Pictures

__all__ = ["TILE", "ClassList", "ClassRow"]


class ClassList(QListView):
    """As high as its rows; the page around it scrolls. Arrows go from class to class, Enter opens one."""

    opened = Signal(int)
    menu_asked = Signal(int, QPoint)
    """What can be done with the class of that row is asked for, at that place of the screen."""
    renamed = Signal(int, str)
    """Another name was typed for the class of that row."""

    def __init__(self, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ClassModel(self)
        self._delegate = ClassDelegate(pictures, self)
        self._delegate.renamed.connect(self.renamed)
        self.setModel(self._model)
        self.setItemDelegate(self._delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setAccessibleName("Classes")
        self.can_rename = True
        self.setToolTip("Enter shows all images of a class, F2 renames it, the menu key tells what else can be done.")
        pictures.arrived.connect(self._on_arrived)

    def set_rows(self, rows: list[ClassRow]) -> None:
        """Shows these classes."""
        if rows == self._model.rows:
            return
        self._model.set_rows(rows)
        self._delegate.measure(rows)
        self.setFixedHeight(max(1, len(rows)) * ROW)

    @property
    def rows(self) -> list[ClassRow]:
        """What is shown."""
        return self._model.rows

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter and Space open the class at hand, F2 renames it."""
        if self.state() == QListView.State.EditingState:
            return  # the Enter that ends the typing comes here too
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and not event.modifiers():
            self._open(self.currentIndex())
        elif event.key() == Qt.Key.Key_F2 and self.currentIndex().isValid():
            self.rename(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click opens the class, or at the three dots what can be done with it."""
        super().mouseReleaseEvent(event)
        place = event.position().toPoint()
        index = self.indexAt(place)
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid():
            return
        if self._at_menu(place, index):
            self._ask_menu(index)
        else:
            self._open(index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The right button and the menu key."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if index.isValid():
            self.setCurrentIndex(index)
            self._ask_menu(index, None if by_key else event.globalPos())

    def rename(self, row: int) -> None:
        """Lets the person type another name over the old one."""
        if self.can_rename and self.rows[row].read:
            self.edit(self._model.index(row))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The hand says that a row can be pressed."""
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        can_open = index.isValid() and (self.rows[index.row()].can_open or self._at_menu(event.position(), index))
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
            above.ensureVisible(centre.x(), centre.y(), 0, ROW)

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

    def _at_menu(self, place: QPoint | QPointF, index: QModelIndex) -> bool:
        return self.rows[index.row()].read and place.x() >= self.viewport().width() - MENU

    def _ask_menu(self, index: QModelIndex, place: QPoint | None = None) -> None:
        if not self.rows[index.row()].read:
            return
        row = self.visualRect(index)
        corner = QPoint(row.right() - MENU + 8, row.center().y() + 16)
        self.menu_asked.emit(index.row(), place or self.viewport().mapToGlobal(corner))

    def _open(self, index: QModelIndex) -> None:
        if index.isValid() and self.rows[index.row()].can_open:
            self.opened.emit(index.row())

    def _on_arrived(self, _path: str) -> None:
        self.viewport().update()
