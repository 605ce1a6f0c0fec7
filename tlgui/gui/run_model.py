"""One run as the window knows it: everything follows from its events, live or replayed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from tlgui.core import events
from tlgui.gui import run_log, run_reasons
from tlgui.gui.numbers import counted
from tlgui.gui.run_history import History
from tlgui.gui.run_kept import Kept
from tlgui.gui.run_reasons import ANSWERS, ENDED, Action, State
from tlgui.gui.run_series import Mark, Stopwatch
from tlgui.gui.run_signals import RunSignals
from tlgui.gui.unfreezing import RISE, loss_may_rise

_SCORED = "answers for the "
_STATE_OF: dict[type[events.Event], State] = {
    events.Completed: "complete",
    events.Stopped: "stopped",
    events.Failed: "failed",
    events.Crashed: "crashed",
}


class RunModel(RunSignals):
    """What is known of a run.

    `apply` takes one event; signals follow once the window's thread is free, at most one of each however many events
    came. Nothing here asks the engine or the disk.

    Attributes:
        run_path: its folder, where it is known.
        backbone, strategy, classes, train_images, validation_images, test_images, seed: see `events.RunStarted`.
        first_answer: what the network as it is recognises; `None` where it was not asked.
        chosen: what "auto" became; `None` where the person chose.
        epochs_planned: how many are planned now.
        history: epochs, marks, moves of the border, what was taken back, verdicts.
        layers: what was last said of layers: `undo_step`, `snapshot_bytes`, `judged_after`; `None` before that.
        planned_move: what a move was last said to cost.
        groups: the layer ladder, from stem to head.
        rates_now: learning rates in use, by group name.
        parameters, trainable_parameters: of the network.
        progress_stage, progress_done, progress_total: work that is not an epoch; "" where there is none.
        seconds_left: until the end of training, or of what is being prepared; `None` where unknown.
        images_per_second, memory_bytes: over the last batch, and of the engine; `None` where unknown.
        metrics: scores by part of the images.
        notices: sentences that a person should read.
        kept: what is left of what it knew before, and what was tried about that.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run_path: Path | None = None
        self.backbone = self.strategy = ""
        self.classes: list[str] = []
        self.train_images = self.validation_images = self.test_images = self.seed = 0
        self.epochs_planned = 0
        self.history, self.kept = History(), Kept()
        self.first_answer: events.FirstAnswered | None = None
        self.chosen: events.StrategyChosen | None = None
        self.layers: events.LayersChanged | None = None
        self.planned_move: events.MovePlanned | None = None
        self.groups: list[events.GroupState] = []
        self.rates_now: dict[str, float] = {}
        self.parameters = self.trainable_parameters = 0
        self.progress_stage, self.progress_done, self.progress_total = "", 0, 0
        self.seconds_left: float | None = None
        self.images_per_second: float | None = None
        self.memory_bytes: int | None = None
        self.metrics: dict[str, dict[str, Any]] = {}
        self.notices: deque[events.Notice] = deque(maxlen=200)
        self._log: deque[str] = deque(maxlen=run_log.MOST_LINES)
        self._asked: set[str] = set()
        self._last_batch: events.BatchEnded | None = None
        self._stopped_early, self._disk_said, self._spent = False, False, 0.0
        self._watch = Stopwatch()

    # -- what happens ------------------------------------------------------------------------------------------

    @classmethod
    def replay(cls, story: Iterable[events.AnyEvent], run_path: Path | None = None) -> RunModel:
        """The run that a story tells, such as that of an `events.jsonl`; without an ending it was interrupted."""
        run = cls()
        run._silent = True
        for event in story:
            run.apply(event)
        run.run_path = run_path or run.run_path
        if run.ending is None:
            run.state = "interrupted"
            run._forget_work()
        run._silent = False
        run._forget_news()
        return run

    def apply(self, event: events.AnyEvent) -> None:
        """Takes one event. Of a run that has ended, only what begins it again is heard, and what was done with it since."""
        self.kept.take(event)
        if self.ending is not None and not isinstance(event, events.RunStarted | events.Ending | events.Evaluated):
            return
        if (handler := _HANDLERS.get(type(event))) is None:
            return
        newest, known = self.marks[-1:], loss_may_rise(self)
        handler(self, event)
        mark = self.marks[-1].text if self.marks and self.marks[-1:] != newest else ""
        if line := run_log.line(self._spent, event, mark, RISE if loss_may_rise(self) and not known else ""):
            self._log.append(line)
        self._tell("changed")

    def asked(self, action: Action) -> bool:
        """Notes that the person pressed something, so that the page shows it before the engine answers.

        Returns:
            Whether it may be sent: `False` for a second press, or for one at a moment when it means nothing.
        """
        ended = self.state in ENDED
        if self.reason_against(action) and not (ended and action == "continue"):
            return False
        if ended and action in ("continue", "extend"):
            self._begin_again()
            return True
        self._asked.add(action)
        if action == "stop":
            self._set_state("stopping")
        self._tell("changed")
        return True

    def set_memory(self, size_bytes: int) -> None:
        """Takes how much memory the engine uses."""
        self.memory_bytes = size_bytes
        self._tell("changed")

    # -- what is known -----------------------------------------------------------------------------------------

    @property
    def epochs(self) -> list[events.EpochEnded]:
        """Those that count, oldest first; one that the run went back behind is no longer here. 0: the warm start."""
        return self.history.epochs

    @property
    def marks(self) -> list[Mark]:
        """Unfreezings and the like, for the curves."""
        return self.history.marks

    @property
    def best_epoch(self) -> int | None:
        """The epoch that is kept; `None` before the first."""
        return self.history.best_epoch

    @property
    def batches(self) -> list[tuple[float, float | None]]:
        """(epochs, loss) of single batches, at most 4,000 of them; `None` is a gap."""
        return self.history.series.points

    @property
    def undo_step(self) -> int | None:
        """The optimizer step to which `Undo` would go back; `None` where nothing can be taken back."""
        return self.layers.undo_step if self.layers is not None else None

    @property
    def waits_for_disk(self) -> bool:
        """Whether the run waits because the disk is full."""
        return self._disk_said and self.state == "paused"

    @property
    def log(self) -> list[str]:
        """What happened, in lines with the time of training so far."""
        return list(self._log)

    @property
    def seconds_so_far(self) -> float:
        """How long the run has been at work; of a replayed one, how long its epochs took."""
        return self._watch.seconds if self._watch.used else self._spent

    @property
    def in_last_validation(self) -> bool:
        """Whether the last planned epoch is being checked: what is pressed now would come too late."""
        last = self._last_batch
        return self.state == "validating" and last is not None and last.epoch >= self.epochs_planned

    def is_asked(self, action: str) -> bool:
        """Whether the engine has still to answer to that."""
        return action in self._asked

    def reason_against(self, action: Action) -> str:
        """Why that cannot be pressed now, in a sentence; "" where it can."""
        return run_reasons.reason_against(self, action)

    def next_group(self) -> str | None:
        """The layer group that would train next; `None` where all do."""
        frozen = [group.name for group in self.groups if not group.trainable]
        return frozen[-1] if frozen else None

    def lowest_group(self) -> str | None:
        """The layer group that would be frozen next; `None` where only the head trains."""
        training = [group.name for group in self.groups[:-1] if group.trainable]
        return training[0] if training else None

    # -- events ------------------------------------------------------------------------------------------------

    def _on_run_started(self, event: events.RunStarted) -> None:
        if self.ending is not None:
            self.ending = None
            self._set_state("preparing")
        path = Path(event.run)
        self.run_path = path if path.is_absolute() else self.run_path
        self.backbone, self.strategy, self.classes = event.backbone, event.strategy, event.classes
        self.train_images, self.validation_images = event.train_images, event.validation_images
        self.test_images, self.seed, self.epochs_planned = event.test_images, event.seed, event.epochs
        self._go_to("preparing")
        self._stopped_early = self._disk_said = False
        if not self._silent:
            self._watch.start(self._spent)

    def _on_progress(self, event: events.Progress) -> None:
        self.progress_stage, self.progress_done, self.progress_total = event.stage, event.done, event.total
        if event.stage.startswith(_SCORED) and (self._is_over() or "validation" not in event.stage):
            self._set_state("scoring")
        elif self.state in ("starting", "preparing"):
            self._go_to("preparing")
        elif event.stage.startswith(_SCORED):
            self._go_to("validating")
        if self.state in ("preparing", "scoring"):
            self.seconds_left = event.seconds_left

    def _on_notice(self, event: events.Notice) -> None:
        self.notices.append(event)
        if event.code == "stopped_early":
            self._stopped_early = True
            self._say_too_late()
            self._go_to("scoring")
        elif event.code == "disk_full":
            self._disk_said = True
        self._asked -= ANSWERS.get(event.code, frozenset())

    def _on_first_look(self, event: events.FirstAnswered | events.StrategyChosen) -> None:
        if isinstance(event, events.FirstAnswered):
            self.first_answer = event
        else:
            self.chosen, self.strategy, self.epochs_planned = event, event.strategy, event.epochs

    def _on_layers_changed(self, event: events.LayersChanged) -> None:
        after = [group.name for group in event.groups if group.trainable]
        if event.reason == "start":
            # One that never reached a checkpoint may have come further before.
            self.history.begin_anew()
            self.metrics, self.rates_now, self._last_batch = {}, {}, None
        self.history.layers_changed(event, self.groups, self.epochs_planned)
        # What joined in by itself answers no press.
        self._asked -= frozenset() if event.by_itself else ANSWERS.get(event.reason, frozenset())
        self.groups, self.layers = event.groups, event
        self.parameters, self.trainable_parameters = event.parameters, event.trainable_parameters
        self.rates_now = {name: rate for name, rate in self.rates_now.items() if name in after}
        self._tell("layers")

    def _on_move_planned(self, event: events.MovePlanned) -> None:
        self._asked.discard("plan")
        self.planned_move = event
        self._no_progress()

    def _on_move_judged(self, event: events.MoveJudged) -> None:
        self.history.judged(event)
        self._no_progress()
        if self.state == "validating":  # the comparison answers for the validation images too
            self._go_to("training")
        self._tell("layers")

    def _on_undone(self, event: events.Undone) -> None:
        planned = self.history.undone(event)
        self.epochs_planned = planned or self.epochs_planned
        self._last_batch = None  # "undo" is answered when the ladder has followed
        self._no_progress()
        self._tell("epoch")

    def _on_batch_ended(self, event: events.BatchEnded) -> None:
        self._last_batch, self._disk_said = event, False
        self.history.batch_ended(event)
        self.images_per_second = event.images_per_second or self.images_per_second
        self.seconds_left = event.seconds_left
        self.rates_now = dict(event.learning_rates) or self.rates_now
        self._no_progress()
        if self.state != "paused":
            self._go_to("validating" if event.batch >= event.batches else "training")

    def _on_epoch_ended(self, event: events.EpochEnded) -> None:
        self.history.epoch_ended(event)
        self.epochs_planned = event.epochs
        self._spent += event.seconds
        self.seconds_left = event.seconds_left if event.epoch < event.epochs else None
        self.rates_now = dict(event.learning_rates) or self.rates_now
        self._no_progress()
        self._tell("epoch")
        if "stop" in self._asked:
            self._set_state("stopping")
        elif event.epoch >= event.epochs:
            self._say_too_late()
            self._set_state("scoring")
        elif event.epoch:
            self._set_state("training")

    def _on_paused(self, event: events.Paused) -> None:
        self._asked.discard("pause")
        self._go_to("paused")
        self._watch.stop()

    def _on_continued(self, event: events.Continued) -> None:
        self._asked.discard("continue")
        self._disk_said = False
        self._go_to("training")
        if not self._silent:
            self._watch.start()

    def _on_extended(self, event: events.Extended) -> None:
        added = event.epochs - self.epochs_planned
        # One that had stopped early counts from there, so that the plan may even shrink.
        text = f"{counted(added, 'epoch')} added" if added > 0 else f"{counted(event.epochs, 'epoch')} planned"
        self.history.extended(text, event.step)
        self.epochs_planned, self._stopped_early = event.epochs, False
        self._asked.discard("extend")

    def _on_resumed(self, event: events.Resumed) -> None:
        self.history.resumed(event)
        self.metrics, self._last_batch = {}, None
        self._tell("epoch")

    def _on_evaluated(self, event: events.Evaluated) -> None:
        self.metrics[event.split] = event.metrics
        if self.ending is None:  # else the weights were mixed since, and scored again
            self._set_state("scoring")

    def _on_ending(self, event: events.Ending) -> None:
        self.ending = event
        best = getattr(event, "best_epoch", None)
        self.history.best_epoch = best if best is not None else self.best_epoch
        self._set_state(_STATE_OF[type(event)])
        self._forget_work()
        self._watch.stop()
        self._tell("ended")

    # -- parts -------------------------------------------------------------------------------------------------

    def _is_over(self) -> bool:
        """Whether no epoch comes any more, so that answers are for the scores."""
        last, ended = self._last_batch, self.epochs[-1] if self.epochs else None
        validates = last is not None and last.batch >= last.batches and (ended is None or ended.step < last.step)
        if "stop" in self._asked:
            return not validates
        return self._stopped_early or (ended is not None and ended.epoch >= self.epochs_planned)

    def _go_to(self, state: State) -> None:
        """Changes the state, unless the person asked to stop: that is shown until the scores begin."""
        self._set_state("stopping" if "stop" in self._asked else state)

    def _set_state(self, state: State) -> None:
        self.state = state
        self._tell("changed")

    def _begin_again(self) -> None:
        """An ended run goes on: the engine is about to be asked."""
        self.ending = None
        self._forget_work()
        self._set_state("starting")

    def _say_too_late(self) -> None:
        for sentence in run_reasons.too_late(self._asked):
            self.notices.append(events.Notice(code="too_late", message=sentence))
        self._asked.clear()

    def _forget_work(self) -> None:
        self._asked.clear()
        self._no_progress()
        self.seconds_left = self.images_per_second = self.memory_bytes = None

    def _no_progress(self) -> None:
        self.progress_stage, self.progress_done, self.progress_total = "", 0, 0


_HANDLERS: dict[type[events.Event], Any] = {
    events.RunStarted: RunModel._on_run_started,
    events.Progress: RunModel._on_progress,
    events.Notice: RunModel._on_notice,
    **dict.fromkeys((events.FirstAnswered, events.StrategyChosen), RunModel._on_first_look),
    events.LayersChanged: RunModel._on_layers_changed,
    events.MovePlanned: RunModel._on_move_planned,
    events.MoveJudged: RunModel._on_move_judged,
    events.Undone: RunModel._on_undone,
    events.BatchEnded: RunModel._on_batch_ended,
    events.EpochEnded: RunModel._on_epoch_ended,
    events.Paused: RunModel._on_paused,
    events.Continued: RunModel._on_continued,
    events.Extended: RunModel._on_extended,
    events.Resumed: RunModel._on_resumed,
    events.Evaluated: RunModel._on_evaluated,
    **dict.fromkeys(_STATE_OF, RunModel._on_ending),
}
