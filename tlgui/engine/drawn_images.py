"""Some images of a listing, drawn by class, and what the embedded backbone makes of them as it came."""

from __future__ import annotations

import hashlib
import logging
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from tlgui.core.backbones import DEFAULT_BACKBONE, backbone
from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule
from tlgui.engine import weights
from tlgui.engine.backbones import build
from tlgui.engine.device import find_device
from tlgui.engine.preprocess import to_input
from tlgui.engine.trunk import CHUNK, Trunk, compiled_trunk, executor_for
from tlgui.imaging.listing import ListedImage
from tlgui.imaging.pixels import DecodeError, read_pixels

logger = logging.getLogger(__name__)

_Pixels = NDArray[np.uint8]
_Seen = TypeVar("_Seen")

FEWEST = 5  # images of a class; of fewer nothing can be told
_SHARE = 4  # of a class's images: one group is no more than so much of it
_EACH = 10  # images of each class at least; with more classes than that allows, the largest ones are taken


def draw(listed: Sequence[ListedImage], most: int, seed: int) -> list[ListedImage]:
    """At most `most` images, as many of each class as can be; equal for any order of the listing.

    Groups are drawn whole, but for those that would be a large part of the draw: of these, a part.

    Raises:
        UserError: fewer than two classes have enough images.
    """
    sizes = Counter(image.class_name for image in listed)
    large = sorted((name for name in sizes if sizes[name] >= FEWEST), key=lambda name: (-sizes[name], name))
    classes = sorted(large[: max(2, most // _EACH)])
    if len(classes) < 2:
        raise UserError(
            f"Too few images: fewer than two classes have at least {FEWEST}.", "Add images, then ask again."
        )
    chosen: list[ListedImage] = []
    for group in _in_turn(_groups(listed, classes, seed)):
        part = group[: max(2, most // (_SHARE * len(classes)))]
        if len(chosen) + len(part) <= most:
            chosen += part
    return sorted(chosen, key=_place)


def ranked(images: Sequence[ListedImage], seed: int) -> list[ListedImage]:
    """All of them in an order that follows from seed and paths alone: the first of it are a draw without regard to class."""
    return sorted(images, key=lambda image: _rank(image.path, seed))


def see(
    root: Path,
    images: Sequence[ListedImage],
    rule: PixelRule,
    look: Callable[[_Pixels], _Seen],
    take: Callable[[list[_Seen]], None],
) -> Generator[int, None, list[ListedImage]]:
    """Reads images on all threads, in chunks; yields how many are done.

    Args:
        root: the dataset folder.
        images: which ones.
        rule: for their pixels.
        look: called with the pixels of each image, on any thread.
        take: called with what came of each chunk, in the order of the images.

    Returns:
        Those that could be read.

    Raises:
        UserError: none could.
    """
    fields = msgspec.structs.asdict(rule)
    seen: list[ListedImage] = []

    def read(image: ListedImage) -> _Seen | None:
        try:
            return look(read_pixels(root / image.path, **fields))
        except (DecodeError, OSError):
            return None

    with ThreadPoolExecutor(max(1, torch.get_num_threads()), thread_name_prefix="decoder") as pool:
        for start in range(0, len(images), 2 * CHUNK):
            chunk = images[start : start + 2 * CHUNK]
            found = [(image, one) for image, one in zip(chunk, pool.map(read, chunk), strict=True) if one is not None]
            seen += [image for image, _ in found]
            if found:
                take([one for _, one in found])
            yield start + len(chunk)
    if len(seen) < len(images):
        logger.warning("%d of %d images could not be read", len(images) - len(seen), len(images))
    if not seen:
        raise UserError(
            f"None of the images in '{root.name}' can be read any more.",
            "Connect the drive or put the folder back, then ask again.",
            code="images_missing",
        )
    return seen


class Backbone:
    """The embedded backbone, frozen and without its head.

    The whole picture enters it, squeezed into the square: what a crop hides could not be found out.

    Args:
        passes: how many pictures will pass it; it is compiled where that pays.
    """

    def __init__(self, passes: int) -> None:
        row = backbone(DEFAULT_BACKBONE)
        network = build(row, 2, weights.pretrained(row), "squash")
        device = find_device()
        network.model.to(device)
        self._recipe = network.preprocessing
        self._cut = network.head_index
        compiled = None
        if executor_for(device, self._cut, passes) == "onnxruntime":
            try:
                compiled = compiled_trunk(network, self._cut)
            except (OSError, UserError) as error:
                logger.warning("The frozen layers run in torch: %s", type(error).__name__)
        self._trunk = Trunk(network, device, compiled, self._cut, torch.get_num_threads())

    def square(self, pixels: _Pixels) -> torch.Tensor:
        """What enters the network for an image: (3, S, S)."""
        return to_input(pixels, self._recipe)

    def features(self, squares: Sequence[torch.Tensor]) -> NDArray[np.float32]:
        """(N, D) for N squares."""
        found: NDArray[np.float32] = self._trunk(torch.stack(list(squares)), self._cut).flatten(1).numpy()
        return found


def _groups(listed: Sequence[ListedImage], classes: Sequence[str], seed: int) -> list[list[list[ListedImage]]]:
    """For each class its groups, in an order that follows from seed and paths; a mixed group is its rarest class's."""
    sizes = Counter(image.class_name for image in listed)
    members: defaultdict[str, list[ListedImage]] = defaultdict(list)
    for image in sorted(listed, key=_place):
        if image.class_name in classes:
            members[image.group or f"\0{image.path}"].append(image)
    of_class: defaultdict[str, list[list[ListedImage]]] = defaultdict(list)
    for group in sorted(members.values(), key=lambda group: _rank(group[0].path, seed)):
        names = {image.class_name for image in group}
        of_class[min(names, key=lambda name: (sizes[name], name))].append(group)
    return [of_class[name] for name in classes]


def _in_turn(groups: Sequence[Sequence[list[ListedImage]]]) -> Iterable[list[ListedImage]]:
    for row in zip_longest(*groups):
        yield from (group for group in row if group is not None)


def _place(image: ListedImage) -> str:
    return unicodedata.normalize("NFC", image.path)


def _rank(path: str, seed: int) -> bytes:
    name = unicodedata.normalize("NFC", path)
    return hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()
