"""Activations at the frozen border, on disk: each is computed once for an image, a view and a frozen part."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.paths import cache_dir

logger = logging.getLogger(__name__)

_SHARD_BYTES = 32 << 20
_MEMORY_BYTES = 256 << 20
_BUDGET_BYTES = 5 << 30
_FREE_SHARE = 0.10


def budget_bytes() -> int:
    """What all cached activations together may take: the smaller of 5 GB and a tenth of the free disk.

    0 where there is no place for them: they cost or save time, and never decide whether a run can be.
    """
    try:
        root = _root()
    except (OSError, UserError) as error:
        logger.warning("There is no place for cached activations (%s)", type(error).__name__)
        return 0
    return min(_BUDGET_BYTES, int(shutil.disk_usage(root).free * _FREE_SHARE) + _used(root))


class ActivationStore:
    """Activations of one frozen part, one recipe and one data type.

    Rows are kept in shards, `<id>.npy` with `<id>.json` (the keys of its rows) written last: a shard without its
    keys does not exist, so that neither an interrupted run nor two runs at once can spoil it.

    Args:
        key: hash over everything that the numbers depend on.
        dtype: of the stored rows.
    """

    def __init__(self, key: str, dtype: torch.dtype) -> None:
        self._folder = _root() / key
        self._dtype = np.dtype("float16" if dtype == torch.float16 else "float32")
        self._rows: dict[str, tuple[NDArray[np.floating], int]] = {}
        self._pending: dict[str, NDArray[np.floating]] = {}
        self._on_disk = True
        self._load()

    def __contains__(self, key: str) -> bool:
        return key in self._rows or key in self._pending

    def get(self, keys: Sequence[str]) -> Tensor:
        """Rows as one (N, ...) float32 tensor.

        Raises:
            KeyError: one of them is not there.
        """
        rows = [self._pending[key] if key in self._pending else self._row(key) for key in keys]
        return torch.from_numpy(np.stack(rows).astype(np.float32))

    def put(self, keys: Sequence[str], activations: Tensor) -> None:
        """Keeps rows; they reach the disk in shards of some size and on `flush`."""
        # Written before the new rows come in, so that these can be had back even where nothing can be kept.
        if self._pending_bytes() >= _SHARD_BYTES:
            self.flush()
        rows = self.rounded(activations).numpy().astype(self._dtype)
        self._pending.update(zip(keys, rows, strict=True))

    def rounded(self, activations: Tensor) -> Tensor:
        """Rows as they come back from here; what float16 cannot hold becomes its largest number, not infinity."""
        activations = activations.detach().cpu()
        if self._dtype == np.float32:
            return activations
        limit = torch.finfo(torch.float16).max
        return activations.clamp(-limit, limit).half().float()

    def flush(self) -> None:
        """Writes what is pending. A full disk costs speed, never the run: rows then stay in memory or are dropped."""
        if not self._pending:
            return
        if self._on_disk:
            try:
                self._write_shard()
                return
            except OSError as error:
                logger.warning("Activations are no longer kept on disk: %s", error.strerror)
                self._on_disk = False
        if self._pending_bytes() > _MEMORY_BYTES:
            self._pending.clear()

    def _row(self, key: str) -> NDArray[np.floating]:
        shard, index = self._rows[key]
        row: NDArray[np.floating] = shard[index]
        return row

    def _pending_bytes(self) -> int:
        return sum(row.nbytes for row in self._pending.values())

    def _write_shard(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        keys, rows = list(self._pending), np.stack(list(self._pending.values()))
        path = self._folder / f"{uuid.uuid4().hex}.npy"
        with atomic.replacing(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, rows)
        atomic.write_text(path.with_suffix(".json"), json.dumps(keys))
        self._map(path, keys)
        self._pending.clear()

    def _load(self) -> None:
        if not self._folder.is_dir():
            return
        self._folder.touch()
        for listing in sorted(self._folder.glob("*.json")):
            # numpy says EOFError of an empty file.
            with contextlib.suppress(OSError, ValueError, EOFError):
                self._map(listing.with_suffix(".npy"), json.loads(listing.read_text(encoding="utf-8")))

    def _map(self, path: Path, keys: list[str]) -> None:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
        if len(rows) != len(keys) or rows.dtype != self._dtype:
            raise ValueError(f"The shard {path.name} does not fit its keys.")
        self._rows.update((key, (rows, index)) for index, key in enumerate(keys))


def trim(needed_bytes: int = 0, keep: Sequence[str] = ()) -> None:
    """Removes the least recently used activations until the rest and `needed_bytes` are within the budget.

    Args:
        needed_bytes: what a run will take in all, with what it has already.
        keep: keys of that run's own stores: they are part of `needed_bytes`, and are not removed.
    """
    root = _root()
    limit = budget_bytes() - needed_bytes
    found = [path for path in root.iterdir() if path.is_dir() and path.name not in keep]
    folders = sorted(found, key=lambda path: path.stat().st_mtime)
    used = {folder: _used(folder) for folder in folders}
    total = sum(used.values())
    for folder in folders:
        if total <= limit:
            return
        # Another engine may have removed it first.
        shutil.rmtree(folder, ignore_errors=True)
        total -= used[folder]


def _root() -> Path:
    root = cache_dir() / "activations"
    root.mkdir(parents=True, exist_ok=True)
    return root


def _used(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total
