"""Comparisons on the disk with runs that a test ends as it likes, and a workbench that compares."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from helpers.bench import Bench, run_started
from helpers.compared import comparison_of, finish
from tlgui.core import comparison as comparisons
from tlgui.core import events
from tlgui.core.comparison import ComparedRun, Comparison, Leg
from tlgui.core.imaging_messages import ComparisonPrepared, PrepareComparison
from tlgui.core.paths import projects_dir
from tlgui.core.planning import resolve
from tlgui.core.records import ImageRecord
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import Dataset
from tlgui.core.split import Part

THREE = ("feature-extraction", "fine-tune-top:2", "full-fine-tuning")
TWO = ("feature-extraction", "full-fine-tuning")
DONE = events.Completed(message="Done.", best_epoch=1)


def new_folder(name: str = "2026-11-26 10.00 comparison") -> Path:
    """Where a comparison of the images "cells" lies."""
    return projects_dir() / "cells" / comparisons.FOLDER / name


def make(folder: Path, asked: Comparison, held: int = 40, dataset: str = "cells") -> list[ComparedRun]:
    """The folders of its runs, none of them begun.

    Args:
        folder: of the comparison.
        asked: what is compared.
        held: images that are not trained on.
        dataset: name of the images.
    """
    comparisons.write(folder, msgspec.structs.replace(asked, dataset=dataset))
    runs = []
    for leg in asked.legs():
        spec = asked.spec(leg.entrant)
        training, _ = resolve(spec.training, 40)
        about = Dataset(
            name=dataset, fingerprint="f" * 64, layout="class folders", classes=["round", "star"], images=held + 2
        )
        run = create(folder / leg.folder, msgspec.structs.replace(spec, training=training, dataset=about))
        parts = parts_of(leg, held)
        used = [
            ImageRecord(path=path, class_name="round", content_hash=path, width=9, height=9) for path in parts
        ]  # fmt: skip
        run.write_manifest(used, parts, [])
        runs.append(compared(folder, leg))
    return runs


def parts_of(leg: Leg, held: int) -> dict[str, Part]:
    """Image -> its part; a fold has test images of its own."""
    part: Part = "test" if leg.fold else "validation"
    return {f"fold {leg.fold} {number}.png": "train" if number < 2 else part for number in range(held + 2)}


def end(
    folder: Path, leg: Leg, right: Sequence[bool] | None = None, seconds: float = 5.0, trainable: int = 1_000
) -> None:
    """What the engine leaves behind at the end of a run.

    Args:
        folder: of the comparison.
        leg: the run.
        right: of each held image, whether it was told right; `None` = all.
        seconds: of each of three epochs.
        trainable: parameters that learned.
    """
    run = RunFolder(folder / leg.folder)
    parts = {row.path: row.part for row in run.manifest()}
    told = iter(right if right is not None else [True] * len(parts))
    held = {path: (part, part == "train" or next(told)) for path, part in parts.items()}
    finish(run, held, [seconds] * 3, trainable)


def whole(folder: Path, asked: Comparison, right: Mapping[str, Sequence[bool]], dataset: str = "cells") -> None:
    """A comparison that has come to its end.

    Args:
        folder: of it.
        asked: what was compared.
        right: by the key of a way: of each held image, whether it was told right.
        dataset: name of the images.
    """
    make(folder, asked, len(next(iter(right.values()))), dataset)
    for leg in asked.legs():
        place = asked.entrants.index(leg.entrant) + 1
        end(folder, leg, right[leg.entrant.key], 60.0 * place, 40_000 * 6**place)


def share(right: int, of: int = 80) -> list[bool]:
    """So many right, the others wrong."""
    return [number < right for number in range(of)]


def compared(folder: Path, leg: Leg) -> ComparedRun:
    """As the imaging child tells it."""
    path = folder / leg.folder
    return ComparedRun(
        run=os.path.realpath(path), label=leg.label, strategy=leg.entrant.strategy, done=comparisons.is_done(path)
    )


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
