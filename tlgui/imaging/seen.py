"""What the network sees of one image: as stored, decoded with every step named, the final square, and what is lost."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from tlgui.core.backbones import Backbone, backbone
from tlgui.core.imaging_messages import Inspect, Inspected
from tlgui.core.preprocessing import Fit
from tlgui.core.records import PixelRule
from tlgui.imaging.decoding import reading
from tlgui.imaging.decoding_steps import clipping, decoding_steps, facts_of, follows_own_window, range_of
from tlgui.imaging.file_check import LARGE_PIXELS, one_large_image, open_regular
from tlgui.imaging.fitting import Fitting, fitting, square_of
from tlgui.imaging.pixels import Decoded, Pixels, decode, open_image, own_range, to_rgb
from tlgui.imaging.resize import Float32
from tlgui.imaging.thumbnails import by_rule, encoded, reduced, stored_size, told

# When a line of warning is shown. A person's own choices (border, colour) and the window that a radiographer chose are
# no loss; neither is the margin that the usual crop takes from every square picture.
ONE_END = 0.95  # of the values at one end: hardly anything is to be seen
CLIPPED = 0.01
SQUEEZED = 1.5
CUT_FOR_SHAPE = 0.2
SHRUNK = 8.0
ENLARGED = 2.0


@dataclass(frozen=True)
class Seen:
    """One image on its way into the network.

    Attributes:
        width, height: of the decoded image, upright, without the border.
        original: (H, W, 3) uint8, as a plain viewer would show it: nothing turned, inverted, windowed or laid over a
            background, deep values from their own lowest to their own highest; at most `longest` pixels a side.
        decoded: the same after every step; what training, prediction and export start from.
        square: (size, size, 3) float32 in 0..255, the network's input before its mean is taken off.
        steps: every step that was applied, one sentence each, in their order.
        clipped_low, clipped_high: share of the values below and above the range, 0..1.
        squeeze: how much more the width was shrunk than the height; < 1 the other way.
        cut_off: share of the picture that does not enter the network, 0..1, the border included.
        warning: one line where something is lost, or "".
    """

    width: int
    height: int
    original: Pixels
    decoded: Pixels
    square: Float32
    steps: list[str]
    clipped_low: float
    clipped_high: float
    squeeze: float
    cut_off: float
    warning: str


def inspect(path: Path, rule: PixelRule, row: Backbone, fit: Fit = "crop", longest: int = 8192) -> Seen:
    """Follows one image from its file to the network's input.

    Args:
        path: of the file; nothing but an ordinary file is read.
        rule: the dataset's.
        row: the network, for the size and the crop.
        fit: how a long image becomes a square.
        longest: pixels of the longer side of `original` and `decoded`, at most.

    Raises:
        DecodeError: there is no picture; says why.
    """
    with told(), open_regular(path) as file:
        image = open_image(file)
        facts = facts_of(image)
        with one_large_image if image.width * image.height > LARGE_PIXELS else nullcontext():
            decoded = decode(file, image, rule.frame)
            original = _small(_as_stored(decoded), longest)
            pixels = by_rule(decoded, rule)
            between = range_of(decoded, rule)
            steps = decoding_steps(image, facts, decoded, rule, between)
            clipped = clipping(decoded, rule, between)
            stored_width, stored_height = stored_size(decoded)
            windowed = follows_own_window(decoded, rule)
            del decoded  # of a large image it takes a gigabyte or two
            height, width = pixels.shape[:2]
            way = fitting(width, height, row, fit)
            kept = width * height / (stored_width * stored_height)
            return Seen(
                width=width,
                height=height,
                original=original,
                decoded=_small(pixels, longest),
                square=square_of(pixels, row, fit),
                steps=[*steps, *filter(None, [way.sentence()])],
                clipped_low=clipped[0],
                clipped_high=clipped[1],
                squeeze=way.squeeze,
                cut_off=1.0 - kept * (1.0 - way.cut_off),
                warning=warning(way, *clipped, windowed),
            )


def inspected(request: Inspect) -> Inspected:
    """The answer to a request; raises DecodeError as `inspect` does."""
    row = backbone(request.backbone)
    seen = inspect(Path(request.root, request.path), request.rule, row, request.fit, request.longest)
    return Inspected(
        ticket=request.ticket,
        width=seen.width,
        height=seen.height,
        original=encoded(Image.fromarray(seen.original)),
        decoded=encoded(Image.fromarray(seen.decoded)),
        square=encoded(Image.fromarray(np.rint(seen.square).astype(np.uint8)), lossless=True),
        steps=seen.steps,
        clipped_low=seen.clipped_low,
        clipped_high=seen.clipped_high,
        squeeze=seen.squeeze,
        cut_off=seen.cut_off,
        warning=seen.warning,
    )


def warning(way: Fitting, low: float, high: float, windowed: bool = False) -> str:
    """The greatest loss in one line, or "".

    Args:
        way: from the decoded image into the square.
        low: share of the values below the range, 0..1.
        high: share of the values above it.
        windowed: the range is the window of the file, which is meant to leave values outside.
    """
    squeeze = max(way.squeeze, 1.0 / way.squeeze)
    more, less = ("width", "height") if way.squeeze > 1 else ("height", "width")
    losses = (
        (low > ONE_END, f"{_percent(low)} of the values lie below the range: hardly anything is to be seen."),
        (high > ONE_END, f"{_percent(high)} of the values lie above the range: hardly anything is to be seen."),
        (
            low + high > CLIPPED and not windowed,
            f"{_percent(low + high)} of the values lie outside of the range, and what they show is lost.",
        ),
        (squeeze > SQUEEZED, f"Squeezed: the {more} is shrunk {squeeze:.1f} times as much as the {less}."),
        (
            way.cut_for_shape > CUT_FOR_SHAPE,
            f"{_percent(way.cut_off)} of the picture lies outside of the square, and the network does not see it.",
        ),
        (way.shrunk > SHRUNK, f"Shrunk {way.shrunk:.0f}-fold: smaller details than that many pixels are lost."),
        (
            way.shrunk < 1 / ENLARGED,
            f"Enlarged {1 / way.shrunk:.1f}-fold: the picture has fewer pixels than the network.",
        ),
    )
    return next((sentence for applies, sentence in losses if applies), "")


def _as_stored(decoded: Decoded) -> Pixels:
    if decoded.deep is None and decoded.image.mode != "LAB":  # for which Pillow knows no plain way
        with reading("image"):
            return np.asarray(decoded.image.convert("RGB"))
    plain = replace(decoded, alpha=None, inverted=False, padding=None, window=None, orientation=1)
    return to_rgb(plain, *own_range(plain))


def _small(pixels: Pixels, longest: int) -> Pixels:
    return np.asarray(reduced(Image.fromarray(pixels), longest))


def _percent(share: float) -> str:
    if 0.995 <= share < 1:
        return "More than 99 %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"
