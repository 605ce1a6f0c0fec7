"""TIFF of the kinds that Pillow has no reader for, or of which it would drop bits or channels.

64-bit and 16-bit floats, 8-bit signed, deep values in two or more channels, planes one after the other. It is pasted
into the exported `predict.py`; see `signatures.py`.
"""

from __future__ import annotations

import logging
import math
from typing import IO, Any

import numpy as np
from PIL import Image

from tlgui.imaging.decoding import Decoded, Header, Pixels, check_size, frame_index, missing_part, reading
from tlgui.imaging.signatures import DecodeError

ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA = 1, 2  # values of ExtraSamples
SIGNED = 2  # value of SampleFormat


def open_tiff(file: IO[bytes]) -> Header:
    """The header by tifffile, where Pillow gives up.

    Raises:
        DecodeError: its values are of a kind that makes no picture, or it is damaged.
    """
    tifffile = _tifffile()
    with reading("TIFF"):
        file.seek(0)
        with tifffile.TiffFile(file, name="image.tif") as tiff:
            page = tiff.pages[0]
            check_size(page.imagewidth, page.imagelength)
            return Header("TIFF", (page.imagewidth, page.imagelength), len(tiff.pages))


def decode_tiff(file: IO[bytes], header: Image.Image, frame: str) -> Decoded:
    """One page: the first one, unless `frame` says otherwise.

    Raises:
        DecodeError: see `open_tiff`.
    """
    tifffile = _tifffile()
    with reading("TIFF"):
        file.seek(0)
        with tifffile.TiffFile(file, name="image.tif") as tiff:
            page = tiff.pages[frame_index(len(tiff.pages), frame, "first")].aspage()
            check_size(page.imagewidth, page.imagelength)
            values = _channels_last(page, _values(page))
            orientation = page.tags.valueof(274, 1)
            extra = int(page.extrasamples[0]) if page.extrasamples else 0
            white_is_zero = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
            bits = int(page.bitspersample)
    if white_is_zero:
        values = turned_round(values, bits)
    colour, alpha, left = _split(values, extra)
    turned = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
    if colour.dtype == np.uint8:
        if alpha is not None:
            opaque = np.rint(alpha * 255).astype(np.uint8)
            colour = np.dstack([colour, opaque] if colour.ndim == 3 else [colour, colour, colour, opaque])
        image = Image.fromarray(np.ascontiguousarray(colour))
        return Decoded(image, None, None, 8, extra_channels=left, orientation=turned)
    return Decoded(header, colour, alpha, bits, extra_channels=left, orientation=turned)


def _values(page: Any) -> Pixels:
    if page.imagedepth != 1 or page.dtype is None or page.dtype.kind not in "biuf":
        raise DecodeError("unsupported", "This kind of TIFF (its values or its shape) cannot be read as a picture.")
    if page.photometric not in (0, 1, 2, 32803, 34892):
        raise DecodeError("unsupported", "This kind of TIFF (its colours) cannot be read; save it as RGB.")
    # A damaged header may state a million parts, each of which would be asked for.
    if math.prod(page.chunked) > len(page.dataoffsets):
        raise DecodeError("truncated", "The TIFF file is cut off: parts of its image are missing.")
    try:
        values: Pixels = np.asarray(page.asarray())
    except (ValueError, NotImplementedError, ImportError) as error:
        if "imagecodecs" in str(error):
            raise DecodeError(
                "unsupported",
                "This kind of TIFF (its compression or its packing) cannot be read; save it uncompressed.",
            ) from error
        raise
    return np.where(values, np.uint8(255), np.uint8(0)) if values.dtype == bool else values


def _channels_last(page: Any, values: Pixels) -> Pixels:
    values = values.reshape(page.shaped)  # (channels before, depth, height, width, channels behind)
    before, _depth, height, width, behind = values.shape
    return values[:, 0].transpose(1, 2, 0, 3).reshape(height, width, before * behind)


def turned_round(values: Pixels, bits: int) -> Pixels:
    """White-is-zero to black-is-zero: the largest value that the bits can hold becomes the smallest."""
    if values.dtype.kind == "f":
        return -values
    turned: Pixels = np.invert(values)  # of all bits: -1 - v, or the largest number minus v
    if values.dtype.kind == "u" and bits < 8 * values.dtype.itemsize:
        turned &= values.dtype.type(2**bits - 1)
    return turned


def _split(values: Pixels, extra: int) -> tuple[Pixels, Pixels | None, int]:
    """Colour or grey, transparency (0..1), and how many channels are left aside."""
    channels = values.shape[2]
    used = 3 if channels >= 3 else 1
    colour = values[..., :used] if used == 3 else values[..., 0]
    if channels != used + 1 or extra not in (ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA):
        return colour, None, channels - used
    full = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    alpha = np.clip(np.nan_to_num(values[..., -1].astype(np.float64)) / full, 0.0, 1.0)
    if extra == ASSOCIATED_ALPHA:
        divisor = np.maximum(alpha, 1 / 65535)
        colour = colour / (divisor[..., None] if used == 3 else divisor)
        colour = colour if values.dtype.kind == "f" else np.minimum(np.rint(colour), full).astype(values.dtype)
    return colour, alpha.astype(np.float32), 0


def _tifffile() -> Any:
    try:
        import tifffile
    except ImportError as error:
        raise missing_part("TIFF of this kind", "tifffile") from error
    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)
    return tifffile
