"""A run in memory: the network with its optimizer and its place, and what can be done to them as a whole."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from typing import TypeVar

from tlgui.core.adaptation import ADAPTATIONS
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.planning import first_trainable, ladder_rates, view_of
from tlgui.core.retention import strength_of
from tlgui.core.run_spec import Training
from tlgui.engine import seeding
from tlgui.engine.adaptation.term import Term
from tlgui.engine.average import Average
from tlgui.engine.checkpoints import Place, State
from tlgui.engine.clock import Clock
from tlgui.engine.control import Control
from tlgui.engine.ladder import Reason, layers_changed
from tlgui.engine.memory import Memory
from tlgui.engine.network import MIN_BATCH_FOR_STATISTICS
from tlgui.engine.objective import Objective
from tlgui.engine.param_groups import LayerOptimizer
from tlgui.engine.precision import Mixed
from tlgui.engine.retention.keeper import Keeper
from tlgui.engine.retention.rehearsal import rehearsal_of
from tlgui.engine.samples import Part
from tlgui.engine.schedule import momentum_of, one_cycle
from tlgui.engine.setup import Setup

_T = TypeVar("_T")


class Live:
    """What a run has in memory. It changes between two batches alone.

    Args:
        setup: of the run.
        kept: whether it is written to disk; a copy beside the run is not.

    Attributes:
        setup, network, frozen: of the run.
        training: with every hyperparameter filled in, or of an undecided "auto".
        place: where it stands.
        batches: in an epoch.
        objective, mixed, memory, average: how a step is made.
        term: what makes it see images of a new site alike; `None` without.
        keeper: what holds it at what it knew before; `None` without.
        rehearsal: images of before that it is shown again; `None` without.
        clock: how fast it goes.
    """

    def __init__(self, setup: Setup, kept: bool = True) -> None:
        self.setup = setup
        self._kept = kept
        self.network = setup.network
        self.frozen = setup.frozen
        self.training = setup.training
        self.batches = len(seeding.batches(list(range(len(setup.train))), self.batch_size))
        first = first_trainable(setup.training, self.network.head_index)
        # From this epoch on, what lies below the cut is kept; before it, another cut's was.
        self._kept_since = 0
        # A run that never reached a checkpoint begins anew, with all the epochs that were asked for.
        epochs = (setup.training.epochs or 1) + (0 if setup.resume else setup.more_epochs)
        self.place = Place(
            epochs=epochs, first=first, lowest=first, compiled=setup.compiled, caching=setup.frozen.caching
        )
        self.clock = Clock()
        self.rehearsal = rehearsal_of(setup.knowledge, setup.train, setup.training.seed)
        again = self.rehearsal.classes if self.rehearsal is not None else ()
        self.objective = Objective(self.training, setup.train.labels, self.network.classes, setup.device, again)
        self.mixed = Mixed(setup.precision, setup.device, setup.training.clip_norm)
        self.memory = Memory(self)
        self.average = Average(self.training.ema, self.network) if self.training.ema else None
        adapts = setup.target is not None and self.training.adapt in ADAPTATIONS
        during = adapts and ADAPTATIONS[self.training.adapt].during
        self.term = Term(self.training, self.network, setup.device) if during else None
        self.keeper = Keeper(setup.knowledge, self.network) if setup.knowledge is not None else None
        self._optimizer: LayerOptimizer | None = None

    @property
    def batch_size(self) -> int:
        """Images that one optimizer step learns from; "auto" was replaced when the run was set up."""
        size = self.training.batch_size
        assert size != "auto"
        return size

    @property
    def optimizer(self) -> LayerOptimizer:
        """Of the groups that train now."""
        assert self._optimizer is not None
        return self._optimizer

    @property
    def cut(self) -> int:
        """Where the network is cut into the frozen part and the rest; the lowest group that trains lies at or above it."""
        return self.network.cut_below(self.place.first)

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with each other, so that nothing of the frozen part can be kept."""
        return bool(self.training.mixup or self.training.cutmix)

    def begin(self) -> None:
        """Makes the optimizer of a run that starts."""
        place = self.place
        self.network.set_trainable(place.first)
        end = place.epochs * self.batches
        place.cycles = dict.fromkeys(range(place.first, len(self.network)), (0, end))
        self.rebuild_optimizer()

    def settle(self, training: Training) -> None:
        """Takes what "auto" became, before the first epoch."""
        place = self.place
        self.training = self.setup.training = training
        place.epochs = filled(training.epochs) + (0 if self.setup.resume else self.setup.more_epochs)
        place.first = place.lowest = first_trainable(training, self.network.head_index)
        self.begin()

    def train_from(self, first: int) -> None:
        """Moves the lowest group that trains; groups that are new climb through a learning-rate cycle of their own."""
        place = self.place
        end = place.epochs * self.batches
        place.cycles = {index: place.cycles.get(index, (place.step, end)) for index in range(first, len(self.network))}
        place.first, place.lowest = first, min(place.lowest, first)
        place.waited = 0
        place.plateau_value, place.plateau_waited = None, 0
        self.network.set_trainable(first)
        self.frozen.changed_from(place.lowest)
        self.rebuild_optimizer()
        self._kept_since = place.epoch
        self._layers_moved()

    def plan_epochs(self, epochs: int) -> None:
        """So many epochs in all, with a schedule made for them from here on."""
        place = self.place
        place.epochs = epochs
        place.stopped_early, place.waited = False, 0
        place.cycles = dict.fromkeys(place.cycles, (place.step, epochs * self.batches))

    def keep_statistics(self, n: int) -> bool:
        """Whether BatchNorm layers that train keep their statistics at a batch of `n` images."""
        return keeps_statistics(self.training, n)

    def view(self, epoch: int) -> int:
        """The view that an epoch sees: 0 is plain; a frozen part sees some in turn, pixels a fresh one each time."""
        if self.plain or (self.cut > 0 and self.frozen.caching and not self.mixes):
            return self.kept_view(epoch)
        return epoch + 1

    def kept_view(self, epoch: int) -> int:
        """The view that an epoch sees where what is below the cut is kept."""
        return view_of(self.training, epoch)

    @property
    def plain(self) -> bool:
        """Whether training images are shown as they are, every time."""
        return self.training.augmentation == "off"

    # -- rates -------------------------------------------------------------------------------------------------

    def rates(self, step: int) -> dict[int, float]:
        """Learning rates of one step, by group index."""
        return {index: peak * self._share(index, step) for index, peak in self.optimizer.peaks.items()}

    @property
    def progress(self) -> float:
        """How much of the run is behind, 0..1."""
        return self.place.step / max(1, self.place.epochs * self.batches)

    def named_rates(self, step: int) -> dict[str, float]:
        """The same by group name."""
        return {self.network.group_names[index]: rate for index, rate in self.rates(step).items()}

    def set_rates(self, step: int) -> None:
        """Makes the optimizer use them."""
        momentum = None
        if self.training.cycle_momentum and self.training.schedule == "one-cycle":
            momentum = momentum_of(self._progress(self.network.head_index, step))
        self.optimizer.set_rates(self.rates(step), momentum)

    def rebuild_optimizer(self) -> None:
        """Puts the groups that train into it, each once; what is known of those that stay is kept."""
        peaks = self.peaks_from(self.place.first)
        # Decay would draw weights to zero that are to stay where they are.
        decay = 0.0 if self.keeper is not None and self.keeper.penalises else self.training.weight_decay
        self._optimizer = LayerOptimizer(self.network, peaks, decay, self._optimizer, self.training.optimizer)

    def peaks_from(self, first: int) -> dict[int, float]:
        """Peak learning rates of the groups from `first` on: the ladder's, or those that were set by hand."""
        peaks = ladder_rates(self.training, self.network.group_names, first)
        return peaks | {index: rate for index, rate in self.place.peaks.items() if index in peaks}

    def _share(self, index: int, step: int) -> float:
        return 1.0 if self.training.schedule == "constant" else one_cycle(self._progress(index, step))

    def _progress(self, index: int, step: int) -> float:
        start, end = self.place.cycles[index]
        return (step - start) / max(1, end - 1 - start)

    def layers_changed(self, reason: Reason, by_itself: bool = False) -> Event:
        """The ladder as it is now."""
        return layers_changed(self.network, self.optimizer.peaks, self.place, reason, by_itself)

    # -- on disk -----------------------------------------------------------------------------------------------

    def state(self) -> State:
        """All that going on from here needs."""
        parts = self.parts
        self.place.gone = [part.paths[index] for part in parts for index in sorted(part.skipped)]
        self.place.scale = self.mixed.state()
        average = self.average.tensors() if self.average else {}
        term = self.term.tensors() if self.term else {}
        optimizer = self.optimizer.state_tensors(self.network)
        return State(self.network.model.state_dict(), optimizer, average, self.place, term)

    def as_kept(self) -> contextlib.AbstractContextManager[None]:
        """The network as its best state is kept: one that adapts, with the statistics of the new site."""
        return self.term.norms.of_new_site() if self.term is not None else contextlib.nullcontext()

    @property
    def site_cut(self) -> int:
        """Where images of the new site come in: at the cut, unless what lies below it differs for them.

        What is kept below the cut is of the known site's statistics.
        """
        below = self.network.tensors(self.cut) if self.term is not None and self.cut else {}
        return 0 if self.term is not None and self.term.norms.differ(below.keys()) else self.cut

    @property
    def keep_strength(self) -> float:
        """How hard it holds on now to what it knew before."""
        said = self.place.keep_strength
        return said if said is not None else (strength_of(self.training) or 0.0)

    @property
    def held_with(self) -> float | None:
        """The same where it holds on while it trains; else `None`."""
        return self.keep_strength if self.keeper is not None and self.keeper.penalises else None

    @property
    def parts(self) -> list[Part]:
        """All images that training reads: known ones to train and to validate with, and those of a new site."""
        setup = self.setup
        return [setup.train, setup.validation, *([setup.target] if setup.target is not None else [])]

    @property
    def read_parts(self) -> list[Part]:
        """The same, and those that it is shown again."""
        return [*self.parts, *(self.rehearsal.parts if self.rehearsal is not None else [])]

    def restore(self, state: State) -> None:
        """Goes to where a state was taken, bit for bit.

        Raises:
            UserError: its weights are not those of this network.
        """
        changed = min(self.place.lowest, state.place.lowest)
        self.place = state.place
        try:
            self.network.model.load_state_dict(state.model)
        except RuntimeError as error:
            raise UserError(
                "The weights in the run's checkpoint are not those of its network.",
                "Take the run folder from a backup, or train again.",
                str(error),
                code="run_damaged",
            ) from error
        self.network.set_trainable(self.place.first)
        self._optimizer = None
        self.rebuild_optimizer()
        self.optimizer.load_state_tensors(self.network, state.optimizer)
        if self.average:
            self.average.load(state.average)
        if self.term:
            self.term.load(state.term)
        self._kept_since = 0  # what was kept there is kept still
        self._layers_moved()
        self.mixed.load(self.place.scale)
        self.frozen.caching = self.place.caching
        # What was computed above any group that was trained is of other weights, even where those are back.
        self.frozen.changed_from(changed)
        self.frozen.changed_from(self.place.lowest)

    def beside(self, state: State | None = None) -> Live:
        """A copy that can be trained without touching this run: its network, images and cache are its own.

        Args:
            state: where it stands; `None` = where this one does.
        """
        network = copy.deepcopy(self.network)
        setup = dataclasses.replace(
            self.setup,
            network=network,
            frozen=self.frozen.beside(network),
            train=self.setup.train.beside(),
            validation=self.setup.validation.beside(),
            target=self.setup.target.beside() if self.setup.target is not None else None,
            control=Control(),
        )
        twin = Live(setup, kept=False)
        twin.restore(self.state()._replace(place=copy.deepcopy(self.place)) if state is None else state)
        return twin

    def save(self) -> None:
        """Writes the last checkpoint, where something was learned that going on could use.

        Raises:
            UserError: the disk is full or cannot be written; the checkpoint before is whole.
        """
        if self._kept and self.place.warm:
            if self.setup.knowledge is not None:
                self.setup.knowledge.save()  # first: a checkpoint alone could not be gone on from
            self.setup.checkpoints.save(self.state())
            # Those that the checkpoint before named may go now.
            self.setup.checkpoints.drop_other_snapshots({move.snapshot for move in self.place.moves})

    # -- time --------------------------------------------------------------------------------------------------

    def to_compute(self, epoch: int) -> int:
        """How many training images an epoch has to compute below the cut."""
        return self.frozen.missing(self.setup.train, self.view(epoch), self.cut)

    def _layers_moved(self) -> None:
        if not self._kept:
            return  # nobody asks a copy how long it takes
        self.clock.layers_moved(self.to_compute(self.place.epoch) > 0, self.place.first < self.network.head_index)

    def seconds_left(self) -> float | None:
        """Until the end of the plan; `None` before the first batch."""
        place = self.place
        ahead = range(place.epoch + 1, place.epochs)
        fresh = 0
        if self.cut == 0 or not self.frozen.caching or self.mixes:
            fresh = len(ahead)
        elif not self.plain:
            known = range(min(self._kept_since, place.epoch), place.epoch + 1)
            fresh = len({self.view(e) for e in ahead} - {self.view(e) for e in known})
        return self.clock.seconds_left(1 - place.batch / self.batches, fresh, len(ahead) - fresh, len(self.setup.train))


def keeps_statistics(training: Training, n: int) -> bool:
    """Whether BatchNorm layers that train keep their statistics at a batch of `n` images.

    Args:
        training: with every hyperparameter filled in.
        n: images that go through at once.
    """
    match training.norm_statistics:
        case "frozen":
            return True
        case "batch":
            return n < 2  # one image has no variance
        case _:
            return n < MIN_BATCH_FOR_STATISTICS


def filled(value: _T | None) -> _T:
    """A hyperparameter that `core.planning` has filled in."""
    assert value is not None
    return value


def is_full(error: UserError) -> bool:
    """Whether there is no room on the disk, which a person can make."""
    return error.code == "disk_full"
