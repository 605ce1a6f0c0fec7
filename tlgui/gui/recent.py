"""The runs that the start page offers: those among the projects, and those that were opened from elsewhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir
from tlgui.core.runs import RunSummary, list_runs
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.settings import Settings

_MOST = 60


class RecentRuns(QObject):
    """Read in the background; `rows` holds the last reading.

    Attributes:
        rows: newest first; `None` before the first reading is done.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._reading: Task | None = None
        self.rows: list[RunSummary] | None = None

    @property
    def interrupted(self) -> list[RunSummary]:
        """Runs that can be gone on with: they neither ended nor are at work."""
        return [row for row in self.rows or [] if row.state in ("interrupted", "crashed")]

    def refresh(self) -> None:
        """Reads again; `changed` follows."""
        if self._reading is not None:
            self._reading.cancel()
        elsewhere = [Path(path) for path in self._settings.values.opened]
        self._reading = run_in_background(self, lambda: list_runs(elsewhere, limit=_MOST), self._on_read)

    def note_opened(self, path: Path) -> None:
        """A run was opened; where it lies elsewhere it is remembered."""

        def note(is_elsewhere: bool) -> None:
            if is_elsewhere:
                self._settings.note_opened(path)
                self.refresh()

        run_in_background(self, lambda: _is_elsewhere(path), note)

    def _on_read(self, rows: list[RunSummary]) -> None:
        self._reading = None
        self.rows = rows
        self.changed.emit()


def _is_elsewhere(path: Path) -> bool:
    # In the background: both may lie on a drive that takes its time.
    try:
        return not path.resolve().is_relative_to(projects_dir().resolve())
    except (OSError, UserError):
        return True
