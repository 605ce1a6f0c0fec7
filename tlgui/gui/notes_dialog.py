"""The notes of one run, saved as they are typed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from tlgui.core import run_notes
from tlgui.core.errors import UserError
from tlgui.gui.background import run_in_background
from tlgui.gui.widgets import Dialog, Label

if TYPE_CHECKING:
    from tlgui.gui.notes import NotesKeeper

_TEXT = (
    "What you tried, what you saw, what to do next. The notes lie in the run folder as notes.txt; no export and no "
    "report holds them."
)
_AFTER_MS = 600
READING, SAVED, SAVING = "Reading…", "Saved.", "Saving…"
READ_ONLY = "This run folder cannot be written to: the notes can be read here and not be changed."


class NotesDialog(Dialog):
    """A field for text; what is typed is written a moment later, and when the dialog closes.

    Args:
        run: the run folder.
        keeper: writes.
        parent: whose window it lies over.
    """

    def __init__(self, run: Path, keeper: NotesKeeper, parent: QWidget) -> None:
        super().__init__("Notes on this run", _TEXT, parent)
        self._run, self._keeper = run, keeper
        self._kept = ""
        self.edit = QPlainTextEdit()
        self.edit.setAccessibleName("Notes on this run")
        self.edit.setTabChangesFocus(True)
        self.edit.setMinimumHeight(180)
        self.edit.setReadOnly(True)
        self.state = Label(READING, "caption", wrap=True)
        self.body.addWidget(self.edit, 1)
        self.body.addWidget(self.state)
        self.close_button = self.add_button("Close", "primary")
        self._timer = QTimer(self, singleShot=True, interval=_AFTER_MS)
        self._timer.timeout.connect(self.save)
        keeper.kept.connect(self._on_kept)
        keeper.failed.connect(self._on_failed)
        self.resize(560, 420)
        run_in_background(self, lambda: (run_notes.read(run), run_notes.may_write(run)), self._on_read, self._on_unread)

    def save(self) -> None:
        """Writes what is not written yet."""
        self._timer.stop()
        text = self.edit.toPlainText()
        if text != self._kept and not self.edit.isReadOnly():
            self._kept = text
            self._keeper.keep(self._run, text)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802  Qt's name
        """What was typed last is written too."""
        super().hideEvent(event)
        self.save()

    def _on_read(self, found: tuple[str, bool]) -> None:
        text, may_write = found
        self._kept = text
        self.edit.setPlainText(text)
        self.edit.setReadOnly(not may_write)
        self._say("" if may_write else READ_ONLY)
        self.edit.moveCursor(QTextCursor.MoveOperation.End)
        self.edit.textChanged.connect(self._on_typed)
        self.edit.setFocus()

    def _on_unread(self, error: BaseException) -> None:
        if not isinstance(error, UserError):
            raise error
        self._say(f"{error.problem} {error.remedy}", "bad")

    def _on_typed(self) -> None:
        if len(self.edit.toPlainText()) > run_notes.MOST_CHARACTERS:
            self.edit.undo()
            self._say(f"Notes hold at most {run_notes.MOST_CHARACTERS:,} characters.", "warn")
            return
        self._say(SAVING)
        self._timer.start()

    def _on_kept(self, run: Path, text: str) -> None:
        if run == self._run and text == self.edit.toPlainText():
            self._say(SAVED)

    def _on_failed(self, run: Path, error: UserError) -> None:
        if run == self._run:
            self._kept = ""  # the next try writes it again
            self._say(f"{error.problem} {error.remedy}", "bad")

    def _say(self, text: str, tone: str = "") -> None:
        self.state.setText(text)
        self.state.set_tone(tone)
