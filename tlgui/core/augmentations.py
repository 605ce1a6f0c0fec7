"""How training images are varied: one row per kind of picture.

To add a row:
1. append an `Augmentation` row with the sentence that people read;
2. look at nine variants of a real image in the window's preview;
3. run `pytest tests/core/test_augmentations.py tests/imaging/test_augment.py`, which walk every row.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.errors import UserError

TooLarge = Literal["cut", "draw again", "squeeze"]


class Augmentation(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done to a training image; everything at its default does nothing.

    Attributes:
        name: the key that people type.
        label, sentence: what people read.
        smallest_area: the share of the image that a view shows is drawn between this and all of it.
        largest_ratio: width / height of the part that is shown, in pixels: between 1 / ratio and ratio. It becomes a
            square, so this is how much it may be stretched.
        too_large: what happens where a part of that share and shape does not fit into a long image: its longer side is
            "cut" to the image's; both are "draw again", as torchvision's RandomResizedCrop does; or it is cut and its
            other side grows, so that the picture is "squeeze"d and no less than `smallest_area` of it is ever shown.
        mirror: left and right change places in half of the views, unless the person says otherwise.
        upside_down: the same for top and bottom.
        quarter_turns: turned by 0, 90, 180 or 270 degrees.
        rotation: turned by at most so many degrees either way.
        brightness, contrast, saturation: factors between 1 - x and 1 + x.
        hue: shifted by at most this share of the colour circle either way.
        asks_mirror: whether left and right may matter in such pictures, so that the person is asked once.
    """

    name: str
    label: str
    sentence: str
    smallest_area: float = 1.0
    largest_ratio: float = 1.0
    too_large: TooLarge = "cut"
    mirror: bool = False
    upside_down: bool = False
    quarter_turns: bool = False
    rotation: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    asks_mirror: bool = False

    @property
    def changes_nothing(self) -> bool:
        """Whether every view is the plain image."""
        return self.name == "off"


_ROWS = (
    Augmentation(
        name="photos",
        label="Photographs",
        sentence="Cropped a little, mirrored, and slightly different in light and colour.",
        smallest_area=0.6,
        largest_ratio=4 / 3,
        mirror=True,
        brightness=0.2,
        contrast=0.2,
        saturation=0.2,
    ),
    Augmentation(
        name="microscopy",
        label="Microscopy",
        sentence="Turned and mirrored every way, since no side is up, and slightly different in stain and light.",
        smallest_area=0.6,
        largest_ratio=4 / 3,
        too_large="squeeze",
        mirror=True,
        upside_down=True,
        quarter_turns=True,
        brightness=0.15,
        contrast=0.15,
        saturation=0.15,
        hue=0.02,
    ),
    Augmentation(
        name="radiograph",
        label="X-ray, CT, MR, ultrasound",
        sentence="Turned by a few degrees, cropped a little, slightly different in exposure; mirrored only if you allow it.",
        smallest_area=0.8,
        largest_ratio=1.1,
        too_large="squeeze",
        rotation=7.0,
        brightness=0.1,
        contrast=0.15,
        asks_mirror=True,
    ),
    Augmentation(
        name="documents",
        label="Documents, signs, gestures",
        sentence="Turned by a few degrees and slightly different in light; mirrored only if you allow it, since letters are not.",
        smallest_area=0.8,
        largest_ratio=1.1,
        too_large="squeeze",
        rotation=5.0,
        brightness=0.2,
        contrast=0.2,
        asks_mirror=True,
    ),
    Augmentation(
        name="tutorial",
        label="As in the tutorial",
        sentence="Cropped to as little as 8 % of the area, mirrored, and different in light and colour.",
        smallest_area=0.08,
        largest_ratio=4 / 3,
        too_large="draw again",
        mirror=True,
        brightness=0.2,
        contrast=0.2,
        saturation=0.2,
    ),
    Augmentation(name="off", label="Off", sentence="Each training image is shown as it is, every time."),
)

AUGMENTATIONS: dict[str, Augmentation] = {row.name: row for row in _ROWS}


def augmentation(name: str) -> Augmentation:
    """The row of that name.

    Raises:
        UserError: there is none; the remedy lists those that exist.
    """
    try:
        return AUGMENTATIONS[name]
    except KeyError:
        raise UserError(
            f"There is no augmentation named '{name}'.", f"Choose one of: {', '.join(AUGMENTATIONS)}."
        ) from None


def in_use(name: str, mirror: bool | None) -> Augmentation:
    """The row of that name with the person's own answer on left and right, where there is one.

    Where they matter, nothing is turned over: upside down is mirrored and turned by half.

    Args:
        name: of a row.
        mirror: whether left and right may change places; `None` = as the row says.

    Raises:
        UserError: there is no such row.
    """
    row = augmentation(name)
    if mirror is None or row.changes_nothing:
        return row
    return msgspec.structs.replace(row, mirror=mirror, upside_down=row.upside_down and mirror)
