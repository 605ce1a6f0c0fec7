"""What the images page says: reasons, warnings and layouts in words, without a widget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from tlgui.core.imaging_messages import ChangeLine
from tlgui.core.records import DatasetWarning, LeftOut, Reason, Repair
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
    Reason.LEFT_OUT_BY_PERSON: "Left out by you",
    Reason.LABEL_TABLE: "A table of labels",
    Reason.OTHER_DOMAIN: "Of another domain",
    Reason.OTHER_SLICE: "Another slice of the same series",
    Reason.HELD_OUT_GROUP: "Belongs to images of the site held out",
    Reason.KEPT_FOR_TEST: "Kept to test what is chosen",
    Reason.LEARNED_BEFORE: "Learned by the run that this one begins with",
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
    Reason.NO_PIXELS,
    Reason.UNSUPPORTED,
)

# To add a warning: its code as in imaging/checks.py or part_checks.py and its heading; a test compares the two.
HEADINGS: dict[str, Heading] = {
    "decisions_not_followed": Heading("What you decided earlier is left aside"),
    # The parts
    "leaks": Heading("The same pictures lie on both sides of the split"),
    "groups_torn": Heading("Images that belong together lie in several parts"),
    "class_missing_in_train": Heading("Classes without training images"),
    "class_missing_in_validation": Heading("Classes without validation images"),
    "class_missing_in_test": Heading("Classes without test images"),
    "no_test_part": Heading("There is no test part"),
    "validation_is_training": Heading("Validation images are training images"),
    "test_is_training": Heading("Test images are training images"),
    # Files and folders
    "nested_root": Heading("The classes lie one folder deeper", tone="info"),
    "unreadable_folder": Heading("A folder cannot be opened", "{n} folders cannot be opened"),
    "linked_folder": Heading("Links to other folders are not followed"),
    "domain_not_chosen": Heading("No domain is chosen yet"),
    "unreadable_files": Heading("Files that cannot be read are left out", show=_BROKEN),
    "images_without_class": Heading("Images outside every class folder", show=(Reason.NO_LABEL,)),
    "files_without_row": Heading("Files that the table does not name", show=(Reason.NO_LABEL,)),
    "rows_without_file": Heading("Rows of the table without a file"),
    "ambiguous_rows": Heading("Rows of the table that fit several files"),
    "case_differs": Heading("Names that differ from the table's in capitals", tone="info"),
    "tool_folders": Heading(
        "Folders made by tools are left out", tone="info", show=(Reason.SYSTEM_FILE, Reason.HIDDEN)
    ),
    # Classes
    "split_inside_classes": Heading("A folder among the classes is none"),
    "empty_class_folder": Heading("An empty class folder is left out", "{n} empty class folders are left out"),
    "class_with_one_image": Heading("A class with a single image", "{n} classes with a single image"),
    "few_images_in_class": Heading("A class with few images", "{n} classes with few images"),
    "imbalance": Heading("Classes of very different size"),
    "names_differ_only_in_case": Heading(
        "Class names that differ only in capitals", "{n} groups of class names differ only in capitals"
    ),
    "names_look_alike": Heading("Class names that look alike", "{n} groups of class names look alike"),
    "formula_names": Heading("Class names that begin like a formula"),
    "formula_file_names": Heading("File names that begin like a formula", tone="info"),
    "split_taken_for_class": Heading("A folder for testing is taken for a class"),
    "images_and_labels": Heading("These may be images and labels, not classes"),
    "same_subfolders": Heading("The inner folders may be the classes"),
    # Images that belong together
    "same_picture_in_two_classes": Heading("The same picture stands in two classes"),
    "twins_in_two_classes": Heading("Near-identical pictures stand in two classes"),
    "twins": Heading("Near-identical pictures in one class"),
    "possible_groups": Heading("Several images may be of one person or thing"),
    "one_patient": Heading("Patients cannot be told apart"),
    "exact_copies": Heading("Exact copies count more than once", tone="info"),
    # Pixels
    "burned_in_text": Heading("Text is burned into pictures"),
    "burned_in_text_possible": Heading("Text may be burned into pictures"),
    "mixed_channels": Heading("Grey and colour images go with the class"),
    "mixed_sizes": Heading("The size of the images goes with the class"),
    "deep_pixels": Heading("More than 8 bits per value", tone="info"),
    "dark_images": Heading("Some images turn nearly black"),
    "mixed_numbers": Heading("Whole and floating-point values are mixed"),
    "mixed_depth": Heading("Different numbers of bits per value"),
    "values_not_finite": Heading("Values that are no finite number"),
    "first_frame_only": Heading("Only the first frame or page is used", tone="info"),
    "middle_frame_only": Heading("Only the middle frame or page is used", tone="info"),
    "last_frame_only": Heading("Only the last frame or page is used", tone="info"),
    "one_slice_only": Heading("One slice stands for each series", tone="info", show=(Reason.OTHER_SLICE,)),
    "flat_images": Heading("Images of a single colour"),
    "extreme_shape": Heading("Very long and narrow images"),
}
# Pairs: they are looked at side by side.
PAIRS = frozenset({"leaks", "twins", "same_picture_in_two_classes", "twins_in_two_classes", "exact_copies"})
# Those that lie in one part and one class, so that they are not among the pairs that cross.
ALONE = frozenset({"twins", "exact_copies"})
_OTHER = Heading("Something to know", "{n} things to know")


@dataclass(frozen=True)
class WarningRow:
    """Warnings of one code as one row.

    Attributes:
        text: the first sentence; `sentences` are all.
        show: reasons of left-out files that are its evidence.
        paths: images that are its evidence.
        repairs: what one press can do, the best first; of several warnings the best of each.
    """

    code: str
    tone: str
    title: str
    text: str
    sentences: tuple[str, ...]
    show: tuple[Reason, ...] = ()
    paths: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()

    @property
    def several(self) -> bool:
        """Whether it stands for more than one warning."""
        return len(self.sentences) > 1


def warning_rows(warnings: Iterable[DatasetWarning]) -> list[WarningRow]:
    """One row for each code, warnings first: a hundred small classes are one thing to know, not a hundred."""
    by_code: dict[str, list[DatasetWarning]] = defaultdict(list)
    for warning in warnings:
        by_code[warning.code].append(warning)
    rows = [_row(code, alike) for code, alike in by_code.items()]
    return sorted(rows, key=lambda row: row.tone != "warn")


def _row(code: str, alike: Sequence[DatasetWarning]) -> WarningRow:
    heading = HEADINGS.get(code, _OTHER)
    sentences = tuple(warning.message for warning in alike)
    many = len(alike) > 1
    return WarningRow(
        code=code,
        tone=heading.tone,
        title=heading.several.format(n=count(len(alike))) if many and heading.several else heading.one,
        text=f"{sentences[0]} And {count(len(alike) - 1)} more." if many else sentences[0],
        sentences=sentences,
        show=heading.show,
        paths=tuple(dict.fromkeys(path for warning in alike for path in warning.paths)),
        repairs=tuple(w.repairs[0] for w in alike if w.repairs) if many else tuple(alike[0].repairs),
    )


def shortened(text: str, most: int = 230) -> str:
    """What three lines hold, cut between two words."""
    return text if len(text) <= most else f"{text[:most].rsplit(' ', 1)[0]} …"


def settle_title(things: int, facts: int) -> str:
    """Title of the card of warnings.

    Args:
        things: rows that a score may suffer from.
        facts: rows that only should be known.
    """
    if things:
        return f"{number_word(things).capitalize()} {'thing' if things == 1 else 'things'} to settle"
    if facts:
        return f"{number_word(facts).capitalize()} {'thing' if facts == 1 else 'things'} to know"
    return "Nothing left to settle"


def settled_words(settled: int) -> str:
    """'One is settled already'; "" for none."""
    if not settled:
        return ""
    return f"{number_word(settled).capitalize()} {'is' if settled == 1 else 'are'} settled already"


def go_on_words(things: int) -> str:
    """What stands beside *Next* while things are left to settle; "" for none."""
    if not things:
        return ""
    return f"You can go on: {counted(things, 'warning')} {'blocks' if things == 1 else 'block'} nothing."


def in_force(changes: Iterable[ChangeLine]) -> list[ChangeLine]:
    """The decisions that hold, the newest first."""
    return [line for line in changes if not line.undone_at][::-1]


_NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def number_word(number: int) -> str:
    """2 -> "two"; from thirteen on in digits."""
    return _NUMBERS[number] if 0 <= number < len(_NUMBERS) else count(number)


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


def origin_words(name: str, found: Sequence[str]) -> str:
    """'from 'wbc' and 'WBC'' for a class that is called otherwise on the disk, or that was merged; else ""."""
    if not found or list(found) == [name]:
        return ""
    quoted = [f"'{one}'" for one in found]
    return (
        f"from {' and '.join(quoted)}"
        if len(quoted) < 3
        else f"from {', '.join(quoted[:2])} and {len(quoted) - 2} more"
    )


def images_word(number: int) -> str:
    """'1 image', '1,092 images'."""
    return counted(number, "image")


def files_word(number: int) -> str:
    """'1 file', '9 files'."""
    return counted(number, "file")
