from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tlgui.engine.schedule import one_cycle


@pytest.mark.parametrize("steps", [10, 41, 100, 1001])
def test_it_is_the_one_cycle_of_torch_with_its_default_factors(steps: int) -> None:
    """OneCycleLR counts its peak at pct_start * steps - 1, where ours lies at 30 % of the way to the last step."""
    peak = 0.37
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    share = (0.3 * (steps - 1) + 1) / steps
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=peak, total_steps=steps, pct_start=share, cycle_momentum=False
    )
    for step in range(steps):
        expected = optimizer.param_groups[0]["lr"]
        assert peak * one_cycle(step / (steps - 1)) == pytest.approx(expected, rel=1e-9), step
        optimizer.step()
        if step < steps - 1:
            scheduler.step()


def test_its_corners() -> None:
    assert one_cycle(0.0) == pytest.approx(1 / 25)
    assert one_cycle(0.3) == 1.0
    assert one_cycle(1.0) == pytest.approx(1 / 250_000)
    assert one_cycle(-1.0) == one_cycle(0.0) and one_cycle(7.0) == one_cycle(1.0)


@given(st.floats(0, 1), st.floats(0, 1))
def test_it_climbs_to_the_peak_and_falls_from_there(one: float, other: float) -> None:
    low, high = sorted((one, other))
    if high <= 0.3:
        assert one_cycle(low) <= one_cycle(high)
    if low >= 0.3:
        assert one_cycle(low) >= one_cycle(high)
    assert 0 < one_cycle(one) <= 1 and math.isfinite(one_cycle(one))
