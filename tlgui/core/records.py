"""One image of a dataset, or one file that is none and why: used + left out = all files."""

from __future__ import annotations

import enum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


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
    LEFT_OUT_BY_PERSON = "left_out_by_person"
    LABEL_TABLE = "label_table"
    OTHER_DOMAIN = "other_domain"
    OTHER_SLICE = "other_slice"
    HELD_OUT_GROUP = "held_out_group"
    KEPT_FOR_TEST = "kept_for_test"
    LEARNED_BEFORE = "learned_before"


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is used.

    Attributes:
        path: relative to the dataset folder, "/" between the parts, spelt as on disk.
        class_name: NFC-normalised name of the class, after the person's own renaming and merging.
        given_split: "train", "validation" or "test" where the folder tree or the label table says so, else "".
        content_hash: sha256 of the file's bytes, hexadecimal.
        width, height: pixels, after the EXIF orientation is applied.
        group: images of one group never lie in two parts; "" = stands alone. No identifier: patients and columns are
            hashed with the project's salt.
    """

    path: str
    class_name: str
    given_split: str = ""
    content_hash: str
    width: int
    height: int
    group: str = ""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is not used, with the reason in a code and in a sentence."""

    path: str
    reason_code: Reason
    reason: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something about one used file that the person should know, such as "the first of 3 pages is used"."""

    path: str
    code: str
    message: str


class DatasetWarning(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a dataset that the person should know before training; it blocks nothing.

    Attributes:
        code: what others script against.
        message: one sentence.
        paths: evidence: files that can be looked at, relative to the dataset folder; the first hundred.
        repairs: what one press can do about it; the first one is the best.
    """

    code: str
    message: str
    paths: list[str] = []
    repairs: list[Repair] = []


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """One press that mends something; it changes nothing on the disk and can be undone.

    Attributes:
        label: of the button, such as "Merge into 'cats'".
        changes: what is added to the project's journal (`core.intake`), as plain data: {"type": "RenameClass", ...}.
    """

    label: str
    changes: list[dict[str, object]]


Method = Literal["range", "percentile", "window"]
Frame = Literal["auto", "first", "middle", "last"]
Colour = Literal["as stored", "grey"]


class PixelRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How stored values become 8-bit RGB: one rule for a whole dataset, kept in run.toml and in every export.

    It acts on values of more than 8 bits a channel and on all grey DICOM images (after their rescale slope and
    intercept); other 8-bit images are left as they are. Values are mapped linearly, clipped outside, rounded half up;
    MONOCHROME1 is turned round after that, once.

    Attributes:
        method: "range": `low` becomes 0 and `high` becomes 255. "percentile": the same with values of each image's
            own: `low` and `high` are percentages of its pixels. "window": the VOI window or table that a DICOM file
            brings; images without one by the range.
        low, high: see there.
        background: RGB that lies under transparent pixels.
        frame: of files with several frames or pages; "auto" is the middle one of DICOM and the first one of others.
        colour: "grey" takes the colour out of every image, so that it cannot give a class away.
        border: share of the width and of the height that is cut off on each side, after decoding.
    """

    method: Method = "range"
    low: float = 0.0
    high: float = 65535.0
    background: tuple[int, int, int] = (255, 255, 255)
    frame: Frame = "auto"
    colour: Colour = "as stored"
    border: Annotated[float, Meta(ge=0, le=0.4)] = 0.0


class Copies(msgspec.Struct, frozen=True, kw_only=True):
    """Two images that show the same, which therefore must not stand on both sides of a split.

    Attributes:
        kind: "copy": the same bytes; "twin": the same picture, saved again, resized or a little changed.
        first, second: paths, in their order.
        similarity: correlation of the pictures, 1 for copies.
        classes: of the two, in the same order.
    """

    kind: Literal["copy", "twin"]
    first: str
    second: str
    similarity: float = 1.0
    classes: tuple[str, str]


class NameExample(msgspec.Struct, frozen=True, kw_only=True):
    """A real file name with the part that tells the group: `name[start:end]`."""

    name: str
    start: int
    end: int


class Grouping(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps images together.

    Attributes:
        key: "" (nothing), "dicom:patient", "dicom:study", "column:NAME" or "pattern:REGEX" (its first capturing group).
        sentence: the same in words, such as "the number after 'person' in the file name".
        groups: how many there are.
        largest: images in the largest one.
        without: used images in which the key was not found; each stands alone.
        examples: of five names, for a pattern.
    """

    key: str = ""
    sentence: str = ""
    groups: int = 0
    largest: int = 0
    without: int = 0
    examples: list[NameExample] = []


class LayoutFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How the folder is read, and how else it could be.

    Attributes:
        name: "class folders", "train/validation/test", "domain folders" or "label table".
        evidence: sentences that say what it was told by.
        others: names of layouts that would fit too.
        domains: names of the domain folders; empty without domains.
        domain: the one that is used; "*" = all of them as one set; "" = not chosen yet.
        table: the label table in use, relative to the folder ("" = none; one from elsewhere by its own name).
        tables: label tables that lie in the folder, relative to it.
        columns: which column is what.
    """

    name: str
    evidence: list[str] = []
    others: list[str] = []
    domains: list[str] = []
    domain: str = ""
    table: str = ""
    tables: list[str] = []
    columns: TableColumns | None = None


class TableColumns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column of a label table is what, by the names in its header (or "column 1", ... where it has none).

    Attributes:
        file: names of files.
        labels: one column of class names, or several one-hot columns, whose names are the classes.
        split: "train", "validation", "test" in the usual spellings; "" = none.
        group: patient, specimen or the like; "" = none.
    """

    file: str
    labels: list[str]
    split: str = ""
    group: str = ""


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at a dataset folder found, read as the person wants it read.

    Attributes:
        name: the folder's own name, never its place.
        layout: its name, as in `LayoutFacts`.
        classes: sorted by code point of the NFC name; only those with at least one used image.
        used: sorted by path (code points of the NFC spelling).
        left_out: sorted likewise; len(used) + len(left_out) = number of files under the folder.
        deep_images: how many used images the pixel rule acts on.
        notices: of used files, sorted by path.
        facts: how the folder is read.
        grouping: what keeps images together; `record.group` also holds copies and what the person joined.
        proposed: a key that the names suggest and that is not in use; its `key` is "" where there is none.
        copies: copies and twins that the person has not settled ("ignore"), in the order of their first paths.
        found_classes: class as shown -> names of folders (or labels) that make it up, also for those left out ("").
        dicom_images: used images that are DICOM.
        rule_reason: why this pixel rule.
        cut_test: a test part is to be cut from train, since the folder gives train and validation only.
        formats: of the used images, such as "PNG" and "DICOM"; sorted.
        rules: pixel rules that would do, the one in use first.
        fold: (number from 1, number of folds) of the one that tests; `None` = shares, as usual.
        labels_without_file: names in the label table that fit no file, in its order.
    """

    name: str
    layout: str
    classes: list[str]
    used: list[ImageRecord]
    left_out: list[LeftOut]
    warnings: list[DatasetWarning]
    pixel_rule: PixelRule = PixelRule()
    deep_images: int = 0
    notices: list[Notice] = []
    facts: LayoutFacts = LayoutFacts(name="class folders")
    grouping: Grouping = Grouping()
    proposed: Grouping = Grouping()
    copies: list[Copies] = []
    found_classes: dict[str, list[str]] = {}
    dicom_images: int = 0
    rule_reason: str = ""
    cut_test: bool = False
    formats: list[str] = []
    rules: list[PixelRule] = []
    fold: tuple[int, int] | None = None
    labels_without_file: list[str] = []
