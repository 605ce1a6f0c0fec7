"""Whether a folder holds the images of a run, found out by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tlgui.core.earlier import EarlierImages
from tlgui.core.run_folder import ManifestRow, RunFolder

_ROWS_LOOKED_AT = 8


def holds_some_of(run: RunFolder, folder: Path) -> bool:
    """Whether a few of the run's images lie in a folder, by their content."""
    return _lie_in(folder, run.manifest())


def holds_some_of_site(run: RunFolder, folder: Path) -> bool:
    """The same of the images of the new site that it adapts to."""
    return _lie_in(folder, run.target())


def earlier_in(images: Sequence[EarlierImages], folder: Path) -> list[int]:
    """Of which sets that a network had learned before a folder holds images: their numbers, the newest first."""
    return [number for number, one in enumerate(images) if _lie_in(folder, one.rows)]


def _lie_in(folder: Path, rows: Sequence[ManifestRow]) -> bool:
    for row in rows[:: max(1, len(rows) // _ROWS_LOOKED_AT)]:
        try:
            with (folder / row.path).open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() == row.content_hash:
                    return True
        except OSError:
            continue
    return False
