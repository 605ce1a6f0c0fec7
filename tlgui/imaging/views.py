"""What training makes of one image: the plain view and the first varied ones, by the same code as the run's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from tlgui.core.augmentations import in_use
from tlgui.core.backbones import backbone
from tlgui.core.imaging_messages import ShowViews, ViewsShown
from tlgui.imaging.augment import apply_view, draw_view
from tlgui.imaging.file_check import one_large_image, open_regular
from tlgui.imaging.fitting import square_of
from tlgui.imaging.pixels import Pixels, read_pixels
from tlgui.imaging.thumbnails import encoded, reduced, told
from tlgui.imaging.training_view import read_for_views


def views_shown(request: ShowViews) -> ViewsShown:
    """The pictures that were asked for.

    Raises:
        DecodeError: there is no picture; says why.
        UserError: there is no such row or backbone, or the backbone takes no such size.
    """
    with told(), one_large_image, open_regular(Path(request.root, request.path)) as file:
        squares = _squares(file.read(), request)
    first, *others = (encoded(reduced(Image.fromarray(square), request.longest)) for square in squares)
    return ViewsShown(ticket=request.ticket, plain=first, views=others)


def _squares(content: bytes, request: ShowViews) -> list[Pixels]:
    """(size, size, 3) uint8: first the plain view, by the exact road, then the varied ones."""
    row = backbone(request.backbone).at(request.size)
    variation, rule = in_use(request.augmentation, request.mirror), msgspec.structs.asdict(request.rule)
    squares = [np.rint(square_of(read_pixels(content, **rule), row, request.fit)).astype(np.uint8)]
    if variation.changes_nothing:
        return squares
    pixels = read_for_views(content, row.size, variation, **rule)
    height, width = pixels.shape[:2]
    content_hash = hashlib.sha256(content).hexdigest()
    for number in range(1, request.count + 1):
        view = draw_view(content_hash, number, width / height, variation)
        squares.append(apply_view(pixels, view, row.size))
    return squares
