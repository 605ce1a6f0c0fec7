"""A short trial for "auto": does deeper training beat a new last layer on images that were held back from both?

It is budgeted in steps and in table facts, never in seconds, so that the same run decides the same. It works on a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Generator

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tlgui.core import events
from tlgui.core.decision import DEEPER_GROUPS, TRIAL_BATCH, TRIAL_IMAGES, TRIAL_STEPS, TrialOutcome
from tlgui.core.events import Event
from tlgui.core.planning import ladder_rates, settled
from tlgui.core.strategies import STRATEGIES
from tlgui.core.trial_cost import fits, side_of
from tlgui.engine import seeding
from tlgui.engine.first_answer import GoesOn, drawn, inner_split
from tlgui.engine.live import Live, keeps_statistics
from tlgui.engine.network import Network
from tlgui.engine.param_groups import LayerOptimizer
from tlgui.engine.probe import fit_logistic_regression
from tlgui.engine.schedule import one_cycle
from tlgui.engine.validation import placed

_HELD_BACK = 1 / 3
_STEPS, _BATCH = TRIAL_STEPS, TRIAL_BATCH
_ROW = STRATEGIES["fine-tune-top"]
_STAGE = "a short trial of deeper training"


def can_try(live: Live) -> bool:
    """Whether a trial is worth its time: a large network on a processor would take many minutes."""
    return fits(live.network.row, live.network.preprocessing.size, live.setup.device.type == "cpu")


def held_trial(live: Live, goes_on: GoesOn) -> Generator[Event, None, TrialOutcome | None]:
    """Trains a copy of the uppermost layer groups for some steps, beside the head that frozen features ask for.

    The deeper side begins as its row of the table does: with that head, or with a new one. Both sides
    see the same plain images at the same size; the random state of the run and its network are untouched.

    Returns:
        What was found; `None` where the images cannot be parted, or the person stopped it.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    setup = live.setup
    asked = drawn(setup, TRIAL_IMAGES)
    network = copy.deepcopy(live.network)
    images = yield from _images(live, asked, goes_on)
    if images is None:
        return None
    there = [index for index in asked if index in images]
    learned, held = inner_split(setup, there, _HELD_BACK)
    labels = setup.train.labels
    if not held or len(set(labels[learned].tolist())) < 2:
        return None
    first = max(0, network.head_index - DEEPER_GROUPS)
    cut = network.cut_below(first)
    below = {index: network_run(network, images[index][None], 0, cut, setup.device)[0] for index in there}
    rows, kept = torch.stack([below[index] for index in learned]), torch.stack([below[index] for index in held])
    _fit_new_head(network, rows, labels[learned], cut, live)
    shallow = _right(network, kept, labels[held], cut, setup.device)
    if not settled(live.training, _ROW, DEEPER_GROUPS).warm_start:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeding.derive(live.training.seed, "trial", "head"))
            network.head_linear.reset_parameters()
    for step, loss in enumerate(_steps(live, network, rows, labels[learned], first, cut), 1):
        if not (yield from goes_on()):
            return None
        if not torch.isfinite(loss):
            break
        yield events.Progress(stage=_STAGE, done=step, total=_STEPS)
    deeper = _right(network, kept, labels[held], cut, setup.device)
    return TrialOutcome(
        learned_from=len(learned),
        held_back=len(held),
        right_deeper=int(deeper.sum()),
        right_shallow=int(shallow.sum()),
        better=int((deeper & ~shallow).sum()),
        worse=int((~deeper & shallow).sum()),
        steps=_STEPS,
    )


def network_run(network: Network, x: Tensor, start: int, stop: int | None, device: torch.device) -> Tensor:
    """Groups of a network in evaluation mode and without gradients: float32, on the processor."""
    network.evaluation_mode()
    with torch.no_grad():
        return network.run(placed(x, device), start, stop).float().cpu()


def _images(live: Live, asked: list[int], goes_on: GoesOn) -> Generator[Event, None, dict[int, Tensor] | None]:
    """Plain training images by number, (3, side, side)."""
    setup, side, images = live.setup, _side(live), dict[int, Tensor]()
    for batch in seeding.batches(asked, _BATCH):
        if not (yield from goes_on()):
            return None
        pixels = setup.frozen.activations(setup.train, batch, 0, 0)
        yield from setup.train.notices()
        there = setup.train.there(batch)
        if not there:
            continue
        if side != pixels.shape[-1]:
            pixels = interpolate(pixels, size=(side, side), mode="bilinear", antialias=True)
        images.update(zip(there, pixels, strict=True))
        yield events.Progress(stage="images for a short trial", done=len(images), total=len(asked))
    return images


def _side(live: Live) -> int:
    """Of the trial's input, in pixels."""
    return side_of(live.network.row, live.network.preprocessing.size, live.setup.device.type == "cpu")


def _fit_new_head(network: Network, rows: Tensor, labels: Tensor, cut: int, live: Live) -> None:
    """Puts a linear head in place that frozen features ask for, whatever head the run has: both sides begin with it.

    It is fitted on the objective of the deeper side: what helps rare classes costs some of the others, on both sides or
    on none.
    """
    path, device, objective = network.row.head_linear, live.setup.device, live.objective
    taken: list[Tensor] = []
    hook = network.model.get_submodule(path).register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
    for chunk in torch.split(rows, _BATCH):
        network_run(network, chunk, cut, None, device)
    hook.remove()
    features = torch.cat([rows.float().cpu() for rows in taken])
    weight, bias = fit_logistic_regression(
        features, labels, network.classes, shift=objective.shift, weights=objective.weights
    )
    with torch.random.fork_rng(devices=[]):  # what a layer begins with is drawn, and thrown away here
        head = nn.Linear(features.shape[1], network.classes)
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(bias)
    network.model.set_submodule(path, head.to(device))


def _steps(
    live: Live, network: Network, rows: Tensor, labels: Tensor, first: int, cut: int
) -> Generator[Tensor, None, None]:
    """Yields the loss of each step."""
    training, device = live.training, live.setup.device
    recipe = settled(training, _ROW, DEEPER_GROUPS)
    network.set_trainable(first)
    optimizer = LayerOptimizer(
        network, ladder_rates(recipe, network.group_names, first), training.weight_decay, None, training.optimizer
    )
    # By the row that is tried: of an "auto" that is not decided nothing is filled in.
    keeps = keeps_statistics(recipe, min(_BATCH, len(rows)))
    generator = torch.Generator().manual_seed(seeding.derive(training.seed, "trial"))
    for step in range(_STEPS):
        chosen = torch.randperm(len(rows), generator=generator)[:_BATCH]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeding.derive(training.seed, "trial", step))
            network.training_mode(first, keeps)
            logits = network.run(placed(rows[chosen], device), cut).float()
        loss = live.objective.loss(logits, labels[chosen].to(device))
        optimizer.torch.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        share = one_cycle(step / (_STEPS - 1))
        optimizer.set_rates({index: peak * share for index, peak in optimizer.peaks.items()})
        optimizer.torch.step()
        yield loss.detach()


def _right(network: Network, rows: Tensor, labels: Tensor, cut: int, device: torch.device) -> Tensor:
    """Which images are told right: (N,) bool."""
    logits = torch.cat([network_run(network, chunk, cut, None, device) for chunk in torch.split(rows, _BATCH)])
    return logits.argmax(1) == labels
