"""What the decoders of all formats share: limits, what they give back, and one way to say what is wrong with a file.

It is pasted into the exported `predict.py`; see `signatures.py`.
"""

from __future__ import annotations

import contextlib
import math
import re
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from tlgui.imaging.signatures import DecodeError

MAX_PIXELS = 300_000_000  # 0.9 GB as RGB; a 200-megapixel telephone fits, a whole-slide scan does not
MIN_SIDE = 2  # a line of single pixels has nothing to look at

# Pillow's own check stays on, with our limit: it also guards later frames, which open_image cannot see.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

Pixels = np.ndarray[Any, np.dtype[Any]]


class Header(Image.Image):
    """The header of a file that Pillow cannot open, with a size and a number of frames like those that it can.

    Attributes:
        details: what the decoder of the format needs: the DICOM data set without its pixels; `None` for TIFF.
    """

    def __init__(self, format: str, size: tuple[int, int], frames: int, details: Any = None) -> None:
        super().__init__()
        self.format = format
        self.n_frames = frames
        self.details = details
        self._size = size


@dataclass(frozen=True)
class Window:
    """How a DICOM file wants its values shown (PS3.3, C.11.2).

    Attributes:
        low, high: values that become 0 and 255; of a table its first and its last index.
        curve: "line" or "sigmoid".
        table: 0..255 as float64 for each index from `low` on; `None` = by the curve.
    """

    low: float
    high: float
    curve: str = "line"
    table: Pixels | None = None


@dataclass
class Decoded:
    """One frame as stored.

    Attributes:
        image: 8-bit pixels, unless there is `deep`; its EXIF tells how it is still to be turned.
        deep: (H, W[, 3]) values that the pixel rule acts on; DICOM after its rescale.
        alpha: (H, W) in 0..1, of `deep`.
        bits: per channel.
        inverted: the lowest value is the brightest one (MONOCHROME1).
        padding: (H, W), True where no picture is (PixelPaddingValue); these become black.
        window: that the file brings.
        extra_channels: that are left aside.
        orientation: to be applied, where `image` does not tell it.
    """

    image: Image.Image
    deep: Pixels | None
    alpha: Pixels | None
    bits: int
    inverted: bool = False
    padding: Pixels | None = None
    window: Window | None = None
    extra_channels: int = 0
    orientation: int | None = None


def frame_index(frames: int, frame: str, auto: str) -> int:
    """Which of `frames` frames, from 0, is meant by "first", "middle", "last" or "auto"."""
    chosen = auto if frame == "auto" else frame
    return {"first": 0, "middle": (frames - 1) // 2, "last": frames - 1}[chosen]


def check_size(width: int, height: int) -> None:
    """Raises DecodeError (too_large, too_small) for what the header states, before anything is decoded."""
    if width * height > MAX_PIXELS:
        found, most = math.ceil(width * height / 1e6), MAX_PIXELS // 1_000_000
        raise DecodeError("too_large", f"The image has {found} megapixels ({width} x {height}); {most} is the limit.")
    if min(width, height) < MIN_SIDE:
        raise DecodeError("too_small", f"The image is only {width} x {height} pixels.")


def missing_part(kind: str, package: str) -> DecodeError:
    """A file that is sound, but whose decoder is not installed."""
    return DecodeError(
        "unsupported", f"To read such a file ({kind}), the part '{package}' is needed; it is missing here."
    )


def reason_of(error: OSError) -> str:
    """What the operating system says, without the path that it adds."""
    return (error.strerror or type(error).__name__).lower()


_CUT_OFF = "truncated|unexpected end|less than expected|not enough data|end of (the )?file"


@contextlib.contextmanager
def reading(kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises into a DecodeError; only its calls stand inside, so no bug of ours is hidden.

    Decoders raise nearly every exception on damaged files (OSError, SyntaxError, struct.error, KeyError,
    ZeroDivisionError, ...), hence the broad clause.
    """
    try:
        with quiet():
            yield
    except DecodeError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise DecodeError("too_large", "The image is too large to be decoded on this computer.") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DecodeError("unreadable", f"The file cannot be read from the disk ({reason_of(error)}).") from error
        if isinstance(error, EOFError) or re.search(_CUT_OFF, str(error), re.IGNORECASE):
            raise DecodeError("truncated", f"The {kind} file is cut off: its end is missing.") from error
        raise DecodeError("unreadable", f"The {kind} file is damaged and cannot be decoded.") from error


_quiet_lock = threading.Lock()
_quiet_state: list[Any] = [0, None]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence a decoder's remarks about odd metadata while it reads.

    `warnings.catch_warnings` alone restores the wrong filters when two threads overlap; so the first one in sets the
    filter and the last one out takes it away.
    """
    with _quiet_lock:
        _quiet_state[0] += 1
        if _quiet_state[0] == 1:
            _quiet_state[1] = warnings.catch_warnings()
            _quiet_state[1].__enter__()
            warnings.simplefilter("ignore")
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_state[0] -= 1
            if _quiet_state[0] == 0:
                _quiet_state[1].__exit__(None, None, None)
