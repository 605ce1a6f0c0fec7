"""What a person should know after layers were unfrozen: the loss may rise before it falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel

RISE = "The loss may rise for an epoch or two after unfreezing: layers that were tuned to each other change."
_EPOCHS = 3  # after which the sentence has had its time


def loss_may_rise(run: RunModel) -> bool:
    """Whether layers were unfrozen and neither a better epoch nor three of them have come since.

    By hand, or by the strategy: after the warm start of the head all layers that learn begin to move at once.
    """
    if run.ending is not None:
        return False
    since = next((mark.x_epoch for mark in reversed(run.marks) if mark.kind == "unfreeze"), None)
    if since is None:
        if not run.epochs or run.epochs[0].epoch or not any(group.trainable for group in run.groups[:-1]):
            return False
        since = 0.0
    for passed, epoch in enumerate(reversed(run.epochs), start=1):
        if epoch.epoch <= since:
            return True
        if epoch.best or passed == _EPOCHS:
            return False
    return True
