"""How far the reading is, and the way to call it off."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tlgui.gui.numbers import about, count, size
from tlgui.gui.widgets import Card, ProgressRow
from tlgui.gui.wizard.images.words import files_word

# What is done before or instead of reading a whole folder: the title, and how its progress is counted.
MAKING = {
    "drawing": ("Drawing the demo images", "of"),
    "unpacking": ("Unpacking the zip file", "bytes"),
    "changing": ("Reading the files that this needs", "done"),
}


class ReadingCard(Card):
    """'Reading 1,101 files', '412 done, about 6 s left', Cancel."""

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.row = ProgressRow()
        self.row.set_cancellable(True)
        self.row.cancelled.connect(self.cancelled)
        self.body.addWidget(self.row)
        self._making = ""

    def show_stage(self, files: int | None, making: str = "") -> None:
        """What is going on, before any number of it is known.

        Args:
            files: how many are read; None while their names are being read.
            making: what comes before that, a key of `MAKING`, or "".
        """
        self._making = making
        if making:
            self.row.set_title(MAKING[making][0])
        elif files is None:
            self.row.set_title("Looking into the folder")
        else:
            self.row.set_title(f"Reading {files_word(files)}")
        self.row.set_busy("")

    def show_progress(self, done: int, total: int, seconds_left: float | None) -> None:
        """The numbers."""
        if not self._making:
            self.row.set_title(f"Reading {files_word(total)}")
        left = f", {about(seconds_left)} left" if seconds_left is not None else ""
        unit = MAKING[self._making][1] if self._making else "done"
        words = {"done": f"{count(done)} done", "of": f"{count(done)} of {count(total)}"}
        words["bytes"] = f"{size(done)} of {size(total)}"
        self.row.set(done, total, f"{words[unit]}{left}")
