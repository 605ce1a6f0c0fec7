"""Which layers learn: moved by hand, by themselves, taken back, planned on a copy, and judged against a control."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Literal

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.paired import compare
from tlgui.engine import verdict
from tlgui.engine.checkpoints import Move
from tlgui.engine.control_run import control
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.first_answer import GoesOn
from tlgui.engine.keeping import decide_keeping
from tlgui.engine.live import Live, is_full
from tlgui.engine.move_plan import judged_at, moved_names, nothing_to_move, plan, target, trial_epochs
from tlgui.engine.optimizer_step import NotFiniteError
from tlgui.engine.validation import Validation, seen_by

_SMALLEST_GAIN = 1e-3  # relative; methods section 1: a plateau is no better validation loss by more than that
KEPT = 3
"""So many moves can be taken back; each takes the room of a checkpoint."""
_DONE = {"unfreeze": "unfreezing", "freeze": "freezing"}
_PAST = {"unfreeze": "unfrozen", "freeze": "frozen"}
_LETS_GO = "What it knew before is not held on to from now on."
_NOTHING_TO_UNDO = (
    "There is nothing to take back: no layer was unfrozen or frozen, or that was taken back already. "
    f"Of earlier moves the last {KEPT} are kept."
)


class Unfreezing:
    """Everything that moves the border between what is frozen and what learns.

    What it says of a change is said when the change is on disk, so that a run that is killed never takes back its word.

    Args:
        live: the run.
        save: writes the run down and then says the events that it is given; where the disk is full it says so too, and
            waits for the person.
        asked_to_stop: whether the person asks to stop; asked while a plan is measured.
        compares_on: obeys a pause in the middle of a comparison, and returns whether that goes on.
    """

    def __init__(
        self,
        live: Live,
        save: Callable[..., Iterator[Event]],
        asked_to_stop: Callable[[], bool],
        compares_on: GoesOn,
    ) -> None:
        self._live = live
        self._save = save
        self._asked_to_stop, self._compares_on = asked_to_stop, compares_on
        self._last: Validation | None = None

    @property
    def has_more(self) -> bool:
        """Whether layers will still be unfrozen by themselves, so that patience has to wait."""
        live, place = self._live, self._live.place
        if not place.automatic or place.first == 0:
            return False
        match live.training.unfreezing:
            case "plateau":
                return True
            case "schedule":
                return place.scheduled < sum(epoch < place.epochs for epoch in live.training.unfreeze_at)
            case _:
                return False

    def obey(self, command: commands.AnyCommand) -> Iterator[Event]:
        """Does what was asked for, or says why not."""
        match command:
            case commands.Unfreeze(groups=groups):
                yield from self._move("unfreeze", groups)
            case commands.Freeze(groups=groups):
                yield from self._move("freeze", groups)
            case commands.Undo():
                yield from self._undo()
            case commands.SetLearningRate(group=group, rate=rate):
                yield from self._set_rate(group, rate)
            case commands.SetAdaptWeight(weight=weight):
                yield from self._set_weight(weight)
            case commands.SetKeepStrength(strength=strength):
                yield from self._set_strength(strength)
            case commands.PlanMove(kind=kind, groups=groups):
                yield plan(self._live, kind, groups, self._asked_to_stop)

    def seen(self, seen: Validation) -> None:
        """Takes what was seen of the validation images at the end of an epoch."""
        self._last = seen
        place = self._live.place
        pending = self._pending
        # An epoch that had begun when the layers moved is not one of theirs.
        if pending is not None and place.epoch > pending.epoch + (pending.batch > 0):
            pending.voted += 1
            for number, right in seen.right.items():
                pending.votes[number] = pending.votes.get(number, 0) + right
        # Not by the raw loss: it rises where a network gets surer, however much better it still tells the classes apart.
        value = seen.calibration.loss
        if place.plateau_value is None or value < place.plateau_value * (1 - _SMALLEST_GAIN):
            place.plateau_value, place.plateau_waited = value, 0
        else:
            place.plateau_waited += 1

    def epoch_ended(self) -> Iterator[Event]:
        """After an epoch: perhaps a verdict, perhaps a move by itself.

        Where the person stops in the middle, it can be asked for again later, and does what is not done yet.
        """
        pending = self._pending
        due = pending is not None and pending.due <= self._live.place.epoch
        if pending is not None and due and not (yield from self._judge(pending)):
            return
        if self._moves_now():
            yield from self._move("unfreeze", 1, by_itself=True)

    def not_judged(self, why: str, ladder_follows: bool = False) -> Iterator[Event]:
        """Gives up the verdict that is waited for, if one is, and says why.

        Args:
            why: the reason, for people.
            ladder_follows: whether the ladder is said after this anyway.
        """
        pending = self._pending
        if pending is None:
            return
        pending.due, pending.votes, pending.voted = 0, {}, 0
        yield self._no_verdict(pending, why)
        if not ladder_follows:
            yield self._live.layers_changed("verdict")

    def waits_for_verdict(self) -> Iterator[Event]:
        """At a stop: says that a verdict is still to come where the run goes on."""
        pending = self._pending
        if pending is not None:
            yield events.Notice(
                code="not_judged",
                message=f"The {_DONE[pending.kind]} of {verdict.together(pending.names)} is not judged yet: that is done "
                f"after epoch {pending.due}, if you continue the run.",
            )

    # -- moves -------------------------------------------------------------------------------------------------

    def _move(self, kind: Literal["unfreeze", "freeze"], groups: int, by_itself: bool = False) -> Iterator[Event]:
        live, place, checkpoints = self._live, self._live.place, self._live.setup.checkpoints
        first = target(live, kind, groups)
        if first == place.first:
            yield events.Notice(code="nothing_to_move", message=nothing_to_move(kind))
            return
        move = Move(
            kind=kind,
            names=moved_names(live, first),
            step=place.step,
            epoch=place.epoch,
            batch=place.batch,
            snapshot=checkpoints.new_snapshot_name(place.step),
            by_itself=by_itself,
            due=0 if by_itself else judged_at(place, live.training.trial_epochs),
        )
        try:
            move.bytes = checkpoints.save_snapshot(move.snapshot, live.state())
        except UserError as error:
            if not is_full(error):
                raise
            yield self._not_done(move, error)
            return
        # After the snapshot: whoever takes this move back gets the verdict on the one before.
        yield from self.not_judged("another move came before its verdict", ladder_follows=True)
        place.moves = [*place.moves, move][-KEPT:]
        live.frozen.flush()  # the comparison reads what was kept at the cut as it is now
        place.scheduled += by_itself and live.training.unfreezing == "schedule"
        live.train_from(first)
        yield from decide_keeping(live)
        stays_by_hand = kind == "freeze" and place.automatic and live.training.unfreezing != "never"
        if stays_by_hand:
            place.automatic = False
        yield from self._save(live.layers_changed(kind, by_itself))
        if stays_by_hand:
            yield self._by_hand_from_now("you froze some")
        if not by_itself and not move.due:
            yield self._no_verdict(move, "no whole epoch is left; plan more epochs first to have it judged")

    def _undo(self) -> Iterator[Event]:
        live = self._live
        place, moves = live.place, live.place.moves
        if not moves:
            yield events.Notice(code="nothing_to_undo", message=_NOTHING_TO_UNDO)
            return
        move = moves[-1]
        try:
            state = live.setup.checkpoints.load_snapshot(move.snapshot)
        except UserError:
            moves.pop()
            what = f"The {_DONE[move.kind]} of {verdict.together(move.names)}"
            yield events.Notice(
                code="nothing_to_undo",
                message=f"{what} cannot be taken back: the file that was kept for that is damaged.",
            )
            yield from self._save(live.layers_changed("undo"))
            return
        live.setup.checkpoints.forget_best()
        live.restore(state)
        self._last = None
        kept = {earlier.snapshot for earlier in moves[:-1]}
        there = live.place
        there.moves = [earlier for earlier in there.moves if earlier.snapshot in kept]
        there.closing = False
        # Whoever says that these layers should not learn would be contradicted at the next plateau.
        stays_by_hand = move.by_itself or (
            move.kind == "unfreeze" and there.automatic and live.training.unfreezing == "plateau"
        )
        if stays_by_hand:
            there.automatic = False
        undone = events.Undone(
            to_step=there.step,
            to_epoch=there.epoch,
            from_step=place.step,
            from_epoch=place.epoch,
            best_epoch=there.best_epoch,
            keep_strength=live.held_with,
        )
        yield from self._save(undone, live.layers_changed("undo"))
        if stays_by_hand:
            yield self._by_hand_from_now("you took one of these moves back")

    def _moves_now(self) -> bool:
        """Whether a layer group is to be unfrozen by itself at the end of this epoch."""
        live, place = self._live, self._live.place
        if not place.automatic or place.first == 0 or place.epoch >= place.epochs:
            return False
        match live.training.unfreezing:
            case "plateau":
                # What the person did is judged first.
                return self._pending is None and place.plateau_waited >= live.training.plateau
            case "schedule":
                return place.scheduled < sum(epoch <= place.epoch for epoch in live.training.unfreeze_at)
            case _:
                return False

    def _set_rate(self, group: str, rate: float) -> Iterator[Event]:
        live, place, names = self._live, self._live.place, self._live.network.group_names
        if group not in names:
            yield events.Notice(code="rate_not_set", message=f"There is no layer group '{group}' in this network.")
            return
        index = names.index(group)
        place.peaks[index] = rate
        if index < place.first:
            message = f"'{group}' does not train now; it gets this learning rate as soon as it does."
            yield from self._save(events.Notice(code="rate_kept", message=message))
            return
        pending = self._pending
        if pending is not None and not (pending.kind == "unfreeze" and group in pending.names):
            # The control trains this group too, with the rate that it had.
            why = f"the learning rate of '{group}' was changed, which the comparison cannot tell apart"
            yield from self.not_judged(why, ladder_follows=True)
        live.rebuild_optimizer()
        yield from self._save(live.layers_changed("rates"))

    def _set_weight(self, weight: float) -> Iterator[Event]:
        term = self._live.term
        if term is None:
            yield events.Notice(code="weight_not_set", message="This run does not adapt to another site in training.")
            return
        term.weight = weight
        yield from self.not_judged("the weight of the adaptation was changed, which the comparison cannot tell apart")
        said = f"Adaptation has a weight of {weight:g} from now on." if weight else "Adaptation is off from now on."
        yield from self._save(events.Notice(code="adapt_weight", message=said))

    def _set_strength(self, strength: float) -> Iterator[Event]:
        live = self._live
        if live.keeper is None or not live.keeper.penalises:
            message = "This run does not hold on to what it knew before while it trains."
            yield events.Notice(code="strength_not_set", message=message)
            return
        live.place.keep_strength = strength
        yield from self.not_judged("the strength of keeping was changed, which the comparison cannot tell apart")
        said = f"What it knew before is held with a strength of {strength:g} from now on."
        yield from self._save(events.Notice(code="keep_strength", message=said if strength else _LETS_GO))

    # -- verdicts ----------------------------------------------------------------------------------------------

    @property
    def _pending(self) -> Move | None:
        """The move whose verdict is waited for."""
        return next((move for move in self._live.place.moves if move.due), None)

    def _judge(self, move: Move) -> Generator[Event, None, bool]:
        """The verdict on a move, or why there is none; false where the person stopped it, and it is still to come."""
        live, place = self._live, self._live.place
        # On disk first: a comparison takes its time, and whoever goes on after a kill begins with it.
        yield from self._save()
        if live.place is not place or not move.due:
            return True  # while the disk was full it was taken back, or something that the comparison cannot tell apart came
        if self._last is None:
            self._last = yield from seen_by(live, slow=True)
        try:
            state = live.setup.checkpoints.load_snapshot(move.snapshot)
            epochs = trial_epochs(state.place, move.due)
            without = yield from control(live, state, move.due, self._compares_on)
        except UserError as error:
            yield from self.not_judged(f"it could not be compared. {error.problem}")
            return True
        except NotFiniteError:
            yield from self.not_judged("the comparison's loss was no longer a number")
            return True
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            yield from self.not_judged("there was not enough memory for the comparison")
            return True
        if without is None:
            return False
        with_it = verdict.by_most(move.votes, move.voted, self._last.right)
        paired = compare(with_it, without, live.setup.validation_groups)
        move.due, move.votes, move.voted = 0, {}, 0
        # Said before it is saved: after a kill in between it is said once more, and never lost.
        yield events.MoveJudged(
            kind=move.kind,
            names=move.names,
            step=move.step,
            epoch=place.epoch,
            verdict=paired.outcome,
            difference=paired.difference,
            low=paired.low,
            high=paired.high,
            with_it=paired.a,
            without_it=paired.b,
            better=paired.better,
            worse=paired.worse,
            images=paired.images,
            epochs=epochs,
            sentence=verdict.sentence(move.kind, move.names, paired, epochs),
        )
        yield from self._save()
        return True

    def _no_verdict(self, move: Move, why: str) -> Event:
        what = f"The {_DONE[move.kind]} of {verdict.together(move.names)}"
        return events.Notice(code="not_judged", message=f"{what} is not judged: {why.rstrip('.')}.")

    def _not_done(self, move: Move, error: UserError) -> Event:
        press = "it is tried again after the next epoch" if move.by_itself else "press again"
        return events.Notice(
            code="move_not_done",
            message=f"{error.problem} So nothing was {_PAST[move.kind]}: it could not be taken back. "
            f"Free some space there, then {press}.",
        )

    def _by_hand_from_now(self, since: str) -> Event:
        return events.Notice(
            code="no_more_by_itself",
            message=f"Layers are no longer unfrozen by themselves, since {since}. The button still unfreezes them.",
        )
