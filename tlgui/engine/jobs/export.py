"""Writes a run's best state for use elsewhere, and proves that it answers the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tlgui.core import commands, events
from tlgui.core.events import Event
from tlgui.core.run_folder import open_run
from tlgui.engine import trained_model
from tlgui.engine.control import Control
from tlgui.engine.export import parity
from tlgui.engine.export.export_run import Finished, write_and_check


def export(job: commands.Export, control: Control | None = None) -> Iterator[Event]:
    """`Progress` while it writes and checks, then `Exported`.

    A `Stop` between two steps leaves nothing behind.

    Raises:
        UserError: there is no model, its images are not in the folder, the disk refuses, or the export does not
            answer like the program.
    """
    run = open_run(Path(job.run))
    model = trained_model.load(run)
    root = Path(job.data)
    images = parity.choose(run.manifest(), root)
    # The run's name is part of the folder's, and of nothing inside: it may tell more than a receiver should know.
    stem = f"{run.path.resolve().name}-{job.format}"
    for step in write_and_check(model, job.format, images, root, Path(job.to), stem):
        if isinstance(step, Finished):
            yield events.Exported(
                folder=str(step.folder),
                format=job.format,
                files=step.files,
                parity=step.record,
                worst_image=step.worst,
            )
            yield events.Completed(run=job.run, message=_sentence(step))
            return
        stage, done, total = step
        yield events.Progress(stage=stage, done=done, total=total)
        if control is not None and isinstance(control.take(), commands.Stop):
            yield events.Stopped(run=job.run)
            return


def _sentence(done: Finished) -> str:
    record = done.record
    ties = f" ({record['ties']} of them undecided between two classes)" if record["ties"] else ""
    return (
        f"Exported to '{done.folder.name}'. Opened again without this program, it answers all "
        f"{record['images']} validation images that were tried like the program does{ties}; "
        f"the largest difference of a probability is {record['max_probability_difference']:.1g}."
    )
