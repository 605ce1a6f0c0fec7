"""A faster road from file to pixels, for training views only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tlgui.core.augmentations import Augmentation
from tlgui.imaging.pixels import Source, decode, open_image, open_source, to_rgb

_SPARE = 2.0  # so many pixels for each of the view's, along a side: what is enlarged after a crop is not sharp


def read_for_views(source: Source, size: int, row: Augmentation, **rule: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pixels from which views of a row are cut.

    Args:
        source: as in `read_pixels`.
        size: side of the views in pixels.
        row: how they are varied: of a part that is cut out small, more pixels are needed.
        **rule: the fields of `PixelRule`.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DecodeError: the file cannot be used.
    """
    return read_for_training(source, math.ceil(size * max(_SPARE, row.smallest_area**-0.5)), **rule)


def read_for_training(source: Source, at_least: int, **rule: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Like `read_pixels`, but a large JPEG is decoded at a half, a quarter or an eighth of its size.

    Several times faster on photographs. The pixels differ a little from a full decode, so validation, test,
    prediction and export never come here.

    Args:
        source: as in `read_pixels`.
        at_least: the shorter side stays at least so long, without the rule's border (or as it is, where the image is
            smaller).
        **rule: the fields of `PixelRule`, as in `read_pixels`.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DecodeError: the file cannot be used.
    """
    frame = rule.get("frame", "auto")
    side = math.ceil(at_least / (1.0 - 2.0 * rule.get("border", 0.0)))
    with open_source(source) as file:
        image = open_image(file)
        # A draft holds for the first picture of an MPO alone.
        drafts = image.format == "JPEG" or (image.format == "MPO" and frame in ("auto", "first"))
        if drafts and min(image.size) >= 2 * side:
            image.draft(None, (side, side))
        return to_rgb(decode(file, image, frame), **rule)
