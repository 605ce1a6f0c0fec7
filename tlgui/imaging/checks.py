"""What a person should know about a dataset before training: one sentence each, and nothing is blocked by it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tlgui.core.records import DatasetWarning, LeftOut, PixelRule, Reason
from tlgui.imaging.file_check import Checked
from tlgui.imaging.layout import Layout, Parts
from tlgui.imaging.names import counted, listed, nfc
from tlgui.imaging.unread import unread_kind
from tlgui.imaging.walk import Tree

FEW_IMAGES = 10  # below, a validation part of 15 % holds one image of the class or none
IMBALANCE = 3  # largest class to smallest
EXTREME_SHAPE = 10  # long side to short side: resized to a square, nothing can be recognised
CHANNEL_DIFFERENCE = 0.5  # share of grey images in one class and in another
BROKEN = (
    Reason.EMPTY,
    Reason.TRUNCATED,
    Reason.UNREADABLE,
    Reason.TOO_LARGE,
    Reason.TOO_SMALL,
    Reason.UNSUPPORTED,
)
PICTURE_FOLDERS = {"image", "images", "img", "imgs", "picture", "pictures"}
LABEL_FOLDERS = {"label", "labels", "mask", "masks", "annotation", "annotations", "segmentation", "segmentations"}


@dataclass(frozen=True)
class Findings:
    """All that the checks look at.

    Attributes:
        used: sorted, at least one.
        classes: of used images, sorted.
    """

    tree: Tree
    layout: Layout
    used: list[Checked]
    left_out: list[LeftOut]
    classes: list[str]
    rule: PixelRule


def warnings_of(findings: Findings) -> list[DatasetWarning]:
    """Every warning, in the order in which a person should read them."""
    return [
        DatasetWarning(code=code, message=message) for check in CHECKS for code, message in check(findings) if message
    ]


Found = Iterator[tuple[str, str]]


def _folders(findings: Findings) -> Found:
    if findings.layout.base:
        inside = "/".join(findings.layout.base)
        yield "nested_root", f"All images lie in the folder '{inside}', so the classes are looked for in there."
    for folder in findings.tree.unreadable:
        yield "unreadable_folder", f"The folder {folder} cannot be opened, so its files are neither used nor counted."
    if findings.tree.linked:
        count = counted(len(findings.tree.linked), "link")
        names = listed(findings.tree.linked)
        yield "linked_folder", f"{count} to another folder not followed: {names}; copy the images here to use them."


def _broken_files(findings: Findings) -> Found:
    reasons = Counter(_told(left) for left in findings.left_out if left.reason_code in BROKEN)
    if reasons:
        split_up = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
        names = listed(left.path for left in findings.left_out if left.reason_code in BROKEN)
        count = counted(reasons.total(), "file is", "files are")
        yield "unreadable_files", f"{count} left out ({split_up}): {names}."


def _told(left: LeftOut) -> str:
    kind = unread_kind(left)
    return f"{kind}, which this version cannot read yet" if kind else left.reason_code.replace("_", " ")


def _unlabelled(findings: Findings) -> Found:
    without = [left.path for left in findings.left_out if left.reason_code is Reason.NO_LABEL]
    if without:
        count = counted(len(without), "image is not used, because it lies", "images are not used, because they lie")
        yield "images_without_class", f"{count} outside of every class folder: {listed(without)}."


def _class_names(findings: Findings) -> Found:
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in findings.classes:
        spellings[name.casefold()].append(name)
    for names in spellings.values():
        if len(names) > 1:
            yield (
                "names_differ_only_in_case",
                f"The classes {listed(names)} differ only in upper and lower case; they are kept apart.",
            )
    folded = set(spellings)
    if folded & PICTURE_FOLDERS and folded & LABEL_FOLDERS and folded <= PICTURE_FOLDERS | LABEL_FOLDERS:
        yield (
            "images_and_labels",
            f"The folders {listed(findings.classes)} look like images and their labels, not like two classes.",
        )
    if shared := _same_subfolders(findings):
        yield (
            "same_subfolders",
            f"Every class folder holds the same folders ({listed(shared)}); the class is the outer folder, "
            "so if the inner ones are the classes, choose one of the outer folders instead.",
        )


def _same_subfolders(findings: Findings) -> list[str]:
    depth = len(findings.layout.base) + (2 if findings.layout.split_of else 1)
    inner: dict[Parts, set[str]] = {}
    for checked in findings.used:
        parts = checked.found.parts
        # A picture right in the class folder (the last part is its own name) shows that the outer one is meant.
        inner.setdefault(parts[:depth], set()).add(nfc(parts[depth]) if len(parts) > depth + 1 else "")
    sets = list(inner.values())
    alike = len(sets) >= 2 and all(names == sets[0] for names in sets) and "" not in sets[0] and len(sets[0]) >= 2
    return sorted(sets[0]) if alike else []


def _empty_classes(findings: Findings) -> Found:
    filled = {(checked.place.split, checked.place.class_name) for checked in findings.used}
    base = len(findings.layout.base)
    for folder in findings.layout.class_folders:
        split = findings.layout.split_of.get(folder[base], "")
        name = nfc(folder[-1])
        # A class that validation or test alone lacks has a warning of its own.
        if (split, name) not in filled and (split in ("", "train") or name not in findings.classes):
            path = "/".join(folder[base:])
            yield "empty_class_folder", f"The class folder '{path}' holds no usable image, so it is left out."


def _missing_in_a_split(findings: Findings) -> Found:
    present: dict[str, set[str]] = defaultdict(set)
    for checked in findings.used:
        present[checked.place.split].add(checked.place.class_name)
    for split in ("validation", "test"):
        missing = [name for name in findings.classes if name not in present[split]]
        if present[split] and missing:
            plural = "class has" if len(missing) == 1 else "classes have"
            yield (
                f"class_missing_in_{split}",
                f"{len(missing)} {plural} no image in the {split} folder, so nothing is measured for it: "
                f"{listed(missing)}.",
            )


def _class_sizes(findings: Findings) -> Found:
    learnt_from = [checked for checked in findings.used if checked.place.split in ("", "train")]
    sizes = Counter(checked.place.class_name for checked in learnt_from)
    where = " in the train folder" if findings.layout.split_of else ""
    for name in findings.classes:
        if sizes[name] == 1:
            yield (
                "class_with_one_image",
                f"The class '{name}' has a single image{where}: it can be trained on or measured, not both.",
            )
        elif sizes[name] < FEW_IMAGES:
            yield (
                "few_images_in_class",
                f"The class '{name}' has only {sizes[name]} images{where}; with fewer than {FEW_IMAGES} a score says "
                "little.",
            )
    if sizes:
        (most, many), (least, few) = sizes.most_common()[0], min(sizes.items(), key=lambda item: (item[1], item[0]))
        if many > IMBALANCE * few:
            yield (
                "imbalance",
                f"The classes are of very different size{where}: '{most}' has {counted(many, 'image')}, "
                f"'{least}' has {few}.",
            )


def _pixels(findings: Findings) -> Found:
    deep = [checked for checked in findings.used if checked.description.lowest is not None]
    if deep:
        low, high = f"{findings.rule.low:g}", f"{findings.rule.high:.10g}"
        count = counted(len(deep), "image holds", "images hold")
        yield (
            "deep_pixels",
            f"{count} more than 8 bits per value: {low} to {high} becomes 0 to 255, the same for the whole set.",
        )
        if len({checked.description.floating for checked in deep}) > 1:
            yield (
                "mixed_numbers",
                "Whole and floating-point pixel values are mixed: one range covers both, so images with small values "
                "turn dark; save all of them in one kind.",
            )
        if len(deep) < len(findings.used):
            yield (
                "mixed_depth",
                f"{len(deep)} of {len(findings.used)} images hold more than 8 bits per value and the others do not; "
                "check that this does not give the class away.",
            )
    not_finite = [checked.found.path for checked in findings.used if not checked.description.all_finite]
    if not_finite:
        yield (
            "values_not_finite",
            f"{counted(len(not_finite), 'image holds', 'images hold')} values that are no finite number; "
            f"they count as the lowest: {listed(not_finite)}.",
        )


def _channels(findings: Findings) -> Found:
    grey: dict[str, list[bool]] = defaultdict(list)
    for checked in findings.used:
        grey[checked.place.class_name].append(checked.description.grey)
    shares = {name: sum(flags) / len(flags) for name, flags in grey.items()}
    most, least = max(shares, key=lambda name: shares[name]), min(shares, key=lambda name: shares[name])
    if shares[most] - shares[least] > CHANNEL_DIFFERENCE:
        yield (
            "mixed_channels",
            f"Grey images are {shares[most]:.0%} of '{most}' and {shares[least]:.0%} of '{least}': all are converted "
            "to three channels, but colour alone may still give the class away.",
        )


def _frames_and_shapes(findings: Findings) -> Found:
    several = [checked.found.path for checked in findings.used if checked.description.frames > 1]
    if several:
        count = counted(len(several), "file holds", "files hold")
        yield "first_frame_only", f"{count} several frames or pages; the first is used: {listed(several)}."
    extreme = [
        checked.found.path
        for checked in findings.used
        if max(checked.description.width, checked.description.height)
        > EXTREME_SHAPE * min(checked.description.width, checked.description.height)
    ]
    if extreme:
        count = counted(len(extreme), "image is", "images are")
        yield "extreme_shape", f"{count} more than {EXTREME_SHAPE} times as long as wide: {listed(extreme)}."


# To add a check: a function from Findings to (code, sentence) pairs, its name in this row, its case in the test.
CHECKS = (
    _folders,
    _broken_files,
    _unlabelled,
    _empty_classes,
    _missing_in_a_split,
    _class_sizes,
    _class_names,
    _channels,
    _pixels,
    _frames_and_shapes,
)
