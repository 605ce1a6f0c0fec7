"""How many images an optimizer step learns from, where that is left to the program."""

from __future__ import annotations

from collections.abc import Callable

SIZES = (8, 16, 32, 64, 128)
# With fewer steps an epoch learns little, whatever the size of the batch.
FEWEST_STEPS = 8


def largest_batch(images: int, fits: Callable[[int], bool] = lambda size: True) -> int:
    """The largest of `SIZES` that gives an epoch at least `FEWEST_STEPS` steps and that fits; the smallest in any case.

    Args:
        images: for training.
        fits: whether a batch of so many has room in memory.
    """
    chosen = SIZES[0]
    for size in SIZES[1:]:
        if size * FEWEST_STEPS > images or not fits(size):
            break
        chosen = size
    return chosen
