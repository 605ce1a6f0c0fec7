"""The layer ladder as an owner sees it: which groups train, from stem to head."""

from __future__ import annotations

from typing import Literal

from tlgui.core.events import GroupState, LayersChanged
from tlgui.engine.network import Network


def layers_changed(
    network: Network, peaks: dict[int, float], step: int, reason: Literal["start", "unfreeze", "freeze", "resume"]
) -> LayersChanged:
    """What trains from `step` on.

    Args:
        network: of the run.
        peaks: peak learning rate by group index; their keys are the groups that train.
        step: optimizer steps so far.
        reason: as in the event.
    """
    groups = [
        GroupState(name=name, parameters=network.count([i]), trainable=i in peaks, learning_rate=peaks.get(i))
        for i, name in enumerate(network.group_names)
    ]
    return LayersChanged(
        step=step,
        reason=reason,
        parameters=sum(group.parameters for group in groups),
        trainable_parameters=sum(group.parameters for group in groups if group.trainable),
        groups=groups,
    )
