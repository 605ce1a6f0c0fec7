"""What an image looks like in 1,024 bytes, and in 64 bits, so that copies of it can be told.

Only numpy: the usual library for perceptual hashes brings scipy and a library of wavelets along, for a matrix product.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from tlgui.imaging.verdict import PRINT_SIDE

HASH_SIDE = 8  # lowest frequencies in each direction; 64 bits
FLAT_LEVELS = 1.5  # of 255: less between the darkest and the brightest square is the noise of a flat picture
_GREY = np.array([299, 587, 114], np.float64)  # ITU-R BT.601, in thousandths
# Row sums of 8-bit values are whole numbers below 2**24 up to this height, so float32 holds them exactly.
_EXACT_HEIGHT = 65_536

Array = np.ndarray[Any, np.dtype[Any]]
Float32 = np.ndarray[Any, np.dtype[np.float32]]
Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def print_of(picture: Array) -> bytes:
    """The whole picture squeezed into a small grey square, stretched from its own darkest to its own brightest value.

    8-bit pictures give the same bytes on every machine: all sums are whole numbers.

    Args:
        picture: (H, W) or (H, W, 3), H and W >= 1, whole or floating-point; what is not finite counts as the lowest.

    Returns:
        PRINT_SIDE * PRINT_SIDE bytes, row by row; all 0 for a flat picture.
    """
    squeezed = _squeezed(picture)
    grey = squeezed @ _GREY / 1000 if squeezed.ndim == 3 else squeezed
    grey = grey / (picture.shape[0] * picture.shape[1])  # of sums, the means
    darkest, brightest = float(grey.min()), float(grey.max())
    least = FLAT_LEVELS if picture.dtype == np.uint8 else 0.0
    if not brightest - darkest > least:
        return bytes(PRINT_SIDE * PRINT_SIDE)
    levels = np.floor((grey - darkest) * (255 / (brightest - darkest)) + 0.5)
    stretched: bytes = levels.astype(np.uint8).tobytes()
    return stretched


def _squeezed(picture: Array) -> Array:
    """(PRINT_SIDE, PRINT_SIDE[, 3]) sums over equal areas, in which each pixel counts by its overlap."""
    height, width = picture.shape[:2]
    exact = picture.dtype == np.uint8 and height <= _EXACT_HEIGHT
    rows = np.empty((PRINT_SIDE, *picture.shape[1:]), np.float64)
    lowest = 0.0 if picture.dtype.kind != "f" else _lowest(picture)
    for index, (first, weights) in enumerate(_overlaps(height)):
        # One band at a time, so that a large picture is never held as floating-point numbers.
        band = picture[first : first + len(weights)].astype(np.float32 if exact else np.float64)
        if picture.dtype.kind == "f":
            band = np.where(np.isfinite(band), band, lowest)
        rows[index] = (weights.astype(band.dtype) @ band.reshape(len(weights), -1)).reshape(picture.shape[1:])
    columns = [
        np.tensordot(rows[:, first : first + len(weights)], weights, axes=([1], [0]))
        for first, weights in _overlaps(width)
    ]
    return np.stack(columns, axis=1)


def _lowest(picture: Array) -> float:
    finite = picture[np.isfinite(picture)]
    return float(finite.min()) if finite.size else 0.0


@lru_cache(maxsize=64)  # images of a set are mostly of few sizes, and this is half of the work
def _overlaps(length: int) -> list[tuple[int, Array]]:
    """For each of PRINT_SIDE equal shares of `length` pixels: its first pixel, and the parts of each, in 1/PRINT_SIDE."""
    shares = []
    for index in range(PRINT_SIDE):
        start, end = index * length, (index + 1) * length  # a pixel is PRINT_SIDE units long
        first, last = start // PRINT_SIDE, math.ceil(end / PRINT_SIDE)
        edges = np.arange(first, last + 1) * PRINT_SIDE
        shares.append((first, np.diff(edges.clip(start, end)).astype(np.float64)))
    return shares


def waves_of(pictures: Float32) -> Float32:
    """The lowest frequencies of each picture, by the cosine transform, without its mean brightness.

    Args:
        pictures: (N, PRINT_SIDE ** 2).

    Returns:
        (N, HASH_SIDE ** 2), the first column 0.
    """
    basis = _cosines()
    squares = pictures.reshape(-1, PRINT_SIDE, PRINT_SIDE)
    waves: Float32 = (basis @ squares @ basis.T).reshape(len(pictures), -1).astype(np.float32, copy=False)
    waves[:, 0] = 0.0
    return waves


def hashes_of(waves: Float32) -> Hashes:
    """A perceptual hash of each picture: those that look alike differ in few of its 64 bits.

    A bit says whether a frequency is above the median of its picture, so about half of them are set.

    Args:
        waves: as from `waves_of`.
    """
    bits = waves > np.median(waves, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def _cosines() -> Float32:
    """(HASH_SIDE, PRINT_SIDE): the first rows of the DCT-II, of length 1."""
    frequency, position = np.mgrid[0:HASH_SIDE, 0:PRINT_SIDE]
    rows = np.cos(np.pi * frequency * (2 * position + 1) / (2 * PRINT_SIDE))
    rows *= np.sqrt(np.where(frequency == 0, 1, 2) / PRINT_SIDE)
    cosines: Float32 = rows.astype(np.float32)
    return cosines
