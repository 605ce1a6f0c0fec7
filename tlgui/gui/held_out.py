"""Sites held out in turn as they lie on the disk: one folder of them whole, and the list of all on this computer."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from tlgui.core import sites
from tlgui.core.comparison import ComparedRun, is_done
from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir
from tlgui.core.sites import Sites, SitesResult
from tlgui.gui.series_desk import Earlier, ReadSeries

_MOST = 50


def read_sites(folder: Path) -> ReadSeries[Sites, SitesResult]:
    """What lies in a folder.

    Raises:
        UserError: it cannot be read.
    """
    found = sites.read(folder)
    runs = []
    for place, name in enumerate(found.names):
        run = folder / found.folder_of(place)
        runs.append(ComparedRun(run=os.path.realpath(run), label=name, strategy=found.strategy, done=is_done(run)))
    return ReadSeries(found, runs, sites.result_of(folder) if all(run.done for run in runs) else None)


def earlier_sites() -> list[Earlier]:
    """Those on this computer that can be read, the newest first."""
    found = []
    for parent in Path(os.path.realpath(projects_dir())).glob(f"*/{sites.FOLDER}"):
        for folder in sites.list_sites(parent):
            try:
                one = sites.read(folder)
                begun = datetime.fromtimestamp((folder / sites.FILE).stat().st_mtime)
            except (UserError, OSError):
                continue
            found.append(Earlier(folder, one.dataset, one.names, begun, len(sites.still_to_train(folder, one))))
    return sorted(found, key=lambda one: one.begun, reverse=True)[:_MOST]
