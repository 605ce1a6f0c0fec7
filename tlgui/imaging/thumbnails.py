"""A file to a small picture: the same pixels as training sees, made smaller."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import msgspec
from PIL import Image

from tlgui.core.records import PixelRule
from tlgui.imaging.file_check import LARGE_PIXELS, one_large_image, open_regular
from tlgui.imaging.mapping import orientation_of
from tlgui.imaging.pixels import Decoded, DecodeError, Pixels, decode, open_image, own_range, reason_of, to_rgb

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
    with told(), open_regular(path) as file:
        image = open_image(file)
        size = image.size
        # A look needs no full decode. What is cut off at its end is refused all the same.
        drafted = image.format == "JPEG" and image.draft(None, (DRAFT * side, DRAFT * side)) is not None
        with one_large_image if image.width * image.height > LARGE_PIXELS else nullcontext():
            decoded = decode(file, image, rule.frame if rule else "auto")
            small = _smaller(by_rule(decoded, rule), side, whole)
    width, height = size if drafted else stored_size(decoded)
    if orientation_of(decoded) >= 5:
        width, height = height, width
    return Small(width, height, encoded(small))


@contextmanager
def told() -> Iterator[None]:
    """Says of a file that the disk or the memory refuses why there is no picture of it, as a DecodeError."""
    try:
        yield
    except OSError as error:
        raise DecodeError("unreadable", f"The file cannot be read ({reason_of(error)}).") from error
    except MemoryError as error:
        raise DecodeError("too_large", "The image is too large to be shown on this computer.") from error


def by_rule(decoded: Decoded, rule: PixelRule | None) -> Pixels:
    """(H, W, 3) uint8 by the rule, or, without one, from the image's own smallest to its own largest value."""
    if rule is None:
        return to_rgb(decoded, *own_range(decoded))
    return to_rgb(decoded, **msgspec.structs.asdict(rule))


def stored_size(decoded: Decoded) -> tuple[int, int]:
    """Width and height as stored, before the orientation is applied and the border cut off."""
    if decoded.deep is None:
        return decoded.image.size
    height, width = decoded.deep.shape[:2]
    return width, height


def _smaller(pixels: Pixels, side: int, whole: bool) -> Image.Image:
    image = Image.fromarray(pixels)
    width, height = image.size
    short = min(width, height)
    if whole:
        return reduced(image, side)
    left, top = (width - short) // 2, (height - short) // 2
    square = (left, top, left + short, top + short)
    if short <= side:
        return image.crop(square)
    return image.resize((side, side), Image.Resampling.LANCZOS, box=square, reducing_gap=3.0)


def reduced(image: Image.Image, longest: int) -> Image.Image:
    """The whole picture with its longer side at most so long."""
    scale = min(1.0, longest / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def encoded(image: Image.Image, lossless: bool = False) -> bytes:
    """A JPEG file, or a PNG file where each pixel shows or counts."""
    file = io.BytesIO()
    if lossless or image.width * image.height <= LOSSLESS_PIXELS:
        image.save(file, "PNG")
    else:
        # Colour at full resolution (4:4:4): stains and labels have sharp coloured edges.
        image.save(file, "JPEG", quality=QUALITY, subsampling=0)
    return file.getvalue()
