"""Losses of domain adaptation that need a target without labels: a judge through reversed gradients, class confusion."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

_UNITS = 256
_TEMPERATURE = 2.5


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.factor * gradients[0], None


def reversed_gradient(x: Tensor, factor: float) -> Tensor:
    """The same values, whose gradient is multiplied by -`factor` on its way back.

    Source: Ganin et al. 2016, JMLR 17:59, section 4.1.
    """
    return _Reversal.apply(x, factor)  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """Tells by a row of features which site an image is of: features -> 256 -> 256 -> 2, with ReLU and dropout .5.

    Args:
        features: numbers per image.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, _UNITS), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(_UNITS, _UNITS), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(_UNITS, 2),
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        """(N, features) -> (N, 2) logits: known site, new site."""
        logits: Tensor = self.layers(features)
        return logits


def domain_loss(judge: Discriminator, source: Tensor, target: Tensor, factor: float) -> tuple[Tensor, float]:
    """How badly a judge tells the sites apart, so that the judge learns to and the features learn to prevent it.

    The two sites count alike, however many images of each there are. The judge learns with weight 1; the gradient of the
    features is that of minus `factor` times the loss.

    Args:
        judge: of these features.
        source: (n, D) features of the known site, n >= 1.
        target: (m, D) of the new one, m >= 1.
        factor: >= 0.

    Returns:
        The mean cross-entropy (log 2 = .69 for a judge that cannot tell), and the mean share that is told right per site.
    """
    losses, shares = [], []
    for label, rows in enumerate((source, target)):
        logits = judge(reversed_gradient(rows, factor))
        losses.append(cross_entropy(logits, torch.full((len(rows),), label, device=rows.device)))
        shares.append((logits.argmax(1) == label).float().mean().item())
    return torch.stack(losses).mean(), sum(shares) / 2


def class_confusion(logits: Tensor, temperature: float = _TEMPERATURE) -> Tensor:
    """Minimum class confusion: how much of the answers' weight lies on pairs of classes that are confused.

    With p = softmax(logits / T), entropy h_i of row i and weight w_i = N (1 + exp(-h_i)) / sum_j (1 + exp(-h_j)):
    C = p' diag(w) p, each row of C divided by its sum, and the loss is the mean over classes of what lies off the diagonal.

    Args:
        logits: (N, classes), N >= 1.
        temperature: of the softmax.

    Returns:
        A scalar in 0..1.

    Source: Jin et al. 2020, arXiv 1912.03699, equations 3 to 7 (no gradient goes through the weights, as in its code).
    """
    n, classes = logits.shape
    shares = torch.softmax(logits / temperature, dim=1)
    with torch.no_grad():
        entropies = -(shares * shares.clamp_min(1e-12).log()).sum(1)
        weights = 1 + torch.exp(-entropies)
        weights = n * weights / weights.sum()
    confusion = (shares * weights[:, None]).T @ shares
    confusion = confusion / confusion.sum(1, keepdim=True).clamp_min(1e-12)
    return (confusion.sum() - confusion.trace()) / classes
