"""How bright and of what colour the images of a site are, so that a difference can be shown and not only told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tlgui.core.gap_events import SiteLook

STEPS = 32
_SIDE = 256  # of large pictures every n-th pixel is looked at, so that about so many are left along each side
_GREY = np.array([299, 587, 114])  # ITU-R BT.601, in thousandths

Look = NDArray[np.float64]


def look_of(pixels: NDArray[np.uint8]) -> Look:
    """Shares of the pixels in 32 steps of brightness, then the means of red, green and blue: (35,).

    Args:
        pixels: (H, W, 3) RGB.
    """
    height, width = pixels.shape[:2]
    seen = pixels[:: max(1, height // _SIDE), :: max(1, width // _SIDE)].reshape(-1, 3).astype(np.int64)
    steps = (seen @ _GREY) * STEPS // 256_000
    shares = np.bincount(steps, minlength=STEPS) / len(seen)
    return np.concatenate([shares, seen.mean(axis=0)])


def mean_look(looks: Sequence[Look]) -> SiteLook:
    """Of all images of a site, each counting alike."""
    mean = np.mean(np.stack(looks), axis=0).tolist()
    return SiteLook(brightness=mean[:STEPS], red=mean[STEPS], green=mean[STEPS + 1], blue=mean[STEPS + 2])
