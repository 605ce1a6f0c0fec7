"""Scores the shown run on labelled images of the new site, beside the run that did not adapt, in the engine beside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, events
from tlgui.gui.job_queue import Work

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


class SiteScoreDesk(QObject):
    """One score at a time, of the run that is shown; it is forgotten with it.

    Attributes:
        progress: how far it is; `None` before the engine says so.
        ended: why the last one came to nothing: `Stopped`, `Failed` or `Crashed`; `None` where it did not.
    """

    changed = Signal()
    scored = Signal()
    """The score lies in the run folder."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._work: Work | None = None
        self._run: Path | None = None
        self.progress: events.Progress | None = None
        self.ended: events.Ending | None = None
        bench.run_changed.connect(self._on_run_changed)

    @property
    def busy(self) -> bool:
        """Whether one waits for the engine or is at work."""
        return self._work is not None

    def score(self, images: Path, before: Path | None) -> None:
        """Begins; `changed` tells how it goes.

        Args:
            images: a folder with one folder per class.
            before: the run without adapting, or `None`.
        """
        run = self._bench.run_folder
        if run is None or self.busy:
            return
        self._run, self.progress, self.ended = run.path, None, None
        job = commands.Evaluate(
            run=str(run.path.absolute()),
            data=str(images.absolute()),
            beside=str(before.absolute()) if before is not None else "",
        )
        self._work = self._bench.side_jobs.submit(job, self._on_event)
        self.changed.emit()

    def cancel(self) -> None:
        """Asks it to stop; nothing is counted then."""
        if self._work is not None:
            self._work.cancel()

    def forget(self) -> None:
        """Stops it, and nothing of it arrives any more."""
        work, self._work = self._work, None
        if work is not None:
            work.forget()
        self._run = self.progress = self.ended = None
        self.changed.emit()

    def _on_run_changed(self) -> None:
        run = self._bench.run_folder
        if self._run is not None and (run is None or run.path != self._run):
            self.forget()

    def _on_event(self, event: Any) -> None:
        if isinstance(event, events.Progress):
            self.progress = event
        if isinstance(event, events.Ending):
            self._work = self.progress = None
            if isinstance(event, events.Completed):
                self.scored.emit()
            else:
                self.ended = event
        self.changed.emit()
