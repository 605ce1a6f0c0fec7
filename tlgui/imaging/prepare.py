"""From a dataset folder to a run folder: scan, split, resolve, write; the command line and the window share it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from tlgui import __version__
from tlgui.core import run_folder
from tlgui.core.backbones import backbone
from tlgui.core.errors import UserError
from tlgui.core.planning import check_parts, resolve
from tlgui.core.records import Scan
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import Dataset, RunSpec
from tlgui.core.split import PARTS, Part, split
from tlgui.imaging.names import is_readable_name
from tlgui.imaging.scan import scan_folder

Counts = dict[str, dict[Part, int]]  # class -> part -> images


@dataclass(frozen=True)
class Prepared:
    """A run that can be handed to the engine.

    Attributes:
        run: its folder.
        data: the dataset folder.
        scan: what was found there.
        counts: images of each class in each part.
        advice: why this strategy, where it was "auto"; else "".
    """

    run: RunFolder
    data: Path
    scan: Scan
    counts: Counts
    advice: str


def split_of(scan: Scan, spec: RunSpec) -> dict[str, Part]:
    """The part of each used image."""
    return split(scan.used, spec.split_fractions, spec.training.seed)


def count(scan: Scan, parts: dict[str, Part]) -> Counts:
    """Images of each class in each part; every class and every part is there, in their order."""
    counts: Counts = {name: dict.fromkeys(PARTS, 0) for name in scan.classes}
    for record in scan.used:
        counts[record.class_name][parts[record.path]] += 1
    return counts


def class_totals(counts: Counts) -> dict[str, int]:
    """Images in each class."""
    return {name: sum(row.values()) for name, row in counts.items()}


def part_totals(counts: Counts) -> dict[str, int]:
    """Images in each part."""
    return {part: sum(row[part] for row in counts.values()) for part in PARTS}


def prepare_run(
    data: Path,
    spec: RunSpec,
    run_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    scan: Scan | None = None,
) -> Prepared:
    """Makes the run folder for a dataset.

    Args:
        data: the dataset folder; nothing is written there.
        spec: as asked for; open values are filled in.
        run_dir: the run folder itself; the default is a new one among the person's projects.
        progress: called with (files done, files in all).
        cancelled: asked between two files.
        scan: of this folder, where it was looked at already: nothing is read a second time then. A file that was changed
            since is found out by its content hash when the engine reads it.

    Raises:
        UserError: the images, the spec or the place of the run do not do.
    """
    backbone(spec.backbone)
    # Named wrongly, a strategy fails here and not after minutes of reading images.
    resolve(spec.training, 0)
    _refuse_unsayable(data, run_dir)
    if run_dir is not None:
        run_folder.refuse_occupied(run_dir)
    scan = scan or scan_folder(data, progress, cancelled)
    training, advice = resolve(spec.training, len(scan.used))
    dataset = Dataset(
        name=scan.name,
        fingerprint=run_folder.fingerprint(scan.used),
        layout=scan.layout,
        classes=scan.classes,
        images=len(scan.used),
    )
    spec = msgspec.structs.replace(
        spec, tlgui=__version__, data="", training=training, dataset=dataset, pixel_rule=scan.pixel_rule, machine=None
    )
    parts = split_of(scan, spec)
    check_parts(scan.used, parts)
    path = run_dir or run_folder.new_path(scan.name, spec.backbone, training.strategy, datetime.now())
    run = run_folder.create(path, spec)
    try:
        run.write_manifest(scan.used, parts, scan.left_out)
    except UserError:
        _take_back(run)
        if run_dir is None:
            with contextlib.suppress(OSError):
                run.path.rmdir()
        raise
    run_folder.remember_place(dataset.fingerprint, data)
    return Prepared(run, data, scan, count(scan, parts), advice.sentence if advice else "")


def _refuse_unsayable(*places: Path | None) -> None:
    """A place whose name is no text cannot be told to the engine; better said now than after reading all images."""
    for place in places:
        if place is not None and not is_readable_name(str(place.absolute())):
            raise UserError(
                "The name of the folder, or of one above it, holds bytes that are no text.", "Rename that folder."
            )


def _take_back(run: RunFolder) -> None:
    """Removes what `create` made, so that the next try does not find the folder "not empty"."""
    with contextlib.suppress(OSError):
        run.spec_path.unlink()
        for folder in (run.checkpoints, run.results):
            folder.rmdir()
