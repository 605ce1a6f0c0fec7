"""A line and an interval, against arithmetic done another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tlgui.core.trends import trend, wilson


def test_the_line_is_the_least_squares_line() -> None:
    rng = np.random.default_rng(0)
    for length in (3, 5, 17):
        values = list(rng.normal(size=length))
        line = trend(values)
        x = np.arange(length)
        matrix = np.stack([x, np.ones(length)], axis=1)
        (slope, start), *_ = np.linalg.lstsq(matrix, np.array(values), rcond=None)
        rest = np.array(values) - matrix @ np.array([slope, start])
        scatter = math.sqrt(float(rest @ rest) / (length - 2))
        covariance = scatter**2 * np.linalg.inv(matrix.T @ matrix)
        assert line.slope == pytest.approx(slope)
        assert line.first == pytest.approx(start)
        assert line.last == pytest.approx(start + slope * (length - 1))
        assert line.scatter == pytest.approx(scatter)
        assert line.error == pytest.approx(math.sqrt(covariance[0, 0]))
        assert line.sureness == pytest.approx(abs(slope) / math.sqrt(covariance[0, 0]))


def test_a_line_without_scatter_is_sure_and_a_level_one_is_not() -> None:
    assert trend([1.0, 2.0, 3.0]).sureness == math.inf
    assert trend([1.0, 1.0, 1.0]).sureness == 0.0
    with pytest.raises(ValueError, match="three values"):
        trend([1.0, 2.0])


@pytest.mark.parametrize(("right", "of"), [(0, 10), (1, 10), (50, 61), (61, 61), (900, 1000)])
def test_the_bounds_are_the_shares_that_the_count_just_does_not_exclude(right: int, of: int) -> None:
    """Wilson's bounds solve (share - p)^2 = z^2 p (1 - p) / n."""
    found = wilson(right / of, of)
    for bound in (found.low, found.high):
        left, limit = (right / of - bound) ** 2, 1.959964**2 * bound * (1 - bound) / of
        assert left == pytest.approx(limit, abs=1e-9)
    assert found.low <= right / of <= found.high
    assert found.half == pytest.approx((found.high - found.low) / 2)


def test_of_nothing_everything_is_possible() -> None:
    assert (wilson(0.0, 0).low, wilson(0.0, 0).high) == (0.0, 1.0)
