"""Earlier runs whose network a new run can begin with, as the window offers them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tlgui.core.run_folder import RunFolder, open_run
from tlgui.core.run_spec import RunSpec, Source
from tlgui.core.runs import RunSummary
from tlgui.core.source import MOST_RANKED, can_begin_with, described, weights_of_run

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


def earlier_runs(bench: Workbench) -> list[RunSummary]:
    """Runs that have a network to begin with, the newest first."""
    return can_begin_with(bench.recent.rows or [])


def ranked_runs(bench: Workbench) -> list[str]:
    """Folders of those that are ranked with the published networks."""
    return [str(run.path) for run in earlier_runs(bench)[:MOST_RANKED]]


def read_source(path: Path) -> tuple[RunSpec, str, Source]:
    """What a new run takes over from an earlier one; reads the disk, so away from the window's thread.

    Returns:
        Its spec, its file of weights, and what is said of it. Its checksum is left open: it is taken when the run is made.

    Raises:
        UserError: it is no run, or has no model.
    """
    run = open_run(path)
    return run.spec(), str(weights_of_run(run.path)), described(run)


def begin_as(bench: Workbench, spec: RunSpec, weights_file: str, download: bool) -> None:
    """Sets the network of a new run to that of an earlier one, and its beginning too, where that is still known.

    Args:
        bench: whose draft is set up.
        spec: of the earlier run.
        weights_file: that it was given in this window, or "".
        download: whether its weights were fetched.
    """
    source = spec.source
    if source is not None and not weights_file:
        runs = (RunFolder(run.path) for run in earlier_runs(bench) if run.path.name == source.run)
        weights_file = next((str(run.best_path) for run in runs), "")
    bench.draft.set_backbone(spec.backbone, weights_file, download, source if weights_file else None)


def named(source: Source | None) -> str:
    """An earlier run in a few words: "your run on cells"; "" without one."""
    if source is None:
        return ""
    return f"your run on {source.dataset}" if source.dataset else f"your run {source.run}"
