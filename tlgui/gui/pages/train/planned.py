"""A run as it is planned, before its folder is made and the engine has built its network."""

from __future__ import annotations

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.events import GroupState
from tlgui.core.planning import resolve
from tlgui.core.run_spec import RunSpec
from tlgui.gui.networks import network
from tlgui.gui.wizard.review.plan import ladder


def filled_in(spec: RunSpec, images: int) -> RunSpec:
    """The spec with the values that were left open, as the run folder will have them.

    Args:
        spec: as asked for.
        images: used ones, in all: the advice depends on them.
    """
    try:
        training, _ = resolve(spec.training, images)
    except UserError:  # said by whoever makes the run folder
        return spec
    return msgspec.structs.replace(spec, training=training)


def planned_groups(spec: RunSpec, classes: int) -> list[GroupState]:
    """The layer groups from the stem to the head, with the highest rate of each that learns; none of an unknown network.

    Args:
        spec: filled in.
        classes: number of outputs.
    """
    row = network(spec.backbone)
    return ladder(row, spec.training, classes) if row is not None else []
