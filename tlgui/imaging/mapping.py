"""Decoded values to (H, W, 3) uint8 RGB by the pixel rule, one for a whole dataset.

In order: values of more than 8 bits, and all grey DICOM, by the rule (method "range", "percentile" or "window"), clipped,
transparent pixels over the background, rounded half up; MONOCHROME1 turned round, once; the EXIF orientation; the border
cut off; colour taken out. Other 8-bit values are left as they are. It is pasted into the exported `predict.py`; see
`signatures.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from tlgui.imaging.decoding import Decoded, Pixels, Window, quiet, reading
from tlgui.imaging.signatures import DecodeError

ROW_BLOCK_PIXELS = 4_000_000  # deep images are converted in blocks, so that float64 never holds a whole one
MOST_LEVELS = 1 << 17


def to_rgb(
    decoded: Decoded,
    low: float = 0.0,
    high: float = 65535.0,
    background: tuple[int, int, int] = (255, 255, 255),
    method: str = "range",
    frame: str = "auto",
    colour: str = "as stored",
    border: float = 0.0,
) -> Pixels:
    """The last steps from a decoded image to pixels; the arguments are the fields of `PixelRule`.

    Args:
        decoded: from `decode`, which has chosen the frame already.
        low: that becomes 0: a value, or for "percentile" a percentage of the pixels.
        high: that becomes 255; above `low`.
        background: RGB, 0..255, what lies under transparent pixels.
        method: "range"; "percentile" of each image's own finite values, all channels together; "window" that a DICOM
            file brings, by the range where it brings none.
        frame: of no effect here.
        colour: "grey" leaves the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded.
        border: share of the width and of the height that is cut off on each side, whole pixels rounded down.

    Returns:
        (H, W, 3) uint8, C-contiguous, writeable.

    Raises:
        ValueError: `high` is not above `low`, or percentages are not within 0..100.
    """
    if not high > low:
        raise ValueError(f"high ({high}) must be above low ({low})")
    if decoded.deep is None:
        pixels = _rgb_of_8_bits(decoded.image, background)
    else:
        pixels = _rgb_of_deep(decoded, decoded.deep, _curve(decoded, low, high, method), background)
    pixels = _without_border(_turned(pixels, orientation_of(decoded)), border)
    if colour == "grey":
        pixels = _luma(pixels)
    pixels = np.ascontiguousarray(pixels)
    return pixels if pixels.flags.writeable else pixels.copy()  # torch warns of an array that it may not write to


def own_range(decoded: Decoded) -> tuple[float, float]:
    """The lowest and the highest finite value of an image, where there is a picture; of no effect on 8 bits.

    Raises:
        DecodeError: there is no finite value.
    """
    if decoded.deep is None:
        return 0.0, 1.0
    values = finite_values(decoded)
    low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + 1.0


def finite_values(decoded: Decoded) -> Pixels:
    """All values that count, in one row: finite, and no padding.

    Raises:
        DecodeError: there is none.
    """
    assert decoded.deep is not None
    values = decoded.deep if decoded.padding is None else decoded.deep[~decoded.padding]
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if not values.size:
        raise DecodeError("unreadable", "Not one of its pixel values is a finite number.")
    return values.reshape(-1)


def orientation_of(decoded: Decoded) -> int:
    """EXIF orientation 1..8 that is still to be applied.

    Pillow turns a TIFF itself while it loads; HEIC is turned by its own boxes, and its EXIF is not to be followed.
    """
    if decoded.orientation is not None:
        return decoded.orientation
    if decoded.image.format in ("TIFF", "HEIF", "DICOM"):
        return 1
    try:
        with quiet():
            orientation = decoded.image.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF raises nearly anything, and the picture itself is still good
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _curve(decoded: Decoded, low: float, high: float, method: str) -> Callable[[Pixels], Pixels]:
    """Finite float64 values to 0..255, not yet rounded."""
    if method == "window" and decoded.window is not None:
        return _window_curve(decoded.window)
    if method == "percentile":
        if not 0 <= low < high <= 100:
            raise ValueError(f"{low} to {high} are no percentages")
        with np.errstate(over="ignore", invalid="ignore"):
            least, most = np.percentile(finite_values(decoded), (low, high))
        low, high = float(least), float(most) if most > least else float(least) + 1.0
    return lambda values: np.clip((values - low) * 255.0 / (high - low), 0.0, 255.0)


def _window_curve(window: Window) -> Callable[[Pixels], Pixels]:
    """The functions of DICOM PS3.3, C.11.2.1; LINEAR and LINEAR_EXACT differ in their ends only."""
    low, high, table = window.low, window.high, window.table
    if table is not None:
        return lambda values: table[np.clip(np.rint(values).astype(np.int64) - int(low), 0, len(table) - 1)]
    if window.curve == "sigmoid":
        centre, width = (low + high) / 2, high - low
        return lambda values: 255.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / width, -700.0, 700.0)))
    if high > low:
        return lambda values: np.clip((values - low) * 255.0 / (high - low), 0.0, 255.0)
    return lambda values: np.where(values > low, 255.0, 0.0)  # a width of 1


def _rgb_of_deep(
    decoded: Decoded, deep: Pixels, curve: Callable[[Pixels], Pixels], background: tuple[int, int, int]
) -> Pixels:
    out = np.empty((*deep.shape[:2], 3), np.uint8)
    if decoded.alpha is None and deep.dtype.kind in "iu" and (levels := _levels(deep, curve)) is not None:
        looked_up = levels[deep.astype(np.int64) - int(deep.min())]
        out[...] = looked_up if looked_up.ndim == 3 else looked_up[..., None]
    else:
        _fill_in_blocks(out, decoded, deep, curve, background)
    if decoded.inverted:
        np.subtract(255, out, out=out)
    if decoded.padding is not None:
        out[decoded.padding] = 0
    return out


def _levels(deep: Pixels, curve: Callable[[Pixels], Pixels]) -> Pixels | None:
    """What becomes of every whole number that may occur, where these are fewer than the pixels: several times faster."""
    lowest, highest = int(deep.min()), int(deep.max())
    if highest - lowest >= min(deep.size, MOST_LEVELS):
        return None
    return _rounded(curve(np.arange(lowest, highest + 1, dtype=np.float64)))


def _rounded(values: Pixels) -> Pixels:
    return np.floor(values + 0.5).astype(np.uint8)


def _fill_in_blocks(
    out: Pixels,
    decoded: Decoded,
    deep: Pixels,
    curve: Callable[[Pixels], Pixels],
    background: tuple[int, int, int],
) -> None:
    step = max(1, ROW_BLOCK_PIXELS // deep.shape[1])
    for top in range(0, deep.shape[0], step):
        rows = slice(top, top + step)
        with np.errstate(invalid="ignore"):  # a damaged float may be a NaN of the kind that complains when touched
            values = deep[rows].astype(np.float64)
        finite = np.isfinite(values)
        with np.errstate(over="ignore", invalid="ignore"):  # values of 1e308 are no picture, but no crash either
            block = np.nan_to_num(np.where(finite, curve(np.where(finite, values, 0.0)), 0.0))
        if block.ndim == 2:
            block = block[..., None]
        if decoded.alpha is not None:
            opaque = decoded.alpha[rows].astype(np.float64)[..., None]
            block = block * opaque + np.array(background, np.float64) * (1.0 - opaque)
        out[rows] = _rounded(block)


def _rgb_of_8_bits(image: Image.Image, background: tuple[int, int, int]) -> Pixels:
    with reading(image.format or "image"):
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


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    flip_rows = orientation in (3, 4, 7, 8)
    flip_columns = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def _without_border(pixels: Pixels, border: float) -> Pixels:
    if not border:
        return pixels
    height, width = pixels.shape[:2]
    # A share such as 0.29 of 100 pixels is 28.999999999999996 for the computer.
    rows, columns = int(border * height + 1e-9), int(border * width + 1e-9)
    return pixels[rows : height - rows, columns : width - columns]


def _luma(pixels: Pixels) -> Pixels:
    weighted = pixels.astype(np.uint32) @ np.array([299, 587, 114], np.uint32)
    grey = ((weighted + 500) // 1000).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
