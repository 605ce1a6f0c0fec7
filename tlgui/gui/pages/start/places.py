"""Where the images of runs lie on this computer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder, recall_place


def places_of(runs: Iterable[Path]) -> dict[Path, Path]:
    """Run folder -> dataset folder, for those whose images are there. Reads the disk: not for the window's thread."""
    places = {}
    for path in runs:
        with contextlib.suppress(UserError, OSError):
            dataset = RunFolder(path).spec().dataset
            place = recall_place(dataset.fingerprint) if dataset is not None else None
            if place is not None:
                places[path] = place
    return places
