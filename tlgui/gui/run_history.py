"""How a run came to where it is: epochs that count, what was done to it, and what was taken back."""

from __future__ import annotations

from dataclasses import dataclass, field

from tlgui.core import events
from tlgui.gui import numbers
from tlgui.gui.run_series import BatchSeries, Mark, MarkKind, listed, moved


@dataclass(frozen=True)
class Move:
    """An unfreezing or freezing that still stands.

    Attributes:
        kind: which of them.
        names: of the layer groups, the uppermost first as they were reached.
        step, epoch: optimizer steps and finished epochs before it.
        planned: epochs that were planned then; what is taken back takes a later extension with it.
        after: names of the groups that learned from then on.
        mark: of it, on the curves.
        by_itself: it followed from a plateau or the written schedule.
    """

    kind: str
    names: list[str]
    step: int
    epoch: int
    planned: int
    after: list[str]
    mark: Mark
    by_itself: bool = False

    @property
    def x_epoch(self) -> float:
        """Where it stands on the axis of epochs."""
        return self.mark.x_epoch


@dataclass(frozen=True)
class Branch:
    """What was taken back: it happened, and counts no more.

    Attributes:
        move: that was taken back; `None` where its beginning is not known.
        joint: the last epoch that still counts, from which the branch goes off.
        epochs: that count no more, oldest first.
        to_step: where the run went on.
        text: what is said of it, such as "top unfrozen, taken back".
        x_epoch: where it goes off, on the axis of epochs.
    """

    move: Move | None
    joint: events.EpochEnded | None
    epochs: tuple[events.EpochEnded, ...]
    to_step: int
    text: str
    x_epoch: float


@dataclass
class _Before:
    """All that an undo took away, in case that the undo itself was lost with the engine."""

    to_step: int
    epochs: list[events.EpochEnded]
    marks: list[Mark]
    moves: list[Move]
    verdicts: list[events.MoveJudged]
    best_epoch: int | None


@dataclass
class History:
    """What follows from the events of a run about its past.

    Attributes:
        epochs: those that count, oldest first; 0 is the warm start.
        marks: unfreezings and the like, for the curves, in the order in which they were made.
        moves: those that still stand, the last one on top: what `Undo` would take back.
        branches: what was taken back.
        taken_back: the last of them, as long as nothing was moved since.
        verdicts: on moves that still stand.
        best_epoch: the epoch that is kept; `None` before the first.
        series: losses of single batches.
        automatic: whether layers may still join in by themselves: not after such a move was taken back.
        moved_at, moved_by_itself: step of the last change of what learns or how fast, and whether nobody pressed.
    """

    epochs: list[events.EpochEnded] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    taken_back: Branch | None = None
    verdicts: list[events.MoveJudged] = field(default_factory=list)
    best_epoch: int | None = None
    series: BatchSeries = field(default_factory=BatchSeries, compare=False)
    automatic: bool = True
    moved_at: int = 0
    moved_by_itself: bool = False
    batches_per_epoch: int = 0
    _before: _Before | None = None

    @property
    def last_epoch(self) -> int:
        """The epoch that ended last, of those that count; 0 before the first."""
        return self.epochs[-1].epoch if self.epochs else 0

    @property
    def verdict(self) -> events.MoveJudged | None:
        """The verdict on the last move, where it was judged."""
        found = self.verdicts[-1] if self.verdicts else None
        return found if found is not None and self.moves and found.step == self.moves[-1].step else None

    # -- what happens ------------------------------------------------------------------------------------------

    def begin_anew(self) -> None:
        """A run that never reached a checkpoint begins with its first step."""
        self.__init__()  # type: ignore[misc]

    def batch_ended(self, event: events.BatchEnded) -> None:
        """One optimizer step."""
        self._before = None
        self.batches_per_epoch = event.batches
        self.series.add(event.step, event.epoch - 1 + event.batch / max(1, event.batches), event.loss)

    def epoch_ended(self, event: events.EpochEnded) -> None:
        """An epoch counts; one with its number from before counts no more."""
        self._before = None
        self.epochs = [epoch for epoch in self.epochs if epoch.epoch < event.epoch] + [event]
        if event.best:
            self.best_epoch = event.epoch
        if event.epoch:
            self.batches_per_epoch = self.batches_per_epoch or event.step // event.epoch

    def layers_changed(self, event: events.LayersChanged, before: list[events.GroupState], planned: int) -> None:
        """Layers were moved, a rate was set, or the run goes on with what it had.

        Args:
            event: what was said.
            before: the ladder until then.
            planned: epochs.
        """
        after = [group.name for group in event.groups if group.trainable]
        match event.reason:
            case "unfreeze" | "freeze":
                self._moved(event, [group.name for group in before if group.trainable], after, planned)
            case "rates":
                self._rates_set(event, before)
            case "resume":
                # The engine may have died between a move and the checkpoint after it.
                while self.moves and self.moves[-1].after != after:
                    lost = self.moves.pop()
                    self.marks = [mark for mark in self.marks if mark is not lost.mark]

    def _moved(self, event: events.LayersChanged, before: list[str], after: list[str], planned: int) -> None:
        unfreezes = event.reason == "unfreeze"
        names = moved(before, after) if unfreezes else moved(after, before)[::-1]
        done = "unfrozen" if unfreezes else "frozen"
        text = f"{listed(names)} {done}{' by itself' if event.by_itself else ''}"
        mark = self.mark("unfreeze" if unfreezes else "freeze", text, event.step)
        self.moves.append(Move(event.reason, names, event.step, self.last_epoch, planned, after, mark, event.by_itself))
        self.taken_back = None
        self._changed_at(event.step, event.by_itself)

    def _rates_set(self, event: events.LayersChanged, before: list[events.GroupState]) -> None:
        old = {group.name: group.learning_rate for group in before}
        new = [group for group in event.groups if group.trainable and group.learning_rate != old.get(group.name)]
        self._changed_at(event.step, False)
        last = self.marks[-1] if self.marks else None
        if last is not None and last.step == event.step and last.kind in ("unfreeze", "freeze"):
            return  # set with the move itself: one mark says both
        if last is not None and last.step == event.step and last.kind == "rates":
            self.marks[-1] = Mark(last.x_epoch, "learning rates set", "rates", last.step)
            return
        rate = new[0].learning_rate if len(new) == 1 else None
        text = f"learning rate of {new[0].name}: {numbers.rate(rate)}" if rate is not None else "learning rates set"
        self.mark("rates", text, event.step)

    def extended(self, text: str, step: int) -> None:
        """Epochs were added."""
        self.mark("extend", text, step)
        self._changed_at(step, False)

    def judged(self, event: events.MoveJudged) -> None:
        """A verdict; the same one may be said again by a run that was continued."""
        self.verdicts = [verdict for verdict in self.verdicts if verdict.step != event.step] + [event]
        text = f"{listed(event.names)}: {event.verdict}"
        self.marks = [mark for mark in self.marks if (mark.kind, mark.x_epoch) != ("verdict", float(event.epoch))]
        step = self.epochs[-1].step if self.epochs else event.step
        self.marks.append(Mark(float(event.epoch), text, "verdict", step))

    def undone(self, event: events.Undone) -> int | None:
        """What came after a move counts no more.

        Returns:
            The epochs that were planned before it, where that is known.
        """
        self._before = _Before(event.to_step, self.epochs, self.marks, list(self.moves), self.verdicts, self.best_epoch)
        place = next((i for i in reversed(range(len(self.moves))) if self.moves[i].step == event.to_step), None)
        move = self.moves[place] if place is not None else None
        if move is not None:
            self.moves = self.moves[:place]
            at = next((i for i, mark in enumerate(self.marks) if mark is move.mark), len(self.marks))
            self.marks = self.marks[:at]
        else:
            self.moves = [one for one in self.moves if one.step < event.to_step]
            self.marks = [mark for mark in self.marks if mark.step <= event.to_step]
        kept = [epoch for epoch in self.epochs if epoch.epoch <= event.to_epoch]
        gone = tuple(epoch for epoch in self.epochs if epoch.epoch > event.to_epoch)
        self.epochs, self.best_epoch = kept, event.best_epoch
        self.verdicts = [verdict for verdict in self.verdicts if verdict.step < event.to_step]
        self.series.drop_after(event.to_step)
        text = f"{move.mark.text}, taken back" if move is not None else "taken back"
        mark = self.mark("undo", text, event.to_step)
        self.taken_back = Branch(move, kept[-1] if kept else None, gone, event.to_step, text, mark.x_epoch)
        self.branches = [*self.branches, self.taken_back]
        self.automatic = self.automatic and not (move is not None and move.by_itself)
        self._changed_at(event.to_step, False)
        return move.planned if move is not None else None

    def resumed(self, event: events.Resumed) -> None:
        """The run went back to a checkpoint: what came after it is superseded."""
        before = self._before
        if before is not None and event.step > before.to_step:
            # The undo was said, and the engine died before it was saved: it never happened.
            self.epochs, self.marks, self.moves = before.epochs, before.marks, before.moves
            self.verdicts, self.branches = before.verdicts, self.branches[:-1]
        self._before = None
        self.epochs = [epoch for epoch in self.epochs if epoch.epoch <= event.epoch]
        self.marks = [mark for mark in self.marks if mark.step <= event.step]
        self.moves = [move for move in self.moves if move.step <= event.step]
        self.verdicts = [verdict for verdict in self.verdicts if verdict.epoch <= event.epoch]
        self.branches = [branch for branch in self.branches if branch.to_step <= event.step]
        if self.taken_back not in self.branches:
            self.taken_back = None
        self.series.drop_after(event.step)
        best = [epoch.epoch for epoch in self.epochs if epoch.best]
        self.best_epoch = best[-1] if best else None
        self.mark("resume", "continued", event.step)

    def mark(self, kind: MarkKind, text: str, step: int) -> Mark:
        """Something for the curves, at a step."""
        place = step / self.batches_per_epoch if self.batches_per_epoch else float(bool(step))
        self.marks.append(made := Mark(place, text, kind, step))
        return made

    def _changed_at(self, step: int, by_itself: bool) -> None:
        self.moved_at, self.moved_by_itself = step, by_itself
