"""How a decoded image becomes the network's square: what is shrunk, squeezed and cut away, in numbers and in words."""

from __future__ import annotations

from typing import NamedTuple

from tlgui.core.backbones import Backbone
from tlgui.core.preprocessing import Fit
from tlgui.imaging.resize import Array, Float32, frame


class Fitting(NamedTuple):
    """The way of one image into the square.

    Attributes:
        width, height: of the decoded image.
        resized: width and height after resizing, before the middle is taken.
        size: side of the square.
        fit: how a long image becomes a square.
    """

    width: int
    height: int
    resized: tuple[int, int]
    size: int
    fit: Fit

    @property
    def squeeze(self) -> float:
        """How much more the width is shrunk than the height; 1 where the shape stays."""
        return self.width / self.height if self.fit == "squash" else 1.0

    @property
    def shrunk(self) -> float:
        """Pixels of the image to one of the square, along the side that is shrunk more; < 1 where it is enlarged."""
        return max(self.width / self.resized[0], self.height / self.resized[1])

    @property
    def cut_off(self) -> float:
        """Share of the resized image that lies outside of the square."""
        return 1.0 - self.size**2 / (self.resized[0] * self.resized[1])

    @property
    def cut_for_shape(self) -> float:
        """The same, less the margin that is cut off a square image too."""
        return 1.0 - min(self.resized) / max(self.resized)

    def sentence(self) -> str:
        """What is done, or "" where the image has the size already."""
        was = f"Resized from {self.width} x {self.height}"
        square = f"{self.size} x {self.size}"
        if self.resized == (self.size, self.size):
            squeezed = ", which squeezes it" if self.squeeze != 1.0 else ""
            return "" if (self.width, self.height) == self.resized else f"{was} to {square}{squeezed}."
        if (self.width, self.height) == self.resized:
            return f"The middle {square} of {self.width} x {self.height} is taken."
        return f"{was} so that the shorter side is {min(self.resized)}, then the middle {square} is taken."


def fitting(width: int, height: int, row: Backbone, fit: Fit) -> Fitting:
    """The way of an image of this size into the square of a network."""
    if fit == "squash":
        return Fitting(width, height, (row.size, row.size), row.size, fit)
    short = min(width, height)
    resized = row.resize_to * width // short, row.resize_to * height // short
    return Fitting(width, height, resized, row.size, fit)


def square_of(pixels: Array, row: Backbone, fit: Fit) -> Float32:
    """(H, W, 3) uint8 -> (size, size, 3) float32 in 0..255, not rounded: the network's input before its mean is taken off."""
    return frame(pixels, row.resize_to, row.size, row.kernel, fit)
