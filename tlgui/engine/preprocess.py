"""The exact road from decoded pixels to the network's input: validation, test, prediction and export take it.

One rule (methods section 9), three spellings: `imaging.resize.frame` in numpy, `to_input` by torch's own resize, and
`PreprocessGraph` by two matrix products, which a file can hold. One test holds them together.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tlgui.core.preprocessing import Kernel, Preprocessing

# Above this ratio of the sides the resized image would be mostly cut away again, and its size has no bound
# (3 x 4,000 pixels become 256 x 341,333): then only the crop is computed.
MAX_ASPECT_FOR_WHOLE_RESIZE = 4

Whole = TypeVar("Whole", int, Tensor)

_SUPPORT: dict[Kernel, int] = {"bilinear": 1, "bicubic": 2}


def to_input(pixels: NDArray[np.uint8], recipe: Preprocessing) -> Tensor:
    """A decoded image as the network sees it.

    Args:
        pixels: (H, W, 3) uint8 RGB.

    Returns:
        (3, size, size) float32, normalised.
    """
    height, width = pixels.shape[:2]
    if recipe.fit == "crop" and max(height, width) > MAX_ASPECT_FOR_WHOLE_RESIZE * min(height, width):
        return normalise(_crop_alone(pixels, recipe), recipe)
    image = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float()
    target = _target(height, width, recipe)
    if target != (height, width):
        image = interpolate(image, size=target, mode=recipe.kernel, antialias=True, align_corners=False)
        image = image.clamp(0, 255)
    if recipe.fit == "crop":
        top, left = (_offset(side, recipe.size) for side in target)
        image = image[:, :, top : top + recipe.size, left : left + recipe.size]
    return normalise(image[0], recipe)


def normalise(image: Tensor, recipe: Preprocessing) -> Tensor:
    """(..., 3, H, W) grey levels 0..255 -> scaled to 0..1, mean and standard deviation applied."""
    mean = torch.tensor(recipe.mean).view(3, 1, 1)
    std = torch.tensor(recipe.std).view(3, 1, 1)
    return (image / 255 - mean) / std


class PreprocessGraph(nn.Module):
    """`to_input` as a graph that an exporter can write down, with batch, height and width free.

    Sizes are computed in whole numbers as tensors: they equal Python's roundings exactly, and an exporter sees no
    branch that depends on a size.
    """

    def __init__(self, recipe: Preprocessing) -> None:
        super().__init__()
        self.recipe = recipe

    def forward(self, image: Tensor) -> Tensor:
        """Preprocesses a batch of decoded images of one size.

        Args:
            image: (N, H, W, 3) uint8 RGB.

        Returns:
            (N, 3, size, size) float32, normalised.
        """
        size, kernel = self.recipe.size, self.recipe.kernel
        batch, height, width, channels = image.shape
        sides = torch.scalar_tensor(height, dtype=torch.int64), torch.scalar_tensor(width, dtype=torch.int64)
        matrices = []
        for side, taps in zip(sides, (torch.arange(height), torch.arange(width)), strict=True):
            rows = torch.arange(size)
            target: Tensor | int = size
            if self.recipe.fit == "crop":
                target = side * self.recipe.resize_to // torch.minimum(*sides)
                rows = rows + _offset(target, size)
            matrices.append(_weights(rows, taps, side, target, kernel))
        # Height first, on the interleaved pixels as they lie: only the reduced image is ever transposed.
        lower = matrices[0] @ image.reshape(batch, height, width * channels).float()
        lower = lower.reshape(batch, size, width, channels).permute(0, 3, 1, 2)
        return normalise((lower @ matrices[1].T).clamp(0, 255), self.recipe)


def _crop_alone(pixels: NDArray[np.uint8], recipe: Preprocessing) -> Tensor:
    """The centre crop of the resized image without the rest of it: (3, size, size) in 0..255."""
    matrices, windows = [], []
    height, width = pixels.shape[:2]
    for side, target in zip((height, width), _target(height, width, recipe), strict=True):
        first = _offset(target, recipe.size)
        # Input pixels under the kernels of the crop's first and last row; one more each side costs nothing.
        reach = _SUPPORT[recipe.kernel] * max(side / target, 1.0) + 1
        low = max(0, math.floor((first + 0.5) * side / target - reach))
        high = min(side, math.ceil((first + recipe.size - 0.5) * side / target + reach))
        rows = torch.arange(first, first + recipe.size)
        matrices.append(_weights(rows, torch.arange(low, high), side, target, recipe.kernel))
        windows.append(slice(low, high))
    image = torch.from_numpy(np.ascontiguousarray(pixels[windows[0], windows[1]])).permute(2, 0, 1).float()
    return (matrices[0] @ image @ matrices[1].T).clamp(0, 255)


def _weights(rows: Tensor, taps: Tensor, side: Tensor | int, target: Tensor | int, kernel: Kernel) -> Tensor:
    """The part of the matrix from `side` to `target` samples that stands at (rows, taps): each row sums to 1.

    |j + 0.5 - (i + 0.5) side / target| / max(side / target, 1), multiplied out: the numerator is exact in whole
    numbers, so that centres far from the origin lose nothing to float32.
    """
    longer = torch.maximum(torch.as_tensor(side), torch.as_tensor(target))
    distance = (2 * taps + 1) * target - ((2 * rows + 1) * side)[:, None]
    x = distance.abs().float() / (2 * longer).float()
    if kernel == "bilinear":
        weights = (1 - x).clamp(min=0)
    else:
        near = (1.5 * x - 2.5) * x * x + 1
        far = ((-0.5 * x + 2.5) * x - 4) * x + 2
        weights = torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
    return weights / weights.sum(dim=1, keepdim=True)


def _target(height: int, width: int, recipe: Preprocessing) -> tuple[int, int]:
    """Size after resizing; of a long side the fraction is cut off, as torchvision and timm do it."""
    if recipe.fit == "squash":
        return recipe.size, recipe.size
    short = min(height, width)
    return recipe.resize_to * height // short, recipe.resize_to * width // short


def _offset(side: Whole, size: int) -> Whole:
    """round((side - size) / 2) with Python's rounding of halves to even, in whole numbers."""
    rest = side - size
    return (rest + rest // 2 % 2) // 2
