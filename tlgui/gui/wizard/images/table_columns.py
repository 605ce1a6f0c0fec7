"""Which column of a label table is what, chosen by a person: combo boxes, and check boxes for one column per class."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from tlgui.core.records import TableColumns
from tlgui.gui.widgets import Label

_NONE = "none"
_SEVERAL = "Several columns, one for each class"


class TableColumnFields(QWidget):
    """Four questions about the columns.

    Attributes:
        file, label, split, group: combo boxes.
        one_hot: the columns to tick where there is one for each class.
    """

    changed = Signal()
    """Something else was chosen: read `columns`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._header: list[str] = []
        self.file = _combo("Column with the file names", "Names of files, with or without folders and suffix.")
        self.label = _combo("Column with the labels", "The class of each file.")
        self.split = _combo("Column with the parts", "Train, validation and test in the usual spellings.")
        self.group = _combo("Column that keeps images together", "Patient, specimen or the like.")
        self.one_hot = QListWidget()
        self.one_hot.setAccessibleName("Columns of the classes")
        self.one_hot.setToolTip("Tick each column that stands for a class. Space ticks the one at hand.")
        self.one_hot.setMaximumHeight(112)
        self.one_hot.itemChanged.connect(self._on_changed)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        for place, (title, combo) in enumerate(
            (("File names", self.file), ("Labels", self.label), ("Parts", self.split), ("Kept together by", self.group))
        ):
            row, column = place // 2 * 2, place % 2
            grid.addWidget(Label(title, "caption"), row, column)
            grid.addWidget(combo, row + 1, column)
            grid.setColumnStretch(column, 1)
            combo.activated.connect(self._on_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(grid)
        layout.addWidget(self.one_hot)
        self.one_hot.hide()

    @property
    def columns(self) -> TableColumns | None:
        """What is chosen; `None` while the file column is not, or the label column, or two columns of classes."""
        labels = self._ticked() if self._is_one_hot else [name for name in [_chosen(self.label)] if name]
        file = _chosen(self.file)
        if not file or len(labels) < (2 if self._is_one_hot else 1):
            return None
        return TableColumns(file=file, labels=labels, split=_chosen(self.split), group=_chosen(self.group))

    def show_header(self, header: Sequence[str], columns: TableColumns | None) -> None:
        """Offers these columns and shows which of them are chosen; says nothing of it."""
        self._header = list(header)
        several = columns is not None and len(columns.labels) > 1
        label = _SEVERAL if several else columns.labels[0] if columns is not None and columns.labels else ""
        _fill(self.file, header, columns.file if columns else "", ())
        _fill(self.label, header, label, (_SEVERAL,), must=True)
        _fill(self.split, header, columns.split if columns else "", (), none=True)
        _fill(self.group, header, columns.group if columns else "", (), none=True)
        self._fill_ticks(columns.labels if columns is not None and several else ())

    def role_of(self, column: str) -> str:
        """What a column is taken for, in one word; "" for nothing."""
        columns = self.columns
        if columns is None:
            return ""
        roles = {columns.group: "group", columns.split: "part", columns.file: "file"}
        return "label" if column in columns.labels else roles.get(column, "") if column else ""

    @property
    def _is_one_hot(self) -> bool:
        return self.label.currentText() == _SEVERAL

    def _ticked(self) -> list[str]:
        items = [self.one_hot.item(place) for place in range(self.one_hot.count())]
        return [item.text() for item in items if item.checkState() == Qt.CheckState.Checked]

    def _fill_ticks(self, ticked: Sequence[str]) -> None:
        with QSignalBlocker(self.one_hot):
            self.one_hot.clear()
            for name in self._header:
                item = QListWidgetItem(name, self.one_hot)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if name in ticked else Qt.CheckState.Unchecked)
        self.one_hot.setVisible(self._is_one_hot)

    def _on_changed(self, _what: object = None) -> None:
        self.one_hot.setVisible(self._is_one_hot)
        self.changed.emit()


def _combo(name: str, tip: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(tip)
    combo.setMinimumContentsLength(10)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return combo


def _fill(
    combo: QComboBox, header: Sequence[str], chosen: str, extra: Sequence[str], none: bool = False, must: bool = False
) -> None:
    """Entry texts are the columns' names; the data is "" for "none" and for what is no column."""
    combo.clear()
    if none:
        combo.addItem(_NONE, "")
    for name in header:
        combo.addItem(name, name)
    for name in extra:
        combo.addItem(name, "" if must else name)
    combo.setCurrentIndex(combo.findText(chosen) if chosen else 0 if none else -1)


def _chosen(combo: QComboBox) -> str:
    return str(combo.currentData() or "")
