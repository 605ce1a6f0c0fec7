"""A comparison of ways to train: its runs wait in the queue, and what they found is read when the last one has ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, comparison
from tlgui.core.comparison import ComparedRun, Comparison, Entrant, Purpose
from tlgui.core.comparison_result import Result
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import ComparisonPrepared, PrepareComparison, Refused
from tlgui.core.run_queue import Queued
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.compared import Earlier, ReadComparison, earlier_comparisons, read_comparison
from tlgui.gui.networks import label_of

if TYPE_CHECKING:
    from tlgui.core.run_folder import RunFolder
    from tlgui.gui.workbench import Workbench

State = Literal["none", "preparing", "running", "interrupted", "complete"]


class CompareDesk(QObject):
    """The comparison in hand, and the earlier ones.

    Attributes:
        folder, comparison, runs: of the one in hand; `None` and empty without one.
        result: what it found, once it is whole.
        problem: why it could not begin, or what one of its runs failed of; "" = nothing.
        remedy: what to do about it.
        earlier: on this computer, the newest first.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self.folder: Path | None = None
        self.comparison: Comparison | None = None
        self.runs: list[ComparedRun] = []
        self.result: Result | None = None
        self.problem = self.remedy = ""
        self.earlier: list[Earlier] = []
        self._ticket: int | None = None
        self._data: Path | None = None
        self._weights_file = ""
        self._reading: Task | None = None
        self._ends = False  # one of its runs has ended, and what that came to is being read
        self._enters = False  # its runs are on their way into the queue
        self._told_by_queue = False
        bench.imaging.answered.connect(self._on_answered)
        bench.imaging.failed.connect(self._on_failed)
        bench.runs.ended.connect(self._on_run_ended)
        bench.queue.changed.connect(self._on_queue_changed)

    @property
    def state(self) -> State:
        """How far the one in hand is."""
        if self._ticket is not None:
            return "preparing"
        if self.folder is None or self.comparison is None:
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

    @staticmethod
    def holds(run: RunFolder | None) -> bool:
        """Whether a run belongs to a comparison, the one in hand or another."""
        return run is not None and comparison.is_comparison(run.path.parent)

    def reason_against_start(self) -> str:
        """Why none can begin now, as a sentence; "" when one can."""
        draft = self._bench.draft
        if self.state in ("preparing", "running"):
            return "A comparison is at work. Wait until it has ended, or stop it."
        if self._bench.run is not None:
            return "This page shows the images of a run. Set up a new one from it first."
        if reason := draft.missing("backbone"):
            return reason
        row = self._bench.backbones.row(draft.backbone)
        if not (draft.weights_file or draft.only_scratch or row.usable):
            # The queue fetches nothing, and the ways need them also where the run that is set up does not.
            return f"The weights of {label_of(draft.backbone)} are not on this computer yet. Download them first."
        return "" if self._bench.scan_ticket is not None else "The images have not been read yet."

    def start(
        self, entrants: Sequence[Entrant], epochs: int, folds: int | None, purpose: Purpose = "strategies"
    ) -> None:
        """Makes the run folders and lets them train one after another.

        Args:
            entrants: at least two.
            purpose: "transfer" asks whether pretraining helps, of `transfer.ENTRANTS`.
            epochs: for each.
            folds: `None` = as the images need.
        """
        if self.reason_against_start():
            return
        draft = self._bench.draft
        spec = draft.spec()
        mirror = {None: "", True: "yes", False: "no"}[spec.training.mirror]
        wanted = Comparison(
            backbone=spec.backbone,
            weights=Path(draft.weights_file).name,
            split_fractions=spec.split_fractions,
            size=spec.size or 0,
            fit=spec.fit,
            epochs=epochs,
            seed=spec.training.seed,
            augmentation=spec.training.augmentation,
            mirror=mirror,  # type: ignore[arg-type]
            entrants=list(entrants),
            purpose=purpose,
        )
        self.forget()
        self._ask(wanted, folds, None)

    def reason_against_resume(self) -> str:
        """Why it cannot go on now, as a sentence; "" when it can."""
        draft, one = self._bench.draft, self.comparison
        if self.state != "interrupted" or one is None:
            return "There is nothing to go on with."
        if other := self._other_images():
            return other
        if one.weights and (draft.backbone, Path(draft.weights_file).name) != (one.backbone, one.weights):
            return f"It began with weights of your own, '{one.weights}'. Give that file on the page Backbone first."
        return ""

    def _other_images(self) -> str:
        """Why what is set up is not about the images of the comparison; "" where it is, as far as names tell."""
        draft, one = self._bench.draft, self.comparison
        if self._bench.run is not None or self._bench.scan_ticket is None or draft.summary is None:
            return "Open the folder of these images first."
        if one is not None and draft.summary.name != one.dataset:
            return f"These were the images of '{one.dataset}'. Open that folder first."
        return ""

    def resume(self) -> None:
        """Goes on with one that was stopped: what is whole stays, the run that was cut short begins anew."""
        if self.comparison is not None and not self.reason_against_resume():
            self._ask(self.comparison, None, self.folder)

    def cancel(self) -> None:
        """Takes its runs out of the queue and stops the one that trains; what is whole stays."""
        trains = self.training is not None
        self._enters = False
        self._bench.queue.remove_all([run.run for run in self.runs if not run.done])
        if trains:
            self._bench.send(commands.Stop())
        self.changed.emit()

    @property
    def cheapest(self) -> Entrant | None:
        """The cheapest way that is not clearly worse than the best one."""
        if self.result is None or self.comparison is None:
            return None
        return next((one for one in self.comparison.entrants if one.key == self.result.cheapest), None)

    def reason_against_use(self) -> str:
        """Why the run that is set up cannot be trained that way, as a sentence; "" when it can."""
        if other := self._other_images():
            return other
        return "" if self.cheapest is not None else "There is no result yet."

    def use(self) -> None:
        """Sets the run that is set up to the cheapest way that is not clearly worse, and shows the review."""
        way = self.cheapest
        if way is None or self.reason_against_use():
            return
        draft = self._bench.draft
        if self.comparison is not None and draft.backbone != self.comparison.backbone:
            draft.set_backbone(self.comparison.backbone)
        draft.set_strategy(way.strategy)
        asked = self.comparison.spec(way).training if self.comparison is not None else draft.training
        # Also what is left open: rates of an earlier choice would be another way than the one that was compared.
        for field in ("top_groups", "head_learning_rate", "top_learning_rate"):
            draft.set_training(field, getattr(asked, field))
        self._bench.show("review")

    def open(self, folder: Path) -> None:
        """Shows another one."""
        self.forget()
        self.folder = folder
        self._read_again()

    def forget(self) -> None:
        """Shows none; it stays on the disk."""
        self.folder, self.comparison, self.runs, self.result = None, None, [], None
        self.problem = self.remedy = ""
        self._ends = self._enters = self._told_by_queue = False
        self.changed.emit()

    def refresh(self) -> None:
        """Lists the earlier ones anew, and reads the one in hand."""
        run_in_background(self, earlier_comparisons, self._on_earlier)
        self._read_again()

    # -- making ----------------------------------------------------------------------------------------------------

    def _ask(self, wanted: Comparison, folds: int | None, folder: Path | None) -> None:
        data = self._bench.draft.data
        ticket = self._bench.scan_ticket
        if data is None or ticket is None:
            return
        self._ticket, self._data = ticket, data
        # Weights of the person's own belong to the network that is set up now.
        own = self._bench.draft.weights_file if self._bench.draft.backbone == wanted.backbone else ""
        self._weights_file = str(own or "")
        self.problem = self.remedy = ""
        self._told_by_queue = False
        self._bench.imaging.ask(
            PrepareComparison(
                ticket=ticket,
                data=str(data.absolute()),
                folder=str(folder.absolute()) if folder is not None else "",
                comparison=wanted,
                folds=folds,
            )
        )
        self.changed.emit()

    def _on_answered(self, answer: object) -> None:
        if isinstance(answer, ComparisonPrepared) and answer.ticket == self._ticket:
            self._let_go()
            self.folder, self.comparison, self.runs = Path(answer.folder), answer.comparison, answer.runs
            self._queue()
            self.refresh()
        elif isinstance(answer, Refused) and answer.request == "PrepareComparison" and answer.ticket == self._ticket:
            self._fail(answer.problem, answer.remedy)

    def _on_failed(self, error: UserError) -> None:
        if self._ticket is not None:
            self._fail(error.problem, error.remedy)

    def _let_go(self) -> None:
        """The images may have been left while their folders were made."""
        ticket, self._ticket = self._ticket, None
        self._bench.scans.let_go(ticket)

    def _fail(self, problem: str, remedy: str) -> None:
        self._let_go()
        self.problem, self.remedy = problem, remedy
        self.changed.emit()

    def _queue(self) -> None:
        assert self.comparison is not None and self._data is not None
        name, data, own = self.comparison.dataset, str(self._data.absolute()), self._weights_file
        left = [
            Queued(run=run.run, data=data, name=name, method=run.label, weights_file=own)
            for run in self.runs
            if not run.done
        ]
        if left:
            self._enters = True
            self._bench.queue.add_made(left)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _on_run_ended(self, run: str, _ending: object) -> None:
        if any(one.run == os.path.realpath(run) for one in self.runs):
            self._ends = True
            self.changed.emit()
        self._read_again()

    def _read_again(self) -> None:
        folder = self.folder
        if folder is None or self._ticket is not None:
            return

        def arrived(read: ReadComparison | UserError) -> None:
            if self.folder != folder or self._ticket is not None:
                return
            self._ends = False
            if isinstance(read, UserError):
                self.problem, self.remedy = read.problem, read.remedy
            else:
                whole = self.result is None and read.result is not None
                self.comparison, self.runs, self.result = read
                if whole:
                    run_in_background(self, earlier_comparisons, self._on_earlier)
            self._on_queue_changed()

        if self._reading is not None:
            self._reading.cancel()  # of two that are under way, the earlier one may arrive last
        self._reading = run_in_background(self, _caught(lambda: read_comparison(folder)), arrived)

    def _on_queue_changed(self) -> None:
        """A run of it that failed stands in the queue with its problem."""
        self._enters = self._enters and not (self.waiting or self._begins or self.training)
        mine = {run.run: run.label for run in self.runs}
        failed = next((one for one in self._bench.queue.entries if one.problem and one.run in mine), None)
        if failed is not None and self._ticket is None:
            self.problem = f"{mine[failed.run]}: {failed.problem}"
            self.remedy = "The other ways go on. Put it right, then go on with the comparison."
        elif self._told_by_queue:
            self.problem = self.remedy = ""
        self._told_by_queue = failed is not None and self._ticket is None
        self.changed.emit()

    def _on_earlier(self, earlier: list[Earlier]) -> None:
        if earlier != self.earlier:
            self.earlier = earlier
            self.changed.emit()


def _caught(work: Callable[[], ReadComparison]) -> Callable[[], ReadComparison | UserError]:
    def do() -> ReadComparison | UserError:
        try:
            return work()
        except UserError as error:
            return error

    return do
