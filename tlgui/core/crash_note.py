"""An engine that died could not write its ending, so its owner does: the window and the command line alike."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from tlgui.core import commands, events
from tlgui.core.run_folder import RunFolder

logger = logging.getLogger(__name__)


def crash_of(
    crashed: events.Crashed, job: commands.Job, trouble: Callable[[str], None] = logger.warning
) -> events.Crashed:
    """The crash as the ending of a job: that of a training names its run and is noted in the run's `events.jsonl`.

    Where it cannot be noted, the run still reads as interrupted, and `trouble` hears a sentence that says why.
    """
    if not isinstance(job, commands.Train):
        return crashed
    run = RunFolder(Path(job.run))
    try:
        # Last lines may hold anything, and a run folder is passed on.
        run.append_event(msgspec.structs.replace(crashed, run=run.name, last_lines=""))
    except OSError as error:
        trouble(f"The ending could not be noted in the run folder: {error.strerror}.")
    return msgspec.structs.replace(crashed, run=job.run)
