"""The layer ladder as an owner sees it: which groups train, from stem to head."""

from __future__ import annotations

from typing import Literal

from tlgui.core.events import GroupState, LayersChanged
from tlgui.engine.checkpoints import Place
from tlgui.engine.network import Network

Reason = Literal["start", "unfreeze", "freeze", "resume", "undo", "rates", "chosen", "verdict"]


def layers_changed(
    network: Network, peaks: dict[int, float], place: Place, reason: Reason, by_itself: bool = False
) -> LayersChanged:
    """What trains from now on.

    Args:
        network: of the run.
        peaks: peak learning rate by group index; their keys are the groups that train.
        place: where the run stands.
        reason, by_itself: as in the event.
    """
    groups = [
        GroupState(name=name, parameters=network.count([i]), trainable=i in peaks, learning_rate=peaks.get(i))
        for i, name in enumerate(network.group_names)
    ]
    last = place.moves[-1] if place.moves else None
    return LayersChanged(
        step=place.step,
        reason=reason,
        parameters=sum(group.parameters for group in groups),
        trainable_parameters=sum(group.parameters for group in groups if group.trainable),
        groups=groups,
        by_itself=by_itself,
        undo_step=last.step if last else None,
        snapshot_bytes=sum(move.bytes for move in place.moves),
        judged_after=last.due or None if last else None,
    )
