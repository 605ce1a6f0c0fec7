"""The one recipe from decoded pixels to the network's input; shared by validation, test, prediction and export."""

from __future__ import annotations

from typing import Literal

import msgspec

Fit = Literal["crop", "squash"]
Kernel = Literal["bilinear", "bicubic"]


class Preprocessing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a (H, W, 3) uint8 RGB image becomes (3, size, size) float32.

    Attributes:
        size: side of the network's input in pixels.
        resize_to: with fit "crop", the length of the shorter side before the centre crop, in pixels.
        kernel: the antialiased filter of methods section 9 (the triangle, or the cubic with a = -0.5).
        fit: "crop" keeps the shape and cuts the edges off; "squash" keeps everything and changes the shape.
        mean, std: per channel, for values scaled to 0..1; the library's own for the chosen weights.
    """

    size: int
    resize_to: int
    kernel: Kernel
    fit: Fit
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def sentence(self) -> str:
        """What happens to each image, for people."""
        if self.fit == "squash":
            return f"The whole image is resized to {self.size} x {self.size} pixels; a long image is squeezed."
        return (
            f"The shorter side is resized to {self.resize_to} pixels and the middle {self.size} x {self.size} is used; "
            "what lies outside is not seen."
        )
