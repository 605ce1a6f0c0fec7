"""A file to (H, W, 3) uint8 RGB, by one rule, wherever an image is read.

In order:

1. what the first bytes say: empty, no image, an image of a kind that is not accepted (`signatures`);
2. the size that the header states, before anything is decoded;
3. a full decode of one frame or page; a damaged file is named, never read in part;
4. grey, palette, CMYK and CIELAB to RGB, deep values by the pixel rule, transparency, orientation (`mapping`).

It is pasted into the exported `predict.py`; see `signatures.py`.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from PIL import (
    AvifImagePlugin,  # noqa: F401 (each of these imports registers its format, also in a frozen program)
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    IcoImagePlugin,  # noqa: F401
    Image,
    Jpeg2KImagePlugin,  # noqa: F401
    JpegImagePlugin,  # noqa: F401
    MpoImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    PpmImagePlugin,  # noqa: F401
    PsdImagePlugin,  # noqa: F401
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from tlgui.imaging.decoding import Decoded, Header, Pixels, check_size, missing_part, reading, reason_of
from tlgui.imaging.dicom import decode_dicom, open_dicom, photometric_of
from tlgui.imaging.mapping import finite_values, orientation_of, own_range, to_rgb
from tlgui.imaging.pillow_frames import decode_by_pillow, frames_of, spoken_name
from tlgui.imaging.signatures import ACCEPTED, HEAD_BYTES, OTHER_IMAGES, DecodeError, kind_of, not_read_yet
from tlgui.imaging.tiff import decode_tiff, open_tiff

__all__ = [
    "ACCEPTED",
    "HEAD_BYTES",
    "NEEDS",
    "OTHER_IMAGES",
    "PARTS",
    "DecodeError",
    "Decoded",
    "Description",
    "Header",
    "Pixels",
    "Source",
    "decode",
    "describe",
    "describe_decoded",
    "kind_of",
    "not_read_yet",
    "open_image",
    "open_source",
    "orientation_of",
    "own_range",
    "read_pixels",
    "reason_of",
    "to_rgb",
]

# The files that stand alone together, each after those that it uses; see `signatures.py`.
PARTS = (
    "signatures.py",
    "decoding.py",
    "dicom_frames.py",
    "dicom.py",
    "tiff.py",
    "pillow_frames.py",
    "mapping.py",
    "pixels.py",
)
# What must be installed beside numpy and Pillow, by the kind of file (`kind_of`); without it such a file is refused.
NEEDS = {
    "DICOM": ("pydicom", "python-gdcm", "pyjpegls", "pylibjpeg-openjpeg", "pylibjpeg-rle"),
    "HEIC": ("pi-heif",),
    "TIFF": ("tifffile",),  # for kinds that Pillow has no reader for
    "JPEG 2000": ("pylibjpeg-openjpeg",),  # for more than 8 bits
}
_PILLOW_NAMES = {"HEIC": "HEIF", "JPEG 2000": "JPEG2000"}
_SAMPLE_SIDE = 512  # percentiles that only guide a choice are those of about so many rows and columns

Source = str | os.PathLike[str] | bytes | IO[bytes]


@dataclass(frozen=True)
class Description:
    """What a fully decoded file holds.

    Attributes:
        format: such as "PNG"; "MPO" for a JPEG with several pictures.
        width, height: pixels, after the EXIF orientation.
        bits: per channel; 8 stands for 8 and fewer.
        frames: frames or pages.
        grey: stored with a single channel of brightness (with or without transparency).
        floating: the stored values are floating-point numbers.
        lowest, highest: of the finite values that the pixel rule acts on, without padding; None where it does not act.
        all_finite: no stored value is NaN or infinite.
        window: values that the window (or the table) of a DICOM file maps to 0 and 255.
        has_window: it brings one.
        dicom: it is a DICOM file.
        photometric: how DICOM calls the meaning of its values, such as "MONOCHROME1"; "" for other formats.
        typical: the values that 0.5 % and 99.5 % of the pixels lie below, about; None where `lowest` is.
        extra_channels: that are left aside.
    """

    format: str
    width: int
    height: int
    bits: int
    frames: int
    grey: bool
    floating: bool
    lowest: float | None
    highest: float | None
    all_finite: bool
    window: tuple[float, float] | None = None
    has_window: bool = False
    dicom: bool = False
    photometric: str = ""
    typical: tuple[float, float] | None = None
    extra_channels: int = 0


def read_pixels(
    source: Source,
    low: float = 0.0,
    high: float = 65535.0,
    background: tuple[int, int, int] = (255, 255, 255),
    method: str = "range",
    frame: str = "auto",
    colour: str = "as stored",
    border: float = 0.0,
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The pixels that everything starts from: thumbnails, training, prediction, export.

    Args:
        source: a path, the bytes of a file, or a binary file object that can seek.
        low: see `to_rgb`, like those below; together they are the fields of `PixelRule`.
        high: see `to_rgb`.
        background: see `to_rgb`.
        method: see `to_rgb`.
        frame: of files with several: "first", "middle", "last", or "auto": the middle one of DICOM, the first of others.
        colour: see `to_rgb`.
        border: see `to_rgb`.

    Returns:
        (H, W, 3) uint8 RGB, C-contiguous.

    Raises:
        DecodeError: the file cannot be used; code and sentence say why.
        ValueError: `high` is not above `low`.
    """
    with open_source(source) as file:
        decoded = decode(file, open_image(file), frame)
        return to_rgb(decoded, low, high, background, method, frame, colour, border)


def describe(source: Source) -> Description:
    """Decode a file in full and say what it holds; raises DecodeError as `read_pixels` does."""
    with open_source(source) as file:
        image = open_image(file)
        decoded = decode(file, image)
        if decoded.image.mode == "LAB":
            to_rgb(decoded)  # says now what training would say later
        return describe_decoded(image, decoded)


def describe_decoded(image: Image.Image, decoded: Decoded) -> Description:
    """What a file holds.

    Args:
        image: from `open_image`.
        decoded: from `decode`.

    Raises:
        DecodeError: not one value is a finite number.
    """
    lowest = highest = typical = window = None
    floating, all_finite = False, True
    if decoded.deep is None:
        width, height = decoded.image.size
    else:
        height, width = decoded.deep.shape[:2]
        values = finite_values(decoded)
        lowest, highest = float(values.min()), float(values.max())
        floating = decoded.deep.dtype.kind == "f"
        all_finite = not floating or bool(np.isfinite(decoded.deep).all())
        typical = _typical(decoded)
    if orientation_of(decoded) >= 5:
        width, height = height, width
    if decoded.window is not None:
        window = decoded.window.low, decoded.window.high
    stored = image if decoded.deep is None and not isinstance(image, Header) else decoded.image
    grey = stored.mode in ("1", "L", "LA", "La", "I", "F") or stored.mode.startswith("I;")
    dicom = image.format == "DICOM"
    return Description(
        format=spoken_name(image.format or ""),
        width=width,
        height=height,
        bits=decoded.bits,
        frames=frames_of(image),
        grey=grey if decoded.deep is None else decoded.deep.ndim == 2,
        floating=floating,
        lowest=lowest,
        highest=highest,
        all_finite=all_finite,
        window=window,
        has_window=window is not None,
        dicom=dicom,
        photometric=photometric_of(image) if isinstance(image, Header) and dicom else "",
        typical=typical,
        extra_channels=decoded.extra_channels,
    )


def _typical(decoded: Decoded) -> tuple[float, float] | None:
    assert decoded.deep is not None
    step = max(1, math.ceil(min(decoded.deep.shape[:2]) / _SAMPLE_SIDE))
    padding = None if decoded.padding is None else decoded.padding[::step, ::step]
    try:
        values = finite_values(Decoded(decoded.image, decoded.deep[::step, ::step], None, 0, padding=padding))
    except DecodeError:  # only padding was hit
        values = finite_values(decoded)
    with np.errstate(over="ignore", invalid="ignore"):
        least, most = np.percentile(values, (0.5, 99.5))
    return float(least), float(most)


@contextlib.contextmanager
def open_source(source: Source) -> Iterator[IO[bytes]]:
    """A binary file object at its start; closed again only where it was opened here."""
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        try:
            file = open(source, "rb")  # noqa: PTH123, SIM115 (a path may be bytes-like; closed by the with below)
        except OSError as error:
            raise DecodeError("unreadable", f"The file cannot be opened ({reason_of(error)}).") from error
        with file:
            yield file
    else:
        source.seek(0)
        yield source


def open_image(file: IO[bytes]) -> Image.Image:
    """The header alone: format, size and mode, with the limits applied; no pixel is decoded yet.

    Returns:
        An image of Pillow, or a `Header` of a file that it cannot open.

    Raises:
        DecodeError: as `kind_of`, or too_large, too_small, unreadable, truncated, unsupported, no_pixels.
    """
    with reading("image"):
        file.seek(0)
        head = file.read(HEAD_BYTES)
    kind = kind_of(head)
    if kind == "DICOM":
        return open_dicom(file)
    if kind == "HEIC":
        _enable_heic()
    if kind == "PSD" and head[22:24] != b"\0\x08":
        raise DecodeError("unsupported", "Photoshop documents of more than 8 bits cannot be read; save it as TIFF.")
    with reading(kind):
        try:
            image = Image.open(file, formats=[_PILLOW_NAMES.get(kind, kind)])
        except UnidentifiedImageError:
            if kind == "TIFF" and _is_unknown_tiff(file):
                return open_tiff(file)
            raise
    check_size(*image.size)
    return image


def _enable_heic() -> None:
    try:
        import pi_heif
    except ImportError as error:
        raise missing_part("HEIC", "pi-heif") from error
    if "HEIF" not in Image.OPEN:
        pi_heif.register_heif_opener(thumbnails=False)


def _is_unknown_tiff(file: IO[bytes]) -> bool:
    """Tell a sound TIFF of a kind that Pillow has no reader for from a damaged one: `Image.open` hides the reason."""
    file.seek(0)
    try:
        TiffImagePlugin.TiffImageFile(file)
    except SyntaxError as error:
        return "unknown pixel mode" in str(error)
    return False


def decode(file: IO[bytes], image: Image.Image, frame: str = "auto") -> Decoded:
    """Decode one frame in full.

    Args:
        file: what `image` was opened from; read a second time for 16-bit colour.
        image: from `open_image`; loaded afterwards.
        frame: see `read_pixels`.

    Raises:
        DecodeError: the file is damaged, or of a kind that cannot be read.
    """
    if not isinstance(image, Header):
        return decode_by_pillow(file, image, frame)
    return decode_dicom(file, image, frame) if image.format == "DICOM" else decode_tiff(file, image, frame)
