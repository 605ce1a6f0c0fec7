"""A file to (H, W, 3) uint8 RGB, by one rule, wherever an image is read.

This file stands alone (standard library, numpy, Pillow): its text is pasted into the exported `predict.py`, so that a
receiver decodes exactly as the program does. Formats are told by content, never by suffix. In order:

1. what the first bytes say: empty, no image, an image of a kind that is not accepted;
2. the size that the header states, before anything is decoded;
3. a full decode of the first frame or page; a damaged file is named, never read in part;
4. EXIF orientation; grey, palette, CMYK and CIELAB to RGB; transparent pixels over the stated background;
5. values of more than 8 bits by the linear rule: `low` to 0, `high` to 255, clipped outside, rounded half up, and
   what is not finite counts as `low`. 8-bit values are left as they are.

Pillow keeps only the upper byte of 16-bit colour. We decode such files twice, the second time with the byte order
exchanged, which yields the lower byte: so 12-bit data in 16-bit colour does not turn black.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from PIL import (
    BmpImagePlugin,  # noqa: F401 (each of these imports registers its format, also in a frozen program)
    GifImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    PpmImagePlugin,  # noqa: F401
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

MAX_PIXELS = 300_000_000  # 0.9 GB as RGB; a 200-megapixel telephone fits, a whole-slide scan does not
MIN_SIDE = 2  # a line of single pixels has nothing to look at
ACCEPTED = "JPEG, PNG, BMP, GIF, WebP, TIFF and PPM"
ROW_BLOCK_PIXELS = 4_000_000  # deep images are converted in blocks, so that float64 never holds a whole one

# Pillow's own check stays on, with our limit: it also guards later frames, which open_image cannot see.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

# To accept a format: a row here, its plug-in in the imports above, its name in ACCEPTED.
IMAGES: tuple[tuple[bytes, str], ...] = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "BMP"),
    (rb"GIF8[79]a", "GIF"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    (rb"P[1-6fFy]\s+[\d#]", "PPM"),
)
OTHER_IMAGES: tuple[tuple[bytes, str], ...] = (
    (rb".{128}DICM", "DICOM"),
    (rb"....ftyp(avif|avis)", "AVIF"),
    (rb"....ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)", "HEIC"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "JPEG XL"),
    (rb"8BPS", "Photoshop document"),
    (rb"\0\0[\x01\x02]\0.\0", "Windows icon or cursor"),
    (rb"icns", "Apple icon"),
    (rb"DDS ", "DDS"),
    (rb"SIMPLE  =", "FITS"),
    (rb"\x76\x2f\x31\x01", "OpenEXR"),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", "Windows metafile"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "PostScript document"),
    (rb"qoif", "QOI"),
    (rb"\x01\xda[\0\x01][\x01\x02]", "SGI"),
    (rb"\x59\xa6\x6a\x95", "Sun raster"),
    (rb"/\* XPM \*/", "XPM"),
    (rb"NRRD000", "NRRD volume"),
    (rb"ZISRAWFILE", "Zeiss CZI"),
    (rb"FLIF", "FLIF"),
)
# Markup may begin with a byte order mark and remarks; (?>...) never goes back, so that no file can make this slow.
_MARKUP = rb"(?i)(?:\xef\xbb\xbf)?(?>(?:\s|<!--.*?-->|<\?xml.*?\?>)*)"
NO_IMAGES: tuple[tuple[bytes, str], ...] = (
    (rb"%PDF", "a PDF document"),
    (rb"PK\x03\x04", "a ZIP archive or an Office document"),
    (rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ", "a compressed archive"),
    (rb"\xd0\xcf\x11\xe0", "an old Office document"),
    (rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ", "a video"),
    (rb"RIFF....WAVE|ID3|OggS|fLaC", "a sound"),
    (rb"\x7fELF|MZ[\0-\x1f\x80-\xff]", "a program"),
    (_MARKUP + rb"<(!doctype html|html|head|body)", "a web page (HTML)"),
    (_MARKUP + rb"<(!doctype )?svg", "a vector drawing (SVG)"),
    (rb"(\xef\xbb\xbf)?\s*<\?xml", "an XML document"),
    (rb"\x80[\x02-\x05]", "saved Python data (pickle)"),
)
HEAD_BYTES = 1024

Pixels = np.ndarray[Any, np.dtype[Any]]
Source = str | os.PathLike[str] | bytes | IO[bytes]


class DecodeError(Exception):
    """A file that is not used, with the reason.

    Attributes:
        code: one of the values of `tlgui.core.records.Reason`.
        message: one sentence without the file's name.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Description:
    """What a fully decoded file holds.

    Attributes:
        width, height: pixels, after the EXIF orientation.
        bits: per channel; 8 stands for 8 and fewer.
        frames: frames or pages; the first is the one that is read.
        grey: stored with a single channel of brightness (with or without transparency).
        floating: the stored values are floating-point numbers.
        lowest, highest: of the stored finite values; None for 8 bits, where no rule is needed.
        all_finite: no stored value is NaN or infinite.
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


@dataclass
class Decoded:
    """The first frame as stored: 8 bits in `image`, or `deep` (H, W[, 3]) with `alpha` (H, W) in 0..1."""

    image: Image.Image
    deep: Pixels | None
    alpha: Pixels | None
    bits: int


def read_pixels(
    source: Source, low: float, high: float, background: tuple[int, int, int] = (255, 255, 255)
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The pixels that everything starts from: thumbnails, training, prediction, export.

    Args:
        source: a path, the bytes of a file, or a binary file object that can seek.
        low: the stored value that becomes 0 where there are more than 8 bits a channel.
        high: the stored value that becomes 255; above `low`.
        background: RGB, 0..255, what lies under transparent pixels.

    Returns:
        (H, W, 3) uint8 RGB, C-contiguous.

    Raises:
        DecodeError: the file cannot be used; code and sentence say why.
        ValueError: `high` is not above `low`.
    """
    with open_source(source) as file:
        return to_rgb(decode(file, open_image(file)), low, high, background)


def describe(source: Source) -> Description:
    """Decode a file in full and say what it holds; raises DecodeError as `read_pixels` does."""
    with open_source(source) as file:
        image = open_image(file)
        decoded = decode(file, image)
        lowest = highest = None
        all_finite, floating = True, False
        if decoded.deep is None:
            width, height = image.size
            if decoded.image.mode == "LAB":
                with _reading("TIFF"):
                    _lab_to_rgb(decoded.image)  # says now what training would say later
        else:
            height, width = decoded.deep.shape[:2]
            floating = decoded.deep.dtype.kind == "f"
            finite = decoded.deep[np.isfinite(decoded.deep)] if floating else decoded.deep
            all_finite = finite.size == decoded.deep.size
            if not finite.size:
                raise DecodeError("unreadable", "Not one of its pixel values is a finite number.")
            lowest, highest = float(finite.min()), float(finite.max())
        if _orientation(image) >= 5:
            width, height = height, width
        grey = image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;")
        grey = grey or (decoded.deep is not None and decoded.deep.ndim == 2)
        return Description(
            format=image.format or "",
            width=width,
            height=height,
            bits=decoded.bits,
            frames=_frames(image),
            grey=grey,
            floating=floating,
            lowest=lowest,
            highest=highest,
            all_finite=all_finite,
        )


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


def reason_of(error: OSError) -> str:
    """What the operating system says, without the path that it adds."""
    return (error.strerror or type(error).__name__).lower()


def kind_of(head: bytes) -> str:
    """The name of the accepted format that begins with `head`.

    Args:
        head: the first HEAD_BYTES bytes, or fewer where the file is shorter.

    Raises:
        DecodeError: empty, unsupported or not_an_image, with what the content looks like.
    """
    if not head:
        raise DecodeError("empty", "The file is empty (0 bytes).")
    # Others first: a DICOM file may begin like a TIFF, so that both kinds of program can open it.
    for pattern, name in OTHER_IMAGES:
        if re.match(pattern, head, re.DOTALL):
            raise DecodeError("unsupported", not_read_yet(name))
    for pattern, name in IMAGES:
        if re.match(pattern, head, re.DOTALL):
            return name
    for pattern, name in NO_IMAGES:
        if re.match(pattern, head, re.DOTALL):
            raise DecodeError("not_an_image", f"The content is {name}, not an image.")
    if not head.strip(b"\0"):
        raise DecodeError("not_an_image", "The content is nothing but zeros, as after a failed download or copy.")
    looks = "text" if _is_text(head) else "not that of any image format known here"
    raise DecodeError("not_an_image", f"The content is {looks}{', not an image' if looks == 'text' else ''}.")


def not_read_yet(kind: str) -> str:
    """What is said of a sound image of one of `OTHER_IMAGES`."""
    return f"This version cannot read such a file yet ({kind}); accepted are {ACCEPTED}."


def _is_text(head: bytes) -> bool:
    try:
        # A character may be cut at the end of the head, hence the 4 bytes that may be missing.
        text = head[: max(1, len(head) - 4)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\r\n\t\f\ufeff" for character in text)


def open_image(file: IO[bytes]) -> Image.Image:
    """The header alone: format, size and mode, with the limits applied; no pixel is decoded yet.

    Raises:
        DecodeError: as `kind_of`, or too_large, too_small, unreadable, truncated, unsupported.
    """
    with _reading("image"):
        file.seek(0)
        head = file.read(HEAD_BYTES)
    kind = kind_of(head)
    with _reading(kind):
        try:
            image = Image.open(file, formats=[kind])
        except UnidentifiedImageError:
            if kind == "TIFF":
                _name_unknown_tiff(file)
            raise
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(width, height)
    if min(width, height) < MIN_SIDE:
        raise DecodeError("too_small", f"The image is only {width} x {height} pixels.")
    return image


def _name_unknown_tiff(file: IO[bytes]) -> None:
    """Tell a sound TIFF of a kind that Pillow has no reader for from a damaged one: `Image.open` hides the reason."""
    file.seek(0)
    try:
        TiffImagePlugin.TiffImageFile(file)
    except SyntaxError as error:
        if "unknown pixel mode" in str(error):
            raise DecodeError(
                "unsupported",
                "This kind of TIFF (its channels or bits per value) cannot be read; "
                "accepted are 1, 8, 16 and 32 bits, grey or RGB.",
            ) from error


def decode(file: IO[bytes], image: Image.Image) -> Decoded:
    """Decode the first frame in full.

    Args:
        file: what `image` was opened from; read a second time for 16-bit colour.
        image: from `open_image`; loaded afterwards.
    """
    kind = image.format or "image"
    raw_mode = _raw_mode(image)
    if match := re.fullmatch(r"(RGB|RGBA|RGBa|RGBX);16[BLN]|LA;16B", raw_mode):
        return _decode_wide_colour(file, image, raw_mode, match[1])
    with _reading(kind):
        _load(image)
        if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
            _scale_transparent_grey(image, raw_mode)
            return Decoded(image, None, None, 8)
        values = np.asarray(image)
    alpha = None
    bits = 32 if image.mode == "F" or image.format == "TIFF" else 16
    if image.format == "TIFF":
        values, bits = _tiff_values(image, values, bits)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        alpha = (values != transparent).astype(np.float32)
    return Decoded(image, values, alpha, bits)


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except OSError as error:
        # libtiff answers "decoder error" both for damage and for a compression that it was built without.
        compression = str(image.info.get("compression", ""))
        if image.format == "TIFF" and compression in ("webp", "zstd", "lzma"):
            raise DecodeError(
                "unsupported", f"The TIFF is compressed by {compression}, which cannot be read on this computer."
            ) from error
        raise


def _raw_mode(image: Image.Image) -> str:
    """How the values lie in the file, in Pillow's spelling, such as "RGB;16B"; "" where the format has no such name."""
    tiles = getattr(image, "tile", None)
    if not tiles:
        return ""
    arguments = tiles[0][3]
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return raw_mode if isinstance(raw_mode, str) else ""


def _decode_wide_colour(file: IO[bytes], image: Image.Image, raw_mode: str, channels: str | None) -> Decoded:
    """16-bit colour (and 16-bit grey with transparency), every bit of it."""
    kind = image.format or "image"
    with _reading(kind):
        if channels is None:
            # Grey and alpha, two bytes each: four bytes a pixel, which can be taken out unchanged as if they were RGBA.
            _set_raw_mode(image, "RGBA")
            image.load()
            both = np.asarray(image).astype(np.uint16)
            values = both[..., 0::2] << 8 | both[..., 1::2]
        else:
            # "RGBa" would make Pillow divide by an alpha of 8 bits; we take the values as stored and divide below.
            first, second = _byte_orders(raw_mode.replace("RGBa", "RGBA"))
            again = Image.open(file, formats=[kind])
            _set_raw_mode(image, first)
            image.load()
            _set_raw_mode(again, second)
            again.load()
            values = np.asarray(image).astype(np.uint16) << 8 | np.asarray(again)
    colour = values[..., 0] if channels is None else values[..., :3]
    alpha = values[..., -1].astype(np.float32) / 65535 if values.shape[-1] in (2, 4) else None
    if channels == "RGBa" and alpha is not None:
        colour = np.minimum(65535, np.rint(colour / np.maximum(alpha, 1 / 65535)[..., None])).astype(np.uint16)
    transparent = image.info.get("transparency")
    if alpha is None and isinstance(transparent, tuple):
        alpha = np.any(colour != np.array(transparent, np.uint16), axis=-1).astype(np.float32)
    return Decoded(image, colour, alpha, 16)


def _byte_orders(raw_mode: str) -> tuple[str, str]:
    """The raw modes that take the upper and the lower byte of each value; N is the byte order of this machine."""
    stem, order = raw_mode[:-1], raw_mode[-1]
    if order == "N":
        order = "L" if sys.byteorder == "little" else "B"
    return stem + order, stem + ("B" if order == "L" else "L")


def _set_raw_mode(image: Any, raw_mode: str) -> None:
    def changed(arguments: Any) -> Any:
        return (raw_mode, *arguments[1:]) if isinstance(arguments, tuple) else raw_mode

    image.tile = [tile._replace(args=changed(tile.args)) for tile in image.tile]


def _scale_transparent_grey(image: Image.Image, raw_mode: str) -> None:
    # Pillow stretches 2- and 4-bit grey to 0..255, but leaves the transparent value as it was in the file.
    step = {"L;2": 85, "L;4": 17}.get(raw_mode) if image.format == "PNG" else None
    if step and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= step


def _tiff_values(image: Any, values: Pixels, bits: int) -> tuple[Pixels, int]:
    """Unsigned where Pillow reads signed, and white-is-zero turned round, which Pillow does for 8 bits only."""
    tags = image.tag_v2
    bits = int(tags.get(258, (bits,))[0])
    signed = tags.get(339, (1,))[0] == 2
    if image.mode == "I" and bits == 32 and not signed:
        values = values.view(np.uint32)
    if tags.get(262) == 0:
        values = -values if values.dtype.kind == "f" else (2**bits - 1 - values.astype(np.int64))
    return values, bits


def to_rgb(decoded: Decoded, low: float, high: float, background: tuple[int, int, int]) -> Pixels:
    """The last two steps: colour, transparency, the rule for deep values, and the orientation."""
    if not high > low:
        raise ValueError(f"high ({high}) must be above low ({low})")
    if decoded.deep is None:
        pixels = _rgb_of_8_bits(decoded.image, background)
    else:
        pixels = _rgb_of_deep(decoded.deep, decoded.alpha, low, high, background)
    turned = np.ascontiguousarray(_turned(pixels, _orientation(decoded.image)))
    return turned if turned.flags.writeable else turned.copy()  # torch warns of an array that it may not write to


def _rgb_of_8_bits(image: Image.Image, background: tuple[int, int, int]) -> Pixels:
    with _reading(image.format or "image"):
        if image.mode == "LAB":
            image = _lab_to_rgb(image)
        if image.mode not in ("RGBA", "LA", "La", "PA") and not image.has_transparency_data:
            return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
        if image.mode == "La":
            image = image.convert("LA")
        rgba = np.asarray(image.convert("RGBA"))
    alpha = rgba[..., 3:].astype(np.uint16)
    # Whole numbers, rounded to the nearest; 255 * 255 + 127 still fits 16 bits.
    over = rgba[..., :3] * alpha + np.array(background, np.uint16) * (255 - alpha)
    return ((over + 127) // 255).astype(np.uint8)


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    try:
        from PIL import ImageCms
    except ImportError as error:  # some builds of Pillow have no colour management
        raise DecodeError("unsupported", "CIELAB colour cannot be read on this computer; save it as RGB.") from error
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if converted is None:
        raise DecodeError("unsupported", "CIELAB colour cannot be read on this computer; save it as RGB.")
    return converted


def _rgb_of_deep(
    values: Pixels, alpha: Pixels | None, low: float, high: float, background: tuple[int, int, int]
) -> Pixels:
    height, width = values.shape[:2]
    out = np.empty((height, width, 3), np.uint8)
    step = max(1, ROW_BLOCK_PIXELS // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        with np.errstate(invalid="ignore"):  # a damaged float may be a NaN of the kind that complains when touched
            block = values[rows].astype(np.float64)
        block = np.where(np.isfinite(block), block, low)
        block = np.clip((block - low) * (255.0 / (high - low)), 0.0, 255.0)
        if block.ndim == 2:
            block = block[..., None]
        if alpha is not None:
            opaque = alpha[rows].astype(np.float64)[..., None]
            block = block * opaque + np.array(background, np.float64) * (1.0 - opaque)
        out[rows] = np.floor(block + 0.5).astype(np.uint8)
    return out


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8 that is still to be applied; Pillow turns a TIFF itself while it loads."""
    if image.format == "TIFF":
        return 1
    try:
        with _quiet():
            orientation = image.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF raises nearly anything, and the picture itself is still good
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    flip_rows = orientation in (3, 4, 7, 8)
    flip_columns = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def _frames(image: Image.Image) -> int:
    try:
        with _quiet():
            return int(getattr(image, "n_frames", 1))
    except Exception:  # a later frame may be damaged or oversized; the first, which is the one used, is not
        return 1


def _too_large(width: int, height: int) -> DecodeError:
    found, most = math.ceil(width * height / 1e6), MAX_PIXELS // 1_000_000
    return DecodeError("too_large", f"The image has {found} megapixels ({width} x {height}); {most} is the limit.")


@contextlib.contextmanager
def _reading(kind: str) -> Iterator[None]:
    """Turn whatever Pillow raises into a DecodeError; only calls of Pillow stand inside, so no bug of ours is hidden.

    Its parsers raise nearly every exception on damaged files (OSError, SyntaxError, struct.error, KeyError,
    ZeroDivisionError, ...), hence the broad clause.
    """
    try:
        with _quiet():
            yield
    except DecodeError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise DecodeError("too_large", "The image is too large to be decoded on this computer.") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DecodeError("unreadable", f"The file cannot be read from the disk ({reason_of(error)}).") from error
        if isinstance(error, EOFError) or re.search("truncated|unexpected end", str(error), re.IGNORECASE):
            raise DecodeError("truncated", f"The {kind} file is cut off: its end is missing.") from error
        raise DecodeError("unreadable", f"The {kind} file is damaged and cannot be decoded.") from error


_quiet_lock = threading.Lock()
_quiet_state: list[Any] = [0, None]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence Pillow's remarks about odd metadata while it reads.

    `warnings.catch_warnings` alone restores the wrong filters when two threads overlap; so the first one in sets the
    filter and the last one out takes it away.
    """
    with _quiet_lock:
        _quiet_state[0] += 1
        if _quiet_state[0] == 1:
            _quiet_state[1] = warnings.catch_warnings()
            _quiet_state[1].__enter__()
            warnings.simplefilter("ignore")
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_state[0] -= 1
            if _quiet_state[0] == 0:
                _quiet_state[1].__exit__(None, None, None)
