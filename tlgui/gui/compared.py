"""Comparisons as they lie on the disk: one of them whole, and the list of all on this computer."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tlgui.core import comparison
from tlgui.core.comparison import ComparedRun, Comparison
from tlgui.core.comparison_result import Result, of_comparison
from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir


class Earlier(NamedTuple):
    """A comparison on this computer.

    Attributes:
        folder: of it.
        name: of its images.
        ways: what was compared.
        begun: when.
        left: runs that are still to be trained.
    """

    folder: Path
    name: str
    ways: list[str]
    begun: datetime
    left: int


class ReadComparison(NamedTuple):
    """What lies in the folder of a comparison."""

    comparison: Comparison
    runs: list[ComparedRun]
    result: Result | None


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
        )
        for leg in found.legs()
    ]
    return ReadComparison(found, runs, of_comparison(folder) if all(run.done for run in runs) else None)


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
