"""What a picture shows beside its subject, as short rows of numbers: its border, corners, colours, burned-in text.

Honest sets carry real signal near the border too, so each row is made blind to what a subject changes there: border and
corners are told relative to their own mean (brightness and colour as such are the histogram's), text relative to the hard
edges of the whole picture, and the size of a file relative to what the same picture takes when it is saved anew. No
network is needed for any of it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tlgui.imaging.listing import ListedImage

_Pixels = NDArray[np.uint8]
_Row = NDArray[np.float32]
_Table = NDArray[np.float64]

STRIP = 0.06  # of the shorter side: the outer strip that the border probe sees
CORNER = 0.14  # of each side
CENTRE = 0.6  # of each side: what is masked
CROPS = (0.03, 0.06, 0.1, 0.15)  # shares that a repair may cut off on each side
_LONGEST = 192  # pixels, to which a picture is reduced before it is looked at
_CELLS = 12  # along each side
_PATCH = 4  # cells along each side of a corner
_BINS = 12  # of each channel's histogram
_ZONES = 6  # along each side of the picture, for burned-in text
_CALM = 8.0  # grey levels of noise, so that an even strip is not stretched
_QUALITY = 90  # of the JPEG that tells how much there is to store
_HEADERS = 623  # bytes of them in a plain JPEG file
_TELLING = 4096  # bytes of a file; of smaller ones, the headers are too large a part
_ALIKE = 0.25  # octaves by which files saved in one way may differ
_EDGE = 90.0  # grey levels from one pixel to the next, at and above which text is likely


def masked(pixels: _Pixels) -> _Pixels:
    """The picture with its centre replaced by the centre's mean colour: (H, W, 3) uint8 again."""
    height, width = pixels.shape[:2]
    top, left = round(height * (1 - CENTRE) / 2), round(width * (1 - CENTRE) / 2)
    covered = pixels.copy()
    centre = covered[top : max(top + 1, height - top), left : max(left + 1, width - left)]
    centre[:] = np.rint(centre.mean(axis=(0, 1))).astype(np.uint8)
    return covered


def rows_of(pixels: _Pixels) -> dict[str, _Row]:
    """The numbers of one picture.

    "border", "corners", "burned-in", "histogram"; "border@0.1", "corners@0.1", ... of the picture with so much cut off
    on each side; and "saved": log2 of the bytes per pixel that it takes, reduced and saved anew.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    small, smaller = _reduced(pixels, 2 * _LONGEST), _reduced(pixels, _LONGEST)
    rows = {"burned-in": _text(small), "saved": np.array([_saved(small)], np.float32)}
    colours = np.asarray(smaller, dtype=np.float32)
    rows["histogram"] = _histogram(colours)
    for share in (0.0, *CROPS):
        cut = _cropped(colours, share)
        mark = f"@{share:g}" if share else ""
        rows |= {f"border{mark}": _border(cut), f"corners{mark}": _corners(cut)}
    return rows


def size_rows(images: Sequence[ListedImage]) -> _Table:
    """Width, height and their ratio: (N, 3)."""
    sides = np.array([(max(1, image.width), max(1, image.height)) for image in images], dtype=np.float64)
    return np.log2(np.column_stack([sides, sides[:, 0] / sides[:, 1]]))


def file_rows(images: Sequence[ListedImage], saved: NDArray[np.floating]) -> _Table:
    """Bits, format, and how strongly the file is compressed for what it shows: (N, D).

    Args:
        images: N of them.
        saved: (N,) as in `rows_of`.
    """
    bits = [float(image.bits) for image in images]
    return np.column_stack([bits, _compression(images, saved), words([image.format for image in images])])


def _compression(images: Sequence[ListedImage], saved: NDArray[np.floating]) -> _Table:
    """Octaves by which a file is larger than the others are for what they show; 0 where that is not to be told."""
    stored = np.array([max(1, image.size_bytes) for image in images], dtype=np.float64)
    tells = stored >= _TELLING
    if not tells.any():
        return np.zeros(len(images))
    off = np.log2(np.maximum(1.0, stored - _HEADERS) / [max(1, image.width * image.height) for image in images]) - saved
    off = np.where(tells, off - np.median(off[tells]), 0.0)
    return np.sign(off) * np.maximum(0.0, np.abs(off) - _ALIKE)


def words(said: Sequence[str]) -> _Table:
    """A column of 0 and 1 for each word: (N, words)."""
    return np.stack([[float(one == word) for one in said] for word in sorted(set(said))], axis=1)


def _reduced(pixels: _Pixels, longest: int) -> Image.Image:
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Image.fromarray(pixels).resize(size, Image.Resampling.BOX)


def _saved(picture: Image.Image) -> float:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=_QUALITY)
    return float(np.log2(max(1, content.tell() - _HEADERS) / (picture.width * picture.height)))


def _cropped(picture: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    height, width = picture.shape[:2]
    rows, columns = (min(round(side * share), (side - 1) // 2) for side in (height, width))
    return picture[rows : height - rows, columns : width - columns]


def _border(picture: NDArray[np.float32]) -> _Row:
    """Colour of each of so many cells along each of the four sides, in standard deviations of the strip."""
    height, width = picture.shape[:2]
    thick = max(1, round(STRIP * min(height, width)))
    strips = [picture[:thick], picture[-thick:], picture[:, :thick].swapaxes(0, 1), picture[:, -thick:].swapaxes(0, 1)]
    values = np.concatenate([strip.reshape(-1, 3) for strip in strips])
    cells = np.concatenate([_in_cells(strip.mean(axis=0), _CELLS).ravel() for strip in strips])
    row: _Row = (cells - np.tile(values.mean(axis=0), len(cells) // 3)) / (values.std() + _CALM)
    return row


def _corners(picture: NDArray[np.float32]) -> _Row:
    """Colour of the cells of each corner, relative to the mean of all four."""
    height, width = picture.shape[:2]
    rows, columns = max(1, round(CORNER * height)), max(1, round(CORNER * width))
    patches = [picture[top, left] for top in _both(rows) for left in _both(columns)]
    mean = np.mean([patch.mean(axis=(0, 1)) for patch in patches], axis=0)
    return np.concatenate(
        [_in_cells(_in_cells(patch - mean, _PATCH).swapaxes(0, 1), _PATCH).ravel() for patch in patches]
    )


def _both(side: int) -> tuple[slice, slice]:
    return slice(side), slice(-side, None)


def _in_cells(values: NDArray[Any], cells: int) -> NDArray[np.float32]:
    """Means of so many cells along the first axis; values are repeated where there are fewer."""
    edges = np.linspace(0, len(values), cells + 1)
    starts = np.minimum(np.floor(edges[:-1]).astype(int), len(values) - 1)
    stops = np.maximum(np.ceil(edges[1:]).astype(int), starts + 1)
    return np.stack([values[start:stop].mean(0) for start, stop in zip(starts, stops, strict=True)]).astype(np.float32)


def _histogram(picture: NDArray[np.float32]) -> _Row:
    """Roots of each channel's shares: (3 * bins,)."""
    shares = [np.histogram(picture[..., channel], _BINS, (0, 256))[0] for channel in range(3)]
    return np.sqrt(np.concatenate(shares) / max(1, picture[..., 0].size)).astype(np.float32)


def _text(picture: Image.Image) -> _Row:
    """Share of hard edges in each zone of the frame around the centre, less that of the whole: text is made of them."""
    grey = np.asarray(picture.convert("L"), dtype=np.float32)
    edges = np.zeros_like(grey)
    edges[:, 1:] = np.abs(np.diff(grey, axis=1)) >= _EDGE
    edges[1:] = np.maximum(edges[1:], np.abs(np.diff(grey, axis=0)) >= _EDGE)
    zones = _in_cells(_in_cells(edges, _ZONES).swapaxes(0, 1), _ZONES)
    frame = np.ones(zones.shape, dtype=bool)
    frame[1:-1, 1:-1] = False
    row: _Row = np.sqrt(zones[frame]) - np.sqrt(zones.mean())
    return row
