"""Warnings about classes: their sizes, and the parts that the folder gives."""

from __future__ import annotations

import zlib
from collections import defaultdict

from tlgui.core.intake import CutValidation, DrawSplitAnew, repair
from tlgui.core.records import Repair
from tlgui.imaging.file_check import Checked
from tlgui.imaging.findings import (
    MOST_REPAIRED,
    Findings,
    Found,
    by_class,
    class_depth,
    leave_out,
    leave_out_class,
    paths_of,
    warning,
)
from tlgui.imaging.folder_names import split_of_word
from tlgui.imaging.layout import Parts, Place
from tlgui.imaging.names import counted, listed, nfc

FEW_IMAGES = 10  # below, a validation part of 15 % holds one image of the class or none
IMBALANCE = 3  # largest class to smallest
SEEN_BEFORE = 0.5  # share of validation or test images that are training images too


def empty_classes(findings: Findings) -> Found:
    """Class folders without a usable image; a class that validation or test alone lacks has a warning of its own."""
    # Where the person has parts drawn anew, images are not in the parts that their folders are called after.
    moved = findings.intake.draw_anew or findings.intake.cut_validation
    filled = {("" if moved else checked.place.split, checked.place.class_name) for checked in findings.used}
    base = len(findings.layout.base)
    for folder in findings.layout.class_folders:
        place = findings.layout.place((*folder, "file"))
        if not isinstance(place, Place):
            continue
        name = findings.intake.class_of(place.class_name)
        # Left out as a whole by the person: not empty.
        split = "" if moved else place.split
        if not name or (split, name) in filled or _left_out_in(findings, folder):
            continue
        if split in ("", "train") or name not in findings.classes:
            path = "/".join(folder[base:])
            yield warning("empty_class_folder", f"The class folder '{path}' holds no usable image, so it is left out.")


def _left_out_in(findings: Findings, folder: Parts) -> bool:
    return any(path.startswith("/".join(folder) + "/") for path in findings.intake.left_out)


def missing_in_a_given_part(findings: Findings) -> Found:
    """Classes that the folder's own validation or test part lacks."""
    present: defaultdict[str, set[str]] = defaultdict(set)
    for checked in findings.used:
        present[checked.place.split].add(checked.place.class_name)
    mends = {
        "validation": repair("Cut validation anew from the training images", CutValidation()),
        "test": repair("Draw all three parts anew", DrawSplitAnew()),
    }
    for split, mend in mends.items():
        missing = [name for name in findings.classes if name not in present[split]]
        if present[split] and missing:
            plural = "class has" if len(missing) == 1 else "classes have"
            yield warning(
                f"class_missing_in_{split}",
                f"{len(missing)} {plural} no image{_where(findings, split)}, so nothing is measured for it: "
                f"{listed(missing)}.",
                paths_of(checked for checked in findings.used if checked.place.class_name in missing),
                [mend],
            )


def _where(findings: Findings, split: str) -> str:
    """' in the train folder', where folders say what trains; ' in the train part' where a table does; else ''."""
    if findings.layout.split_of:
        return f" in the {split} folder"
    return f" in the {split} part" if any(checked.place.split for checked in findings.used) else ""


def training_images_again(findings: Findings) -> Found:
    """A validation or test part that is a copy of training images, as when one folder was copied into another."""
    hashes: defaultdict[str, set[str]] = defaultdict(set)
    for checked in findings.used:
        hashes[checked.place.split].add(checked.content_hash)
    mends = {
        "validation": repair("Cut validation anew from the training images", CutValidation()),
        "test": repair("Draw all three parts anew", DrawSplitAnew()),
    }
    for split, mend in mends.items():
        images = [checked for checked in findings.used if checked.place.split == split]
        again = [checked for checked in images if checked.content_hash in hashes["train"]]
        if again and len(again) >= SEEN_BEFORE * len(images):
            yield warning(
                f"{split}_is_training",
                f"{len(again)} of {len(images)} {split} images are training images too, so a high score would only show "
                "that they were learnt by heart.",
                paths_of(again),
                [mend],
            )


def split_inside_a_class(findings: Findings) -> Found:
    """A folder such as "val" beside the classes that holds the same classes once more."""
    if findings.layout.table:
        return
    names = {name.casefold() for name in findings.classes}
    depth = class_depth(findings)
    for name in filter(split_of_word, findings.classes):
        inner = {
            nfc(checked.found.parts[depth]).casefold()
            for checked in findings.used
            if checked.place.class_name == name and len(checked.found.parts) > depth + 1
        }
        if len(inner & names) >= 2:
            yield warning(
                "split_inside_classes",
                f"The folder '{name}' stands among the classes but holds the same classes once more, so it is no class.",
                paths_of(by_class(findings.used)[name]),
                leave_out_class(name, findings.classes, findings.found_classes),
            )
        elif not inner and split_of_word(name) != "train" and len(findings.classes) > 2:
            # "train" may be a class of vehicles; nobody calls a class "val" or "test".
            yield warning(
                "split_taken_for_class",
                f"The folder '{name}' holds images without class folders, so it is taken for a class of that name.",
                paths_of(by_class(findings.used)[name]),
                leave_out_class(name, findings.classes, findings.found_classes),
            )


def class_sizes(findings: Findings) -> Found:
    """Classes that are too small, or much smaller than others."""
    classes = by_class(checked for checked in findings.used if checked.place.split in ("", "train"))
    where = _where(findings, "train")
    for name in findings.classes:
        mend = leave_out_class(name, findings.classes, findings.found_classes)
        images = classes.get(name, [])
        if len(images) == 1:
            yield warning(
                "class_with_one_image",
                f"The class '{name}' has a single image{where}: it can be trained on or measured, not both.",
                paths_of(images),
                mend,
            )
        elif len(images) < FEW_IMAGES:
            yield warning(
                "few_images_in_class",
                f"The class '{name}' has only {len(images)} images{where}; with fewer than {FEW_IMAGES} a score says "
                "little.",
                paths_of(images),
                mend,
            )
    if classes:
        most = max(classes, key=lambda name: len(classes[name]))
        least = min(classes, key=lambda name: (len(classes[name]), name))
        many, few = len(classes[most]), len(classes[least])
        if many > IMBALANCE * few:
            yield warning(
                "imbalance",
                f"The classes are of very different size{where}: '{most}' has {counted(many, 'image')}, "
                f"'{least}' has {few}, so a model that always says '{most}' would look good.",
                paths_of(classes[least]),
                _evened_out(classes, few),
            )


def _evened_out(classes: dict[str, list[Checked]], few: int) -> list[Repair]:
    """Leaves images of the large classes out, drawn by a hash of the path, where enough are left to learn from."""
    surplus = [
        path
        for images in classes.values()
        for path in sorted(paths_of(images), key=lambda path: (zlib.crc32(nfc(path).encode()), path))[IMBALANCE * few :]
    ]
    if few < FEW_IMAGES or len(surplus) > MOST_REPAIRED:
        return []
    count = counted(len(surplus), "image")
    return [leave_out(sorted(surplus), f"Leave out {count} of the larger classes")]
