"""Finished runs of this computer, ticked and compared on the images that tested each of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tlgui.core.comparison import MOST_ENTRANTS
from tlgui.core.comparison_result import Result, of_runs
from tlgui.core.errors import UserError
from tlgui.core.run_folder import open_run
from tlgui.core.runs import RunSummary, list_runs, summary_of
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.settings import Settings

_MOST = 200


class SideBySide(QObject):
    """Nothing here waits: runs are listed and compared in the background.

    Args:
        settings: remembers runs that lie elsewhere.
        parent: its owner.

    Attributes:
        rows: finished runs, the newest first; `None` before they were read.
        ticked: folders of those to compare, in the order in which they were ticked.
        comparing: whether they are being read.
        result: what it found.
        problem, remedy: why they cannot be compared; "" = nothing.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._settings = settings
        self._added: list[Path] = []
        self._listing: Task | None = None
        self._work: Task | None = None
        self.rows: list[RunSummary] | None = None
        self.ticked: list[Path] = []
        self.comparing = False
        self.result: Result | None = None
        self.problem = self.remedy = ""

    def refresh(self) -> None:
        """Lists the runs anew."""
        if self._listing is not None:
            self._listing.cancel()
        elsewhere = [*map(Path, self._settings.values.opened), *self._added]
        self._listing = run_in_background(self, lambda: finished_runs(elsewhere), self._on_listed)

    def tick(self, run: Path, on: bool) -> None:
        """Takes a run in, or out."""
        if on != (run in self.ticked):
            self.ticked = [*self.ticked, run] if on else [one for one in self.ticked if one != run]
            self._say("", "")

    def add(self, folder: Path) -> None:
        """Takes a run in that lies elsewhere; one that has no scores is refused with a sentence."""
        run_in_background(self, lambda: _added(folder), self._on_added)

    def reason_against(self) -> str:
        """Why they cannot be compared now, as a sentence; "" when they can."""
        if self.comparing:
            return "The runs are being compared."
        if len(self.ticked) < 2:
            return "Tick at least two runs."
        if len(self.ticked) > MOST_ENTRANTS:
            return f"{len(self.ticked)} runs are too many to be told apart. Tick {MOST_ENTRANTS} at the most."
        return ""

    def compare(self) -> None:
        """Reads what the ticked runs answered."""
        if self.reason_against():
            return
        # The newest first, as they are listed, whatever was ticked first.
        order = {row.path: place for place, row in enumerate(self.rows or [])}
        runs = sorted(self.ticked, key=lambda run: order.get(run, len(order)))
        self.comparing, self.problem, self.remedy = True, "", ""
        self._work = run_in_background(self, lambda: _compared(runs), self._on_compared)
        self.changed.emit()

    def cancel(self) -> None:
        """Forgets what is being compared; the ticks stay."""
        if self._work is not None:
            self._work.cancel()
        self.comparing = False
        self.changed.emit()

    def forget(self) -> None:
        """Shows no result any more; the ticks stay."""
        self.result = None
        self.changed.emit()

    def _on_listed(self, rows: list[RunSummary]) -> None:
        self._listing = None
        known = {row.path for row in rows}
        ticked = [run for run in self.ticked if run in known]  # one may have been removed meanwhile
        if rows != self.rows or ticked != self.ticked:
            self.rows, self.ticked = rows, ticked
            self.changed.emit()

    def _on_added(self, found: RunSummary | UserError) -> None:
        if isinstance(found, UserError):
            self._say(found.problem, found.remedy)
            return
        if found.path not in self._added:
            self._added.append(found.path)
        if found.path not in {row.path for row in self.rows or []}:
            self.rows = [found, *(self.rows or [])]
        if found.path not in self.ticked:
            self.ticked = [*self.ticked, found.path]
        self._say("", "")
        self.refresh()

    def _on_compared(self, found: Result | UserError) -> None:
        self.comparing = False
        if isinstance(found, UserError):
            self._say(found.problem, found.remedy)
        else:
            self.result = found
            self._say("", "")

    def _say(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        self.changed.emit()


def finished_runs(elsewhere: Collection[Path]) -> list[RunSummary]:
    """Runs on this computer that have scores and are not at work, the newest first."""
    return [row for row in list_runs(elsewhere, limit=_MOST) if _has_scores(row.path) and row.state != "at work"]


def _has_scores(run: Path) -> bool:
    return (run / "results" / "predictions.csv").is_file()


def _added(folder: Path) -> RunSummary | UserError:
    try:
        path = folder.resolve()
        row = summary_of(path)
        if not _has_scores(path):
            raise UserError(
                f"The run '{path.name}' has no scores yet.", "Let it end, or continue it, and compare then."
            )
        return row
    except UserError as error:
        return error
    except OSError as error:
        return UserError(f"'{folder.name}' cannot be read.", "Choose a run folder.", str(error))


def _compared(runs: Sequence[Path]) -> Result | UserError:
    try:
        return of_runs([open_run(run) for run in runs])
    except UserError as error:
        return error
