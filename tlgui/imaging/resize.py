"""One resize rule, written as two matrix products, so that numpy, torch and an ONNX graph agree.

Along each axis y = W x, with W from `resize_weights`: a triangle (or cubic, a = -0.5) kernel widened by the factor of
reduction (antialiasing), each row divided by its sum. torch's `interpolate(antialias=True)` is the same within 0.01
grey levels, Pillow within rounding. Measured for methods.md, section 9.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

Kernel = Literal["bilinear", "bicubic"]
Fit = Literal["crop", "squash"]
Array = np.ndarray[Any, np.dtype[Any]]
Float32 = np.ndarray[Any, np.dtype[np.float32]]

SUPPORT = {"bilinear": 1.0, "bicubic": 2.0}
ROW_BLOCK = 16  # output rows at a time: each block reads only the input rows under its kernels


def resize_weights(n_in: int, n_out: int, kernel: Kernel = "bilinear", rows: range | None = None) -> Float32:
    """The matrix that takes `n_in` samples to `n_out`: (n_out, n_in), each row sums to 1.

    With `rows` only those rows of it: of a very long image the whole matrix would have gigabytes.

    With s = max(n_in / n_out, 1) and c_i = (i + 0.5) n_in / n_out, W_ij = k((j + 0.5 - c_i) / s), where k is the
    triangle 1 - |x| or Keys' cubic with a = -0.5.
    """
    if kernel not in SUPPORT:
        raise ValueError(f"unknown kernel {kernel!r}; there are {sorted(SUPPORT)}")
    scale = max(n_in / n_out, 1.0)
    wanted = range(n_out) if rows is None else rows
    centres = (np.arange(wanted.start, wanted.stop, dtype=np.float64) + 0.5) * (n_in / n_out)
    x = np.abs((np.arange(n_in, dtype=np.float64)[None, :] + 0.5 - centres[:, None]) / scale)
    if kernel == "bilinear":
        weights = np.maximum(0.0, 1.0 - x)
    else:
        near = (1.5 * x - 2.5) * x * x + 1.0
        far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
        weights = np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))
    result: Float32 = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def resize(image: Array, height: int, width: int, kernel: Kernel = "bilinear") -> Float32:
    """(H, W, 3) uint8 or float32 to (height, width, 3) float32 in 0..255, not rounded."""
    rows = resize_weights(image.shape[0], height, kernel)
    columns = resize_weights(image.shape[1], width, kernel)
    return _resized(image, rows, columns)


def frame(image: Array, resize_to: int, crop: int, kernel: Kernel = "bilinear", fit: Fit = "crop") -> Float32:
    """The square that the network sees, before its mean and deviation are taken off.

    Args:
        image: (H, W, 3) uint8 or float32 in 0..255.
        resize_to: length of the shorter side after resizing; at least `crop`. Only for fit "crop".
        crop: side of the square.
        kernel: "bilinear" or "bicubic".
        fit: "crop" keeps the proportions (longer side = int(resize_to * long / short)) and cuts the centre out;
            "squash" takes both sides straight to `crop` and cuts nothing. Roundings are torchvision's.

    Returns:
        (crop, crop, 3) float32, 0..255 (the cubic kernel overshoots and is clipped), not rounded.
    """
    if fit == "squash":
        return resize(image, crop, crop, kernel)
    if fit != "crop":
        raise ValueError(f"unknown fit {fit!r}; there are 'crop' and 'squash'")
    if resize_to < crop:
        raise ValueError(f"resize_to ({resize_to}) must be at least crop ({crop})")
    height, width = image.shape[:2]
    short = min(height, width)
    # Exact for the shorter side, cut off for the longer one, as torchvision does it.
    new_height = resize_to if height == short else int(resize_to * height / short)
    new_width = resize_to if width == short else int(resize_to * width / short)
    top, left = round((new_height - crop) / 2.0), round((new_width - crop) / 2.0)
    # What will be cut away is never computed: the crop is a choice of rows of the two matrices.
    rows = resize_weights(height, new_height, kernel, range(top, top + crop))
    columns = resize_weights(width, new_width, kernel, range(left, left + crop))
    return _resized(image, rows, columns)


def _resized(image: Array, rows: Float32, columns: Float32) -> Float32:
    lower = _along_first_axis(rows, image)
    both = _along_first_axis(columns, lower.swapaxes(0, 1)).swapaxes(0, 1)
    return np.ascontiguousarray(np.clip(both, 0.0, 255.0))


def _along_first_axis(weights: Float32, values: Array) -> Float32:
    """Weights (M, N) times values (N, K, C) -> (M, K, C), skipping the zeros outside of each block's kernels."""
    out = np.empty((weights.shape[0], *values.shape[1:]), np.float32)
    for start in range(0, weights.shape[0], ROW_BLOCK):
        block = weights[start : start + ROW_BLOCK]
        used = np.flatnonzero(block.any(axis=0))
        first, last = int(used[0]), int(used[-1]) + 1
        taps = values[first:last].reshape(last - first, -1).astype(np.float32, copy=False)
        out[start : start + ROW_BLOCK] = (block[:, first:last] @ taps).reshape(-1, *values.shape[1:])
    return out
