"""Augmented views of training images: each follows from the file's content, the view's number and the row alone."""

from __future__ import annotations

import hashlib
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from tlgui.core.augmentations import Augmentation

_TRIES = 10  # of RandomResizedCrop, before it takes the largest part in the middle
_HUES = 256  # of Pillow's colour circle


class Box(NamedTuple):
    """The part of an image that is shown, in shares of its sides."""

    left: float
    top: float
    width: float
    height: float


class View(NamedTuple):
    """What is done to one image.

    Attributes:
        left, top, width, height: the part that is shown, in shares of the sides.
        flip: left and right change places.
        brightness, contrast, saturation: factors around 1.
        upside_down: top and bottom change places.
        quarter_turns: to the left, 0 to 3.
        rotation: degrees to the left.
        hue: shift in shares of the colour circle.
    """

    left: float
    top: float
    width: float
    height: float
    flip: bool
    brightness: float
    contrast: float
    saturation: float
    upside_down: bool = False
    quarter_turns: int = 0
    rotation: float = 0.0
    hue: float = 0.0


def draw_view(content_hash: str, number: int, aspect: float, row: Augmentation) -> View:
    """The view `number` (>= 1) of an image.

    Runs share views, and so their cached activations, because the seed is the content and not the run. Rows share the
    random numbers, so that two of them can be compared on the same draws, and never the views.

    Args:
        content_hash: of the file.
        number: of the view.
        aspect: width / height of the image in pixels.
        row: what may be done.
    """
    digest = hashlib.sha256(f"{content_hash}\0view\0{number}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    box = _drawn_box(rng, aspect, row)
    flip = bool(rng.random() < 0.5) and row.mirror
    reach = np.array([row.brightness, row.contrast, row.saturation])
    brightness, contrast, saturation = rng.uniform(1 - reach, 1 + reach).tolist()
    upside_down = bool(rng.random() < 0.5) and row.upside_down
    turns = int(rng.integers(4)) * row.quarter_turns
    rotation, hue = rng.uniform(-1.0, 1.0, 2).tolist()
    return View(
        *box, flip, brightness, contrast, saturation, upside_down, turns, rotation * row.rotation, hue * row.hue
    )


def apply_view(pixels: NDArray[np.uint8], view: View, size: int) -> NDArray[np.uint8]:
    """The view of a decoded image as a (size, size, 3) uint8 square.

    Pillow's own resize is good enough here, since training views need not be repeatable elsewhere.

    Args:
        pixels: (H, W, 3) RGB.
        view: what is done.
        size: side of the square.
    """
    height, width = pixels.shape[:2]
    box = (
        view.left * width,
        view.top * height,
        (view.left + view.width) * width,
        (view.top + view.height) * height,
    )
    image = Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    return np.asarray(_coloured(_moved(image, view), view))


def _drawn_box(rng: np.random.Generator, aspect: float, row: Augmentation) -> Box:
    for _ in range(_TRIES if row.too_large == "draw again" else 1):
        area = rng.uniform(row.smallest_area, 1.0)
        ratio = math.exp(rng.uniform(-math.log(row.largest_ratio), math.log(row.largest_ratio)))
        # Sides relative to those of the image, for a box of that share of the area and that ratio of sides in pixels.
        width, height = math.sqrt(area * ratio / aspect), math.sqrt(area / ratio * aspect)
        fits = width <= 1.0 and height <= 1.0
        if fits:
            break
    else:
        fits = False
    if row.too_large == "draw again" and not fits:
        return _largest_middle(aspect, row.largest_ratio)
    width, height = min(1.0, width), min(1.0, height)
    if row.too_large == "squeeze" and width * height < row.smallest_area:
        # The longer of the two was cut, and is 1 by now.
        width, height = (row.smallest_area, 1.0) if width < height else (1.0, row.smallest_area)
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return Box(left, top, width, height)


def _largest_middle(aspect: float, largest_ratio: float) -> Box:
    """What RandomResizedCrop shows where nothing that it drew would fit: as much of the middle as the ratio allows."""
    width = min(1.0, largest_ratio / aspect)
    height = min(1.0, largest_ratio * aspect)
    return Box((1 - width) / 2, (1 - height) / 2, width, height)


def _moved(image: Image.Image, view: View) -> Image.Image:
    if view.flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if view.upside_down:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if view.quarter_turns:
        turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
        image = image.transpose(turns[view.quarter_turns - 1])
    return _turned(image, view.rotation) if view.rotation else image


def _turned(image: Image.Image, degrees: float) -> Image.Image:
    """Turned by a few degrees. The corners show the border mirrored: black ones would be a sign of their own."""
    size = image.width
    angle = math.radians(abs(degrees))
    margin = math.ceil(size * (math.sin(angle) + math.cos(angle) - 1) / 2) + 2
    wide = np.pad(np.asarray(image), ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    turned = Image.fromarray(wide).rotate(degrees, Image.Resampling.BICUBIC)
    return turned.crop((margin, margin, margin + size, margin + size))


def _coloured(image: Image.Image, view: View) -> Image.Image:
    image = ImageEnhance.Brightness(image).enhance(view.brightness)
    image = ImageEnhance.Contrast(image).enhance(view.contrast)
    image = ImageEnhance.Color(image).enhance(view.saturation)
    if shift := round(view.hue * _HUES):
        hue, saturation, value = image.convert("HSV").split()
        hue = hue.point([(level + shift) % _HUES for level in range(_HUES)])
        image = Image.merge("HSV", (hue, saturation, value)).convert("RGB")
    return image
