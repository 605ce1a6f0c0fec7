"""Asks the shown run about the new site that it adapted to, beside the run that did not adapt, in the engine beside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.site_answers import SiteAnswers, asked_of, summed_up
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.job_queue import Work

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_NONE_LEFT = events.Failed(
    problem="None of the images of the new site can be read any more.",
    remedy="Connect the drive or put the folder back, then ask again.",
    code="images_missing",
)


class SiteScoreDesk(QObject):
    """One question at a time, about the run that is shown; it is forgotten with it.

    Attributes:
        progress: how far it is; `None` before that is known.
        ended: why the last one came to nothing: `Stopped`, `Failed` or `Crashed`; `None` where it did not.
    """

    changed = Signal()
    scored = Signal()
    """A score lies in the run folder, or both runs have answered for the unlabelled images."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._work: Work | None = None
        self._listing: Task | None = None
        self._run: Path | None = None
        self._answers: dict[tuple[Path, Path], SiteAnswers] = {}  # of the run and the one before it
        self.progress: events.Progress | None = None
        self.ended: events.Ending | None = None
        bench.run_changed.connect(self._on_run_changed)

    @property
    def busy(self) -> bool:
        """Whether one waits for the engine or is at work."""
        return self._work is not None or self._listing is not None

    @property
    def site(self) -> Path | None:
        """Where the unlabelled images of the shown run's new site are; `None` where that is not known."""
        return self._bench.draft.target if self._bench.run is not None else None

    def answers(self, run: Path, before: Path | None) -> SiteAnswers | None:
        """What both runs said of the unlabelled images; `None` where they were not asked since the window opened."""
        return self._answers.get((run, before)) if before is not None else None

    def score(self, images: Path, before: Path | None) -> None:
        """Scores on labelled images; `changed` tells how it goes.

        Args:
            images: a folder with one folder per class.
            before: the run without adapting, or `None`.
        """
        run = self._bench.run_folder
        if run is None or self.busy:
            return
        self._begin(run.path)
        job = commands.Evaluate(
            run=str(run.path.absolute()),
            data=str(images.absolute()),
            beside=str(before.absolute()) if before is not None else "",
        )
        self._work = self._bench.side_jobs.submit(job, self._on_score_event)
        self.changed.emit()

    def ask_both(self, before: Path) -> None:
        """Has both runs answer for the new site's unlabelled images; `changed` tells how it goes."""
        run, site = self._bench.run_folder, self.site
        if run is None or site is None or self.busy:
            return
        self._begin(run.path)
        self._listing = run_in_background(
            self,
            lambda: asked_of(run, site),
            lambda paths: self._ask(run.path, before, paths),
            self._on_not_listed,
        )
        self.changed.emit()

    def cancel(self) -> None:
        """Asks it to stop; nothing is counted then."""
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None
            self._end(events.Stopped())
        elif self._work is not None:
            self._work.cancel()

    def forget(self) -> None:
        """Stops it, and nothing of it arrives any more."""
        work, self._work = self._work, None
        if self._listing is not None:
            self._listing.cancel()
        if work is not None:
            work.forget()
        self._run = self._listing = self.progress = self.ended = None
        self.changed.emit()

    def _begin(self, run: Path) -> None:
        self._run, self.progress, self.ended = run, None, None

    def _ask(self, run: Path, before: Path, paths: list[tuple[str, str]]) -> None:
        self._listing = None
        found: dict[Path, dict[str, list[float]]] = {before: {}, run: {}}

        def ask(asked: Path) -> None:
            job = commands.Predict(run=str(asked.absolute()), paths=paths)
            self._work = self._bench.side_jobs.submit(job, lambda event: heard(asked, event))

        def heard(asked: Path, event: Any) -> None:
            if isinstance(event, events.Predicted):
                if event.probabilities:
                    found[asked][event.path] = [event.probabilities[name] for name in sorted(event.probabilities)]
                done = sum(map(len, found.values()))
                which = "the run without adapting" if asked == before else "this run"
                self.progress = events.Progress(stage=f"answers of {which}", done=done, total=2 * len(paths))
                self.changed.emit()
            elif isinstance(event, events.Completed) and asked == before:
                ask(run)
            elif isinstance(event, events.Completed):
                both = summed_up(found[before], found[run])
                if both is not None:
                    self._answers[run, before] = both
                self._end(event if both is not None else _NONE_LEFT)
            elif isinstance(event, events.Ending):
                self._end(event)

        ask(before)
        self.changed.emit()

    def _end(self, ending: events.Ending) -> None:
        self._work = self.progress = None
        if isinstance(ending, events.Completed):
            self.scored.emit()
        else:
            self.ended = ending
        self.changed.emit()

    def _on_not_listed(self, error: BaseException) -> None:
        self._listing = None
        if not isinstance(error, UserError):
            raise error
        self._end(events.Failed(problem=error.problem, remedy=error.remedy, details=error.details, code=error.code))

    def _on_run_changed(self) -> None:
        run = self._bench.run_folder
        if self._run is not None and (run is None or run.path != self._run):
            self.forget()

    def _on_score_event(self, event: Any) -> None:
        if isinstance(event, events.Progress):
            self.progress = event
            self.changed.emit()
        elif isinstance(event, events.Ending):
            self._end(event)
