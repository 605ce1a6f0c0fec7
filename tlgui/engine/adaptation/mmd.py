"""Maximum mean discrepancy: how far apart two clouds of features lie, as a number and as a loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
FLOOR = 1e-12
"""The least bandwidth: where most features are equal, their median distance is 0, and 0 / 0 would be no number."""
_ROUNDING = 1e-9  # two permutations whose estimates are nearer than this are the same


def mmd_squared(source: Tensor, target: Tensor, bandwidths: Tensor | None = None) -> Tensor:
    """The unbiased estimate of the squared distance between the distributions of two sets of features.

    With k(x, y) = sum over bandwidths b of exp(-|x - y|^2 / b):

        sum_{i != j} k(s_i, s_j) / (n (n - 1)) + sum_{i != j} k(t_i, t_j) / (m (m - 1)) - 2 sum_{i, j} k(s_i, t_j) / (n m)

    About 0, and as often below as above, where both are drawn from one distribution; exactly 0 where all features are
    equal. At most twice the number of bandwidths.

    With a single row on a side there is no pair to estimate from: the answer is 0 and moves nothing, so that a last
    batch with one image does not end a training.

    Args:
        source: (n, D) features.
        target: (m, D) features; n and m may differ.
        bandwidths: (B,), > 0; by default those of `bandwidths_of` for both sets together.

    Returns:
        A scalar that can be differentiated in both sets.

    Raises:
        ValueError: a set is empty, or the feature sizes differ.

    Source: Gretton et al. 2012, JMLR 13:723, lemma 6; Long et al. 2015, arXiv 1502.02791 (several kernels; its kernels
    are weighted, ours are summed).
    """
    if source.ndim != 2 or target.ndim != 2 or source.shape[1] != target.shape[1] or not len(source) or not len(target):
        raise ValueError(f"features of {tuple(source.shape)} and {tuple(target.shape)} cannot be compared")
    if min(len(source), len(target)) < 2:
        return 0 * (source.sum() + target.sum())
    rows = torch.cat([source, target])
    kernel = kernel_matrix(rows, bandwidths_of(rows) if bandwidths is None else bandwidths)
    return _estimate(kernel, len(source))


def bandwidths_of(rows: Tensor) -> Tensor:
    """The median of the squared distances of all pairs, times `FACTORS`; no gradient goes through it.

    The median and not the mean, which one far outlier moves.

    Args:
        rows: (N, D), N >= 2.

    Returns:
        (5,), each >= `FLOOR` / 4.
    """
    with torch.no_grad():
        first, second = torch.triu_indices(len(rows), len(rows), offset=1, device=rows.device)
        ordered = _squared_distances(rows)[first, second].sort().values
        middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
        return middle.clamp_min(FLOOR) * torch.tensor(FACTORS, dtype=rows.dtype, device=rows.device)


def kernel_matrix(rows: Tensor, bandwidths: Tensor) -> Tensor:
    """The sum of Gaussian kernels of each pair of rows.

    Args:
        rows: (N, D).
        bandwidths: (B,), > 0.

    Returns:
        (N, N), between 0 and B.
    """
    distances = _squared_distances(rows)
    kernel = torch.zeros_like(distances)
    for bandwidth in bandwidths.detach():
        kernel = kernel + torch.exp(-distances / bandwidth)
    return kernel


def permuted(
    kernel: Tensor, n: int, permutations: int = 500, seed: int = 0, units: Sequence[int] | None = None
) -> tuple[float, float]:
    """The estimate for the first `n` rows against the others, and how often chance alone makes it as large.

    Rows change sides at random, whole units at a time (one may be torn, so that `n` stay on the first side); the
    p-value is (1 + permutations that are as large) / (1 + permutations).

    Args:
        kernel: (N, N), as of `kernel_matrix`.
        n: rows of the first set, 2 <= n <= N - 2.
        permutations: how many.
        seed: of the permutations.
        units: (N,) rows of the same number change sides together; each row for itself where it is not given.

    Returns:
        The estimate, and its p-value.

    Source: Gretton et al. 2012, section 5; Phipson and Smyth 2010, SAGMB 9:39 (why 1 is added).
    """
    k = kernel.detach().double().cpu()
    k = k - torch.diag(k.diagonal())
    size = len(k)
    generator = torch.Generator().manual_seed(seed)
    unit_of = torch.arange(size) if units is None else torch.tensor(list(units))
    chosen = torch.zeros(permutations + 1, size, dtype=torch.float64)
    chosen[0, :n] = 1
    for row in chosen[1:]:
        rank = torch.randperm(size, generator=generator)[unit_of]
        row[torch.argsort(rank, stable=True)[:n]] = 1
    m, inside = size - n, chosen @ k
    first = (inside * chosen).sum(1)
    across = (inside * (1 - chosen)).sum(1)
    second = k.sum() - first - 2 * across
    values = first / (n * (n - 1)) + second / (m * (m - 1)) - 2 * across / (n * m)
    as_large = int((values[1:] >= values[0] - _ROUNDING).sum())
    return float(values[0]), (1 + as_large) / (1 + permutations)


def _estimate(kernel: Tensor, n: int) -> Tensor:
    source, target, across = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
    m = len(target)
    within = (source.sum() - source.trace()) / (n * (n - 1)) + (target.sum() - target.trace()) / (m * (m - 1))
    return within - 2 * across.sum() / (n * m)


def _squared_distances(rows: Tensor) -> Tensor:
    """(N, N). Not by |x|^2 + |y|^2 - 2 xy, whose rounding makes equal rows differ."""
    return torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist").square()
