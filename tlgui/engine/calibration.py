"""How sure a network may be: the temperature that its answers to validation images ask for.

Guo et al. 2017, arXiv 1706.04599. It changes no answer, only how sure each is. That an epoch is best judged after it
has been fitted is shown in Berta et al. 2025, arXiv 2501.19195: a network that goes on getting better at telling
classes apart becomes too sure of itself at the same time, and its raw loss rises with that.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

LOWEST, HIGHEST = 0.25, 20.0
_HALVINGS = 40


class Calibration(NamedTuple):
    """The temperature that fits best, and the mean loss per image with it: 0 where nothing better can be asked for."""

    temperature: float
    loss: float


def calibrate(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Calibration:
    """The temperature T with the smallest mean cross-entropy of softmax(logits / T).

    Each of n images counts as right with n + 1 of n + 2 (the rule of succession) and otherwise as any other class: else a
    network that tells all of a few images right would be told that it can never be wrong. The entropy of those targets,
    the same for each network, is no loss and taken off.

    Args:
        logits: (N, classes), N >= 1, classes >= 2.
        labels: (N,) int64.
        weights: (N,) of each image in the mean, not negative, not all 0; `None` = all alike.

    Returns:
        T between `LOWEST` and `HIGHEST`; of answers that are no numbers T = 1 and a loss that is none.
    """
    z = logits.double()
    if not torch.isfinite(z).all():
        return Calibration(1.0, float("nan"))
    n, classes = z.shape
    z = z - z.mean(1, keepdim=True)  # changes no probability, and keeps sums small
    doubt = 1 / (n + 2)
    wanted = torch.full_like(z, doubt / (classes - 1))
    wanted[torch.arange(n), labels] = 1 - doubt
    each = torch.ones(n, 1, dtype=z.dtype)
    if weights is not None:
        each = (weights.double() * (n / weights.double().sum())).unsqueeze(1)
    aim = (each * wanted * z).sum() / n
    # The loss is convex in 1 / T: where its slope changes sign is the lowest place.
    low, high = 1 / HIGHEST, 1 / LOWEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        slope = (each * torch.softmax(z * middle, 1) * z).sum() / n - aim
        if slope > 0:
            high = middle
        else:
            low = middle
    sharpness = (low + high) / 2
    loss = (each * wanted * (wanted.log() - torch.log_softmax(z * sharpness, 1))).sum() / n
    return Calibration(1 / sharpness, loss.item())
