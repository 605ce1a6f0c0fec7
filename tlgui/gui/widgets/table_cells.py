"""What a table is filled with: columns, cells, and the model that holds them in the order shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from tlgui.gui.widgets.painted import spoken
from tlgui.gui.widgets.text import plain_tooltip

Index = QModelIndex | QPersistentModelIndex
CELL_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: its header.
        align: "left" or "right" (figures).
        width: fixed width in pixels; 0 takes the widest text.
        stretch: takes the room that is left (one column; the first when none says so).
        min: never narrower than this.
        yields: gone where the table is too narrow for all columns; the highest goes first, 0 never does.
        radio: the picking mark stands in this column (the first when none says so).
        tooltip: what the header means.
    """

    title: str
    align: Literal["left", "right"] = "left"
    width: int = 0
    stretch: bool = False
    min: int = 0
    yields: int = 0
    radio: bool = False
    tooltip: str = ""


@dataclass(frozen=True)
class Cell:
    """What stands in one cell.

    Attributes:
        text: the first line.
        second: a second line, 12 px and muted: an interval, an explanation.
        tone: "", muted, good, warn, bad or info.
        bold: semibold.
        icon: a name from `icons`, before the text.
        chip: a state in one or two words behind the text.
        chip_tone: its tone.
        sort: what the column sorts by; the text when None.
        bar: a bar behind the text, 0 to 1.
        bar_kind: "filled" (measured) or "outlined" (estimated).
        link: can be pressed by itself (`pressed`), drawn like a link.
        tooltip: own tooltip; the whole text where it is cut.
    """

    text: str = ""
    second: str = ""
    tone: str = ""
    bold: bool = False
    icon: str = ""
    chip: str = ""
    chip_tone: str = "info"
    sort: Any = None
    bar: float | None = None
    bar_kind: Literal["filled", "outlined"] = "filled"
    link: bool = False
    tooltip: str = ""


class CellModel(QAbstractTableModel):
    """Rows of cells in the order shown; `source_row` gives the place in the list they were set from."""

    def __init__(self, columns: list[Column], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = columns
        self.rows: list[list[Cell]] = []
        self.order: list[int] = []
        self.picked = self.lit = -1

    def set_rows(self, rows: list[list[Cell]]) -> None:
        """Other rows."""
        self.beginResetModel()
        self.rows, self.order = rows, list(range(len(rows)))
        self.endResetModel()

    def source_row(self, shown: int) -> int:
        """The place in the list that was set; -1 for none."""
        return self.order[shown] if 0 <= shown < len(self.order) else -1

    def shown_row(self, source: int) -> int:
        """Where a row of the list stands now; -1 for none."""
        return self.order.index(source) if source in self.order else -1

    def cell(self, shown: int, column: int) -> Cell:
        """The cell shown there."""
        row = self.rows[self.order[shown]]
        return row[column] if column < len(row) else Cell()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  Qt's signature
        """How many rows."""
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  Qt's signature
        """How many columns."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The cell for the delegate; words for a screen reader."""
        if not index.isValid() or index.row() >= len(self.order):
            return None
        cell = self.cell(index.row(), index.column())
        if role == CELL_ROLE:
            return cell
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(cell.tooltip) if cell.tooltip else None
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(index.row(), index.column(), cell)
        return None

    def _spoken(self, row: int, column: int, cell: Cell) -> str:
        parts = [f"{self.columns[column].title}: {cell.text}".strip(": "), cell.second, cell.chip]
        if column == 0 and self.source_row(row) == self.picked:
            parts.append("picked")
        return spoken(", ".join(part for part in parts if part))

    def headerData(  # noqa: N802  Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(column.tooltip) if column.tooltip else None
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sorts by a column; cells without a value come last either way."""
        if column < 0:
            return
        self.layoutAboutToBeChanged.emit()
        cells = [row[column] if column < len(row) else Cell() for row in self.rows]
        keys = [cell.text.casefold() if cell.sort is None else cell.sort for cell in cells]
        # Numbers and words may stand in one column ("none"): words come after the numbers.
        known = [number for number in range(len(cells)) if isinstance(keys[number], (int, float))]
        words = [number for number in range(len(cells)) if not isinstance(keys[number], (int, float))]
        down = order == Qt.SortOrder.DescendingOrder
        self.order = sorted(known, key=lambda n: keys[n], reverse=down) + sorted(
            words, key=lambda n: str(keys[n]), reverse=down
        )
        self.layoutChanged.emit()
