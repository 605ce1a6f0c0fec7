"""Used files of which something should be known, such as "the first of 3 pages is used"; the list can be saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from tlgui.core.records import Notice
from tlgui.gui.numbers import count
from tlgui.gui.widgets import Cell, Column, Dialog, Label, Table
from tlgui.gui.wizard.images.saved_list import ask_for_csv, write_csv
from tlgui.gui.wizard.images.words import files_word


class FileNotesDialog(Dialog):
    """A table of file and sentence.

    Args:
        notices: the first ones.
        total: how many there are.
        parent: whose window it lies over.
    """

    def __init__(self, notices: Sequence[Notice], total: int, parent: QWidget) -> None:
        super().__init__("Notes on used files", "These files are used. This is what was done to read them.", parent)
        self._notices = list(notices)
        self.table = Table(
            [Column("File", stretch=True, min=160)], scrolls=True, sortable=True, name="Used files, with what was done"
        )
        self.table.set_rows(
            [[Cell(note.path, second=note.message, tooltip=f"{note.path}\n{note.message}")] for note in notices]
        )
        self.note = Label("", "caption", wrap=True)
        more = total - len(self._notices)
        self._say(
            f"The first {files_word(len(self._notices))} are shown; {count(more)} more have a note." if more else ""
        )
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.note)
        self.save_button = self.add_button("Save list as CSV…", "secondary", self._on_save, closes=False)
        self.save_button.setToolTip("Writes these files, with what was done, into a table.")
        self.add_button("Close", "secondary", default=True)
        self.resize(720, 480)

    def save(self, path: Path) -> None:
        """Writes the list; what came of it is said in the dialog."""
        rows = [("file", "code", "note"), *((note.path, note.code, note.message) for note in self._notices)]
        write_csv(self, path, rows, lambda sentence, _written: self._say(sentence))

    def _on_save(self) -> None:
        ask_for_csv(self, "Save the notes on used files", "notes on files.csv", self.save)

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))
