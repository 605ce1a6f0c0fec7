"""The files that are left out, each with its reason; the list can be saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tlgui.core.imaging_messages import MOST_LEFT_OUT, LeftOutListed, Refused
from tlgui.core.records import LeftOut, Reason
from tlgui.gui.imaging_thread import ImagingThread
from tlgui.gui.numbers import count
from tlgui.gui.widgets import Cell, Column, Dialog, Label, Table
from tlgui.gui.wizard.images.saved_list import ask_for_csv, write_csv
from tlgui.gui.wizard.images.words import files_word, reason_title


class LeftOutDialog(Dialog):
    """A table of file and reason. Beyond a thousand rows the table holds the first ones and the saved list all.

    Args:
        files: those that are known already.
        total: how many there are.
        parent: whose window it lies over.
        reasons: only files of these reasons; all when empty.
        imaging, ticket: where the others come from.
    """

    saved = Signal(object)
    """The path of the list that was written."""

    def __init__(
        self, files: Sequence[LeftOut], total: int, parent: QWidget, reasons: Sequence[Reason] = (),
        imaging: ImagingThread | None = None, ticket: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__("Files that are left out", "", parent)
        self._files, self._total, self._reasons = list(files), total, frozenset(reasons)
        self._imaging, self._ticket = imaging, ticket
        self.table = Table(
            [Column("File", stretch=True, min=160), Column("Why")],
            scrolls=True,
            sortable=True,
            name="Files that are left out, with the reason",
        )
        self.body.addWidget(self.table, 1)
        self.note = Label("", "caption", wrap=True)
        self.note.hide()
        self.body.addWidget(self.note)
        self.save_button = self.add_button("Save list as CSV…", "secondary", self._on_save, closes=False)
        self.save_button.setToolTip("Writes every file that is left out, with its reason, into a table.")
        self.add_button("Close", "secondary", default=True)
        self.resize(760, 520)
        self._show_files()
        if imaging is not None and ticket is not None and len(self._files) < total:
            imaging.answered.connect(self._on_answered)
            self._ask()

    def _chosen(self) -> list[LeftOut]:
        return [item for item in self._files if not self._reasons or item.reason_code in self._reasons]

    def _show_files(self) -> None:
        chosen = self._chosen()
        self.table.set_rows([_cells(item) for item in chosen[:MOST_LEFT_OUT]])
        complete = len(self._files) >= self._total
        self.save_button.setEnabled(complete)
        if self._reasons:
            self.set_text(f"{files_word(len(chosen))} of {count(self._total)} that are left out.")
        else:
            self.set_text("They stay where they are; only this run passes over them.")
        if not complete:
            self._say(f"Collecting the list: {count(len(self._files))} of {count(self._total)}.")
        elif len(chosen) > MOST_LEFT_OUT:
            self._say(f"The first {count(MOST_LEFT_OUT)} are shown. The saved list holds all {count(len(chosen))}.")
        else:
            self.note.hide()

    def _ask(self) -> None:
        if self._imaging is not None and self._ticket is not None:
            self._imaging.left_out_files(self._ticket, len(self._files), MOST_LEFT_OUT)

    def _on_answered(self, answer: Any) -> None:
        if answer.ticket != self._ticket:
            return
        if isinstance(answer, LeftOutListed) and answer.offset == len(self._files) and answer.files:
            self._files += answer.files
            self._show_files()
            if len(self._files) < self._total:
                self._ask()
        elif isinstance(answer, Refused) and answer.request == "LeftOutFiles":
            self._say(f"{answer.problem} {answer.remedy}")

    def _on_save(self) -> None:
        ask_for_csv(self, "Save the list of files that are left out", "files left out.csv", self.save)

    def save(self, path: Path) -> None:
        """Writes the list; what came of it is said in the dialog."""
        rows = [
            ("file", "reason_code", "reason"),
            *((item.path, item.reason_code.value, item.reason) for item in self._chosen()),
        ]

        def said(sentence: str, written: bool) -> None:
            self._say(sentence)
            if written:
                self.saved.emit(path)

        write_csv(self, path, rows, said)

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.show()


def _cells(item: LeftOut) -> list[Cell]:
    return [
        Cell(item.path, second=item.reason, tooltip=f"{item.path}\n{item.reason}"),
        Cell(reason_title(item.reason_code)),
    ]
