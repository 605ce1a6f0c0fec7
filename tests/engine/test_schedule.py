from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import tiny_setup
from hypothesis import given
from hypothesis import strategies as st

from tlgui.engine.live import Live
from tlgui.engine.schedule import momentum_of, one_cycle

pytestmark = pytest.mark.usefixtures("one_thread")


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


@pytest.mark.parametrize("steps", [10, 41, 1001])
def test_momentum_goes_down_and_up_as_torch_cycles_it(steps: int) -> None:
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    share = (0.3 * (steps - 1) + 1) / steps
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.37, total_steps=steps, pct_start=share)
    for step in range(steps):
        expected = optimizer.param_groups[0]["betas"][0]
        assert momentum_of(step / (steps - 1)) == pytest.approx(expected, rel=1e-9), step
        optimizer.step()
        if step < steps - 1:
            scheduler.step()
    assert momentum_of(-1.0) == momentum_of(0.0) == momentum_of(2.0) == pytest.approx(0.95)
    assert momentum_of(0.3) == pytest.approx(0.85)


@pytest.fixture
def live(tmp_path: Path) -> Callable[..., Live]:
    def made(**training: Any) -> Live:
        data = write_dataset(tmp_path / "d", {"a": 12, "b": 12}, size=24)
        one = Live(tiny_setup(data, tmp_path / "run", strategy="fine-tune-top", **training))
        one.begin()
        return one

    return made


@pytest.mark.parametrize("batch_size", [2, 8, 32])
@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_t10_no_step_raises_not_the_last_one_and_not_those_after_it(
    epochs: int, batch_size: int, live: Callable[..., Live]
) -> None:
    """A run of one step too."""
    one = live(epochs=epochs, batch_size=batch_size, cycle_momentum=True)
    last = epochs * one.batches - 1
    for step in range(last + 5):
        one.set_rates(step)
        rates = {group["layer"]: group["lr"] for group in one.optimizer.torch.param_groups}
        assert rates == one.rates(step) and all(0 < rate <= one.optimizer.peaks[i] for i, rate in rates.items())
    if last > 1:
        assert one.rates(last)[3] == pytest.approx(one.optimizer.peaks[3] / 250_000)


def test_t10_after_more_epochs_the_curve_begins_anew_for_the_steps_that_remain(live: Callable[..., Live]) -> None:
    """Plan 5 epochs, stop at 3, go on to 8: five epochs' steps with the curve of a run of five epochs."""
    one = live(epochs=5, batch_size=8)
    one.place.step, one.place.epoch = 3 * one.batches, 3
    one.plan_epochs(8)
    steps = 5 * one.batches
    for step in range(steps):
        expected = one.optimizer.peaks[3] * one_cycle(step / (steps - 1))
        assert one.rates(3 * one.batches + step)[3] == pytest.approx(expected)


def test_a_constant_schedule_stays_at_the_peaks_and_leaves_momentum_alone(live: Callable[..., Live]) -> None:
    one = live(epochs=3, batch_size=8, schedule="constant", cycle_momentum=True)
    for step in (0, 3, 7, 100):
        one.set_rates(step)
        assert one.rates(step) == one.optimizer.peaks
        assert {group["betas"] for group in one.optimizer.torch.param_groups} == {(0.9, 0.999)}


def test_momentum_is_cycled_where_it_is_asked_for(live: Callable[..., Live]) -> None:
    one = live(epochs=3, batch_size=8, cycle_momentum=True)
    end = 3 * one.batches - 1
    seen = []
    for step in range(end + 1):
        one.set_rates(step)
        seen.append({group["betas"][0] for group in one.optimizer.torch.param_groups})
    assert [min(betas) for betas in seen] == pytest.approx([momentum_of(step / end) for step in range(end + 1)])
    assert all(len(betas) == 1 for betas in seen)
