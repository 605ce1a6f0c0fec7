"""What is there of pretrained weights, and whether a person's own file does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tlgui.core import commands, events
from tlgui.core.backbones import BACKBONES, added
from tlgui.core.events import Event
from tlgui.engine import weights, weights_state
from tlgui.engine.backbones import build
from tlgui.engine.control import Control
from tlgui.engine.timm_models import row_of


def survey(job: commands.Survey, control: Control) -> Iterator[Event]:
    """`Surveyed`; asks nothing of the network."""
    rows = []
    for state in weights_state.states():
        rows.append(state)
        yield events.Progress(stage="weights on this computer", done=len(rows), total=len(BACKBONES) + len(added()))
        if isinstance(control.take(), commands.Stop):
            yield events.Stopped()
            return
    yield events.Surveyed(rows=rows)
    yield events.Completed(message="The weights on this computer are known.")


def check_weights(job: commands.CheckWeights, control: Control) -> Iterator[Event]:
    """`WeightsChecked` when the file fits.

    Raises:
        UserError: it is no file of weights, or is that of another network.
    """
    row, path = row_of(job.backbone), Path(job.file)
    state = weights.read_file(path)
    # As a training would take it, so that what is said here holds there; two classes are the fewest.
    build(row, 2, state, source=f"'{path.name}'")
    yield events.WeightsChecked(backbone=row.name, file_name=path.name, sha256=weights.sha256_of(path))
    yield events.Completed(message=f"'{path.name}' fits {row.label}.")
