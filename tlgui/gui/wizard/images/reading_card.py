"""How far the reading is, and the way to call it off."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tlgui.gui.numbers import about, count
from tlgui.gui.widgets import Card, ProgressRow
from tlgui.gui.wizard.images.words import files_word


class ReadingCard(Card):
    """'Reading 1,101 files', '412 done, about 6 s left', Cancel."""

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.row = ProgressRow()
        self.row.set_cancellable(True)
        self.row.cancelled.connect(self.cancelled)
        self.body.addWidget(self.row)
        self._drawing = False

    def show_stage(self, files: int | None, drawing: bool) -> None:
        """What is going on, before any number of it is known.

        Args:
            files: how many are read; None while their names are being read.
            drawing: the demo images are being drawn.
        """
        self._drawing = drawing
        if drawing:
            self.row.set_title("Drawing the demo images")
        elif files is None:
            self.row.set_title("Looking into the folder")
        else:
            self.row.set_title(f"Reading {files_word(files)}")
        self.row.set_busy("")

    def show_progress(self, done: int, total: int, seconds_left: float | None) -> None:
        """The numbers."""
        if not self._drawing:
            self.row.set_title(f"Reading {files_word(total)}")
        left = f", {about(seconds_left)} left" if seconds_left is not None else ""
        self.row.set(done, total, f"{count(done)} {'of ' + count(total) if self._drawing else 'done'}{left}")
