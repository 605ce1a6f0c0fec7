"""Comparisons as they lie on the disk: one of them whole, and the list of all on this computer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tlgui.core import comparison, transfer
from tlgui.core.comparison import ComparedRun, Comparison
from tlgui.core.comparison_result import Result, of_comparison
from tlgui.core.errors import UserError
from tlgui.core.layer_events import LayersProbed
from tlgui.core.paths import projects_dir
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import RunFolder, recall_place
from tlgui.gui.series_desk import Earlier, ReadSeries


@dataclass(frozen=True)
class ImagesOfRun:
    """The images of a run: its manifest names them; `data` is where they lie, `None` where that is unknown."""

    run: RunFolder
    data: Path | None
    rule: PixelRule


@dataclass(frozen=True)
class ReadComparison(ReadSeries[Comparison, Result]):
    """What lies in the folder of a comparison.

    Attributes:
        layers: what each layer group tells, where that was asked.
        images: to ask it of, where it was not and belongs to the question; else `None`.
    """

    layers: LayersProbed | None = None
    images: ImagesOfRun | None = None


def read_comparison(folder: Path) -> ReadComparison:
    """What lies in a folder.

    Raises:
        UserError: it cannot be read.
    """
    found = comparison.read(folder)
    runs = [
        ComparedRun(
            run=os.path.realpath(folder / leg.folder),
            label=leg.label,
            strategy=leg.entrant.strategy,
            done=comparison.is_done(folder / leg.folder),
            from_run=leg.entrant.from_run,
        )
        for leg in found.legs()
    ]
    result = of_comparison(folder) if all(run.done for run in runs) else None
    if result is None or found.purpose != "transfer":
        return ReadComparison(found, runs, result)
    layers = transfer.read_layers(folder)
    return ReadComparison(found, runs, result, layers, _images_of(runs[0]) if layers is None else None)


def _images_of(compared: ComparedRun) -> ImagesOfRun:
    run = RunFolder(Path(compared.run))
    spec = run.spec()
    data = recall_place(spec.dataset.fingerprint) if spec.dataset is not None else None
    return ImagesOfRun(run, data, spec.pixel_rule)


def earlier_comparisons() -> list[Earlier]:
    """Those on this computer that can be read, the newest first."""
    found = []
    for parent in Path(os.path.realpath(projects_dir())).glob(f"*/{comparison.FOLDER}"):
        for folder in comparison.list_comparisons(parent):
            try:
                one = comparison.read(folder)
                begun = datetime.fromtimestamp((folder / comparison.FILE).stat().st_mtime)
            except (UserError, OSError):
                continue
            left = len(comparison.still_to_train(folder, one))
            found.append(Earlier(folder, one.dataset, [entrant.label for entrant in one.entrants], begun, left))
    return sorted(found, key=lambda one: one.begun, reverse=True)[:50]
