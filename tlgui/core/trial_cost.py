"""What the short trial of "auto" costs, in facts of the backbone table: the engine decides by it, the window tells it."""

from __future__ import annotations

from tlgui.core.backbone_row import Backbone
from tlgui.core.decision import DEEPER_GROUPS, TRIAL_BATCH, TRIAL_IMAGES, TRIAL_STEPS

BUDGET = 10_000.0
"""Passes of EfficientNet-Lite0 at 224 pixels that a trial on a processor may cost: some minutes on two cores. For that
network itself it takes about 3,300."""
# Of the input of a network that would take too long at its own size: a third of the work of 224 pixels, and both sides
# lose alike.
_SIDE = 128


def passes(row: Backbone, size: int, side: int) -> float:
    """What it costs, in passes of EfficientNet-Lite0 at 224 pixels.

    Args:
        row: at the input size in use.
        size: that size, in pixels.
        side: of the trial's input.

    An image is looked at once below the cut; a training step costs about three passes of what lies above it.
    """
    own = TRIAL_IMAGES + 3 * TRIAL_STEPS * TRIAL_BATCH * DEEPER_GROUPS / (len(row.groups) + 1)
    return own * row.relative_seconds * (side / size) ** 2


def side_of(row: Backbone, size: int, on_processor: bool) -> int:
    """The side of its input: the run's own, or a smaller one where that takes too long and the network takes any size.

    Args:
        row, size: as for `passes`.
        on_processor: whether a processor trains, and no card.
    """
    if not on_processor or passes(row, size, size) <= BUDGET:
        return size
    side = max(_SIDE, round(_SIDE * size / 224 / 32) * 32)
    takes = not row.sized_by and row.multiple == 1 and row.takes(side)
    return side if side < size and takes else size


def fits(row: Backbone, size: int, on_processor: bool) -> bool:
    """Whether a trial is worth its time: a large network on a processor would take many minutes."""
    return not on_processor or passes(row, size, side_of(row, size, on_processor)) <= BUDGET
