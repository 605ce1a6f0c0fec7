"""Earlier runs whose network a new run can begin with, as the window offers them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tlgui.core.planning import asked_for
from tlgui.core.run_folder import RunFolder, open_run
from tlgui.core.run_spec import RunSpec, Source
from tlgui.core.runs import RunSummary
from tlgui.core.source import MOST_RANKED, can_begin_with, described, weights_of_run
from tlgui.gui.continuing import continuation_of
from tlgui.gui.new_site import without_layer

if TYPE_CHECKING:
    from tlgui.gui.run_entry import Entry
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


def begin_as(bench: Workbench, spec: RunSpec, weights_file: str, download: bool, earlier: Path | None = None) -> None:
    """Sets the network of a new run to that of an earlier one, and its beginning too, where that is still known.

    Args:
        bench: whose draft is set up.
        spec: of the earlier run.
        weights_file: that it was given in this window, or "".
        download: whether its weights were fetched.
        earlier: where the images of the run lie that it continues.
    """
    source = spec.source
    weights_file = weights_file or _weights_of(bench, source)
    bench.draft.set_backbone(spec.backbone, weights_file, download, source if weights_file else None)
    before = continuation_of(spec)
    if before is not None and weights_file:
        run = Path(weights_file).parent.parent
        bench.draft.continues = dataclasses.replace(before, run=run, earlier=earlier)
        bench.draft.changed.emit()


def lost_run(bench: Workbench, entry: Entry) -> tuple[str, str] | None:
    """What keeps a run that continues another one from being set up again, and what helps; `None` where nothing does."""
    source = entry.spec.source
    if source is None or not entry.spec.continues or entry.weights_file or _weights_of(bench, source):
        return None
    return (
        f"The run '{source.run}' that this one continues is not among the runs of this computer any more.",
        "Put its folder back, or begin with the images and train a new model.",
    )


def set_up_again(bench: Workbench, entry: Entry, data: Path) -> None:
    """Sets up a new run with the answers of one that began, and reads its images."""
    bench.draft.load(without_layer(asked_for(entry.spec)), data, None, entry.target)
    begin_as(bench, entry.spec, entry.weights_file, entry.download, entry.earlier)
    bench.scans.open_folder(data, keep=True)


def _weights_of(bench: Workbench, source: Source | None) -> str:
    """The weights of an earlier run, by its name and that of its images; "" where it is not here.

    Several projects may have a run of one name. Whether its weights are the same is seen when the new run is made.
    """
    if source is None:
        return ""
    named_so = [run for run in earlier_runs(bench) if run.path.name == source.run]
    runs = (RunFolder(run.path) for run in named_so if source.dataset in ("", run.dataset))
    return next((str(run.best_path) for run in runs), "")


def named(source: Source | None) -> str:
    """An earlier run in a few words: "your run on cells"; "" without one. Of one that is continued, `continues` says more."""
    if source is None:
        return ""
    return f"your run on {source.dataset}" if source.dataset else f"your run {source.run}"


def continues(source: Source | None) -> str:
    """That a run continues another one, by the name of that: "continues 'cells, ...'"; "" where it continues none."""
    return f"continues '{source.run}'" if source is not None and source.classes else ""
