"""Labels from a table: which file, which columns, and what would come of it, counted while one chooses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core.imaging_messages import ReadTable, Refused, TableRead
from tlgui.core.intake import SetTable
from tlgui.core.records import TableColumns
from tlgui.gui.numbers import count, counted
from tlgui.gui.widgets import Button, Cell, Column, Dialog, Label, Table
from tlgui.gui.wizard.images.table_columns import TableColumnFields
from tlgui.gui.wizard.images.words import number_word

if TYPE_CHECKING:
    from tlgui.gui.imaging_thread import ImagingThread

_TEXT = "One row for each image: the name of its file and its class; perhaps its part, and what keeps images together."
_FILTER = "Tables (*.csv *.tsv *.txt *.xlsx);;All files (*)"
_OPEN = "Choose the column with the file names and the one with the labels, or tick a column for each class."
_MOST_CLASSES = 4
_MOST_FILES = 3


class TableDialog(Dialog):
    """The first rows, four questions about the columns, and what they make of the folder.

    Args:
        imaging, ticket: who reads the table, and for which folder.
        tables: label tables that lie in the folder; the first one is shown.
        columns: as they are in use for that one; `None` = as recognised.
        parent: whose window it lies over.
    """

    chosen = Signal(object)
    """`SetTable`: the labels come from this table."""

    def __init__(
        self, imaging: ImagingThread, ticket: int, tables: Sequence[str], columns: TableColumns | None, parent: QWidget
    ) -> None:
        super().__init__("Labels from a table", _TEXT, parent)
        self._imaging, self._ticket = imaging, ticket
        self._open_requests = 0
        self._read: TableRead | None = None
        self.tables = QComboBox()
        self.other = Button("Another file…")
        self.fields = TableColumnFields()
        self.preview: Table | None = None
        self._holder = QVBoxLayout()
        self.problem, self.counts = Label("", "body", wrap=True), Label("", "body", wrap=True)
        self.evidence = Label("", "caption", wrap=True)
        self._build(tables)
        self.use = self.add_button("Use this table", "primary", self._on_used)
        self.add_button("Cancel", "secondary")
        self.use.setEnabled(False)
        imaging.answered.connect(self._on_answered)
        room = self.screen().availableGeometry().size()
        self.resize(min(780, room.width() - 40), min(620, room.height() - 60))
        if tables:
            self._ask(columns)
        else:
            self._say("Choose a table with 'Another file…'.", bad=False)

    def add_table(self, path: Path) -> None:
        """Shows a table that lies elsewhere."""
        self.tables.addItem(path.name, str(path))
        self.tables.setCurrentIndex(self.tables.count() - 1)
        self._ask(None)

    def _build(self, tables: Sequence[str]) -> None:
        self.tables.setAccessibleName("Table")
        self.tables.setToolTip("The file with the labels.")
        self.tables.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for name in tables:
            self.tables.addItem(name, name)
        self.tables.activated.connect(lambda _place: self._ask(None))
        self.other.setToolTip("A table that lies elsewhere: CSV, TSV or Excel.")
        self.other.clicked.connect(self._on_other)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.tables, 1)
        row.addWidget(self.other)
        self.problem.set_tone("bad")
        self.fields.changed.connect(self._on_fields_changed)
        self.fields.setEnabled(False)
        self.body.addLayout(row)
        self.body.addWidget(self.fields)
        self.body.addLayout(self._holder, 1)
        for label in (self.problem, self.counts, self.evidence):
            label.hide()
            self.body.addWidget(label)

    def _ask(self, columns: TableColumns | None) -> None:
        table = str(self.tables.currentData() or "")
        if not table:
            return
        self._open_requests += 1
        self.use.setEnabled(False)
        self._imaging.ask(ReadTable(ticket=self._ticket, table=table, columns=columns))

    def _on_fields_changed(self) -> None:
        columns = self.fields.columns
        if columns is not None:
            self._ask(columns)
            return
        self.use.setEnabled(False)
        self._say(_OPEN, bad=False)

    def _on_answered(self, answer: Any) -> None:
        if answer.ticket != self._ticket or not self._open_requests:
            return
        if isinstance(answer, TableRead):
            self._open_requests -= 1
            if not self._open_requests:  # else a newer choice is on its way
                self._show(answer)
        elif isinstance(answer, Refused) and answer.request == "ReadTable":
            self._open_requests -= 1
            self._read = None
            self._say(f"{answer.problem} {answer.remedy}", bad=True)

    def _show(self, read: TableRead) -> None:
        keep = self._read is not None and self._read.header == read.header and read.columns is None
        self._read = read
        self.fields.setEnabled(bool(read.header))
        if not keep:
            self.fields.show_header(read.header, read.columns)
        self._show_rows(read)
        problem = read.problem
        if not problem and read.columns is None:
            problem = _OPEN
        self._say(problem, bad=bool(read.problem))
        self.counts.setText(counts_words(read))
        self.counts.setVisible(read.columns is not None and not read.problem)
        self.evidence.setText(" ".join(read.evidence))
        self.evidence.setVisible(bool(read.evidence))
        self.use.setEnabled(not problem and read.matched > 0)
        self.use.setToolTip("" if self.use.isEnabled() else problem or "No row names a file of this folder.")

    def _show_rows(self, read: TableRead) -> None:
        if self.preview is not None:
            self._holder.removeWidget(self.preview)
            self.preview.hide()
            self.preview.deleteLater()
        columns = [_column(name, self.fields.role_of(name), place) for place, name in enumerate(read.header)]
        self.preview = Table(columns or [Column("")], scrolls=True, row_height=28, name="The first rows", spreads=True)
        rows = [[*row, *[""] * (len(read.header) - len(row))][: len(read.header)] for row in read.rows]
        self.preview.set_rows([[Cell(text, tooltip=text) for text in row] for row in rows])
        self._holder.addWidget(self.preview)

    def _say(self, problem: str, bad: bool) -> None:
        self.problem.setText(problem)
        self.problem.set_tone("bad" if bad else "")
        self.problem.setVisible(bool(problem))
        if problem:
            self.counts.hide()

    def _on_used(self) -> None:
        if self._read is not None:
            # By its place, as it was asked for: of a table from elsewhere the child keeps the name alone.
            self.chosen.emit(SetTable(table=str(self.tables.currentData()), columns=self._read.columns))

    def _on_other(self) -> None:
        dialog = QFileDialog(self, "Choose a table of labels")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(_FILTER)
        dialog.fileSelected.connect(lambda path: self.add_table(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def counts_words(read: TableRead) -> str:
    """How many rows name a file of the folder, which do not, and what classes come of it."""
    without = read.row_count - read.matched
    words = f"{count(read.matched)} of {counted(read.row_count, 'row')} name a file of this folder."
    if without > 0:
        names = ", ".join(f"'{PurePath(name).name}'" for name in read.unmatched[:_MOST_FILES])
        more = f" and {count(without - _MOST_FILES)} more" if without > _MOST_FILES and names else ""
        words += f" {number_word(without).capitalize()} {'does' if without == 1 else 'do'} not" + (
            f": {names}{more}." if names else "."
        )
    if read.classes:
        largest = sorted(read.classes.items(), key=lambda item: (-item[1], item[0]))
        listed = ", ".join(f"{name} {count(rows)}" for name, rows in largest[:_MOST_CLASSES])
        more = f" and {count(len(largest) - _MOST_CLASSES)} more" if len(largest) > _MOST_CLASSES else ""
        words += f" {counted(len(largest), 'class', 'classes')}: {listed}{more}."
    return words


def _column(name: str, role: str, place: int) -> Column:
    return Column(f"{name} ({role})" if role not in ("", name.casefold()) else name, stretch=not place, min=60)
