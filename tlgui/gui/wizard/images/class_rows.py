"""The rows of the list of classes, as text for those who hear them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from tlgui.gui.wizard.images.words import files_word, images_word

AnyIndex = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class ClassRow:
    """One class: `number` files while it is being read, and images after that.

    Attributes:
        origin: from which folders it was made, where that is not plain from its name.
    """

    name: str
    number: int
    samples: tuple[str, ...]
    read: bool
    can_open: bool = False
    origin: str = ""

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
            keys = " The menu key tells what can be done." if row.read else ""
            origin = f", {row.origin}" if row.origin else ""
            return f"{row.name}, {row.caption}{origin}." + (" Enter shows them all." if row.can_open else "") + keys
        return row.name if role == Qt.ItemDataRole.EditRole else None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """A name can be typed over, once the class was read."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if self.rows[index.row()].read else flags
