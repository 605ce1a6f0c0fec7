"""Augmented views of training images: each follows from the file's content and the view's number alone."""

from __future__ import annotations

import hashlib
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

_SMALLEST_AREA = 0.6
_RATIO = 4 / 3
_JITTER = 0.2


class View(NamedTuple):
    """What is done to one image: a box in relative coordinates, a flip, and three factors around 1."""

    left: float
    top: float
    width: float
    height: float
    flip: bool
    brightness: float
    contrast: float
    saturation: float


def draw_view(content_hash: str, number: int, aspect: float, flip_allowed: bool = True) -> View:
    """The view `number` (>= 1) of an image.

    Runs share views, and so their cached activations, because the seed is the content and not the run.

    Args:
        content_hash: of the file.
        number: of the view.
        aspect: width / height of the image in pixels.
        flip_allowed: whether left and right may change places.
    """
    digest = hashlib.sha256(f"{content_hash}\0view\0{number}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    area, log_ratio = rng.uniform(_SMALLEST_AREA, 1.0), rng.uniform(-math.log(_RATIO), math.log(_RATIO))
    # Sides relative to those of the image, for a box of that share of the area and that ratio of sides in pixels.
    width = min(1.0, math.sqrt(area * math.exp(log_ratio) / aspect))
    height = min(1.0, math.sqrt(area / math.exp(log_ratio) * aspect))
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    flip = bool(rng.random() < 0.5) and flip_allowed
    brightness, contrast, saturation = rng.uniform(1 - _JITTER, 1 + _JITTER, 3)
    return View(left, top, width, height, flip, brightness, contrast, saturation)


def apply_view(pixels: NDArray[np.uint8], view: View, size: int) -> NDArray[np.uint8]:
    """The view of a decoded image as a (size, size, 3) uint8 square.

    Pillow's own resize is good enough here, since training views need not be repeatable elsewhere.
    """
    height, width = pixels.shape[:2]
    box = (
        view.left * width,
        view.top * height,
        (view.left + view.width) * width,
        (view.top + view.height) * height,
    )
    image = Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    if view.flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = ImageEnhance.Brightness(image).enhance(view.brightness)
    image = ImageEnhance.Contrast(image).enhance(view.contrast)
    image = ImageEnhance.Color(image).enhance(view.saturation)
    return np.asarray(image)
