"""The run that trains in this window, among the runs that were read from the disk: as far as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tlgui.core.runs import RunSummary

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel
    from tlgui.gui.workbench import Workbench


def with_training(bench: Workbench, runs: Sequence[RunSummary]) -> list[RunSummary]:
    """The runs; the one that trains says so, with the epochs that it has now and not those of the last reading."""
    run, folder = bench.training_run, bench.training_folder
    if run is None or folder is None:
        return list(runs)
    return [_live(row, run) if row.path == folder.path else row for row in runs]


def _live(row: RunSummary, run: RunModel) -> RunSummary:
    planned = run.epochs_planned or row.epochs_planned
    done = run.epochs[-1].epoch if run.epochs else 0
    # As the Train page counts: the epoch that it is in.
    epoch = 0 if run.state in ("starting", "preparing") else min(done + 1, planned)
    # A run that goes on had a score; it is of a state that training leaves behind.
    return msgspec.structs.replace(row, state="at work", epochs_done=epoch, epochs_planned=planned, score=None)
