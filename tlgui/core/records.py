"""One image of a dataset, or one file that is none and why: used + left out = all files."""

from __future__ import annotations

import enum

import msgspec


class Reason(enum.StrEnum):
    """Why a file is left out; the value is the `reason_code` of `check --json` and of manifest.csv."""

    EMPTY = "empty"
    TRUNCATED = "truncated"
    UNREADABLE = "unreadable"
    NOT_AN_IMAGE = "not_an_image"
    NO_PIXELS = "no_pixels"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    UNSUPPORTED = "unsupported"
    HIDDEN = "hidden"
    SYSTEM_FILE = "system_file"
    NO_LABEL = "no_label"
    LEFT_OUT_CLASS = "left_out_class"


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is used.

    Attributes:
        path: relative to the dataset folder, "/" between the parts, spelt as on disk.
        class_name: NFC-normalised name of the class folder.
        given_split: "train", "validation" or "test" where the folder tree says so, else "".
        content_hash: sha256 of the file's bytes, hexadecimal.
        width, height: pixels, after the EXIF orientation is applied.
    """

    path: str
    class_name: str
    given_split: str = ""
    content_hash: str
    width: int
    height: int


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is not used, with the reason in a code and in a sentence."""

    path: str
    reason_code: Reason
    reason: str


class DatasetWarning(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a dataset that the person should know before training; it blocks nothing."""

    code: str
    message: str


class PixelRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How stored values become 8-bit RGB: one rule for a whole dataset, kept in run.toml and in every export.

    Values of images with more than 8 bits a channel are mapped linearly, `low` to 0 and `high` to 255, clipped
    outside, rounded to the nearest. 8-bit images are left as they are. Transparent pixels lie over `background`.
    """

    low: float = 0.0
    high: float = 65535.0
    background: tuple[int, int, int] = (255, 255, 255)


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at a dataset folder found.

    Attributes:
        name: the folder's own name, never its place.
        layout: "class folders" or "train/validation/test".
        classes: sorted by code point of the NFC name; only those with at least one used image.
        used: sorted by path (code points of the NFC spelling).
        deep_images: how many used images have more than 8 bits a channel (the pixel rule acts on those alone).
        left_out: sorted likewise; len(used) + len(left_out) = number of files under the folder.
    """

    name: str
    layout: str
    classes: list[str]
    used: list[ImageRecord]
    left_out: list[LeftOut]
    warnings: list[DatasetWarning]
    pixel_rule: PixelRule = PixelRule()
    deep_images: int = 0
