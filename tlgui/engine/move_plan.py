"""What an unfreezing or freezing would cost, measured on a copy of the run that is thrown away after."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch

from tlgui.core.errors import UserError
from tlgui.core.events import MovePlanned
from tlgui.core.planning import views_in_all
from tlgui.engine import cache, free_memory
from tlgui.engine.checkpoints import Place
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.frozen_part import bytes_per_image, needed_bytes
from tlgui.engine.kept_memory import SAFETY, kept_per_image, update_bytes
from tlgui.engine.live import Live
from tlgui.engine.optimizer_step import Lesson, NotFiniteError, batches_of, learn
from tlgui.engine.trunk import CHUNK
from tlgui.engine.validation import placed

Kind = Literal["unfreeze", "freeze"]

# The trunk takes so many images at once, so fewer would cost as much.
_READ = CHUNK
_STEPS = 3
# Images of a timed step, few where two take long. A card takes hardly longer for a whole piece of a batch than for one
# image, so there it is a whole piece.
_FEW, _MANY = 2, 8
_LONG_S = 0.25


class Cost(NamedTuple):
    """What training costs at one border.

    Attributes:
        seconds: per epoch, on average over the epochs that are left; `None` where there is no memory to try it.
        memory_bytes: for one batch and its update.
    """

    seconds: float | None
    memory_bytes: int | None


def target(live: Live, kind: Kind, groups: int) -> int:
    """The lowest group that would train after a move of so many groups, as far as there are so many."""
    by = -groups if kind == "unfreeze" else groups
    return min(max(0, live.place.first + by), live.network.head_index)


def moved_names(live: Live, first: int) -> list[str]:
    """Names of the layer groups between the border and another one, the uppermost first."""
    low, high = sorted((first, live.place.first))
    return live.network.group_names[low:high][::-1]


def nothing_to_move(kind: Kind) -> str:
    """Why no group can be moved."""
    return "Every layer group trains already." if kind == "unfreeze" else "Only the head trains; it cannot be frozen."


def judged_at(place: Place, trial_epochs: int) -> int:
    """The epoch after which a move that is made now is judged; 0 = no whole epoch is left for that.

    An epoch that has begun does not count as one of the `trial_epochs`.
    """
    whole = place.epoch + (place.batch > 0)
    end = min(whole + trial_epochs, place.epochs)
    return end if end > whole else 0


def trial_epochs(place: Place, due: int) -> int:
    """How many whole epochs lie between a place and the epoch after which a move that is made there is judged."""
    return max(0, due - place.epoch - (place.batch > 0))


def plan(live: Live, kind: Kind, groups: int, asked_to_stop: Callable[[], bool]) -> MovePlanned:
    """Measures a move on a copy of the run; nothing of the run, its images, its cache or its random numbers changes.

    Args:
        live: the run.
        kind, groups: of the move.
        asked_to_stop: whether the person asks to stop; figures that are not there by then are left out.
    """
    first, network, place = target(live, kind, groups), live.network, live.place
    now = then = Cost(None, None)
    moves = first != place.first
    if moves:
        try:
            with torch.random.fork_rng(devices=[live.setup.device] if live.setup.device.type == "cuda" else []):
                now, then = _measured(live, first, asked_to_stop)
        except (UserError, NotFiniteError):
            pass  # an image is gone, or the copy's loss is no number: the run itself will say so
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
    due = judged_at(place, live.training.trial_epochs)
    epochs = trial_epochs(place, due)
    return MovePlanned(
        kind=kind,
        groups=abs(first - place.first),
        names=moved_names(live, first),
        parameters_now=network.count(range(place.first, len(network))),
        parameters_then=network.count(range(first, len(network))),
        seconds_now=now.seconds,
        seconds_then=then.seconds,
        memory_now_bytes=now.memory_bytes,
        memory_then_bytes=then.memory_bytes,
        learning_rates={network.group_names[index]: rate for index, rate in live.peaks_from(first).items()},
        snapshot_bytes=_snapshot_bytes(live),
        judged_after=epochs,
        control_seconds=None if now.seconds is None else epochs * now.seconds,
        reason="" if moves else nothing_to_move(kind),
    )


def _measured(live: Live, first: int, asked_to_stop: Callable[[], bool]) -> tuple[Cost, Cost]:
    twin = live.beside()
    keeps_now, network = twin.frozen.caching, twin.network
    each_now = bytes_per_image(network, twin.cut) if keeps_now else 0
    read_s = _seconds_to_read(live) if keeps_now else None
    twin.frozen.caching = False  # what is measured is computing, and nothing of it is kept
    now = _cost(twin, keeps_now, read_s, new=False)
    if asked_to_stop():
        return now, Cost(None, None)
    twin.train_from(first)
    keeps = twin.cut > 0 and not twin.mixes and _fits(twin)
    if keeps and read_s is not None:
        read_s *= bytes_per_image(network, twin.cut) / each_now
    return now, _cost(twin, keeps, read_s, new=True)


def _fits(twin: Live) -> bool:
    setup = twin.setup
    views = views_in_all(twin.training)
    seen = len(setup.train) + (len(setup.target) if setup.target is not None else 0)
    earlier = sum(len(part) for part in setup.knowledge.parts()) if setup.knowledge is not None else 0
    needed = needed_bytes(twin.network, twin.cut, seen, len(setup.validation) + earlier, views)
    return needed <= cache.budget_bytes()


def _cost(twin: Live, keeps: bool, read_s: float | None, new: bool) -> Cost:
    """What training costs where a copy stands.

    Args:
        twin: the copy; it makes some steps.
        keeps: whether activations below the cut would be kept.
        read_s: to read those of one image; `None` = unknown, and then it counts as a tenth of computing them.
        new: whether nothing is kept at this cut yet.
    """
    setup, place = twin.setup, twin.place
    epoch = min(place.epoch, place.epochs - 1)
    indices = batches_of(twin, epoch)[0]
    many = (indices * _READ)[:_READ]
    view = twin.view(epoch)

    def read() -> torch.Tensor:
        return setup.frozen.activations(setup.train, many, view, twin.cut)

    inputs = read()
    computing = _timed(read, twin) / len(many)
    labels = setup.train.labels[setup.train.there(many)].to(setup.device)
    site = _of_the_new_site(twin, len(inputs))
    sites = 1 if site is None else 2  # a step takes as many images of the new site as of the known one
    kept = kept_per_image(twin.network, place.first, twin.cut, inputs, twin.mixed)
    updates = update_bytes(twin.network, place.first)
    piece = min(place.piece or twin.batch_size, twin.batch_size)
    memory = piece * kept * sites + updates
    room = _room(twin, updates, kept * sites)
    if room < _FEW:
        return Cost(None, memory)
    if _on_card(twin):
        n = min(piece, len(indices))
        repeats = -(-n // len(inputs))
        inputs, labels = torch.cat([inputs] * repeats)[:n], torch.cat([labels] * repeats)[:n]
        try:
            # Not counted: what a card computes with is loaded when it is first used.
            learn(twin, _lesson(twin, inputs, labels, site))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return Cost(None, memory)
        _look(twin, inputs)
    else:
        n = _FEW
        learning = _timed(lambda: learn(twin, _lesson(twin, inputs[:n], labels[:n], site)), twin) / n
        if learning * n < _LONG_S:
            n = min(_MANY, len(indices), len(labels), room)
    learning = (
        min(_timed(lambda: learn(twin, _lesson(twin, inputs[:n], labels[:n], site)), twin) for _ in range(_STEPS)) / n
    )
    looking = _timed(lambda: _look(twin, inputs[:n]), twin) / n
    reading = computing / 10 if read_s is None else min(read_s, computing)
    fresh = _share_to_compute(twin, new) if keeps else 1.0
    images, looked_at = len(setup.train), len(setup.validation)
    frozen_s = sites * (fresh * computing + (1 - fresh) * reading)
    validation_s = looking + (reading if keeps else computing)
    return Cost(images * (frozen_s + learning) + looked_at * validation_s, memory)


def _of_the_new_site(twin: Live, n: int) -> torch.Tensor | None:
    """What a step of a run that adapts sees of the new site; `None` of any other."""
    part = twin.setup.target
    if twin.term is None or part is None or len(part) < _FEW:
        return None
    indices = (list(range(len(part))) * n)[:n]
    return twin.setup.frozen.activations(part, indices, 0, twin.site_cut)


def _lesson(twin: Live, inputs: torch.Tensor, labels: torch.Tensor, site: torch.Tensor | None) -> Lesson:
    if site is None:
        return Lesson(inputs, labels)
    return Lesson(inputs, labels, target=site[: len(labels)], target_cut=twin.site_cut)


def _room(twin: Live, updates: int, kept: int) -> int:
    """For how many images of a timed step there is memory: a card says itself when there is none, a processor does not."""
    if _on_card(twin):
        return _MANY
    return int((free_memory.available_bytes() - updates) / (SAFETY * max(1, kept)))


def _on_card(twin: Live) -> bool:
    return twin.setup.device.type != "cpu"


def _share_to_compute(twin: Live, new: bool) -> float:
    """Of the epochs that are left, the share that sees a view for the first time at this cut, where they are kept."""
    place = twin.place
    left = range(place.epoch, max(place.epochs, place.epoch + 1))
    before = set() if new else {twin.kept_view(epoch) for epoch in range(place.epoch)}
    return len({twin.kept_view(epoch) for epoch in left} - before) / len(left)


def _seconds_to_read(live: Live) -> float | None:
    """To read what is kept of one image; `None` where not all of a batch is kept yet."""
    train, place = live.setup.train, live.place
    view = live.view(min(place.epoch, place.epochs - 1))
    if live.frozen.missing(train, view, live.cut):
        return None
    indices = train.there(range(min(len(train), _READ)))
    return _timed(lambda: live.frozen.activations(train, indices, view, live.cut), live) / max(1, len(indices))


def _look(twin: Live, inputs: torch.Tensor) -> None:
    twin.network.evaluation_mode()
    with torch.inference_mode():
        twin.network.run(placed(inputs, twin.setup.device), twin.cut)


def _timed(work: Callable[[], object], twin: Live) -> float:
    """Seconds that some work takes; of a graphics card, until it is done."""
    device = twin.setup.device
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def _snapshot_bytes(live: Live) -> int:
    state = live.state()
    tensors = [*state.model.values(), *state.optimizer.values(), *state.average.values(), *state.model.values()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
