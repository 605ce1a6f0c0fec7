"""Comparisons on the disk with runs that were never trained; a test ends them as it likes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from helpers.compared import finish
from tlgui.core import comparison as comparisons
from tlgui.core.comparison import ComparedRun, Comparison, Leg
from tlgui.core.paths import projects_dir
from tlgui.core.planning import resolve
from tlgui.core.records import ImageRecord
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import Dataset
from tlgui.core.split import Part

THREE = ("feature-extraction", "fine-tune-top:2", "full-fine-tuning")
TWO = ("feature-extraction", "full-fine-tuning")


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
