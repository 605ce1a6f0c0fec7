"""The images of a run as the engine reads them: decoded once per need, by view, on all threads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import torch
from torch import Tensor

from tlgui.core.errors import UserError
from tlgui.core.preprocessing import Preprocessing
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import ManifestRow
from tlgui.core.run_spec import Augmentation
from tlgui.engine.preprocess import normalise, to_input
from tlgui.imaging.augment import apply_view, draw_view
from tlgui.imaging.pixels import DecodeError, read_pixels
from tlgui.imaging.training_view import read_for_training


@dataclass(frozen=True)
class Part:
    """The images of one part: what they are called, what they hold, what they show."""

    paths: list[str]
    hashes: list[str]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    def of(cls, rows: Sequence[ManifestRow], classes: Sequence[str]) -> Part:
        """Rows of the manifest with labels by class *name*, through the run's own list of classes."""
        number = {name: index for index, name in enumerate(classes)}
        labels = torch.tensor([number[row.class_name] for row in rows], dtype=torch.int64)
        return cls([row.path for row in rows], [row.content_hash for row in rows], labels)


class Reader:
    """Reads views of images below one dataset folder.

    View 0 is the plain image by the exact road; views from 1 on are augmented.
    """

    def __init__(
        self, root: Path, recipe: Preprocessing, rule: PixelRule, augmentation: Augmentation, threads: int
    ) -> None:
        self._root = root
        self._recipe = recipe
        self._rule = rule
        self._flip = augmentation == "standard"
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decoder")

    def close(self) -> None:
        """Ends its threads."""
        self._pool.shutdown()

    def read(self, part: Part, indices: Sequence[int], view: int) -> Tensor:
        """Views of some images: (N, 3, S, S) float32, normalised.

        Raises:
            UserError: a file is gone or can no longer be read.
        """
        paths = [part.paths[index] for index in indices]
        hashes = [part.hashes[index] for index in indices]
        if view == 0:
            return torch.stack(list(self._pool.map(self._plain, paths, hashes)))
        return torch.stack(list(self._pool.map(self._view, paths, hashes, repeat(view))))

    def _plain(self, path: str, content_hash: str) -> Tensor:
        try:
            pixels = read_pixels(
                self._bytes(path, content_hash), self._rule.low, self._rule.high, self._rule.background
            )
        except DecodeError as error:
            raise self._gone(path) from error
        return to_input(pixels, self._recipe)

    def _view(self, path: str, content_hash: str, view: int) -> Tensor:
        size = self._recipe.size
        rule = self._rule
        content = self._bytes(path, content_hash)
        try:
            pixels = read_for_training(content, rule.low, rule.high, rule.background, at_least=2 * size)
        except DecodeError as error:
            raise self._gone(path) from error
        height, width = pixels.shape[:2]
        chosen = draw_view(content_hash, view, width / height, self._flip)
        square = torch.from_numpy(apply_view(pixels, chosen, size).copy())
        return normalise(square.permute(2, 0, 1).float(), self._recipe)

    def _bytes(self, path: str, content_hash: str) -> bytes:
        """The file's content, which must be what the run knows: another would teach something else under its name."""
        try:
            content = (self._root / path).read_bytes()
        except OSError as error:
            raise self._gone(path) from error
        if hashlib.sha256(content).hexdigest() != content_hash:
            raise self._gone(path)
        return content

    def _gone(self, path: str) -> UserError:
        if not self._root.is_dir():
            return UserError(
                "The folder of the images is no longer there.",
                "Connect the drive or move the folder back, then continue the run.",
            )
        return UserError(
            f"The image '{path}' is not the one that the run knows: it was moved, changed or removed.",
            "Put it back, or say where the run's images are with --data DIR, then continue the run.",
        )
