"""A training run is a generator of events: `list(fit(setup))` trains."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from typing import Literal, TypeVar

import msgspec
from torch.nn.functional import cross_entropy

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.planning import first_trainable
from tlgui.engine import cache, seeding
from tlgui.engine.checkpoints import Place, weights_are_finite
from tlgui.engine.clock import Clock
from tlgui.engine.control import OwnerGoneError
from tlgui.engine.failures import diverged
from tlgui.engine.frozen_part import needed_bytes, too_large
from tlgui.engine.ladder import layers_changed
from tlgui.engine.param_groups import LayerOptimizer, peak_rates
from tlgui.engine.schedule import one_cycle
from tlgui.engine.setup import Outcome, Setup
from tlgui.engine.validation import placed, validate
from tlgui.engine.warm_start import fit_head

_T = TypeVar("_T")
_BATCH_EVENTS_PER_EPOCH = 10
_SMALLEST_GAIN = 1e-3  # relative; a smaller one is no improvement for patience's sake


def fit(setup: Setup) -> Generator[Event, None, Outcome]:
    """Trains, and says what happens.

    Order of the loop, for each epoch: for each batch (obey commands; activations at the cut; forward; loss; backward;
    rates of this step; optimizer step; perhaps `BatchEnded`; perhaps a timely checkpoint); then validation;
    `EpochEnded`; keep the best; perhaps a timely checkpoint; stop early where patience is out. Validation images
    alone choose the best state; test images are not known here. An image that vanishes is skipped from the batch on
    that needs its file: batches keep their places, and one without any image left makes no step.

    Returns:
        The outcome; best and last checkpoints are on disk by then.

    Raises:
        UserError: the loss is no longer a number, an image has changed, more than a few are gone, the disk is full.
        OwnerGoneError: the owner is gone; the last checkpoint is on disk.
    """
    return (yield from _Loop(setup).run())


class _Loop:
    """The state of one run. It changes between two batches alone."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.network = setup.network
        self.training = setup.training
        self.frozen = setup.frozen
        self.batches = len(seeding.batches(list(range(len(setup.train))), setup.training.batch_size))
        first = first_trainable(setup.training, setup.network.head_index)
        # A run that never reached a checkpoint begins anew, with all the epochs that were asked for.
        epochs = _filled(setup.training.epochs) + (0 if setup.resume else setup.more_epochs)
        self.place = Place(
            epochs=epochs, first=first, lowest=first, compiled=setup.compiled, caching=setup.frozen.caching
        )
        self.optimizer: LayerOptimizer | None = None
        self.stopping = False
        self.clock = Clock()

    def run(self) -> Generator[Event, None, Outcome]:
        try:
            yield from self._resume() if self.setup.resume else self._start()
            while not self.stopping and self.place.epoch < self.place.epochs and not self.place.stopped_early:
                yield from self._epoch()
        except OwnerGoneError:
            self._save()
            raise
        except _NotFiniteError as error:
            self.setup.checkpoints.save_best()
            raise diverged(error.epoch, self.place.best_epoch) from error
        self.frozen.flush()
        self._save()
        return Outcome(self.stopping, self.place.best_epoch, self.place.lowest)

    # -- beginning ---------------------------------------------------------------------------------------------

    def _start(self) -> Iterator[Event]:
        place = self.place
        self.network.set_trainable(place.first)
        end = place.epochs * self.batches
        place.cycles = dict.fromkeys(range(place.first, len(self.network)), (0, end))
        self._rebuild_optimizer()
        yield self._layers_changed("start")
        if len(self.setup.train) < self.training.batch_size:
            yield events.Notice(
                code="small_batch",
                message=f"There are {len(self.setup.train)} training images, so a batch holds that many "
                f"instead of {self.training.batch_size}.",
            )
        yield from self._begin_warm()

    def _resume(self) -> Iterator[Event]:
        model, optimizer, self.place = self.setup.checkpoints.load()
        place = self.place
        self.network.model.load_state_dict(model)
        self.network.set_trainable(place.first)
        self._rebuild_optimizer()
        assert self.optimizer is not None
        self.optimizer.load_state_tensors(self.network, optimizer)
        yield events.Resumed(step=place.step, epoch=place.epoch)
        for part in (self.setup.train, self.setup.validation):
            self.frozen.skip_again(part, place.gone)
            yield from part.notices()
        if self.setup.more_epochs:
            yield self._extend(self.setup.more_epochs)
            self._save()
        yield self._layers_changed("resume")
        yield from self._begin_warm()

    def _begin_warm(self) -> Iterator[Event]:
        if self.setup.warm_start and not self.place.warm:
            yield from self._warm_start()
        self.place.warm = not self.stopping
        # Only now do groups above the cut change; the warm start needed them as they came.
        self.frozen.changed_from(self.place.lowest)

    def _warm_start(self) -> Iterator[Event]:
        loss = yield from fit_head(self.setup, self._goes_on)
        if loss is not None:
            yield from self._validate(epoch=0, train_loss=loss)

    # -- epochs ------------------------------------------------------------------------------------------------

    def _epoch(self) -> Iterator[Event]:
        place, train = self.place, self.setup.train
        order = seeding.order(self.training.seed, place.epoch, len(train))
        self.clock.epoch_begins(self._to_compute(place.epoch), self.batches - place.batch)
        for indices in seeding.batches(order, self.training.batch_size)[place.batch :]:
            if not (yield from self._goes_on()):
                return
            loss = self._step(indices)
            place.batch += 1
            if loss is not None:
                images = len(train.there(indices))
                place.loss_sum += loss * images
                place.seen += images
                self.clock.batch_ended(images)
            yield from train.notices()
            if loss is None:
                continue
            if place.batch % max(1, self.batches // _BATCH_EVENTS_PER_EPOCH) == 0:
                yield events.BatchEnded(
                    epoch=place.epoch + 1,
                    step=place.step,
                    batch=place.batch,
                    batches=self.batches,
                    loss=loss,
                    images_per_second=self.clock.images_per_second,
                    seconds_left=self._seconds_left(),
                    learning_rates=self._named_rates(place.step - 1),
                )
            if self.setup.checkpoints.due:
                self._save()
        train_loss = place.loss_sum / place.seen
        place.epoch, place.batch, place.loss_sum, place.seen = place.epoch + 1, 0, 0.0, 0
        yield from self._validate(place.epoch, train_loss)
        if self.setup.checkpoints.due:
            self._save()

    def _step(self, indices: list[int]) -> float | None:
        """The loss of one optimizer step; `None` where no image of the batch is left, so that there was none."""
        place, network, train = self.place, self.network, self.setup.train
        seeding.seed_step(self.training.seed, place.step)
        try:
            inputs = self.frozen.activations(train, indices, self._view(place.epoch), place.first)
        except UserError:
            self._save()  # nothing of this step is done; what was learned before it must not go with an image
            raise
        there = train.there(indices)
        if not there:
            return None
        labels = train.labels[there].to(self.setup.device)
        network.training_mode(place.first, len(there))
        loss = cross_entropy(network.run(placed(inputs, self.setup.device), place.first), labels)
        value = loss.item()
        if not math.isfinite(value):
            raise _NotFiniteError(place.epoch + 1)
        loss.backward()  # type: ignore[no-untyped-call]
        assert self.optimizer is not None
        self.optimizer.set_rates(self._rates(place.step))
        self.optimizer.step()
        place.step += 1
        return value

    def _validate(self, epoch: int, train_loss: float) -> Iterator[Event]:
        place = self.place
        # Where nothing is kept for them, and the first time at a cut, the validation images take a while.
        slow = place.first == 0 or not self.frozen.caching or place.seen_at != place.first
        place.seen_at = place.first
        seen = yield from validate(self.setup, place.first, slow)
        state = self.network.model.state_dict()
        # A layer can answer with numbers although one of its weights is none.
        finite = math.isfinite(seen.loss) and weights_are_finite(state)
        best = finite and self._is_best(seen.loss, seen.balanced)
        if best:
            place.best_epoch = epoch
            self.setup.checkpoints.keep_best(state, msgspec.structs.replace(self.setup.card, epoch=epoch))
        self.clock.epoch_ended()
        yield events.EpochEnded(
            epoch=epoch,
            epochs=place.epochs,
            step=place.step,
            train_loss=train_loss,
            validation_loss=seen.loss if math.isfinite(seen.loss) else None,
            validation_accuracy=seen.accuracy,
            validation_balanced_accuracy=seen.balanced,
            learning_rates=self._named_rates(max(0, place.step - 1)),
            best=best,
            seconds=self.clock.epoch_s,
            seconds_left=self._seconds_left(),
        )
        if not finite:
            raise _NotFiniteError(epoch)
        patience = self.training.patience
        if epoch and patience and place.waited >= patience and place.epoch < place.epochs:
            place.stopped_early = True
            yield events.Notice(
                code="stopped_early",
                message=f"The validation images have not improved for {patience} epochs, so training ends after epoch "
                f"{epoch} of {place.epochs}. The learning rate had been planned for all of them.",
            )

    def _is_best(self, loss: float, balanced: float) -> bool:
        """Compares with the best so far; strictly better counts, and clearly better resets patience."""
        place = self.place
        value = loss if self.training.best_by == "validation_loss" else 1 - balanced
        if place.best_value is None or value < place.best_value * (1 - _SMALLEST_GAIN):
            place.waited = 0
        else:
            place.waited += 1
        if place.best_value is None or value < place.best_value:
            place.best_value = value
            return True
        return False

    # -- commands ----------------------------------------------------------------------------------------------

    def _goes_on(self) -> Generator[Event, None, bool]:
        yield from self._obey()
        return not self.stopping

    def _obey(self) -> Iterator[Event]:
        """Applies what the person asked for since the last batch; waits while paused."""
        paused = False
        while (command := self._take(paused)) is not None:
            match command:
                case commands.Pause() if not paused:
                    paused = True
                    self._save()
                    yield events.Paused(step=self.place.step)
                case commands.Continue() if paused:
                    paused = False
                    yield events.Continued(step=self.place.step)
                case commands.Stop():
                    self.stopping = True
                    return
                case commands.Unfreeze(groups=groups):
                    yield from self._move_cut(-groups)
                case commands.Freeze(groups=groups):
                    yield from self._move_cut(groups)
                case commands.Extend(epochs=epochs):
                    yield self._extend(epochs)
                    self._save()
                case _:
                    pass

    def _take(self, paused: bool) -> commands.AnyCommand | None:
        began = time.monotonic()
        command = self.setup.control.take(wait=paused)
        if paused:
            self.clock.rested(time.monotonic() - began)
        return command

    def _move_cut(self, by: int) -> Iterator[Event]:
        place = self.place
        first = min(max(0, place.first + by), self.network.head_index)
        if first == place.first:
            message = "Every layer group trains already." if by < 0 else "Only the head trains; it cannot be frozen."
            yield events.Notice(code="nothing_to_move", message=message)
            return
        end = place.epochs * self.batches
        # The groups that are new climb through a cycle of their own; those that stay keep theirs.
        place.cycles = {index: place.cycles.get(index, (place.step, end)) for index in range(first, len(self.network))}
        place.first, place.lowest = first, min(place.lowest, first)
        place.waited = 0
        self.network.set_trainable(first)
        self.frozen.changed_from(place.lowest)
        self._rebuild_optimizer()
        yield self._layers_changed("unfreeze" if by < 0 else "freeze")
        yield from self._decide_caching()
        # Saved at once, so that nothing that the person decided can be lost.
        self._save()

    def _decide_caching(self) -> Iterator[Event]:
        """Lower down activations are larger: keeps them only where the disk should give so much."""
        place, setup = self.place, self.setup
        before, place.caching = place.caching, False
        if place.first > 0:
            views = _filled(self.training.views)
            needed = needed_bytes(self.network, place.first, len(setup.train), len(setup.validation), views)
            place.caching = needed <= cache.budget_bytes()
            if place.caching:
                self.frozen.make_room(needed, place.first)
            elif before:
                yield too_large(needed)
        self.frozen.caching = place.caching

    def _extend(self, epochs: int) -> Event:
        place = self.place
        place.epochs = max(place.epoch, 0 if place.stopped_early else place.epochs) + epochs
        place.stopped_early, place.waited = False, 0
        end = place.epochs * self.batches
        place.cycles = dict.fromkeys(place.cycles, (place.step, end))
        return events.Extended(step=place.step, epochs=place.epochs)

    # -- parts -------------------------------------------------------------------------------------------------

    def _view(self, epoch: int) -> int:
        """The view of an epoch: 0 is plain; a frozen part sees `views` of them in turn, pixels a fresh one each time."""
        if self.training.augmentation == "off":
            return 0
        if self.place.first == 0 or not self.frozen.caching:
            return epoch + 1
        return epoch % _filled(self.training.views)

    def _rates(self, step: int) -> dict[int, float]:
        assert self.optimizer is not None
        rates = {}
        for index, peak in self.optimizer.peaks.items():
            start, end = self.place.cycles[index]
            rates[index] = peak * one_cycle((step - start) / max(1, end - 1 - start))
        return rates

    def _named_rates(self, step: int) -> dict[str, float]:
        return {self.network.group_names[index]: rate for index, rate in self._rates(step).items()}

    def _rebuild_optimizer(self) -> None:
        training = self.training
        peaks = peak_rates(
            self.network,
            self.place.first,
            _filled(training.head_learning_rate),
            _filled(training.top_learning_rate),
            _filled(training.stem_factor),
        )
        self.optimizer = LayerOptimizer(self.network, peaks, training.weight_decay, carry_over=self.optimizer)

    def _layers_changed(self, reason: Literal["start", "unfreeze", "freeze", "resume"]) -> Event:
        assert self.optimizer is not None
        return layers_changed(self.network, self.optimizer.peaks, self.place.step, reason)

    def _save(self) -> None:
        if not self.place.warm:
            return  # nothing has been learned that going on could use
        assert self.optimizer is not None
        parts = (self.setup.train, self.setup.validation)
        self.place.gone = [part.paths[index] for part in parts for index in sorted(part.skipped)]
        model, optimizer = self.network.model.state_dict(), self.optimizer.state_tensors(self.network)
        self.setup.checkpoints.save(model, optimizer, self.place)

    def _to_compute(self, epoch: int) -> int:
        return self.frozen.missing(self.setup.train, self._view(epoch), self.place.first)

    def _seconds_left(self) -> float | None:
        place = self.place
        ahead = range(place.epoch + 1, place.epochs)
        fresh = 0
        if place.first == 0 or not self.frozen.caching:
            fresh = len(ahead)
        elif self.training.augmentation != "off":
            views = {self._view(epoch) for epoch in ahead} - {self._view(epoch) for epoch in range(place.epoch + 1)}
            fresh = len(views)
        return self.clock.seconds_left(1 - place.batch / self.batches, fresh, len(ahead) - fresh, len(self.setup.train))


class _NotFiniteError(Exception):
    def __init__(self, epoch: int) -> None:
        super().__init__(epoch)
        self.epoch = epoch


def _filled(value: _T | None) -> _T:
    """A hyperparameter that `core.planning.resolve` has filled in."""
    assert value is not None
    return value
