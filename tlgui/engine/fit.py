"""A training run is a generator of events: `list(fit(setup))` trains."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterator

import msgspec
import torch

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import AdaptationSeen, Event
from tlgui.engine.adaptation.watch import not_improved, rung, value_of, watched
from tlgui.engine.beginning import begin
from tlgui.engine.checkpoints import weights_are_finite
from tlgui.engine.control import OwnerGoneError
from tlgui.engine.failures import diverged, lost_on_stop
from tlgui.engine.live import Live, is_full
from tlgui.engine.optimizer_step import NotFiniteError, batches_of, optimizer_step
from tlgui.engine.retention.keeper import ready
from tlgui.engine.retention.meter import left_after
from tlgui.engine.setup import Outcome, Setup
from tlgui.engine.unfreezing import Unfreezing
from tlgui.engine.validation import Validation, seen_by

_BATCH_EVENTS_PER_EPOCH = 10
_SMALLEST_GAIN = 1e-3  # relative; a smaller one is no improvement for patience's sake
_MOVES = commands.Unfreeze | commands.Freeze | commands.Undo | commands.PlanMove
_RATES = commands.SetLearningRate | commands.SetAdaptWeight | commands.SetKeepStrength
# What changes layers or the plan waits until the head has been fitted: that is done with them as they came.
_CHANGES = _MOVES | _RATES | commands.Extend


def fit(setup: Setup) -> Generator[Event, None, Outcome]:
    """Trains, and says what happens.

    Order of the loop, for each epoch: for each batch (obey commands; activations at the cut; forward; loss; backward;
    rates of this step; optimizer step; perhaps `BatchEnded`; perhaps a timely checkpoint); then validation;
    `EpochEnded`; keep the best; perhaps the verdict on an earlier move of the cut, or a move by itself; stop early where
    patience is out; perhaps a timely checkpoint. Validation images alone choose the best state; test images are not
    known here. An image that vanishes is skipped from the batch on that needs its file: batches keep their places, and
    one without any image left makes no step. A full disk pauses the run.

    What a command changed is on disk before it is said, so that a run that is killed never takes back its word.

    Returns:
        The outcome; best and last checkpoints are on disk by then.

    Raises:
        UserError: the loss is no longer a number, an image has changed, more than a few are gone, the run folder
            cannot be written.
        OwnerGoneError: the owner is gone; the last checkpoint is on disk.
    """
    return (yield from Loop(Live(setup)).run())


class Loop:
    """The order in which things happen to a `Live` run."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.setup = live.setup
        self.unfreezing = Unfreezing(live, self._save, self.obey_stop, self.compares_on)
        self.stopping = False
        self._waiting: deque[commands.AnyCommand] = deque()
        self._beginning = True
        self._paused = False

    def run(self) -> Generator[Event, None, Outcome]:
        """From the beginning or the last checkpoint to the end."""
        live = self.live
        try:
            yield from self._resume() if self.setup.resume else self._start()
            while True:
                while self._unfinished:
                    yield from self.epoch()
                live.frozen.flush()
                # On a full disk the person may plan more while it waits.
                yield from self._save()
                if not self._unfinished:
                    break
        except OwnerGoneError:
            live.save()
            raise
        except NotFiniteError as error:
            self.setup.checkpoints.save_best()
            raise diverged(error.epoch, live.place.best_epoch) from error
        if self.stopping:
            yield from self.unfreezing.waits_for_verdict()
        yield from self._too_late()
        return Outcome(self.stopping, live.place.best_epoch, live.place.lowest)

    @property
    def _unfinished(self) -> bool:
        place = self.live.place
        return not self.stopping and place.epoch < place.epochs and not place.stopped_early

    # -- beginning ---------------------------------------------------------------------------------------------

    def _start(self) -> Iterator[Event]:
        live, train = self.live, self.setup.train
        live.begin()
        yield live.layers_changed("start")
        if len(train) < live.batch_size:
            yield events.Notice(
                code="small_batch",
                message=f"There are {len(train)} training images, so a batch holds that many "
                f"instead of {live.batch_size}.",
            )
        yield from self._begin()

    def _resume(self) -> Iterator[Event]:
        live = self.live
        live.restore(self.setup.checkpoints.load())
        place = live.place
        self.setup.checkpoints.drop_other_snapshots({move.snapshot for move in place.moves})
        yield events.Resumed(step=place.step, epoch=place.epoch, keep_strength=live.held_with)
        for part in live.parts:
            live.frozen.skip_again(part, place.gone)
            yield from part.notices()
        if self.setup.more_epochs:
            yield from self._extend(self.setup.more_epochs)
        yield live.layers_changed("resume")
        yield from self._begin()

    def _begin(self) -> Iterator[Event]:
        live = self.live
        if not live.place.warm:
            loss = yield from begin(live, self.goes_on)
            if loss is not None and not self.stopping:
                yield from self._validate(epoch=0, train_loss=loss)
        live.place.warm = not self.stopping
        self._beginning = False
        # Only now do groups above the cut change; the warm start needed them as they came.
        live.frozen.changed_from(live.place.lowest)
        if live.place.closing and not self.stopping:
            yield from self._close()

    # -- epochs ------------------------------------------------------------------------------------------------

    def epoch(self) -> Iterator[Event]:
        """What is left of an epoch, and its validation."""
        live, train = self.live, self.setup.train
        # A command may put another place there: it is asked for anew each time.
        number = live.place.epoch
        live.clock.epoch_begins(live.to_compute(number), live.batches - live.place.batch)
        batches = batches_of(live, number)
        while live.place.batch < len(batches):
            if not (yield from self.goes_on()):
                return
            if live.place.epoch != number:
                return  # taken back to another epoch
            if live.keeper is not None:
                began = time.monotonic()
                held = yield from ready(live, self.obey_stop)
                live.clock.rested(time.monotonic() - began)  # it comes once, and tells nothing of the next batch
                if not held:
                    continue
            if live.place.batch >= len(batches):
                break
            place, indices = live.place, batches[live.place.batch]
            try:
                loss = yield from optimizer_step(live, indices)
            except UserError:
                live.save()  # nothing of this step is done; what was learned before it must not go with an image
                raise
            place.batch += 1
            if loss is not None:
                images = len(train.there(indices))
                place.loss_sum += loss * images
                place.seen += images
                live.clock.batch_ended(images)
            yield from (notice for part in live.read_parts for notice in part.notices())
            if loss is None:
                continue
            if place.batch % max(1, live.batches // _BATCH_EVENTS_PER_EPOCH) == 0:
                yield self._batch_ended(loss)
            if self.setup.checkpoints.due:
                yield from self._save()
        place = live.place
        train_loss = place.loss_sum / place.seen
        place.epoch, place.batch, place.loss_sum, place.seen = place.epoch + 1, 0, 0.0, 0
        place.closing = True
        yield from self._validate(place.epoch, train_loss)
        yield from self._close()

    def _close(self) -> Iterator[Event]:
        """What follows from an epoch that was validated; a run that is killed in the middle of it begins with it."""
        yield from self.unfreezing.epoch_ended()
        if self._stop_waits:
            yield from self._obey()
            return
        yield from self._stop_early()
        self.live.place.closing = False
        if self.setup.checkpoints.due:
            yield from self._save()

    def _batch_ended(self, loss: float) -> Event:
        live, place = self.live, self.live.place
        return events.BatchEnded(
            epoch=place.epoch + 1,
            step=place.step,
            batch=place.batch,
            batches=live.batches,
            loss=loss,
            images_per_second=live.clock.images_per_second,
            seconds_left=live.seconds_left(),
            learning_rates=live.named_rates(place.step - 1),
        )

    # -- validation --------------------------------------------------------------------------------------------

    def _validate(self, epoch: int, train_loss: float) -> Iterator[Event]:
        live, place = self.live, self.live.place
        # Where nothing is kept for them, and the first time at a cut, the validation images take a while.
        slow = live.cut == 0 or not live.frozen.caching or place.seen_at != live.cut
        place.seen_at = live.cut
        seen = yield from seen_by(live, slow)
        adaptation, temperature = yield from watched(live, seen, slow)
        retention = yield from left_after(live, slow)
        self.unfreezing.seen(seen)
        with live.average.in_place() if live.average else torch.no_grad(), live.as_kept():
            state = live.network.model.state_dict()
            # A layer can answer with numbers although one of its weights is none.
            finite = math.isfinite(seen.loss) and weights_are_finite(state)
            best = finite and self._is_best(seen, adaptation)
            if best:
                place.best_epoch = epoch
                card = msgspec.structs.replace(self.setup.card, epoch=epoch, temperature=temperature)
                self.setup.checkpoints.keep_best(state, card)
        live.clock.epoch_ended()
        yield events.EpochEnded(
            epoch=epoch,
            epochs=place.epochs,
            step=place.step,
            train_loss=train_loss,
            validation_loss=seen.loss if math.isfinite(seen.loss) else None,
            validation_calibrated_loss=seen.calibration.loss if math.isfinite(seen.calibration.loss) else None,
            validation_accuracy=seen.accuracy,
            validation_balanced_accuracy=seen.balanced,
            learning_rates=live.named_rates(max(0, place.step - 1)),
            best=best,
            adaptation=adaptation,
            retention=retention,
            seconds=live.clock.epoch_s,
            seconds_left=live.seconds_left(),
        )
        if not finite:
            raise NotFiniteError(epoch)
        yield from rung(adaptation, epoch, best)

    def _is_best(self, seen: Validation, adaptation: AdaptationSeen | None) -> bool:
        """Compares with the best so far; strictly better counts, and clearly better resets patience."""
        place = self.live.place
        value = value_of(seen, adaptation, self.live.training.best_by)
        if place.best_value is None or value < place.best_value - _SMALLEST_GAIN * abs(place.best_value):
            place.waited = 0
        else:
            place.waited += 1
        if place.best_value is None or value < place.best_value:
            place.best_value = value
            return True
        return False

    def _stop_early(self) -> Iterator[Event]:
        place, patience = self.live.place, self.live.training.patience
        if not patience or place.waited < patience or place.epoch >= place.epochs or self.unfreezing.has_more:
            return
        place.stopped_early = True
        yield from self.unfreezing.not_judged("training ends before it can be")
        yield events.Notice(
            code="stopped_early",
            message=f"{not_improved(self.live)} not improved for {patience} epochs, so training ends after epoch "
            f"{place.epoch} of {place.epochs}. The learning rate had been planned for all of them.",
        )

    # -- commands ----------------------------------------------------------------------------------------------

    def goes_on(self) -> Generator[Event, None, bool]:
        """Obeys what was asked for, and says whether the run goes on."""
        yield from self._obey()
        return not self.stopping

    def obey_stop(self) -> bool:
        """Whether the person asks to stop, asked in the middle of something; all that they ask for waits for its turn."""
        while (command := self.setup.control.take()) is not None:
            self._waiting.append(command)
        return self._stop_waits

    def compares_on(self) -> Generator[Event, None, bool]:
        """In the middle of a comparison: a pause holds it there, a stop ends it, and all else waits for its turn."""
        while (command := self._heard(wait=self._paused and not self._stop_waits)) is not None:
            match command:
                case commands.Pause() if not self._paused:
                    self._paused = True  # it is on disk since the comparison began
                    yield events.Paused(step=self.live.place.step)
                case commands.Continue() if self._paused:
                    self._paused = False
                    yield events.Continued(step=self.live.place.step)
                case commands.Pause() | commands.Continue():
                    pass
                case commands.PlanMove() if self._paused:
                    yield from self.unfreezing.obey(command)  # on a copy; nobody would wait for it until the pause ends
                case _:
                    self._waiting.append(command)
        return not self._stop_waits

    @property
    def _stop_waits(self) -> bool:
        return any(isinstance(command, commands.Stop) for command in self._waiting)

    def _obey(self) -> Iterator[Event]:
        """Applies what the person asked for since the last batch; waits while paused."""
        later: list[commands.AnyCommand] = []
        while not self.stopping and (command := self._take()) is not None:
            if self._beginning and isinstance(command, _CHANGES):
                later.append(command)
                continue
            match command:
                case commands.Pause() if not self._paused:
                    self._paused = True
                    yield from self._save()
                    yield events.Paused(step=self.live.place.step)
                case commands.Continue() if self._paused:
                    self._paused = False
                    yield events.Continued(step=self.live.place.step)
                case commands.Stop():
                    self.stopping = True
                case commands.Extend(epochs=epochs):
                    yield from self._extend(epochs)
                case commands.Pause() | commands.Continue():
                    pass
                case _:
                    began = time.monotonic()
                    yield from self.unfreezing.obey(command)
                    self.live.clock.rested(time.monotonic() - began)
        # Behind those that came before them: nothing is taken from what waits until the beginning is over.
        self._waiting.extend(later)

    def _take(self) -> commands.AnyCommand | None:
        if self._waiting and not self._beginning:
            return self._waiting.popleft()
        return self._heard(wait=self._paused)

    def _heard(self, wait: bool) -> commands.AnyCommand | None:
        """The next command from outside; waiting for one while paused is no time of the epoch."""
        began = time.monotonic()
        command = self.setup.control.take(wait=wait)
        if self._paused:
            self.live.clock.rested(time.monotonic() - began)
        return command

    def _too_late(self) -> Iterator[Event]:
        """Says of what was asked for too late that it was not done."""
        if any(isinstance(command, _CHANGES) for command in self._waiting):
            yield events.Notice(
                code="too_late", message="Training had ended before your last change came, so it was not made."
            )

    def _extend(self, epochs: int) -> Iterator[Event]:
        place = self.live.place
        if not place.closing:  # else both were trained by the old plan, and the verdict alone is still to come
            yield from self.unfreezing.not_judged("the plan and with it the learning rates changed before its verdict")
        self.live.plan_epochs(max(place.epoch, 0 if place.stopped_early else place.epochs) + epochs)
        yield from self._save(events.Extended(step=place.step, epochs=place.epochs))

    def _save(self, *then: Event) -> Iterator[Event]:
        """Saves; on a full disk the run waits, since nothing is lost as long as it is in memory.

        Args:
            then: what is said once it is on disk, or could not be.
        """
        while True:
            try:
                self.live.save()
            except UserError as error:
                if not is_full(error):
                    raise
                if self.stopping:
                    raise lost_on_stop(error, self.setup.checkpoints.saved_step, self.live.place.step) from error
                message = f"{error.problem} Free some space, then continue: nothing is lost, the run waits in memory."
                yield events.Notice(code="disk_full", message=message)
                yield from then
                if self._paused:
                    return
                then = ()
                self._paused = True
                yield events.Paused(step=self.live.place.step)
                yield from self._obey()
            else:
                yield from then
                return
