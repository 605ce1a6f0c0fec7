"""The images of a run as the engine reads them: decoded once per need, by view, on all threads."""

from __future__ import annotations

import hashlib
import os
import time
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
from tlgui.imaging.walk import folder_name

# A folder that is being deleted or a drive that is being taken out loses its images one after another.
_SETTLES_S = 0.5
_LOOKED_AT = 24  # images of the part that tell a folder that is gone from an image that is


class _VanishedError(Exception):
    """An image that cannot be read as the run knows it.

    Attributes:
        path: its name in the dataset.
        missing: whether there is no such file any more.
    """

    def __init__(self, path: str, missing: bool) -> None:
        super().__init__(path)
        self.path, self.missing = path, missing


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
            UserError: a file is gone or can no longer be read, or their whole folder is no longer there.
        """
        paths = [part.paths[index] for index in indices]
        hashes = [part.hashes[index] for index in indices]
        try:
            if view == 0:
                return torch.stack(list(self._pool.map(self._plain, paths, hashes)))
            return torch.stack(list(self._pool.map(self._view, paths, hashes, repeat(view))))
        except _VanishedError as error:
            raise self._gone(part, error) from error

    def _plain(self, path: str, content_hash: str) -> Tensor:
        try:
            pixels = read_pixels(
                self._bytes(path, content_hash), self._rule.low, self._rule.high, self._rule.background
            )
        except DecodeError as error:
            raise _VanishedError(path, missing=False) from error
        return to_input(pixels, self._recipe)

    def _view(self, path: str, content_hash: str, view: int) -> Tensor:
        size = self._recipe.size
        rule = self._rule
        content = self._bytes(path, content_hash)
        try:
            pixels = read_for_training(content, rule.low, rule.high, rule.background, at_least=2 * size)
        except DecodeError as error:
            raise _VanishedError(path, missing=False) from error
        height, width = pixels.shape[:2]
        chosen = draw_view(content_hash, view, width / height, self._flip)
        square = torch.from_numpy(apply_view(pixels, chosen, size).copy())
        return normalise(square.permute(2, 0, 1).float(), self._recipe)

    def _bytes(self, path: str, content_hash: str) -> bytes:
        """The file's content, which must be what the run knows: another would teach something else under its name."""
        try:
            content = (self._root / path).read_bytes()
        except OSError as error:
            raise _VanishedError(path, missing=True) from error
        if hashlib.sha256(content).hexdigest() != content_hash:
            raise _VanishedError(path, missing=False)
        return content

    def _gone(self, part: Part, error: _VanishedError) -> UserError:
        if error.missing and self._folder_is_gone(part):
            return UserError(
                f"The folder of the images '{folder_name(self._root)}' is no longer there.",
                "Connect the drive or put the folder back, or say where it is now with --data DIR; "
                "then continue the run.",
                code="drive_gone",
            )
        return UserError(
            f"The image '{error.path}' is not the one that the run knows: it was moved, changed or removed.",
            "Put it back, or say where the run's images are with --data DIR, then continue the run.",
            code="images_changed",
        )

    def _folder_is_gone(self, part: Part) -> bool:
        """Whether most of the images are gone with the one: a place where a drive was may stay behind, empty."""
        time.sleep(_SETTLES_S)
        # Not `Path.is_dir`, which raises what a drive that was pulled out answers.
        if not os.path.isdir(self._root):  # noqa: PTH112
            return True
        looked_at = part.paths[:: max(1, len(part) // _LOOKED_AT)]
        there = sum(os.path.exists(self._root / path) for path in looked_at)  # noqa: PTH110
        return 2 * there < len(looked_at)
