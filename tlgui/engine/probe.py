"""The converged linear answer on frozen features: L2-regularised multinomial logistic regression."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def fit_logistic_regression(
    features: Tensor, labels: Tensor, classes: int, strength: float = 1e-2, iterations: int = 200
) -> tuple[Tensor, Tensor]:
    """Weights and bias of a linear layer on `features` as they are.

    Features are standardised for the fit, and the scaling is folded into the result; the penalty
    `strength / 2 * ||W||^2` per image acts on standardised weights.

    Args:
        features: (N, D) float32.
        labels: (N,) int64.
        classes: number of outputs.

    Returns:
        (classes, D) weights and (classes,) bias, float32.
    """
    x = features.double()
    mean, std = x.mean(0), x.std(0, unbiased=False).clamp_min(1e-6)
    x = (x - mean) / std
    weight = torch.zeros(classes, x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=iterations, line_search_fn="strong_wolfe", tolerance_grad=1e-6)

    def loss() -> Tensor:
        solver.zero_grad()
        value = cross_entropy(x @ weight.T + bias, labels) + strength / 2 * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    solver.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        folded = weight / std
        return folded.float(), (bias - folded @ mean).float()
