"""A folder of runs that train one after another in the queue: asked for, stopped, gone on with, and read when whole."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands
from tlgui.core.comparison import ComparedRun, Comparison
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import Refused, Request
from tlgui.core.run_queue import Queued
from tlgui.core.sites import Sites
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.networks import label_of

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

State = Literal["none", "preparing", "running", "interrupted", "complete"]
Asked = TypeVar("Asked", Comparison, Sites)
Found = TypeVar("Found")


class Earlier(NamedTuple):
    """A series on this computer.

    Attributes:
        folder: of it.
        name: of its images.
        ways: what was compared, or the sites.
        begun: when.
        left: runs that are still to be trained.
    """

    folder: Path
    name: str
    ways: list[str]
    begun: datetime
    left: int


@dataclass(frozen=True)
class ReadSeries(Generic[Asked, Found]):
    """What lies in such a folder; `result` is there once all runs are whole."""

    asked: Asked
    runs: list[ComparedRun]
    result: Found | None


class SeriesDesk(QObject, Generic[Asked, Found]):
    """The series in hand, and the earlier ones. A kind of it says how it is asked for and read.

    Attributes:
        folder, asked, runs: of the one in hand; `None` and empty without one.
        result: what it found, once it is whole.
        problem: why it could not begin, or what one of its runs failed of; "" = nothing.
        remedy: what to do about it.
        earlier: on this computer, the newest first.
    """

    changed = Signal()

    request = ""
    """Name of what the imaging child is asked for, as a `Refused` tells it."""
    at_work = ""
    """Why another one cannot begin while one is at work."""
    others_go_on = ""
    """What to do where one of its runs failed."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench: Workbench = bench
        self.folder: Path | None = None
        self.asked: Asked | None = None
        self.runs: list[ComparedRun] = []
        self.result: Found | None = None
        self.problem: str = ""
        self.remedy: str = ""
        self.earlier: list[Earlier] = []
        self._ticket: int | None = None
        self._data: Path | None = None
        self._weights_file: str = ""
        self._reading: Task | None = None
        self._ends: bool = False  # one of its runs has ended, and what that came to is being read
        self._enters: bool = False  # its runs are on their way into the queue
        self._told_by_queue: bool = False
        bench.imaging.answered.connect(self._on_answered)
        bench.imaging.failed.connect(self._on_failed)
        bench.runs.ended.connect(self._on_run_ended)
        bench.queue.changed.connect(self._on_queue_changed)

    # -- what a kind says itself -----------------------------------------------------------------------------------

    @abstractmethod
    def read(self, folder: Path) -> ReadSeries[Asked, Found]:
        """What lies in a folder; away from the window's thread.

        Raises:
            UserError: it cannot be read.
        """

    @abstractmethod
    def find_earlier(self) -> list[Earlier]:
        """Those on this computer, the newest first; away from the window's thread."""

    @abstractmethod
    def question(self, ticket: int, data: Path, folder: Path) -> Request:
        """What the imaging child is asked to go on with."""

    @abstractmethod
    def made(self, answer: Any) -> Asked | None:
        """What an answer of the imaging child says was made, `None` where it is none for this desk."""

    # -- how far it is ---------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """How far the one in hand is."""
        if self._ticket is not None:
            return "preparing"
        if self.folder is None or self.asked is None:
            return "none"
        if self.result is not None:
            return "complete"
        moves = self._ends or self._enters or self._begins or self.training is not None
        # Those that wait from before a restart begin when the person says so.
        waits = bool(self.waiting) and (self._bench.queue.goes_on or self._bench.is_training)
        return "running" if moves or waits else "interrupted"

    @property
    def _begins(self) -> bool:
        """Whether a run of it was taken out of the queue, to begin in a moment."""
        return self._bench.queue.taken in {run.run for run in self.runs}

    @property
    def ticket(self) -> int | None:
        """Of the images whose run folders are being made: they may be left meanwhile."""
        return self._ticket

    @property
    def waiting(self) -> list[Queued]:
        """Its runs that wait in the queue."""
        mine = {run.run for run in self.runs}
        return [one for one in self._bench.queue.waiting if one.run in mine]

    @property
    def training(self) -> ComparedRun | None:
        """The run of it that trains now."""
        folder = self._bench.training_folder
        if folder is None:
            return None
        place = os.path.realpath(folder.path)
        return next((run for run in self.runs if run.run == place), None)

    @property
    def done(self) -> int:
        """How many of its runs are whole."""
        return sum(run.done for run in self.runs)

    # -- what a person does ----------------------------------------------------------------------------------------

    def reason_against_start(self) -> str:
        """Why none can begin now, as a sentence; "" when one can."""
        draft = self._bench.draft
        if self.state in ("preparing", "running"):
            return self.at_work
        if self._bench.run is not None:
            return "This page shows the images of a run. Set up a new one from it first."
        if draft.continues is not None:
            return "What is set up continues a run, and several runs begin anew. Train it alone, or set up a new model."
        if reason := draft.missing("backbone"):
            return reason
        row = self._bench.backbones.row(draft.backbone)
        if not (draft.weights_file or draft.only_scratch or row.usable):
            # The queue fetches nothing, and the ways need them also where the run that is set up does not.
            return f"The weights of {label_of(draft.backbone)} are not on this computer yet. Download them first."
        return "" if self._bench.scan_ticket is not None else "The images have not been read yet."

    def reason_against_resume(self) -> str:
        """Why it cannot go on now, as a sentence; "" when it can."""
        draft, one = self._bench.draft, self.asked
        if self.state != "interrupted" or one is None:
            return "There is nothing to go on with."
        if other := self.other_images():
            return other
        own = draft.source.run if draft.source is not None else Path(draft.weights_file).name
        if one.weights and (draft.backbone, own if draft.weights_file else "") != (one.backbone, one.weights):
            return f"It began with weights of your own, '{one.weights}'. Give that file on the page Backbone first."
        return self.other_beginning()

    def other_beginning(self) -> str:
        """Why what is set up does not begin as the one in hand did, as a sentence; "" where it does."""
        return ""

    def other_images(self) -> str:
        """Why what is set up is not about the images of the one in hand; "" where it is, as far as names tell."""
        draft, one = self._bench.draft, self.asked
        if self._bench.run is not None or self._bench.scan_ticket is None or draft.summary is None:
            return "Open the folder of these images first."
        if one is not None and draft.summary.name != one.dataset:
            return f"These were the images of '{one.dataset}'. Open that folder first."
        return ""

    def resume(self) -> None:
        """Goes on with one that was stopped: what is whole stays, the run that was cut short begins anew."""
        one, folder = self.asked, self.folder
        if one is not None and folder is not None and not self.reason_against_resume():
            own = self._bench.draft.weights_file if self.takes_own_weights(one) else ""
            self.ask(lambda ticket, data: self.question(ticket, data, folder), own)

    def takes_own_weights(self, one: Asked) -> bool:
        """Whether it began with weights that are not the published ones."""
        return bool(one.weights)

    def cancel(self) -> None:
        """Takes its runs out of the queue and stops the one that trains; what is whole stays."""
        trains = self.training is not None
        self._enters = False
        self._bench.queue.remove_all([run.run for run in self.runs if not run.done])
        if trains:
            self._bench.send(commands.Stop())
        self.changed.emit()

    def open(self, folder: Path) -> None:
        """Shows another one."""
        self.forget()
        self.folder = folder
        self.read_again()

    def forget(self) -> None:
        """Shows none; it stays on the disk."""
        self.folder, self.asked, self.runs, self.result = None, None, [], None
        self.problem = self.remedy = ""
        self._ends = self._enters = self._told_by_queue = False
        self.changed.emit()

    def refresh(self) -> None:
        """Lists the earlier ones anew, and reads the one in hand."""
        run_in_background(self, self.find_earlier, self._on_earlier)
        self.read_again()

    # -- making ----------------------------------------------------------------------------------------------------

    def ask(self, question: Callable[[int, Path], Request], weights_file: str) -> None:
        """Has the run folders made.

        Args:
            question: from the ticket and the folder of the images to what is asked.
            weights_file: the person's own, "" = the published ones.
        """
        data, ticket = self._bench.draft.data, self._bench.scan_ticket
        if data is None or ticket is None:
            return
        self._ticket, self._data, self._weights_file = ticket, data, weights_file
        self.problem = self.remedy = ""
        self._told_by_queue = False
        self._bench.imaging.ask(question(ticket, data))
        self.changed.emit()

    def _on_answered(self, answer: Any) -> None:
        if self._ticket is None or answer.ticket != self._ticket:
            return
        if isinstance(answer, Refused):
            if answer.request == self.request:
                self._fail(answer)
        elif (asked := self.made(answer)) is not None:
            self._let_go()
            self.folder, self.asked, self.runs = Path(answer.folder), asked, answer.runs
            self._queue(asked)
            self.refresh()

    def _on_failed(self, error: UserError) -> None:
        if self._ticket is not None:
            self._fail(error)

    def _let_go(self) -> None:
        """The images may have been left while their folders were made."""
        ticket, self._ticket = self._ticket, None
        self._bench.scans.let_go(ticket)

    def _fail(self, error: Refused | UserError) -> None:
        self._let_go()
        self.problem, self.remedy = error.problem, self.remedy_for(error)
        self.changed.emit()

    def remedy_for(self, error: Refused | UserError) -> str:
        """What to do where the run folders could not be made."""
        return error.remedy

    def _queue(self, asked: Asked) -> None:
        assert self._data is not None
        data = str(self._data.absolute())
        left = [
            Queued(
                run=run.run, data=data, name=asked.dataset, method=run.label, weights_file=self.weights_of(asked, run)
            )
            for run in self.runs
            if not run.done
        ]
        if left:
            self._enters = True
            self._bench.queue.add_made(left)

    def weights_of(self, asked: Asked, run: ComparedRun) -> str:
        """The person's own weights that a run begins with, or ""."""
        del asked, run
        return self._weights_file

    # -- reading ---------------------------------------------------------------------------------------------------

    def _on_run_ended(self, run: str, _ending: object) -> None:
        if any(one.run == os.path.realpath(run) for one in self.runs):
            self._ends = True
            self.changed.emit()
        self.read_again()

    def read_again(self) -> None:
        """Reads the one in hand as it lies on the disk."""
        folder = self.folder
        if folder is None or self._ticket is not None:
            return

        def arrived(read: ReadSeries[Asked, Found] | UserError) -> None:
            if self.folder != folder or self._ticket is not None:
                return
            self._ends = False
            if isinstance(read, UserError):
                self.problem, self.remedy = read.problem, read.remedy
            else:
                before = self.done
                self.take(read)
                if self.done != before:  # what is left of it stands in the list too
                    run_in_background(self, self.find_earlier, self._on_earlier)
            self._on_queue_changed()

        if self._reading is not None:
            self._reading.cancel()  # of two that are under way, the earlier one may arrive last
        self._reading = run_in_background(self, _caught(lambda: self.read(folder)), arrived)

    def take(self, read: ReadSeries[Asked, Found]) -> None:
        """What was read of the one in hand."""
        self.asked, self.runs, self.result = read.asked, read.runs, read.result

    def _on_queue_changed(self) -> None:
        """A run of it that failed stands in the queue with its problem."""
        self._enters = self._enters and not (self.waiting or self._begins or self.training)
        mine = {run.run: run.label for run in self.runs}
        failed = next((one for one in self._bench.queue.entries if one.problem and one.run in mine), None)
        if failed is not None and self._ticket is None:
            self.problem, self.remedy = f"{mine[failed.run]}: {failed.problem}", self.others_go_on
        elif self._told_by_queue:
            self.problem = self.remedy = ""
        self._told_by_queue = failed is not None and self._ticket is None
        self.changed.emit()

    def _on_earlier(self, earlier: Sequence[Earlier]) -> None:
        if list(earlier) != self.earlier:
            self.earlier = list(earlier)
            self.changed.emit()


def _caught(work: Callable[[], ReadSeries[Asked, Found]]) -> Callable[[], ReadSeries[Asked, Found] | UserError]:
    def do() -> ReadSeries[Asked, Found] | UserError:
        try:
            return work()
        except UserError as error:
            return error

    return do
