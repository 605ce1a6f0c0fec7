"""Activations at the frozen border, for any images and view: from the cache, or computed and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import islice

import msgspec
import torch
from torch import Tensor

from tlgui.core.augmentations import Augmentation
from tlgui.core.events import Notice
from tlgui.core.records import PixelRule
from tlgui.engine import cache
from tlgui.engine.cache import ActivationStore
from tlgui.engine.network import Network
from tlgui.engine.samples import Part, Reader
from tlgui.engine.trunk import CHUNK, Trunk

# Raise it when a decoder, the resize rule or the drawing of a view changes what an image becomes.
_VIEWS = 3
_CHECKED = 4  # images by which an executor is compared with torch


class FrozenPart:
    """What lies below the cut, seen from above.

    Plain views (number 0) are kept in float32, since validation, test and prediction must repeat to the last image;
    augmented views in float16, which is half the disk.

    Args:
        network, trunk, reader: of the run.
        rule, augmentation: part of the cache's key.
        caching: whether activations are kept; without it each call computes.
    """

    def __init__(
        self, network: Network, trunk: Trunk, reader: Reader, rule: PixelRule, augmentation: Augmentation, caching: bool
    ) -> None:
        self._network = network
        self._trunk = trunk
        self._reader = reader
        self._rule = rule
        self._augmentation = augmentation
        self.caching = caching
        self._stores: dict[tuple[int, bool], ActivationStore] = {}

    def beside(self, network: Network) -> FrozenPart:
        """The same for a copy of the network, which may be trained in another way; both read and keep alike."""
        trunk = self._trunk.beside(network)
        return FrozenPart(network, trunk, self._reader, self._rule, self._augmentation, self.caching)

    def changed_from(self, index: int) -> None:
        """Groups from `index` on are not as they came: what was cached above them is not theirs any more."""
        self._trunk.changed_from(index)
        self._stores = {key: store for key, store in self._stores.items() if key[0] <= index}

    def activations(self, part: Part, indices: Sequence[int], view: int, cut: int) -> Tensor:
        """What group `cut` takes for those of some images that are not skipped: (N, ...) float32, or (0,) for none.

        An image is missed only when its file is needed, and what the cache has of it counts until then. From then on
        the part skips it in each view, and the rows are those of `part.there(indices)` after the call.

        Raises:
            UserError: a file has another content, or more than a few are gone.
        """
        view = self._told_apart(view)
        if cut == 0 or not self.caching:
            return self._computed(part, indices, view, cut)
        store = self._store(cut, view > 0)
        missing = [index for index in part.there(indices) if self._key(part, index, view) not in store]
        if missing:
            missing += self._others_missing(part, missing, view, store)
            computed = self._computed(part, missing, view, cut)
            if kept := part.there(missing):
                store.put([self._key(part, index, view) for index in kept], computed)
        there = part.there(indices)
        if not there:
            return torch.empty(0)
        try:
            return store.get([self._key(part, index, view) for index in there])
        except KeyError:
            # A full disk: older rows had to go to make room for the new ones.
            return store.rounded(self._computed(part, there, view, cut))

    def skip_again(self, part: Part, paths: Sequence[str]) -> None:
        """Skips those of some images that are still gone; see `Reader.skip_again`."""
        self._reader.skip_again(part, paths)

    def missing(self, part: Part, view: int, cut: int) -> int:
        """How many images of a part would have to be computed for a view."""
        left = part.there(range(len(part)))
        if cut == 0 or not self.caching:
            return len(left)
        view = self._told_apart(view)
        store = self._store(cut, view > 0)
        return sum(self._key(part, index, view) not in store for index in left)

    def mixed(self, part: Part, indices: Sequence[int], view: int, cut: int, mix: Callable[[Tensor], Tensor]) -> Tensor:
        """As `activations`, of pixels that were mixed with each other; nothing of it is kept.

        Args:
            part, indices, view, cut: as there.
            mix: from (N, 3, S, S) pixels to as many.
        """
        images = self._reader.read(part, indices, view)
        return self._trunk(mix(images), cut) if len(images) else torch.empty(0)

    def check(self, part: Part, cut: int) -> bool:
        """Whether the executor agrees with torch on a few images."""
        for start in range(0, len(part), _CHECKED):
            if len(images := self._reader.read(part, range(len(part))[start : start + _CHECKED], 0)):
                return self._trunk.agrees(images, cut)
        return True

    def make_room(self, needed: int, cut: int) -> None:
        """Removes what others kept long ago, where this run's activations below group `cut` need the room."""
        cache.trim(needed, keep=[self._store_key(cut, augmented) for augmented in (False, True)])

    def close(self) -> None:
        """Ends the threads that read images."""
        self._reader.close()

    def flush(self) -> None:
        """Writes what is kept in memory to the cache."""
        for store in self._stores.values():
            store.flush()

    def _told_apart(self, view: int) -> int:
        """The view that is kept: where nothing is varied, all are the plain one, and share its activations."""
        return 0 if self._augmentation.changes_nothing else view

    def _computed(self, part: Part, indices: Sequence[int], view: int, cut: int) -> Tensor:
        images = self._reader.read(part, indices, view)
        return self._trunk(images, cut) if len(images) else torch.empty(0)

    def _others_missing(self, part: Part, missing: list[int], view: int, store: ActivationStore) -> list[int]:
        """As many more images without activations as fill the trunk's last chunk: their turn comes in this epoch too."""
        asked = set(missing)
        left = part.there(range(len(part)))
        others = (i for i in left if i not in asked and self._key(part, i, view) not in store)
        return list(islice(others, -len(missing) % CHUNK))

    def _key(self, part: Part, index: int, view: int) -> str:
        return f"{part.hashes[index][:32]}-{view}"

    def _store(self, cut: int, augmented: bool) -> ActivationStore:
        store = self._stores.get((cut, augmented))
        if store is None:
            key = self._store_key(cut, augmented)
            store = self._stores[(cut, augmented)] = ActivationStore(key, _dtype(augmented))
        return store

    def _store_key(self, cut: int, augmented: bool) -> str:
        """A hash over everything that the numbers depend on."""
        parts = (
            self._network.hash(cut),
            self._network.group_names[cut],
            msgspec.json.encode(self._network.preprocessing).decode(),
            msgspec.json.encode(self._rule).decode(),
            msgspec.json.encode(self._augmentation).decode() if augmented else "plain",
            _dtype(augmented),
            _VIEWS,
            self._trunk.executor(cut),
            self._trunk.device,
            *(version(name) for name in ("torch", self._network.row.package, "onnxruntime", "pillow", "numpy")),
        )
        return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:40]


def _dtype(augmented: bool) -> torch.dtype:
    return torch.float16 if augmented else torch.float32


def needed_bytes(network: Network, cut: int, train: int, validation: int, views: int) -> int:
    """What keeping a run's activations below group `cut` takes: augmented views in float16, plain ones in float32."""
    return bytes_per_image(network, cut) * (train * (views + 1) + 2 * validation)


def too_large(needed: int) -> Notice:
    """Says that activations are not kept, and what that costs."""
    return Notice(
        code="cache_too_large",
        message=f"Keeping the frozen layers' answers would take {needed / 2**30:.1f} GB, more than this disk "
        "should give, so they are computed anew in each epoch.",
    )


def bytes_per_image(network: Network, cut: int) -> int:
    """Size of one image's activations below group `cut` in float16, found by one forward pass."""
    size = network.preprocessing.size
    network.evaluation_mode()
    with torch.inference_mode():
        device = next(network.model.parameters()).device
        return 2 * network.run(torch.zeros(1, 3, size, size, device=device), 0, cut).numel()
