"""Runs that begin one after another, overnight say: queued on the review page, begun when the one before has ended."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from tlgui.core import events, run_queue
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import Refused, RunPrepared
from tlgui.core.run_queue import Queue, Queued
from tlgui.core.run_spec import RunSpec
from tlgui.core.strategies import strategy
from tlgui.gui.background import run_in_background
from tlgui.gui.run_reading import RunOnDisk, read_run

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


class QueueDesk(QObject):
    """The queue of this window; the list itself lies in the person's state folder.

    It goes on by itself from the moment in which a run was queued here, or in which the person had it begin. After a
    restart it waits for that.

    Attributes:
        entries: the list as it was read last.
        goes_on: whether the next run begins when none trains.
        queueing: whether a run folder is being made for it.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self.entries: Queue = ()
        self.goes_on = False
        self.queueing = False
        self._held = self._looking = self._no_engine = False
        self._taken: Queued | None = None  # out of the list, and not begun yet
        self._trains: Queued | None = None  # the run of the queue that trains now
        self._ended: events.Ending | None = None  # how it ended, until that was noted
        self._refused: set[str] = set()  # taken out by the person, perhaps while it was about to begin
        self._last: tuple[RunSpec, Path | None, Path | None] | None = None  # what was queued last
        self._lock = threading.Lock()
        self._version = self._shown_version = 0
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._on_free)
        bench.runs.ended.connect(self._on_ended)
        bench.engine.start_failed.connect(self._on_no_engine)

    @property
    def waiting(self) -> list[Queued]:
        """Runs whose turn is still to come, the next one first."""
        return run_queue.waiting(self.entries)

    @property
    def taken(self) -> str:
        """The run that was taken out of the list and begins in a moment, "" without one."""
        return self._taken.run if self._taken is not None else ""

    @property
    def busy(self) -> bool:
        """Whether another run begins by itself: the computer is kept awake for it, and closing asks."""
        return self.goes_on and bool(self.waiting)

    @property
    def sentence(self) -> str:
        """How many wait and for what; "" where none does."""
        count = len(self.waiting)
        return f"{run_queue.words(count)}. {self.when}" if count else ""

    @property
    def when(self) -> str:
        """When the next one begins."""
        many = len(self.waiting) > 1
        if self.goes_on:
            return f"{'The next one begins' if many else 'It begins'} when the training that is at work has ended."
        return f"{'They were' if many else 'It was'} queued before. {'They begin' if many else 'It begins'} when you say so."

    def reason_against(self) -> str:
        """Why the run that is set up cannot be queued now, as a sentence; "" when it can."""
        bench, draft = self._bench, self._bench.draft
        if bench.run is not None:
            return "This run began already. Set up a new one from it."
        if not bench.is_training:
            return "No training is at work: this one can begin at once."
        if reason := draft.missing("review"):
            return reason
        if bench.scan_ticket is None:
            return "The images have not been read yet."
        if self.queueing or bench.scans.preparing:
            return "A run folder is being made. It takes a moment."
        if self._last == (draft.spec(), draft.data, draft.target) and self.waiting:
            return "This run waits in the queue. Change something to queue another one."
        return self._without_weights()

    def _without_weights(self) -> str:
        """At night nobody is there who could fetch them."""
        draft = self._bench.draft
        training, _ = draft.resolved()
        if draft.weights_file or not strategy(training.strategy).pretrained:
            return ""
        if self._bench.backbones.row(draft.backbone).usable:
            return ""
        return "Its weights are not on this computer yet. Download them before it is queued."

    # -- what a person does ----------------------------------------------------------------------------------------

    def add(self) -> None:
        """Makes the run folder of the run that is set up, and lets it wait; a second press does nothing."""
        draft = self._bench.draft
        if self.reason_against() or draft.data is None:
            return
        spec, data, weights_file, target = draft.spec(), draft.data, draft.weights_file, draft.target
        self.queueing = True

        def prepared(answer: RunPrepared | Refused) -> None:
            self.queueing = False
            if isinstance(answer, Refused):
                self._bench.problem_raised.emit(answer, self._bench.page)
                self.changed.emit()
                return
            self._last = (spec, data, target)
            self.goes_on = True
            self._change(lambda entries: run_queue.added(entries, _queued(answer, data, weights_file)))
            self._bench.recent.refresh()

        self._bench.scans.prepare(data, spec, weights_file, prepared, target)
        self.changed.emit()

    def add_made(self, runs: Sequence[Queued]) -> None:
        """Lets runs wait whose folders are made, such as those of a comparison; they begin by themselves."""
        self.goes_on = True
        self._refused -= {one.run for one in runs}

        def how(entries: Queue) -> Queue:
            for one in runs:
                entries = run_queue.added(run_queue.removed(entries, one.run), one)
            return entries

        self._change(how)

    def begin(self) -> None:
        """Runs that wait from before begin now, one after another."""
        self.goes_on = True
        self.changed.emit()
        self._soon()

    def remove(self, run: str) -> None:
        """Takes a run out; its folder stays among the runs."""
        self.remove_all([run])

    def remove_all(self, runs: Collection[str]) -> None:
        """Takes runs out in one step, also one that was taken to begin in a moment and has not begun."""
        # Copied: what happens in the background must not follow what the caller does with it.
        wanted = list(runs)
        self._refused |= set(wanted)

        def how(entries: Queue) -> Queue:
            for run in wanted:
                entries = run_queue.removed(entries, run)
            return entries

        self._change(how)
        self._last = None

    def move(self, run: str, by: int) -> None:
        """Lets a run begin earlier (-1) or later (1)."""
        self._change(lambda entries: run_queue.moved(entries, run, by))

    # -- the window ------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Reads the list."""
        self._work(lambda: (None, run_queue.read()), lambda _: None)

    def hold(self, held: bool) -> None:
        """The window is about to close: nothing begins any more; or it stays open after all."""
        self._held = held
        if held:
            self._timer.stop()
        self._soon()

    def shut_down(self) -> None:
        """The window has closed, and nothing works in the background any more: what was taken and not begun waits on."""
        if (one := self._taken) is not None:
            self._taken = None
            run_queue.change(lambda entries: run_queue.added(entries, one, first=True))

    def _soon(self) -> None:
        if not self._held:
            self._timer.start()

    # -- one after another -----------------------------------------------------------------------------------------

    def _on_ended(self, run: str, ending: events.Ending) -> None:
        if self._trains is not None and self._trains.run == run:
            self._ended = ending
        self._soon()

    def _on_no_engine(self, _error: Any) -> None:
        """No engine can be started: each run would fail in turn. The queue stays as it is."""
        self._no_engine = True
        self.goes_on = False
        self._soon()

    def _on_free(self) -> None:
        """The window's thread is free after something ended, or the person wants the queue to begin."""
        trained, ending = self._trains, self._ended
        if trained is not None and ending is not None:
            self._trains = self._ended = None
            self._note_end(trained, ending)
        self._no_engine = False
        if self.goes_on and not self._held and not self._looking and not self._bench.is_training and self.waiting:
            self._looking = True
            self._work(self._take_next, self._on_next)

    def _note_end(self, trained: Queued, ending: events.Ending) -> None:
        if self._no_engine:
            self._change(lambda entries: run_queue.added(entries, trained, first=True))
        elif isinstance(ending, events.Failed | events.Crashed):
            problem = ending.problem if isinstance(ending, events.Failed) else ending.sentence()
            self._change(lambda entries: run_queue.failed(entries, trained, problem))

    def _take_next(self) -> tuple[tuple[Queued, RunOnDisk] | None, Queue]:
        """In a thread of its own; see `_next`."""
        found, entries = _next()
        self._taken = found[0] if found is not None else None
        return found, entries

    def _on_next(self, found: tuple[Queued, RunOnDisk] | None) -> None:
        self._looking, self._taken = False, None
        if found is None:
            return
        one, read = found
        if one.run in self._refused:
            self._soon()
            self.changed.emit()
            return
        if self._held or not self.goes_on or self._bench.is_training:
            # It waits on: another run was begun by hand, or the window closes.
            self._change(lambda entries: run_queue.added(entries, one, first=True))
            return
        self._trains = one
        self._bench.runs.begin(read, Path(one.data), one.weights_file)

    # -- the file --------------------------------------------------------------------------------------------------

    def _change(self, how: Callable[[Queue], Queue]) -> None:
        self._work(lambda: (None, run_queue.change(how)), lambda _: None)

    def _work(self, work: Callable[[], tuple[Any, Queue]], then: Callable[[Any], None]) -> None:
        """Reads or changes the list away from the window's thread; of several, the last one done is what counts."""

        def do() -> tuple[int, Any, Queue]:
            with self._lock:
                found, entries = work()
                self._version += 1
                return self._version, found, entries

        def done(answer: tuple[int, Any, Queue]) -> None:
            version, found, entries = answer
            if version > self._shown_version:
                self._shown_version = version
                if entries != self.entries:
                    self.entries = entries
                    self.changed.emit()
            then(found)
            self._soon()

        run_in_background(self, do, done)


def _queued(answer: RunPrepared, data: Path, weights_file: str) -> Queued:
    from tlgui.gui.pages.start.run_words import method_words

    spec = answer.spec
    return Queued(
        run=os.path.realpath(answer.run),
        data=str(data.absolute()),
        name=spec.dataset.name if spec.dataset is not None else data.name,
        method=method_words(
            spec.training.strategy,
            spec.backbone,
            spec.source.run if spec.source is not None and spec.continues else "",
        ),
        weights_file=weights_file,
    )


def _next() -> tuple[tuple[Queued, RunOnDisk] | None, Queue]:
    """The first run of the list that can begin; those that cannot are marked, those that began already are let go.

    It is taken out of the list in the same step, so that of two windows one has it.
    """
    found: list[tuple[Queued, RunOnDisk]] = []

    def look(entries: Queue) -> Queue:
        for one in run_queue.waiting(entries):
            try:
                read = read_run(Path(one.run))
                if any(isinstance(event, events.RunStarted) for event in read.heard) or read.folder.at_work:
                    entries = run_queue.removed(entries, one.run)  # it was begun by hand meanwhile
                    continue
                if not Path(one.data).is_dir():
                    raise UserError(f"The images of '{one.name}' are not where they were.", "Say where they are now.")
            except UserError as error:
                entries = run_queue.failed(entries, one, error.problem)
                continue
            found.append((one, read))
            entries = run_queue.removed(entries, one.run)
            break
        return entries

    entries = run_queue.change(look)
    return (found[0] if found else None), entries
