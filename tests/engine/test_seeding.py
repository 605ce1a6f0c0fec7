from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from tlgui.engine.seeding import batches, derive, order, seed_step


@given(st.integers(1, 300), st.integers(1, 70))
def test_each_image_is_in_one_batch_and_no_batch_holds_one_alone(n: int, size: int) -> None:
    """T01, T02: none dropped; at least one batch; one image alone only where there is but one, or size 1 is asked."""
    indices = list(range(n))
    cut = batches(indices, size)
    assert [index for batch in cut for index in batch] == indices
    assert all(len(batch) == size for batch in cut[:-1])
    assert len(cut) >= 1
    if size > 1 and n > 1:
        assert all(1 < len(batch) <= size + 1 for batch in cut)


@given(st.integers(0, 2**32 - 1), st.integers(0, 1000), st.integers(1, 200))
def test_an_epoch_sees_each_image_once_in_an_order_of_its_own(seed: int, epoch: int, n: int) -> None:
    one = order(seed, epoch, n)
    assert sorted(one) == list(range(n))
    assert one == order(seed, epoch, n)
    if n > 20:
        assert one != order(seed, epoch + 1, n)
        assert one != order(seed ^ 1, epoch, n)


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6))
def test_derived_seeds_are_in_range_and_apart(seed: int, step: int) -> None:
    value = derive(seed, "step", step)
    assert 0 <= value < 2**63
    assert value != derive(seed, "order", step)
    assert derive(1, 23) != derive(12, 3)


def test_a_step_draws_the_same_whatever_was_drawn_before() -> None:
    with torch.random.fork_rng():
        seed_step(3, 17)
        one = torch.rand(4)
        torch.rand(9)
        seed_step(3, 17)
        assert torch.equal(one, torch.rand(4))
