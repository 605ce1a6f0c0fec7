"""The datasets that cannot be trained on, each with what to do about it."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from tlgui.core.errors import UserError
from tlgui.core.records import ImageRecord, LeftOut, Reason
from tlgui.core.split import most_folds
from tlgui.imaging.file_check import Checked
from tlgui.imaging.layout import Layout, Place, find_tables
from tlgui.imaging.names import counted, listed
from tlgui.imaging.pixels import ACCEPTED
from tlgui.imaging.unread import unread_files, unread_kinds, unread_remedy
from tlgui.imaging.walk import Tree

NOT_A_PERSONS = (Reason.HIDDEN, Reason.SYSTEM_FILE)


def refuse_unusable(
    name: str,
    tree: Tree,
    layout: Layout,
    used: list[Checked],
    left_out: list[LeftOut],
    for_training: bool = True,
    fewest_classes: int = 2,
) -> None:
    """Raise a UserError where no classifier can come of this folder; `name` is the folder's own name.

    Without `for_training` only that is refused of which no score could come either.
    """
    if not tree.files:
        _refuse_empty(name, tree)
    if for_training:
        _refuse_splits_without_train(name, layout, used)
    if not used:
        _refuse_without_image(name, tree, layout, left_out)
    if not for_training:
        return
    _refuse_class_that_train_lacks(name, layout, used)
    classes = sorted({checked.place.class_name for checked in used})
    if len(classes) < fewest_classes:
        _refuse_single_class(name, classes[0], layout, left_out)


def _refuse_empty(name: str, tree: Tree) -> None:
    if tree.unreadable:
        raise UserError(
            f"Nothing in '{name}' can be read: {listed(tree.unreadable)}.",
            "Ask for permission to read it, or copy the images into a folder of your own.",
        )
    if tree.linked:
        raise UserError(
            f"'{name}' holds only links to other folders, which are not followed: {listed(tree.linked)}.",
            "Copy the images themselves into the folder.",
        )
    raise UserError(
        f"The folder '{name}' is empty.",
        "Choose a folder that holds one folder of images for each class.",
        code="no_images",
    )


def _refuse_splits_without_train(name: str, layout: Layout, used: list[Checked]) -> None:
    if any(checked.place.split in ("", "train") for checked in used) or not _gives_parts(layout):
        return
    if layout.table:
        given = sorted({checked.place.split for checked in used})
        if given:
            raise UserError(
                f"The table '{layout.table}' puts images into {' and '.join(given)}, but none that can be used into train.",
                "Choose another column for the parts, or none.",
            )
        return
    if "train" not in layout.split_of.values():
        raise UserError(
            f"'{name}' has the folders {listed(sorted(layout.split_of))}, but no train folder.",
            "Choose a folder that has a 'train' folder too, or rename one of these to 'train'.",
        )
    if used:
        raise UserError(
            f"The train folder in '{name}' holds no usable image in a class folder.",
            "Put the training images there, each class in its own folder.",
        )


def _gives_parts(layout: Layout) -> bool:
    return bool(layout.split_of or layout.table)


def _refuse_without_image(name: str, tree: Tree, layout: Layout, left_out: list[LeftOut]) -> None:
    loose = sum(left.reason_code is Reason.NO_LABEL for left in left_out)
    if loose and layout.table:
        raise UserError(
            f"The {counted(loose, 'image')} in '{name}' cannot be used: the table '{layout.table}' gives none of them a label.",
            "Choose another table, or the columns that hold the names of the files and the labels.",
            code="no_images",
        )
    if loose:
        # Notes in text files are none of the tables meant here.
        tables = [found.path for found in find_tables(tree) if not found.parts[-1].lower().endswith(".txt")]
        problem = f"The {counted(loose, 'image')} in '{name}' cannot be used: none lies in a class folder."
        label = "or put a label table (CSV, TSV or XLSX) beside them."
        if tables:
            problem += f" No column with their names and one with their labels was recognised in {listed(tables)}."
            label = (
                "or see to it that one column of the table holds the names of these files, and another one the labels."
            )
        raise UserError(
            problem,
            f"Put the images of each class into a folder of its own, {_where(name, layout)}, {label}",
            code="no_images",
        )
    if layout.domain and any(left.reason_code is Reason.OTHER_DOMAIN for left in left_out):
        raise UserError(
            f"The domain '{layout.domain}' holds no usable image.",
            f"Choose another one of {listed(layout.domains, 12)}.",
            code="no_images",
        )
    persons = [left for left in left_out if left.reason_code not in NOT_A_PERSONS]
    if not persons:
        raise UserError(
            f"'{name}' holds only hidden files and files of the system.",
            "Choose a folder that holds one folder of images for each class.",
            code="no_images",
        )
    _refuse_not_read_yet(name, persons)
    suffixes = Counter(PurePosixPath(left.path).suffix.lower() for left in persons)
    seen = ", ".join(_of_a_kind(suffix, number) for suffix, number in suffixes.most_common(8))
    why = _why([left.reason_code.replace("_", " ") for left in persons])
    raise UserError(
        f"No usable image was found in '{name}': it holds {seen} ({why}).",
        f"Choose a folder with images in one of these formats: {ACCEPTED}.",
        details="\n".join(f"{left.path}: {left.reason}" for left in persons[:50]),
        code="no_images",
    )


def _refuse_not_read_yet(name: str, persons: list[LeftOut]) -> None:
    kinds = unread_kinds(persons)
    if not kinds:
        return
    others = len(persons) - kinds.total()
    beside = f" {counted(others, 'other file is no image', 'other files are no images')}." if others else ""
    raise UserError(
        f"'{name}' holds {unread_files(kinds)}, which this version cannot read yet.{beside}",
        unread_remedy(kinds),
        details="\n".join(f"{left.path}: {left.reason}" for left in persons[:50]),
        code="no_images",
    )


def _of_a_kind(suffix: str, number: int) -> str:
    return counted(number, f"{suffix} file") if suffix else f"{counted(number, 'file')} without suffix"


def _why(reasons: list[str]) -> str:
    counts = Counter(reasons).most_common()
    if len(counts) == 1:
        return reasons[0] if len(reasons) == 1 else f"all {reasons[0]}"
    return ", ".join(f"{number} {reason}" for reason, number in counts)


def _where(name: str, layout: Layout) -> str:
    if layout.domains:
        return "inside of each domain folder"
    return "inside of its train, validation and test folders" if layout.split_of else f"inside of '{name}'"


def _refuse_class_that_train_lacks(name: str, layout: Layout, used: list[Checked]) -> None:
    learnt = {checked.place.class_name for checked in used if checked.place.split in ("", "train")}
    for split in ("validation", "test"):
        extra = sorted({checked.place.class_name for checked in used if checked.place.split == split} - learnt)
        if not extra:
            continue
        classes, them = ("a class", "it") if len(extra) == 1 else ("classes", "them")
        folded = {name.casefold(): name for name in learnt}
        alike = [folded[name.casefold()] for name in extra if name.casefold() in folded]
        case = f" Spell alike what differs only in upper and lower case: train has {listed(alike)}." if alike else ""
        if layout.table:
            raise UserError(
                f"In the table '{layout.table}' {split} has {classes} that no usable image of train has: {listed(extra)}.",
                f"Put images of {them} into train too, or take {them} out of {split}.{case}",
            )
        raise UserError(
            f"The {split} folder in '{name}' has {classes} that the train folder has no usable image of: {listed(extra)}.",
            f"Add images of {them} to the train folder, or take {them} out of the {split} folder.{case}",
        )


def _refuse_single_class(name: str, only: str, layout: Layout, left_out: list[LeftOut]) -> None:
    if layout.table:
        raise UserError(
            f"Only one class was found in the table '{layout.table}': '{only}'.",
            "Choose the column that holds the classes, or another table.",
            code="one_class",
        )
    places = (layout.place((*folder, "file")) for folder in layout.class_folders)
    others = sorted({place.class_name for place in places if isinstance(place, Place)} - {only})
    loose = sum(left.reason_code is Reason.NO_LABEL for left in left_out)
    problem = f"Only one class was found in '{name}': '{only}'."
    if others:
        problem = f"Only one class with usable images was found in '{name}': '{only}' (none in {listed(others)})."
    remedy = "Put each class in its own folder."
    if kinds := unread_kinds(left_out):
        problem += f" It also holds {unread_files(kinds)}, which this version cannot read yet."
        remedy = unread_remedy(kinds)
    elif loose:
        remedy = f"Put each class in its own folder; {counted(loose, 'image lies', 'images lie')} outside of any."
    raise UserError(problem, remedy, code="one_class")


def refuse_fold(records: list[ImageRecord], fold: tuple[int, int]) -> None:
    """Raise a UserError where the images cannot be parted into so many folds."""
    number, of = fold
    if any(record.given_split for record in records):
        raise UserError(
            "The folders say what trains and what tests, so there are no folds to choose from.",
            "Draw the split anew first, or leave the folds.",
        )
    most = most_folds(records)
    if not 2 <= of <= most:
        raise UserError(
            f"These images cannot be parted into {of} folds.",
            f"Choose from 2 to {most} folds: the smallest class has no more images or groups."
            if most >= 2
            else "Add images: every class is a single image or group.",
        )
    if not 1 <= number <= of:
        raise UserError(f"There is no fold {number} of {of}.", f"Choose one from 1 to {of}.")
