"""The images of a run as the engine reads them: decoded once per need, by view, on all threads.

An image whose file is gone when it is needed is skipped from then on, as long as no more than a few are: it is counted
and said, nothing is made up in its place, and what the cache holds of it is left alone too, so that each number of the
sitting says of how many images it is. What the cache gave before the file was missed has counted as it should. A file
that is there with another content is an error: it would teach something else under its name.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from tlgui.core.augmentations import Augmentation
from tlgui.core.errors import UserError
from tlgui.core.events import Notice
from tlgui.core.preprocessing import Preprocessing
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import ManifestRow
from tlgui.engine.preprocess import normalise, to_input
from tlgui.imaging.augment import apply_view, draw_view
from tlgui.imaging.names import counted
from tlgui.imaging.pixels import DecodeError, read_pixels
from tlgui.imaging.training_view import read_for_views
from tlgui.imaging.walk import folder_name

# A folder that is being deleted or a drive that is being taken out loses its images one after another.
_SETTLES_S = 0.5
_LOOKED_AT = 24  # images of the part that tell a folder that is gone from an image that is
# So many images of a part may vanish before the run stops: the larger of the two.
_FEW = 3
_FEW_SHARE = 0.05
_IMAGE = {"train": "training image", "validation": "validation image", "test": "test image",
          "target": "image of the new site"}  # fmt: skip


class _ChangedError(Exception):
    """A file that is there and is not the image that the run knows; its argument is its name in the dataset."""


@dataclass(frozen=True)
class Part:
    """The images of one part: what they are called, what they hold, what they show.

    Attributes:
        paths, hashes, labels: of each image, (N,).
        name: "train", "validation", "test", or "" for images of no run.
        skipped: numbers of the images that are gone.
        never_there: how many of them were gone before anything began, so that nothing counts on them.
    """

    paths: list[str]
    hashes: list[str]
    labels: Tensor
    name: str = ""
    skipped: set[int] = field(default_factory=set)
    never_there: int = 0
    _unsaid: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.paths)

    def there(self, indices: Sequence[int]) -> list[int]:
        """Those of some images that are not skipped, in the same order."""
        return [index for index in indices if index not in self.skipped]

    @property
    def left(self) -> Part:
        """The same part without the images that are skipped."""
        kept = self.there(range(len(self)))
        if len(kept) == len(self):
            return self
        paths, hashes = [self.paths[index] for index in kept], [self.hashes[index] for index in kept]
        return Part(paths, hashes, self.labels[kept], self.name)

    def beside(self) -> Part:
        """The same images for something that runs beside: what it has to skip is its own affair."""
        return Part(self.paths, self.hashes, self.labels, self.name, set(self.skipped), self.never_there)

    def skip(self, gone: Sequence[int]) -> None:
        """Leaves images out from now on.

        Raises:
            UserError: more than a few are gone by now, or all images, or all training images of a class.
        """
        self._unsaid.extend(self.there(gone))
        self.skipped.update(gone)
        problem = self._too_many(gone)
        if problem:
            raise UserError(
                problem,
                f"Put back what is gone, or say where {_where(self)}, then continue the run.",
                code="images_changed",
            )

    def notices(self) -> Iterator[Notice]:
        """One `Notice` that names and counts the images that were missed since the last call, where there are any."""
        new = len(self._unsaid)
        if not new:
            return
        first, so_far = self.paths[self._unsaid[0]], f"{len(self.skipped)} of {len(self)} so far"
        self._unsaid.clear()
        if new == 1:
            yield Notice(code="image_skipped", message=f"The {self._image} '{first}' is gone and is skipped: {so_far}.")
            return
        message = f"{counted(new, self._image, self._images)} are gone and are skipped, '{first}' among them: {so_far}."
        yield Notice(code="image_skipped", message=message)

    def score_note(self) -> str:
        """What a score must say about the images that are not in it, or ""."""
        n = len(self.skipped)
        if not n:
            return ""
        return f"{n} of the {len(self)} images {'is' if n == 1 else 'are'} not in this score, because " + (
            "its file is gone." if n == 1 else "their files are gone."
        )

    @property
    def _image(self) -> str:
        return _IMAGE.get(self.name, "image")

    @property
    def _images(self) -> str:
        return "images of the new site" if self.name == "target" else f"{self._image}s"

    def _too_many(self, gone: Sequence[int]) -> str:
        """Why the run cannot go on without the images that are gone by now, or ""."""
        n, total = len(self.skipped) - self.never_there, len(self) - self.never_there
        if gone and (n > max(_FEW, _FEW_SHARE * total) or n == total):
            verb, they = ("is", "it was") if n == 1 else ("are", "they were")
            name = self.paths[gone[0]]
            of = counted(total, self._image, self._images)
            return f"{n} of {of} {verb} gone, '{name}' among them: {they} moved or removed."
        left = set(self.labels[self.there(range(len(self)))].tolist())
        for index in gone if self.name == "train" else ():
            if int(self.labels[index]) not in left:
                return f"The image '{self.paths[index]}' is gone, and with it the last training image of its class."
        return ""

    @classmethod
    def of(cls, rows: Sequence[ManifestRow], classes: Sequence[str]) -> Part:
        """Rows of the manifest with labels by class *name*, through the run's own list of classes."""
        number = {name: index for index, name in enumerate(classes)}
        labels = torch.tensor([number[row.class_name] for row in rows], dtype=torch.int64)
        name = rows[0].part if rows else ""
        return cls([row.path for row in rows], [row.content_hash for row in rows], labels, name)


class Reader:
    """Reads views of images below a dataset folder; those of a part of another folder, below that.

    Args:
        root: the dataset folder.
        recipe, rule, augmentation: what is made of each image.
        threads: that decode.
        others: folders of parts that lie elsewhere, by the part's name.

    View 0 is the plain image by the exact road, whatever the augmentation; views from 1 on are augmented, each number in
    its own way. Where the augmentation changes nothing, each of them is the plain one.
    """

    def __init__(
        self,
        root: Path,
        recipe: Preprocessing,
        rule: PixelRule,
        augmentation: Augmentation,
        threads: int,
        others: Mapping[str, Path] | None = None,
    ) -> None:
        self._root = root
        self._others = dict(others or {})
        self._recipe = recipe
        self._rule = msgspec.structs.asdict(rule)
        self._augmentation = augmentation
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decoder")

    def close(self) -> None:
        """Ends its threads."""
        self._pool.shutdown()

    def read(self, part: Part, indices: Sequence[int], view: int) -> Tensor:
        """Views of those of some images that are there: (N, 3, S, S) float32, normalised, in the order asked for.

        An image that is gone is skipped by its part from now on, so that the rows are those of `part.there(indices)`
        after the call.

        Raises:
            UserError: a file has another content, more than a few are gone, or their whole folder is no longer there.
        """
        asked = part.there(indices)
        try:
            views = self._views(part, asked, view, settled=False)
            if missed := [index for index, seen in views.items() if seen is None]:
                self._refuse_lost_folder(part)
                views |= self._views(part, missed, view, settled=True)  # a sync client may have put it back meanwhile
                part.skip([index for index in missed if views[index] is None])
        except _ChangedError as error:
            raise UserError(
                f"The image '{error}' is not the one that the run knows: it was changed, or it cannot be read any more.",
                f"Put it back, or say where {_where(part)}, then continue the run.",
                code="images_changed",
            ) from error
        there = [seen for index in asked if (seen := views[index]) is not None]
        size = self._recipe.size
        return torch.stack(there) if there else torch.empty(0, 3, size, size)

    def skip_again(self, part: Part, paths: Sequence[str]) -> None:
        """Skips those images of a part that an earlier sitting had to skip and that are still gone.

        Raises:
            UserError: they are more than a few, or their whole folder is gone.
        """
        number = {path: index for index, path in enumerate(part.paths)}
        root = self._root_of(part)
        gone = [number[path] for path in paths if path in number and not _is_there(root, path)]
        if gone:
            self._refuse_lost_folder(part)
            part.skip(gone)

    def _views(self, part: Part, indices: Sequence[int], view: int, settled: bool) -> dict[int, Tensor | None]:
        """By image, its view, or `None` where there is no such file; until it is settled, where none can be read."""
        paths = [part.paths[index] for index in indices]
        hashes = [part.hashes[index] for index in indices]
        roots, views = repeat(self._root_of(part)), repeat(view)
        return dict(zip(indices, self._pool.map(self._view, roots, paths, hashes, views, repeat(settled)), strict=True))

    def _root_of(self, part: Part) -> Path:
        return self._others.get(part.name, self._root)

    def _view(self, root: Path, path: str, content_hash: str, view: int, settled: bool) -> Tensor | None:
        content = _bytes(root, path, content_hash, settled)
        if content is None:
            return None
        try:
            varied = view > 0 and not self._augmentation.changes_nothing
            return self._drawn(content, content_hash, view) if varied else self._plain(content)
        except DecodeError as error:
            raise _ChangedError(path) from error

    def _plain(self, content: bytes) -> Tensor:
        return to_input(read_pixels(content, **self._rule), self._recipe)

    def _drawn(self, content: bytes, content_hash: str, view: int) -> Tensor:
        size = self._recipe.size
        pixels = read_for_views(content, size, self._augmentation, **self._rule)
        height, width = pixels.shape[:2]
        chosen = draw_view(content_hash, view, width / height, self._augmentation)
        square = torch.from_numpy(apply_view(pixels, chosen, size).copy())
        return normalise(square.permute(2, 0, 1).float(), self._recipe)

    def _refuse_lost_folder(self, part: Part) -> None:
        if self._folder_is_gone(part):
            raise UserError(
                f"The folder of the images '{folder_name(self._root_of(part))}' is no longer there.",
                f"Connect the drive or put the folder back, or say where {_where(part)}; then continue the run.",
                code="drive_gone",
            )

    def _folder_is_gone(self, part: Part) -> bool:
        """Whether most of the images are gone with the one: a place where a drive was may stay behind, empty."""
        time.sleep(_SETTLES_S)
        # Not `Path.is_dir`, which raises what a drive that was pulled out answers.
        root = self._root_of(part)
        if not os.path.isdir(root):  # noqa: PTH112
            return True
        paths = part.left.paths
        if len(paths) < 2 * _FEW:
            # The few that may vanish can be most of such a part; the other parts' images tell.
            return not any(files for _, _, files in os.walk(root))
        looked_at = paths[:: max(1, len(paths) // _LOOKED_AT)]
        return 2 * sum(_is_there(root, path) for path in looked_at) < len(looked_at)


def _where(part: Part) -> str:
    """How it is said where the folder of a part is now."""
    if part.name == "target":
        return "the images of the new site are with --target DIR"
    if part.name.startswith("earlier"):
        return "the images that the network had learned before are with --earlier DIR"
    return "the run's images are with --data DIR"


def _bytes(root: Path, path: str, content_hash: str, settled: bool) -> bytes | None:
    """The file's content, which must be what the run knows: another would teach something else under its name."""
    try:
        content = (root / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # A drive that was pulled out answers so too; whether it was is seen before the file is read again.
        if not settled:
            return None
        raise _ChangedError(path) from error
    if hashlib.sha256(content).hexdigest() != content_hash:
        raise _ChangedError(path)
    return content


def _is_there(root: Path, path: str) -> bool:
    return os.path.exists(root / path)  # noqa: PTH110
