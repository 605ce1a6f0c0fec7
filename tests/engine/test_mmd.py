"""The distance of two clouds of features: against a double loop, on drawn halves, and as a loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tlgui.engine.adaptation.mmd import FACTORS, FLOOR, bandwidths_of, kernel_matrix, mmd_squared, permuted


def drawn(n: int, d: int = 6, shift: float = 0.0, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=torch.float64) + shift


def naive(source: Tensor, target: Tensor) -> float:
    """The estimate pair by pair, with its own median."""
    s, t = source.numpy(), target.numpy()
    every = np.concatenate([s, t])
    distances = [float(((x - y) ** 2).sum()) for i, x in enumerate(every) for y in every[:i]]
    widths = [float(np.median(distances)) * factor for factor in (0.25, 0.5, 1, 2, 4)]

    def k(x: np.ndarray, y: np.ndarray) -> float:  # type: ignore[type-arg]
        return sum(math.exp(-float(((x - y) ** 2).sum()) / width) for width in widths)

    n, m = len(s), len(t)
    ss = sum(k(s[i], s[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    tt = sum(k(t[i], t[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return ss + tt - 2 * sum(k(x, y) for x in s for y in t) / (n * m)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 9), (7, 12), (12, 5), (20, 64)])
def test_the_estimate_is_that_of_a_double_loop_also_for_unequal_sizes(n: int, m: int) -> None:
    source, target = drawn(n, seed=1), drawn(m, shift=0.5, seed=2)

    assert mmd_squared(source, target).item() == pytest.approx(naive(source, target), abs=1e-12)
    kernel = kernel_matrix(torch.cat([source, target]), bandwidths_of(torch.cat([source, target])))
    assert permuted(kernel, n, 5)[0] == pytest.approx(naive(source, target), abs=1e-12)


def test_two_halves_of_one_set_are_about_0_apart_and_as_often_below() -> None:
    values = torch.tensor([mmd_squared(*drawn(40, seed=seed).split(20)).item() for seed in range(300)])

    assert abs(values.mean().item()) < 3 * values.std().item() / math.sqrt(300)
    assert 0.4 < (values < 0).double().mean().item() < 0.75  # skewed to the right, as such estimates are


def test_p_values_of_halves_are_spread_evenly() -> None:
    found = []
    for seed in range(200):
        rows = drawn(30, seed=seed)
        found.append(permuted(kernel_matrix(rows, bandwidths_of(rows)), 15, 99, seed)[1])

    for level in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert np.mean(np.array(found) <= level) == pytest.approx(level, abs=3.3 * math.sqrt(level * (1 - level) / 200))


def test_shifted_sets_are_apart_and_the_further_the_more() -> None:
    values = [mmd_squared(drawn(40, seed=1), drawn(30, shift=shift, seed=2)).item() for shift in (0.3, 1.0, 3.0)]

    assert 0 < values[0] < values[1] < values[2] < 2 * len(FACTORS)
    rows = torch.cat([drawn(40, seed=1), drawn(30, shift=1.0, seed=2)])
    assert permuted(kernel_matrix(rows, bandwidths_of(rows)), 40, 500)[1] == pytest.approx(1 / 501)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0.0, 1 / 3, 1e4])
def test_equal_features_are_exactly_0_apart_with_gradients_that_are_numbers(dtype: torch.dtype, value: float) -> None:
    source = torch.full((5, 700), value, dtype=dtype, requires_grad=True)
    target = torch.full((3, 700), value, dtype=dtype, requires_grad=True)

    distance = mmd_squared(source, target)
    distance.backward()  # type: ignore[no-untyped-call]

    assert distance.item() == 0.0
    assert source.grad is not None and bool(source.grad.isfinite().all())
    assert target.grad is not None and bool(target.grad.isfinite().all())
    rows = torch.cat([source, target])
    assert permuted(kernel_matrix(rows, bandwidths_of(rows)), 5, 50) == (0.0, 1.0)


def test_a_few_that_differ_among_equal_ones_give_numbers_too() -> None:
    """The median distance is 0 there."""
    source = torch.ones(9, 4, requires_grad=True)
    target = torch.cat([torch.ones(3, 4), 5 * torch.ones(1, 4)]).requires_grad_()
    assert bandwidths_of(torch.cat([source, target])).tolist() == pytest.approx([FLOOR * factor for factor in FACTORS])

    distance = mmd_squared(source, target)
    distance.backward()  # type: ignore[no-untyped-call]

    assert math.isfinite(distance.item())
    assert target.grad is not None and bool(target.grad.isfinite().all())


@pytest.mark.parametrize(("n", "m"), [(1, 8), (8, 1), (1, 1)])
def test_a_single_row_moves_nothing_and_ends_nothing(n: int, m: int) -> None:
    source, target = drawn(n).requires_grad_(), drawn(m, seed=1).requires_grad_()

    distance = mmd_squared(source, target)
    distance.backward()  # type: ignore[no-untyped-call]

    assert distance.item() == 0.0
    assert source.grad is not None and not source.grad.any()


@pytest.mark.parametrize(("source", "target"), [((0, 4), (3, 4)), ((3, 4), (0, 4)), ((3, 4), (3, 5)), ((3,), (3, 4))])
def test_what_cannot_be_compared_is_refused(source: tuple[int, ...], target: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        mmd_squared(torch.zeros(source), torch.zeros(target))


def test_the_gradient_is_that_of_differences_while_the_bandwidths_are_held() -> None:
    source, target = drawn(4, 3, seed=3).requires_grad_(), drawn(6, 3, 0.4, seed=4).requires_grad_()
    held = bandwidths_of(torch.cat([source, target]))

    assert not held.requires_grad
    assert torch.autograd.gradcheck(lambda s, t: mmd_squared(s, t, held), (source, target))
    (with_default,) = torch.autograd.grad(mmd_squared(source, target), source)
    (with_held,) = torch.autograd.grad(mmd_squared(source, target, held), source)
    assert torch.equal(with_default, with_held)


def test_going_down_the_gradient_brings_two_sets_together() -> None:
    target = drawn(32, shift=1.5, seed=5)
    moved = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    source, optimizer = drawn(24, seed=6), torch.optim.Adam([moved], lr=0.1)
    first = mmd_squared(source, target).item()
    for _ in range(60):
        optimizer.zero_grad()
        mmd_squared(source + moved, target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    assert mmd_squared(source + moved, target).item() < 0.05 * first


def test_an_outlier_hardly_moves_the_bandwidths() -> None:
    rows = drawn(41)
    far = torch.cat([rows, 1e4 * torch.ones(1, 6, dtype=torch.float64)])

    assert (bandwidths_of(far) / bandwidths_of(rows)).max().item() < 1.2


def test_rows_that_belong_together_change_sides_together() -> None:
    """Twelve patients of ten images each, six on a side, of one population: image by image, they seem to differ."""
    apart, together = [], []
    for seed in range(40):
        units = torch.arange(12).repeat_interleave(10)
        rows = 2 * drawn(12, seed=seed)[units] + 0.3 * drawn(120, seed=1000 + seed)
        kernel = kernel_matrix(rows, bandwidths_of(rows))
        apart.append(permuted(kernel, 60, 99, seed)[1])
        together.append(permuted(kernel, 60, 99, seed, units.tolist())[1])

    assert np.mean(np.array(apart) <= 0.05) > 0.5
    assert np.mean(np.array(together) <= 0.05) < 0.15


def test_the_same_seed_gives_the_same_p() -> None:
    rows = drawn(24)
    kernel = kernel_matrix(rows, bandwidths_of(rows))

    assert permuted(kernel, 10, 200, 3) == permuted(kernel, 10, 200, 3)
    assert len({permuted(kernel, 10, 200, seed)[1] for seed in range(6)}) > 1
