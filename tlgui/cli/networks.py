"""A network that was typed: a row of the table, or a timm model, which is looked at when it is first named."""

from __future__ import annotations

from tlgui.cli.drive import drive
from tlgui.cli.terminal import note
from tlgui.core import commands, events
from tlgui.core.backbones import ADDED, BACKBONES, added, backbone
from tlgui.core.engine_process import EngineProcess
from tlgui.core.errors import UserError


def make_known(engine: EngineProcess, name: str) -> None:
    """Makes sure that there is such a network.

    Raises:
        UserError: there is none, or it is not of the kind that is trained here.
    """
    if not name.startswith(ADDED) or name in (*BACKBONES, *added()):
        backbone(name)
        return

    def on_event(event: events.AnyEvent) -> None:
        if isinstance(event, events.BackboneDescribed):
            note(event.sentence)

    ending = drive(engine, commands.DescribeBackbone(name=name.removeprefix(ADDED)), on_event)
    if isinstance(ending, events.Failed) and not ending.is_fault:
        raise UserError(ending.problem, ending.remedy, ending.details, code=ending.code)
    if not isinstance(ending, events.Completed):
        raise UserError(f"The timm model '{name.removeprefix(ADDED)}' was not looked at.", ending.sentence())
