"""The learning-rate range test on frozen features: rates that rise from step to step, and what the loss says of them.

Source: Smith 2017, Cyclical learning rates for training neural networks, arXiv 1506.01186, section 3.3. The suggestion is
the rate at which the loss falls most steeply (over the logarithm of the rate), as fastai's `steep` has it. In place of
the noisy loss of each batch, the loss over all images is taken after each step, which is cheap on features.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlgui.core.run_spec import Training
from tlgui.engine import seeding
from tlgui.engine.network import Network
from tlgui.engine.objective import Objective
from tlgui.engine.param_groups import LayerOptimizer
from tlgui.engine.validation import placed

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 150
_DIVERGED = 4.0  # times the lowest loss so far (and the first): what comes after tells nothing
_SPREAD = 3.0  # steps that a point is smoothed over, as the SD of a Gaussian: an eighth of a factor of ten
_SMALLEST_DROP = 0.05  # of the first loss; a curve that falls less tells no rate


def rising_rates(
    network: Network, features: Tensor, labels: Tensor, training: Training, batch_size: int, device: torch.device
) -> Generator[int, None, tuple[list[float], list[float]]]:
    """Trains a copy of the head for `STEPS` steps, each with a larger rate; yields how many steps are done.

    Args:
        network: with the run's head; it is not changed.
        features: (N, ...) activations below the head.
        labels: (N,) int64.
        training: its optimizer, weight decay, objective and seed count.
        batch_size: images of a step.
        device: of the network.

    Returns:
        The rates and, after the step at each of them, the mean loss over all images. Both end where it ran away.
    """
    network = copy.deepcopy(network)
    head = network.head_index
    network.set_trainable(head)
    objective = Objective(training, labels, network.classes, device)
    optimizer = LayerOptimizer(network, {head: LOWEST}, training.weight_decay, None, training.optimizer)
    inputs, wanted = placed(features, device), labels.to(device)
    batches = _batches(len(labels), batch_size, training.seed)
    rates, losses = [], []
    lowest = math.inf
    for step in range(STEPS):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
        chosen = torch.tensor(batches[step % len(batches)])
        with torch.random.fork_rng(devices=[]):
            seeding.seed_step(training.seed, step)
            network.training_mode(head, True)
            loss = objective.loss(network.run(inputs[chosen], head).float(), wanted[chosen])
        optimizer.torch.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.set_rates({head: rate})
        optimizer.torch.step()
        network.evaluation_mode()
        with torch.inference_mode():
            value = objective.loss(network.run(inputs, head).float(), wanted).item()
        rates.append(rate)
        losses.append(value)
        yield step + 1
        lowest = min(lowest, value)
        if not math.isfinite(value) or value > _DIVERGED * max(lowest, losses[0] / _DIVERGED):
            break
    return rates, losses


def smoothed(losses: Sequence[float]) -> list[float | None]:
    """A Gaussian mean over neighbouring steps; what is not finite is `None` and counts for nothing."""
    values = np.array(losses)
    known = np.isfinite(values)
    places = np.arange(len(values))
    weights = np.exp(-0.5 * ((places[:, None] - places[None, :]) / _SPREAD) ** 2) * known
    means = (weights @ np.where(known, values, 0.0)) / np.maximum(weights.sum(1), 1e-300)
    return [float(mean) if ok else None for mean, ok in zip(means, known, strict=True)]


def steepest(rates: Sequence[float], losses: Sequence[float | None]) -> float | None:
    """The rate where the smoothed loss falls most steeply before its lowest point; `None` where it hardly falls."""
    known = [(rate, loss) for rate, loss in zip(rates, losses, strict=True) if loss is not None]
    if len(known) < 2 * _SPREAD:
        return None
    x: NDArray[np.float64] = np.log([rate for rate, _ in known])
    y: NDArray[np.float64] = np.array([loss for _, loss in known])
    lowest = int(y.argmin())
    if lowest < 2 or y[0] - y[lowest] < _SMALLEST_DROP * abs(y[0]):
        return None
    slopes = np.gradient(y, x)[: lowest + 1]
    return float(known[int(slopes.argmin())][0])


def _batches(n: int, size: int, seed: int) -> list[list[int]]:
    """As many batches as there are steps, each image as often as any other."""
    order: list[int] = []
    epoch = 0
    while len(order) < STEPS * size:
        order += seeding.order(seed, epoch, n)
        epoch += 1
    return [order[start : start + size] for start in range(0, STEPS * size, size)]
