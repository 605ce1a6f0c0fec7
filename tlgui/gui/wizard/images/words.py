"""What the images page says: reasons, warnings and layouts in words, without a widget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from tlgui.core.records import DatasetWarning, LeftOut, Reason
from tlgui.gui.numbers import count, counted

# To add a reason: its heading here; a test walks every `Reason`.
REASONS: dict[Reason, str] = {
    Reason.NOT_AN_IMAGE: "Not an image",
    Reason.TRUNCATED: "Cut off at its end",
    Reason.EMPTY: "Empty, without a byte",
    Reason.UNREADABLE: "Cannot be read",
    Reason.NO_PIXELS: "Holds no picture",
    Reason.TOO_LARGE: "Too large to read",
    Reason.TOO_SMALL: "Too small to show anything",
    Reason.UNSUPPORTED: "Format that is not read yet",
    Reason.HIDDEN: "Hidden",
    Reason.SYSTEM_FILE: "Made by the system or a tool",
    Reason.NO_LABEL: "Outside every class folder",
    Reason.LEFT_OUT_CLASS: "Its class is left out",
}


class Heading(NamedTuple):
    """How warnings of one code are introduced.

    Attributes:
        one: the bold line for a single one.
        several: for more; {n} is their number.
        tone: "warn" where a score may suffer, else "info".
        show: what *Show them* opens: reasons of left-out files, or () where nothing can be shown.
    """

    one: str
    several: str = ""
    tone: str = "warn"
    show: tuple[Reason, ...] = ()


_BROKEN = (
    Reason.EMPTY,
    Reason.TRUNCATED,
    Reason.UNREADABLE,
    Reason.TOO_LARGE,
    Reason.TOO_SMALL,
    Reason.UNSUPPORTED,
)

# To add a warning: its code as in imaging/checks.py and its heading; a test compares the two lists.
HEADINGS: dict[str, Heading] = {
    "nested_root": Heading("The classes lie one folder deeper", tone="info"),
    "unreadable_folder": Heading("A folder cannot be opened", "{n} folders cannot be opened"),
    "linked_folder": Heading("Links to other folders are not followed"),
    "unreadable_files": Heading("Files that cannot be read are left out", show=_BROKEN),
    "images_without_class": Heading("Images outside every class folder", show=(Reason.NO_LABEL,)),
    "empty_class_folder": Heading("An empty class folder is left out", "{n} empty class folders are left out"),
    "class_missing_in_validation": Heading("Classes without validation images"),
    "class_missing_in_test": Heading("Classes without test images"),
    "class_with_one_image": Heading("A class with a single image", "{n} classes with a single image"),
    "few_images_in_class": Heading("A class with few images", "{n} classes with few images"),
    "imbalance": Heading("Classes of very different size"),
    "names_differ_only_in_case": Heading(
        "Class names that differ only in capitals", "{n} groups of class names differ only in capitals"
    ),
    "images_and_labels": Heading("These may be images and labels, not classes"),
    "same_subfolders": Heading("The inner folders may be the classes"),
    "mixed_channels": Heading("Grey and colour images go with the class"),
    "deep_pixels": Heading("More than 8 bits per value", tone="info"),
    "mixed_numbers": Heading("Whole and floating-point values are mixed"),
    "mixed_depth": Heading("Different numbers of bits per value"),
    "values_not_finite": Heading("Values that are no finite number"),
    "first_frame_only": Heading("Only the first frame or page is used", tone="info"),
    "extreme_shape": Heading("Very long and narrow images"),
}
_OTHER = Heading("Something to know", "{n} things to know")


@dataclass(frozen=True)
class WarningRow:
    """Warnings of one code as one row: `text` is the first sentence, `sentences` are all."""

    code: str
    tone: str
    title: str
    text: str
    sentences: tuple[str, ...]
    show: tuple[Reason, ...] = ()


def warning_rows(warnings: Iterable[DatasetWarning]) -> list[WarningRow]:
    """One row for each code, warnings first: a hundred small classes are one thing to know, not a hundred."""
    by_code: dict[str, list[str]] = defaultdict(list)
    for warning in warnings:
        by_code[warning.code].append(warning.message)
    rows = []
    for code, sentences in by_code.items():
        heading = HEADINGS.get(code, _OTHER)
        many = len(sentences) > 1
        title = heading.several.format(n=count(len(sentences))) if many and heading.several else heading.one
        text = f"{sentences[0]} And {count(len(sentences) - 1)} more." if many else sentences[0]
        rows.append(WarningRow(code, heading.tone, title, text, tuple(sentences), heading.show))
    return sorted(rows, key=lambda row: row.tone != "warn")


@dataclass(frozen=True)
class ReasonRow:
    """Left-out files of one reason."""

    code: str
    title: str
    number: int
    examples: str


def reason_rows(reasons: Mapping[str, int], left_out: Sequence[LeftOut]) -> list[ReasonRow]:
    """Grouped, the most frequent first.

    Args:
        reasons: reason code -> number of files, over all files.
        left_out: files to name as examples; need not be all.
    """
    by_reason: dict[str, list[str]] = defaultdict(list)
    for item in left_out:
        by_reason[item.reason_code].append(item.path)
    rows = [
        ReasonRow(code, reason_title(code), number, examples(by_reason[code], number))
        for code, number in reasons.items()
    ]
    return sorted(rows, key=lambda row: (-row.number, row.title))


def reason_title(code: str) -> str:
    """The heading of a reason code."""
    return REASONS[Reason(code)] if code in set(Reason) else code.replace("_", " ").capitalize()


def examples(paths: Sequence[str], number: int, most: int = 2) -> str:
    """'Thumbs.db, notes.txt and 4 more' of `number` files in all: a name that comes often stands once."""
    names = list(dict.fromkeys(PurePosixPath(path).name for path in paths))[:most]
    more = number - len(names)
    return ", ".join(names) + (f" and {count(more)} more" if more > 0 and names else "")


def layout_words(layout: str, classes: int) -> str:
    """What was recognised, with what speaks for it."""
    if not classes:
        return "no class folder in it"
    what = "train / val / test tree" if layout == "train/validation/test" else "one folder per class"
    return f"{what}, {counted(classes, 'class', 'classes')}"


def images_word(number: int) -> str:
    """'1 image', '1,092 images'."""
    return counted(number, "image")


def files_word(number: int) -> str:
    """'1 file', '9 files'."""
    return counted(number, "file")
