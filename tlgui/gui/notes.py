"""Notes on a run: the button that opens them, and what keeps them on disk."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from tlgui.core import run_notes
from tlgui.core.errors import UserError
from tlgui.gui.background import run_in_background
from tlgui.gui.notes_dialog import NotesDialog
from tlgui.gui.widgets import Button
from tlgui.gui.widgets.text import plain_tooltip

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_TIP = "Your own notes on this run. No export and no report holds them."
_NONE_YET = "Notes can be written once the run has its folder. It takes a moment."


class NotesKeeper(QObject):
    """Writes notes away from the window's thread; of several texts for a run the newest stays."""

    kept = Signal(object, str)
    """(run folder, the text that is on disk now)"""
    failed = Signal(object, object)
    """(run folder, a `UserError`)"""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest: dict[Path, str] = {}
        self._lock = threading.Lock()

    def keep(self, run: Path, text: str) -> None:
        """Begins to write; `kept` or `failed` follows."""
        self._newest[run] = text

        def write() -> str:
            with self._lock:  # two that write at once could end in either order
                newest = self._newest[run]
                run_notes.write(run, newest)
                return newest

        run_in_background(
            self, write, lambda written: self.kept.emit(run, written), lambda error: self._on_failed(run, error)
        )

    def _on_failed(self, run: Path, error: BaseException) -> None:
        if not isinstance(error, UserError):
            raise error
        self.failed.emit(run, error)


class NotesButton(Button):
    """The word "Notes", with the first line of what stands there as its tooltip; hidden while no run is shown.

    Args:
        bench: whose run it is.
        parent: the widget it lies in.
    """

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Notes…", "quiet", icon="file", small=True, parent=parent)
        self._bench = bench
        self._glanced: Path | None = None
        self.dialog: NotesDialog | None = None
        self.keeper = NotesKeeper(self)
        self.keeper.kept.connect(self._on_kept)
        self.clicked.connect(self._on_clicked)
        bench.run_changed.connect(self._on_run_changed)
        self._on_run_changed()

    def _on_run_changed(self) -> None:
        folder = self._bench.run_folder
        shown = self._bench.run is not None
        if self.parent() is not None or not shown:  # else it would come up as a window of its own
            self.setVisible(shown)
        self.setEnabled(folder is not None)
        if folder is None:
            self._glanced = None
            self._say("" if self._bench.run is None else _NONE_YET)
        elif folder.path != self._glanced:
            path = self._glanced = folder.path
            self._say(_TIP)
            run_in_background(self, lambda: run_notes.glance(path), lambda text: self._on_glanced(path, text))

    def _on_glanced(self, path: Path, text: str) -> None:
        if path == self._glanced:
            line = run_notes.first_line(text)
            self._say(f"{_TIP} They begin: {line}" if line else _TIP)
            self.set_text("Notes" if line else "Notes…")

    def _on_clicked(self) -> None:
        folder = self._bench.run_folder
        if folder is not None:
            self.dialog = NotesDialog(folder.path, self.keeper, self.window())
            self.dialog.open()

    def _on_kept(self, run: Path, text: str) -> None:
        self._on_glanced(run, text)
        self._bench.recent.refresh()

    def _say(self, tip: str) -> None:
        self.setToolTip(plain_tooltip(tip))
