"""Looks at a timm model, so that it can be chosen like a row of the backbone table."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from tlgui.core import added_backbones, commands, events
from tlgui.core.backbones import Backbone
from tlgui.core.events import Event
from tlgui.engine.control import Control
from tlgui.engine.timm_models import describe


def describe_backbone(job: commands.DescribeBackbone, control: Control) -> Iterator[Event]:
    """`BackboneDescribed`, after which the model is a row; asks nothing of the network. A `Stop` leaves nothing.

    Raises:
        UserError: timm has no such model, or it is not of the kind that is trained here.
    """
    yield events.Progress(stage=f"looking at {job.name}", done=0, total=1)
    row = describe(job.name)
    if isinstance(control.take(), commands.Stop):
        yield events.Stopped()
        return
    added_backbones.note(row, version("timm"))
    yield events.BackboneDescribed(
        backbone=row.name,
        label=row.label,
        parameters=row.parameters,
        groups=[group.name for group in row.groups],
        size=row.size,
        sentence=sentence_of(row),
    )
    yield events.Completed(message=f"{row.label} can be chosen now.")


def sentence_of(row: Backbone) -> str:
    """What was found, for people."""
    cut = (
        "Its layer groups can be unfrozen one after another, but it cannot be cut between them, so that from the first one "
        "on each step computes the whole network."
        if row.whole
        else "Its layer groups can be unfrozen one after another."
    )
    weights = (
        "Its weights are fetched when they are needed, or taken from a file."
        if row.pretrained
        else "timm has no weights for it, so it is trained from scratch, or begins with a file of weights of your own."
    )
    return (
        f"{row.label} has {len(row.groups)} layer groups below its head and takes images of {row.size} x {row.size} pixels. "
        f"{cut} {weights}"
    )
