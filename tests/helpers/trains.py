"""An engine that leaves in each run folder what a training leaves there, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from helpers.command_line import PlayedEngine
from helpers.compared import finish
from tlgui.core import commands, events
from tlgui.core.run_folder import RunFolder


class Trains(PlayedEngine):
    """Leaves in each run folder what an engine leaves there: images whose name ends in an even digit are told right.

    Args:
        ends: how the run of that number (from 0) ends; `None` = it is completed.
        worse: this strategy tells nothing right.
    """

    def __init__(self, ends: Callable[[int], events.Ending | None] = lambda number: None, worse: str = "") -> None:
        super().__init__()
        self.ends, self.worse = ends, worse
        self.jobs: list[commands.Train] = []

    @property
    def trained(self) -> list[str]:
        """Names of the run folders that were asked for."""
        return [Path(job.run).name for job in self.jobs]

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        assert isinstance(job, commands.Train)
        self.jobs.append(job)
        run = RunFolder(Path(job.run))
        ending = self.ends(len(self.jobs) - 1)
        if not isinstance(ending, events.Failed):
            bad = run.spec().training.strategy == self.worse
            held = {row.path: (row.part, not bad and row.path[-5] in "02468") for row in run.manifest()}
            finish(run, held, seconds=[9.0 if bad else 4.0], ending=ending)
        yield ending or events.Completed(run=job.run, best_epoch=1, message="Training is complete.")
