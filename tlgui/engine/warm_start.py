"""The warm start: the head that frozen features ask for, before anything is trained (LP-FT, arXiv 2202.10054)."""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tlgui.core import events
from tlgui.core.events import Event
from tlgui.engine import seeding
from tlgui.engine.first_answer import Features, GoesOn, drawn, head_inputs, read_features
from tlgui.engine.live import Live
from tlgui.engine.objective import class_weights, log_priors
from tlgui.engine.probe import fit_logistic_regression, spread_of
from tlgui.engine.retention.head import fit_new, head_loss

MOST = 10_000
"""Training images that a head is fitted on at most: more say little that these do not."""
_STEPS, _BATCH, _RATE, _DECAY = 600, 64, 1e-3, 0.01
_LOOK = 25  # steps between two looks at whether it still gets better
_SMALLEST_GAIN = 1e-3  # relative
_PATIENCE = 3  # looks without one


def fit_head(live: Live, features: Features, goes_on: GoesOn) -> Generator[Event, None, float | None]:
    """Fits the head on frozen features of the plain training images that are there.

    A linear head becomes the converged logistic regression; one with a hidden layer is trained by gradient until it gets
    no better, in a bounded number of steps. What the run does about unequal classes is done here too.

    Args:
        live: the run.
        features: those that are known already; more are added.
        goes_on: obeys what was asked for since the last batch, and returns whether the run goes on.

    Returns:
        The mean loss on these features, or `None` where the person stopped it.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    setup = live.setup
    everything = list(range(len(setup.train)))
    asked = (drawn(setup, MOST) if len(everything) > MOST else []) or everything
    if not (yield from read_features(setup, features, asked, goes_on, "features of the training images")):
        return None
    there, rows = features.of(asked)
    labels = setup.train.labels[there]
    if isinstance(setup.network.model.get_submodule(setup.network.row.head_linear), nn.Linear):
        return _solved(live, rows, labels)
    return (yield from _trained(live, rows, labels, goes_on))


def fit_new_outputs(live: Live, features: Features, goes_on: GoesOn) -> Generator[Event, None, float | None]:
    """Fits the outputs of new classes of a run that learns on, beside those that it had, which stay as they are.

    Images that the network had learned before are asked too, where they are there: outputs that never saw an image of a
    known class would call many of them new before anything is trained.

    Args:
        live: the run.
        features: those that are known already; more are added.
        goes_on: obeys what was asked for since the last batch, and returns whether the run goes on.

    Returns:
        The training loss of the network as it begins, with what is shown again of before; `None` where the person stopped it.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    setup, knowledge = live.setup, live.setup.knowledge
    assert knowledge is not None
    everything = list(range(len(setup.train)))
    asked = (drawn(setup, MOST) if len(everything) > MOST else []) or everything
    if not (yield from read_features(setup, features, asked, goes_on, "features of the training images")):
        return None
    there, rows = features.of(asked)
    if setup.network.classes == knowledge.outputs and live.rehearsal is None:
        return fit_new(setup.network, rows, setup.train.labels[there], knowledge.outputs)
    earlier: list[tuple[Tensor, Tensor]] = []
    parts = [one for task in knowledge.tasks for one in task.taught]
    done, total = 0, sum(len(numbers) for _, numbers in parts)
    for part, numbers in parts:
        for batch in seeding.batches(numbers, _BATCH):
            if not (yield from goes_on()):
                return None
            inputs = setup.frozen.activations(part, batch, 0, setup.network.head_index)
            yield from part.notices()
            if left := part.there(batch):
                earlier.append((head_inputs(setup.network, setup.device, inputs), part.labels[left]))
            done += len(batch)
            yield events.Progress(stage="features of the earlier images", done=done, total=total)
    loss = fit_new(setup.network, rows, setup.train.labels[there], knowledge.outputs, earlier)
    if live.rehearsal is None:
        return loss
    shown, labels = (torch.cat(one) for one in zip(*earlier, strict=True))
    again = torch.isin(labels, torch.tensor(live.rehearsal.classes))
    share = live.rehearsal.share
    return (1 - share) * loss + share * head_loss(setup.network, shown[again], labels[again])


def _solved(live: Live, rows: Tensor, labels: Tensor) -> float:
    network, imbalance = live.network, live.objective.imbalance
    counts = torch.bincount(live.setup.train.labels, minlength=network.classes)
    shift = log_priors(counts) if imbalance == "logit-adjustment" else None
    # Drawing each class as often as any other is weighing it so.
    weights = class_weights(counts) if imbalance in ("class-weights", "balanced-sampling") else None
    weight, bias = fit_logistic_regression(rows, labels, network.classes, shift=shift, weights=weights)
    linear = network.head_linear
    with torch.no_grad():
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)
    return cross_entropy(rows @ weight.T + bias, labels).item()


def _trained(live: Live, rows: Tensor, labels: Tensor, goes_on: GoesOn) -> Generator[Event, None, float | None]:
    """AdamW on the hidden head alone; seeded, and on the same objective as the run.

    It learns from standardised features, as the regression does; the scaling is folded into its first layer after.
    """
    setup, network = live.setup, live.network
    head = network.model.get_submodule(network.row.head_linear)
    assert isinstance(head, nn.Sequential)
    mean, spread = rows.mean(0), spread_of(rows.double()).float()
    inputs, wanted = ((rows - mean) / spread).to(setup.device), labels.to(setup.device)
    trains = [parameter.requires_grad for parameter in head.parameters()]
    optimizer = _optimizer(head)
    generator = torch.Generator().manual_seed(seeding.derive(setup.training.seed, "warm start"))
    best, waited = float("inf"), 0
    for step in range(_STEPS):
        if not (yield from goes_on()):
            return None
        chosen = torch.randint(len(rows), (min(_BATCH, len(rows)),), generator=generator).to(setup.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeding.derive(setup.training.seed, "warm start", step))
            head.train()
            loss = live.objective.loss(head(inputs[chosen]), wanted[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if (step + 1) % _LOOK == 0:
            value = _loss(live, head, inputs, wanted)
            yield events.Progress(stage="fitting the new layers", done=step + 1, total=_STEPS)
            waited = 0 if value < best * (1 - _SMALLEST_GAIN) else waited + 1
            best = min(best, value)
            if waited == _PATIENCE:
                break
    optimizer.zero_grad(set_to_none=True)
    for parameter, trained in zip(head.parameters(), trains, strict=True):
        parameter.requires_grad_(trained)
    head.eval()
    with torch.inference_mode():
        fitted = cross_entropy(head(inputs), wanted).item()
    _fold(head, mean.to(setup.device), spread.to(setup.device))
    return fitted


def _optimizer(head: nn.Module) -> torch.optim.Optimizer:
    parameters = [parameter.requires_grad_(True) for parameter in head.parameters()]
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    others = [parameter for parameter in parameters if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": _DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=_RATE)


def _loss(live: Live, head: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    head.eval()
    with torch.inference_mode():
        return live.objective.loss(head(inputs), labels).item()


@torch.no_grad()
def _fold(head: nn.Sequential, mean: Tensor, spread: Tensor) -> None:
    """Makes a head for standardised features one for features as they are."""
    first = head[0]
    assert isinstance(first, nn.Linear)
    first.weight.div_(spread)
    first.bias.sub_(first.weight @ mean)
