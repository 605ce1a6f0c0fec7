"""One frame of a file that Pillow opens, with every bit that is stored.

Pillow keeps only the upper byte of 16-bit colour. We decode such files twice, the second time with the byte order
exchanged, which yields the lower byte: so 12-bit data in 16-bit colour does not turn black. HEIC and AVIF are decoded to
8 bits, also where a photograph was stored with 10. It is pasted into the exported `predict.py`; see `signatures.py`.
"""

from __future__ import annotations

import re
import sys
from typing import IO, Any

import numpy as np
from PIL import Image

from tlgui.imaging.decoding import Decoded, Pixels, check_size, frame_index, missing_part, quiet, reading
from tlgui.imaging.signatures import DecodeError
from tlgui.imaging.tiff import SIGNED, decode_tiff, turned_round


def decode_by_pillow(file: IO[bytes], image: Image.Image, frame: str) -> Decoded:
    """Decode one frame in full.

    Args:
        file: what `image` was opened from; read a second time for 16-bit colour.
        image: its header; loaded afterwards.
        frame: "first", "middle", "last", or "auto", which is the first.

    Raises:
        DecodeError: the file is damaged, or of a kind that cannot be read.
    """
    index = _seek(image, frame)
    raw_mode = _raw_mode(image)
    if image.format == "TIFF" and _falls_short(image, raw_mode):
        return decode_tiff(file, image, frame)
    if image.format == "JPEG2000" and (bits := _jpeg_2000_bits(file)) > 8:
        return _decode_deep_jpeg_2000(file, image, bits)
    wide = re.fullmatch(r"(RGB|RGBA|RGBa|RGBX);16[BLN]|LA;16B", raw_mode)
    if wide and (not index or image.format == "TIFF"):  # Pillow puts later frames of an animated PNG together in 8 bits
        return _decode_wide_colour(file, image, raw_mode, wide[1], index)
    with reading(spoken_name(image.format or "image")):
        _load(image)
        if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
            _scale_transparent_grey(image, raw_mode)
            return Decoded(image, None, None, 8, extra_channels=_left_aside(image))
        values = np.asarray(image)
    alpha = None
    bits = 32 if image.mode == "F" or image.format == "TIFF" else 16
    if image.format == "TIFF":
        values, bits = _tiff_values(image, values, bits)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        alpha = (values != transparent).astype(np.float32)
    return Decoded(image, values, alpha, bits, extra_channels=_left_aside(image))


def spoken_name(format: str) -> str:
    """A format of Pillow as `kind_of` calls it."""
    return {"HEIF": "HEIC", "JPEG2000": "JPEG 2000"}.get(format, format)


def frames_of(image: Image.Image) -> int:
    """How many frames or pages there are; layers of a Photoshop document are none."""
    if image.format == "PSD":
        return 1
    try:
        with quiet():
            return max(1, int(getattr(image, "n_frames", 1)))
    except Exception:  # a later frame may be damaged or oversized; the first, which is the one used, is not
        return 1


def _seek(image: Image.Image, frame: str) -> int:
    """Go to the frame that is asked for, and return its index; pictures that a container leads with stay first."""
    if frame in ("auto", "first"):
        return 0
    index = frame_index(frames_of(image), frame, "first")
    if index:
        with reading(image.format or "image"):
            image.seek(index)
        check_size(*image.size)
    return index


def _falls_short(image: Any, raw_mode: str) -> bool:
    """Whether Pillow would keep only the upper bits of a TIFF's values, one of several channels, or lose their sign."""
    bits, channels = max(image.tag_v2.get(258, (1,)), default=1), int(image.tag_v2.get(277, 1))
    signed = image.tag_v2.get(339, (1,))[0] == SIGNED
    deep = bits > 8 and channels > 1 and image.mode != "CMYK"
    return (signed and bits == 8) or (deep and not re.fullmatch(r"(RGB|RGBA|RGBa|RGBX);16[BLN]", raw_mode))


def _left_aside(image: Any) -> int:
    """Channels of a TIFF that Pillow leaves out."""
    if image.format != "TIFF":
        return 0
    palette = image.tag_v2.get(262) == 3
    return max(0, int(image.tag_v2.get(277, 1)) - (1 if palette else len(image.getbands())))


def _jpeg_2000_bits(file: IO[bytes]) -> int:
    """The most bits a value that the codestream states; 0 where it is not found near the beginning."""
    with reading("JPEG 2000"):
        file.seek(0)
        head = file.read(1 << 16)
    size = re.search(rb"\xff\x4f\xff\x51.{36}(..)", head, re.DOTALL)
    if size is None:
        return 0
    depths = head[size.end() : size.end() + 3 * int.from_bytes(size[1], "big") : 3]
    return max(((depth & 0x7F) + 1 for depth in depths), default=0)


def _decode_deep_jpeg_2000(file: IO[bytes], image: Image.Image, bits: int) -> Decoded:
    try:
        from openjpeg.utils import decode as decode_jpeg_2000
        from openjpeg.utils import get_parameters
    except ImportError as error:
        raise missing_part("JPEG 2000 of more than 8 bits", "pylibjpeg-openjpeg") from error
    with reading("JPEG 2000"):
        file.seek(0)
        content = file.read()
        if get_parameters(content)["colourspace"] in ("YUV", "e-YCC", "CMYK", "CYMK"):  # as it spells them
            raise DecodeError("unsupported", "This kind of JPEG 2000 (its colours) cannot be read; save it as RGB.")
        values: Pixels = decode_jpeg_2000(content)
        if values.shape[:2] != (image.height, image.width):
            raise DecodeError("unsupported", "This kind of JPEG 2000 (its components differ in size) cannot be read.")
    if values.ndim == 2:
        return Decoded(image, values, None, bits)
    used = 3 if values.shape[2] >= 3 else 1
    colour = values[..., :3] if used == 3 else values[..., 0]
    if image.mode in ("RGBA", "LA"):
        return Decoded(image, colour, (values[..., -1] / (2.0**bits - 1)).astype(np.float32), bits)
    return Decoded(image, colour, None, bits, extra_channels=values.shape[2] - used)


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


def _decode_wide_colour(
    file: IO[bytes], image: Image.Image, raw_mode: str, channels: str | None, index: int
) -> Decoded:
    """16-bit colour (and 16-bit grey with transparency), every bit of it."""
    kind = image.format or "image"
    with reading(kind):
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
            if index:
                again.seek(index)
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
    signed = tags.get(339, (1,))[0] == SIGNED
    if image.mode == "I" and bits == 32 and not signed:
        values = values.view(np.uint32)
    if tags.get(262) == 0:
        values = turned_round(values, bits)
    return values, bits
