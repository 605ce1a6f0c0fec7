"""Which published weights are on this computer, found out without a network; large files are read once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tlgui.core import atomic
from tlgui.core.backbones import BACKBONES, Backbone, added
from tlgui.core.errors import UserError
from tlgui.core.events import WeightsState
from tlgui.core.paths import cache_dir
from tlgui.engine import weights
from tlgui.engine.weights_urls import hash_in, url_of

# torchvision's table counts megabytes of 1024 squared.
_MB = 1 << 20


def states() -> Iterator[WeightsState]:
    """The state of every backbone's weights: in the order of the table, then those that were added."""
    known = _Known()
    for row in (*BACKBONES.values(), *added().values()):
        yield state_of(row, known)
    known.keep()


def state_of(row: Backbone, known: _Known | None = None) -> WeightsState:
    """The state of one backbone's weights."""
    if not row.pretrained or not (row.embedded or url_of(row)):
        return WeightsState(backbone=row.name, state="none", file_name="", size_bytes=0, sha256_prefix="", folder="")
    path = weights.published_path(row)
    if not path.is_file():
        state, size = "absent", round(row.file_mb * _MB)
    else:
        size = path.stat().st_size
        whole = (known or _Known()).is_whole(path)
        state = "embedded" if row.embedded else ("ready" if whole else "damaged")
    return WeightsState(
        backbone=row.name,
        state=state,  # type: ignore[arg-type]
        file_name=path.name,
        size_bytes=size,
        sha256_prefix=hash_in(path.name),
        folder=str(path.parent),
        url=url_of(row),
    )


class _Known:
    """Answers about files that were read before: by place, size and time of the last change."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[int, int, bool]] = {}
        with contextlib.suppress(OSError, ValueError, UserError):
            self._answers = msgspec.convert(
                json.loads(self._path.read_bytes()), dict[str, tuple[int, int, bool]], strict=False
            )

    def is_whole(self, path: Path) -> bool:
        """Whether a file is what was published, as far as can be told."""
        found = path.stat()
        before = self._answers.get(str(path))
        if before is not None and before[:2] == (found.st_size, found.st_mtime_ns):
            return before[2]
        whole = weights.is_whole(path)
        self._answers[str(path)] = (found.st_size, found.st_mtime_ns, whole)
        return whole

    def keep(self) -> None:
        """Notes the answers; where that cannot be, the files are read again the next time."""
        with contextlib.suppress(OSError, UserError):
            atomic.write_text(self._path, json.dumps(self._answers))

    @property
    def _path(self) -> Path:
        return cache_dir() / "weights-read.json"
