"""A file to a small picture: the same pixels as training sees, made smaller."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tlgui.core.records import PixelRule
from tlgui.imaging.file_check import LARGE_PIXELS, one_large_image, open_regular
from tlgui.imaging.pixels import Decoded, DecodeError, decode, open_image, reason_of, to_rgb

QUALITY = 90  # of JPEG; below it, the blocks show on smooth backgrounds
LOSSLESS_PIXELS = 48 * 48  # so small a picture is drawn enlarged, and each of its pixels shows
DRAFT = 2  # a JPEG may be decoded at 1/2, 1/4 or 1/8, as long as this factor is left for a good reduction


class Small(NamedTuple):
    """A picture for the screen.

    Attributes:
        width, height: of the image itself, upright.
        data: a JPEG or PNG file.
    """

    width: int
    height: int
    data: bytes


def thumbnail(path: Path, side: int, whole: bool = False, rule: PixelRule | None = None) -> Small:
    """The picture in a file, upright, never enlarged.

    Args:
        path: of the file; whatever it is, nothing but an ordinary file is read.
        side: pixels of the square, or of the longer side with `whole`.
        whole: all of it; otherwise the middle square.
        rule: the dataset's pixel rule; `None` maps an image of more than 8 bits from its own smallest to its own
            largest value.

    Raises:
        DecodeError: there is no picture; says why.
    """
    try:
        with open_regular(path) as file:
            image = open_image(file)
            width, height = image.size
            # A look needs no full decode. What is cut off at its end is refused all the same.
            if image.format == "JPEG":
                image.draft(None, (DRAFT * side, DRAFT * side))
            if image.width * image.height > LARGE_PIXELS:
                with one_large_image:
                    pixels = _pixels(decode(file, image), rule)
                    small = _smaller(pixels, side, whole)
            else:
                pixels = _pixels(decode(file, image), rule)
                small = _smaller(pixels, side, whole)
    except OSError as error:
        raise DecodeError("unreadable", f"The file cannot be read ({reason_of(error)}).") from error
    except MemoryError as error:
        raise DecodeError("too_large", "The image is too large to be shown on this computer.") from error
    if (pixels.shape[0] > pixels.shape[1]) != (height > width):  # turned by its orientation
        width, height = height, width
    return Small(width, height, _encoded(small))


def _pixels(decoded: Decoded, rule: PixelRule | None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    if rule is None:
        low, high = _own_range(decoded)
        return to_rgb(decoded, low, high, PixelRule().background)
    return to_rgb(decoded, rule.low, rule.high, rule.background)


def _own_range(decoded: Decoded) -> tuple[float, float]:
    if decoded.deep is None:
        return 0.0, 1.0  # of no effect on 8 bits
    finite = decoded.deep[np.isfinite(decoded.deep)] if decoded.deep.dtype.kind == "f" else decoded.deep
    if not finite.size:
        raise DecodeError("unreadable", "Not one of its pixel values is a finite number.")
    low, high = float(finite.min()), float(finite.max())
    return low, high if high > low else low + 1.0


def _smaller(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], side: int, whole: bool) -> Image.Image:
    image = Image.fromarray(pixels)
    width, height = image.size
    short, long = min(width, height), max(width, height)
    if whole:
        scale = min(1.0, side / long)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    left, top = (width - short) // 2, (height - short) // 2
    square = (left, top, left + short, top + short)
    if short <= side:
        return image.crop(square)
    return image.resize((side, side), Image.Resampling.LANCZOS, box=square, reducing_gap=3.0)


def _encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    if image.width * image.height <= LOSSLESS_PIXELS:
        image.save(file, "PNG")
    else:
        # Colour at full resolution (4:4:4): stains and labels have sharp coloured edges.
        image.save(file, "JPEG", quality=QUALITY, subsampling=0)
    return file.getvalue()
