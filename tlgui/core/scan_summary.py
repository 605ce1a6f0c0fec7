"""What the window knows of a folder that was read: counts, samples and evidence, however large the folder is."""

from __future__ import annotations

import msgspec

from tlgui.core.intake import AnyChange
from tlgui.core.records import Copies, DatasetWarning, Grouping, LayoutFacts, LeftOut, Notice, PixelRule

MOST_SAMPLES = 16  # of one class
MOST_LEFT_OUT = 1000  # in one answer; `LeftOutFiles` brings the others


class ClassFound(msgspec.Struct, frozen=True, kw_only=True):
    """A class as the names of folders tell it, before any file was looked into.

    Attributes:
        files: of any kind; some may be left out later.
        samples: paths of files that are named like pictures, at most 16, relative to the folder.
    """

    name: str
    files: int
    samples: list[str]


class ClassCount(msgspec.Struct, frozen=True, kw_only=True):
    """A class with its used images.

    Attributes:
        train, validation, test: images in each part.
        samples: paths of used images spread over the class, at most 16, relative to the folder.
        found: names of the folders or labels that make it up; more than one where classes were merged.
    """

    name: str
    train: int
    validation: int
    test: int
    samples: list[str] = []
    found: list[str] = []

    @property
    def total(self) -> int:
        """Used images."""
        return self.train + self.validation + self.test


class ChangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A decision of the journal, for the list of changes.

    Attributes:
        number: its place in the journal, from 0; what `UndoChange` asks for.
        sentence: what it does.
        at, undone_at: ISO 8601; "" = in force.
        change: itself.
    """

    number: int
    sentence: str
    at: str
    undone_at: str = ""
    change: AnyChange


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of images that show the same, with the parts that they lie in."""

    pair: Copies
    parts: tuple[str, str]


class ScanSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at a folder found, without the list of used files.

    Attributes:
        name: the folder's own name, never its place.
        layout: "class folders" or "train/validation/test".
        classes: those with used images, in the order of the model's outputs.
        used: images, in all.
        pixels: of a used image, on average; 0 = not known.
        jpegs: used images that are named like a JPEG, which a varied view decodes at a smaller size.
        left_out: the first 1,000 files that are not used; `LeftOutFiles` brings the others.
        left_out_count: of all files that are not used: used + left_out_count = all files.
        reasons: how many files were left out for each reason code.
        deep_images: used images of more than 8 bits a channel (the pixel rule acts on those alone).
        given_parts: the parts that the folders name; validation that they do not name is cut from train.
        fingerprint: of the used images, as in run.toml.
        facts: how the folder is read, and how else it could be.
        grouping, proposed: what keeps images together, and a key that the names suggest (its `key` is "" where none is).
        groups: units of the split that hold more than one image, from the key, from copies, and joined by hand.
        notices: of used files, the first 200; `notice_count` of all.
        leaks: copies and twins in two parts or two classes, the first 100; `leak_count` of all.
        copies: all pairs of copies and twins that are not settled, also those that the split keeps together.
        left_out_classes: folders or labels that the person left out.
        changes: the journal, oldest first.
        cut_test: a test part is cut from train.
        test_note: a sentence where there is no test part, or where classes are missing in a part, else "".
        dicom_images: used images that are DICOM.
        rule_reason: why this pixel rule.
        rules: rules that could be chosen, the one in use first.
        kept_images: images whose part was kept from an earlier look (`split.csv` of the project).
        fold: (number from 1, number of folds) of the one that tests; `None` = shares, as usual.
    """

    name: str
    layout: str
    classes: list[ClassCount]
    used: int
    pixels: int = 0
    jpegs: int = 0
    left_out: list[LeftOut] = []
    left_out_count: int = 0
    reasons: dict[str, int] = {}
    warnings: list[DatasetWarning] = []
    pixel_rule: PixelRule = PixelRule()
    deep_images: int = 0
    given_parts: list[str] = []
    fingerprint: str = ""
    facts: LayoutFacts = LayoutFacts(name="class folders")
    grouping: Grouping = Grouping()
    proposed: Grouping = Grouping()
    groups: int = 0
    notices: list[Notice] = []
    notice_count: int = 0
    leaks: list[Leak] = []
    leak_count: int = 0
    copies: int = 0
    left_out_classes: list[str] = []
    changes: list[ChangeLine] = []
    cut_test: bool = False
    test_note: str = ""
    dicom_images: int = 0
    rule_reason: str = ""
    rules: list[PixelRule] = []
    kept_images: int = 0
    fold: tuple[int, int] | None = None

    @property
    def files(self) -> int:
        """All files below the folder."""
        return self.used + self.left_out_count

    @property
    def gives_split(self) -> bool:
        """Whether the folders or the table say what trains and what tests, so that `split_fractions` cannot."""
        return bool(self.given_parts)
