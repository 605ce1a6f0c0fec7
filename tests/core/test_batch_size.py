from __future__ import annotations

import pytest

from tlgui.core.batch_size import FEWEST_STEPS, SIZES, largest_batch


@pytest.mark.parametrize(
    ("images", "size"),
    [(2, 8), (64, 8), (127, 8), (128, 16), (255, 16), (256, 32), (512, 64), (1023, 64), (1024, 128), (1_000_000, 128)],
)
def test_an_epoch_has_eight_steps_at_least(images: int, size: int) -> None:
    assert largest_batch(images) == size
    assert size == SIZES[0] or images // size >= FEWEST_STEPS


@pytest.mark.parametrize(("room", "size"), [(0, 8), (8, 8), (16, 16), (40, 32), (1000, 128)])
def test_it_is_the_largest_that_fits_and_the_smallest_in_any_case(room: int, size: int) -> None:
    assert largest_batch(100_000, lambda n: n <= room) == size
