"""A job of the engine about the images in hand: the imaging child lists them in a file, then the engine reads that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import ListingWritten, Refused, WriteListing
from tlgui.core.paths import cache_dir
from tlgui.core.run_folder import RunFolder
from tlgui.gui.background import Task, run_in_background
from tlgui.imaging.run_listing import write_run_listing

if TYPE_CHECKING:
    from tlgui.gui.job_queue import Work
    from tlgui.gui.workbench import Workbench

MakeJob = Callable[[ListingWritten], commands.Job]


class ListedJob(QObject):
    """One such job at a time; `told` brings every event, its ending last, whatever goes wrong.

    Args:
        bench: for the folder and the engines.
        parent: its owner.
        beside: it never takes the warm engine.
    """

    told = Signal(object)
    """`Progress`, the answer of the job, then `Completed`, `Stopped`, `Failed` or `Crashed`."""

    def __init__(self, bench: Workbench, parent: QObject, beside: bool = False) -> None:
        super().__init__(parent)
        self._bench = bench
        self._beside = beside
        self._ticket: int | None = None  # of the folder whose listing is awaited
        self._make: MakeJob | None = None
        self._listing: Task | None = None  # of a run, being written
        self._work: Work | None = None
        bench.imaging.answered.connect(self._on_answered)
        bench.draft.changed.connect(self._on_draft_changed)

    @property
    def busy(self) -> bool:
        """Whether it lists, waits for the engine, or works."""
        return self._make is not None or self._work is not None

    def begin(self, make: MakeJob) -> None:
        """Lists the images, then does what `make` says; nothing happens without a folder or while it is busy."""
        ticket = self._bench.scan_ticket
        if ticket is not None and not self.busy:
            self._ticket, self._make = ticket, make
            self._bench.imaging.ask(WriteListing(ticket=ticket))

    def begin_for_run(self, run: RunFolder, data: Path, make: MakeJob, all_train: bool = False) -> None:
        """The same with the images of a run, whose manifest lists them: no folder need be in hand.

        Args:
            run: its folder.
            data: where its images are.
            make: as in `begin`.
            all_train: as in `write_run_listing`.
        """
        if not self.busy:
            self._make = make
            self._listing = run_in_background(
                self,
                lambda: str(write_run_listing(run, cache_dir(), all_train).absolute()),
                lambda path: self._submit(make(ListingWritten(ticket=-1, path=path, data=str(data.absolute())))),
                self._on_not_listed,
            )

    def cancel(self) -> None:
        """Asks it to stop; the ending follows, at once where the engine has not begun."""
        if self._make is not None:
            self._end(events.Stopped())
        elif self._work is not None:
            self._work.cancel()

    def forget(self) -> None:
        """Stops it, and nothing of it arrives any more."""
        self._drop_listing()
        self._ticket = self._make = None
        work, self._work = self._work, None
        if work is not None:
            work.forget()

    def _on_answered(self, answer: Any) -> None:
        if self._make is None or self._ticket is None or answer.ticket != self._ticket:
            return
        if isinstance(answer, ListingWritten):
            self._submit(self._make(answer))
        elif isinstance(answer, Refused) and answer.request == "WriteListing":
            said = {name: getattr(answer, name) for name in ("problem", "remedy", "details", "code", "is_fault")}
            self._end(events.Failed(**said))

    def _on_not_listed(self, error: BaseException) -> None:
        if not isinstance(error, UserError):
            raise error
        failed = events.Failed(problem=error.problem, remedy=error.remedy, details=error.details, code=error.code)
        self._end(failed)

    def _drop_listing(self) -> None:
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None

    def _submit(self, job: commands.Job) -> None:
        self._ticket = self._make = None
        # The warm engine begins at once; where it has something to do, the other one is started.
        free = not (self._beside or self._bench.is_training or self._bench.jobs.busy)
        jobs = self._bench.jobs if free else self._bench.side_jobs
        self._work = jobs.submit(job, self._on_event)

    def _on_event(self, event: Any) -> None:
        if isinstance(event, events.Ending):
            self._work = None
        self.told.emit(event)

    def _on_draft_changed(self) -> None:
        if self._ticket is not None and self._bench.scan_ticket != self._ticket:
            self._end(events.Stopped())  # of a folder that was left nobody answers

    def _end(self, ending: events.Ending) -> None:
        self._drop_listing()
        self._ticket = self._make = None
        self.told.emit(ending)
