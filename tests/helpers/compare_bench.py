"""A workbench that compares ways to train: what the imaging child and the engine answer to it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from helpers.bench import Bench, run_started
from helpers.compared import comparison_of
from helpers.made_comparison import TWO, compared, end, make, new_folder
from tlgui.core import comparison as comparisons
from tlgui.core import events
from tlgui.core.comparison import ComparedRun, Comparison
from tlgui.core.imaging_messages import ComparisonPrepared, PrepareComparison

DONE = events.Completed(message="Done.", best_epoch=1)


def asked_of(bench: Bench) -> PrepareComparison:
    """What the imaging child was asked last."""
    request = bench.fake_imaging.asked[-1]
    assert isinstance(request, PrepareComparison)
    return request


def answer(bench: Bench, folder: Path, asked: Comparison) -> list[ComparedRun]:
    """The imaging child has made the run folders that are not there yet."""
    if not comparisons.is_comparison(folder):
        make(folder, asked)
    runs = [compared(folder, leg) for leg in asked.legs()]
    bench.fake_imaging.answered.emit(
        ComparisonPrepared(
            ticket=asked_of(bench).ticket,
            folder=str(folder),
            comparison=msgspec.structs.replace(asked, dataset="cells"),
            runs=runs,
        )
    )
    return runs


def begun(bench: Bench, data: Path, *keys: str, folder: Path | None = None, folds: int = 0) -> list[ComparedRun]:
    """A comparison of the images in a folder: its runs wait in the queue."""
    if bench.scan_ticket is None:
        bench.found(data)
    asked = comparison_of(*(keys or TWO), folds=folds)
    bench.compare.start(asked.entrants, asked.epochs, folds)
    return answer(bench, folder or new_folder(), asked)


def ended(bench: Bench, run: ComparedRun, ending: events.Event = DONE) -> None:
    """The run that trains ends so; a completed one leaves its answers."""
    bench.fake_engine.say(run_started(Path(run.run)))
    if ending is DONE:
        found = comparisons.read(Path(run.run).parent)
        end(Path(run.run).parent, next(leg for leg in found.legs() if leg.folder == Path(run.run).name))
    bench.fake_engine.say(ending)
