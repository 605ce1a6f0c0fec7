"""The confusion matrix: what was taken for what; each cell is a button that shows its images."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from tlgui.gui import numbers
from tlgui.gui.theme import color, font, miss_alpha, theme
from tlgui.gui.widgets import Label, plain_tooltip
from tlgui.gui.widgets.emptied import empty

_GAP = 4
_CELL = QSize(76, 64)
_SMALL_CELL = QSize(44, 36)
_MANY_CLASSES = 6  # from here on cells are small and hold the count alone
_NAME_WIDTH = 110


class MatrixCell(QAbstractButton):
    """One cell: so many images that really are `true` were called `said`.

    Args:
        true, said: names of classes.
        number: of images.
        of_class: images that really are `true`.
        small: shows the count alone.
    """

    def __init__(self, true: str, said: str, number: int, of_class: int, small: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.true, self.said, self.number = true, said, number
        self._share = number / of_class if of_class else 0.0
        self._small = small
        self._hovered = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(_SMALL_CELL if small else _CELL)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if number else Qt.CursorShape.ArrowCursor)
        images = "image" if number == 1 else "images"
        percent = numbers.percent(self._share, 1 if 0 < self._share < 0.1 else 0)
        verdict = "right" if true == said else f"taken for {said}"
        self.setAccessibleName(f"Really {true}, {verdict}: {number} {images}, {percent} of this class")
        self.setToolTip(plain_tooltip(self.accessibleName()))
        self._percent = percent

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Wider and higher where the table has room."""
        return _SMALL_CELL if self._small else QSize(88, 96)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 (Qt's name)
        """Hovering shows the edge."""
        self._hovered = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """The edge goes with the pointer."""
        self._hovered = False
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Enter presses, as the space bar does; the arrows are the table's."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.click()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Hits pale, mistakes outlined and the stronger the more there are, zeros grey."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        edge, fill = None, color("sunken")
        if self.number and self.true == self.said:
            fill = color("hit", theme().tokens.hit_alpha)
        elif self.number:
            fill = color("miss", miss_alpha(self._share))
            edge = color("miss", 0.75)
        if self._hovered or self.isDown():
            edge = color("control")
        painter.setPen(QPen(edge, 1.2) if edge else Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(box, 6, 6)
        self._paint_numbers(painter, box)

    def _paint_numbers(self, painter: QPainter, box: QRectF) -> None:
        count = font(13 if self._small else 18, 600)
        painter.setPen(color("text" if self.number else "muted"))
        painter.setFont(count)
        text = numbers.count(self.number)
        if self._small:
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
            return
        middle = box.center().y()
        height = QFontMetrics(count).height()
        upper = QRectF(box.left(), middle - height + 3, box.width(), height)
        painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, text)
        painter.setFont(font(12))
        painter.setPen(color("text" if self.number and self.true != self.said else "muted"))
        lower = QRectF(box.left(), middle + 4, box.width(), 18)
        painter.drawText(lower, Qt.AlignmentFlag.AlignCenter, self._percent)


class ConfusionMatrix(QWidget):
    """Rows: what the images really are. Columns: what the model said.

    One Tab stop; arrows move between the cells, Enter or the space bar opens one.
    """

    cell_pressed = Signal(str, str)
    """(really, said)"""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout()
        self._grid.setSpacing(_GAP)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._grid)
        self._cells: list[list[MatrixCell]] = []
        self.setAccessibleName("Confusion matrix: what was taken for what")

    def set_counts(self, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Shows other counts: C names, C x C counts, rows = true."""
        self._clear()
        small = len(classes) > _MANY_CLASSES
        said = Label("model said", kind="caption")
        said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._grid.addWidget(said, 0, 1, 1, len(classes))
        really = Label("really", kind="caption")
        really.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(really, 1, 0)
        for place, name in enumerate(classes):
            self._grid.addWidget(self._name(name, True, small), 1, place + 1)
            self._grid.addWidget(self._name(name, False, small), place + 2, 0)
            self._grid.setColumnStretch(place + 1, 1)
            row = []
            for other, number in enumerate(counts[place]):
                cell = MatrixCell(name, classes[other], number, sum(counts[place]), small, self)
                cell.clicked.connect(lambda _=False, cell=cell: self.cell_pressed.emit(cell.true, cell.said))
                cell.installEventFilter(self)
                self._grid.addWidget(cell, place + 2, other + 1)
                row.append(cell)
            self._cells.append(row)
        self._make_tab_stop(0, 0)

    def cell(self, true: str, said: str) -> MatrixCell:
        """The cell of that name."""
        return next(cell for row in self._cells for cell in row if (cell.true, cell.said) == (true, said))

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Arrows walk over the cells."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and isinstance(watched, MatrixCell):
            step = {
                Qt.Key.Key_Left: (0, -1),
                Qt.Key.Key_Right: (0, 1),
                Qt.Key.Key_Up: (-1, 0),
                Qt.Key.Key_Down: (1, 0),
            }.get(Qt.Key(event.key()))
            if step is not None:
                self._walk(watched, *step)
                return True
        return False

    def _walk(self, cell: MatrixCell, down: int, right: int) -> None:
        place = next((r, c) for r, row in enumerate(self._cells) for c, one in enumerate(row) if one is cell)
        last = len(self._cells) - 1
        row, column = (min(max(0, at + by), last) for at, by in zip(place, (down, right), strict=True))
        self._make_tab_stop(row, column)
        self._cells[row][column].setFocus(Qt.FocusReason.TabFocusReason)

    def _make_tab_stop(self, row: int, column: int) -> None:
        for r, cells in enumerate(self._cells):
            for c, cell in enumerate(cells):
                here = (r, c) == (row, column)
                cell.setFocusPolicy(Qt.FocusPolicy.StrongFocus if here else Qt.FocusPolicy.ClickFocus)

    def _name(self, name: str, column: bool, small: bool) -> Label:
        # Small cells have no room for a second line; the whole name is then the tooltip.
        label = Label(name, "caption", wrap=not small, elide=small)
        label.setMinimumWidth(28)
        if column:
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        else:
            label.setMaximumWidth(_NAME_WIDTH)
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return label

    def _clear(self) -> None:
        self._cells = []
        empty(self._grid)
