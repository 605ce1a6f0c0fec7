"""The datasets that cannot be trained on, each with what to do about it."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from tlgui.core.errors import UserError
from tlgui.core.records import LeftOut, Reason
from tlgui.imaging.file_check import Checked
from tlgui.imaging.layout import Layout
from tlgui.imaging.names import counted, listed
from tlgui.imaging.pixels import ACCEPTED
from tlgui.imaging.unread import unread_files, unread_kinds, unread_remedy
from tlgui.imaging.walk import Tree

NOT_A_PERSONS = (Reason.HIDDEN, Reason.SYSTEM_FILE)


def refuse_unusable(
    name: str, tree: Tree, layout: Layout, used: list[Checked], left_out: list[LeftOut], for_training: bool = True
) -> None:
    """Raise a UserError where no classifier can come of this folder; `name` is the folder's own name.

    Without `for_training` only that is refused of which no score could come either.
    """
    if not tree.files:
        _refuse_empty(name, tree)
    if for_training:
        _refuse_splits_without_train(name, layout, used)
    if not used:
        _refuse_without_image(name, layout, left_out)
    if not for_training:
        return
    _refuse_class_that_train_lacks(name, used)
    classes = sorted({checked.place.class_name for checked in used})
    if len(classes) == 1:
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
    if not layout.split_of or any(checked.place.split == "train" for checked in used):
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


def _refuse_without_image(name: str, layout: Layout, left_out: list[LeftOut]) -> None:
    loose = sum(left.reason_code is Reason.NO_LABEL for left in left_out)
    if loose:
        inside = "of its train, validation and test folders" if layout.split_of else f"of '{name}'"
        raise UserError(
            f"The {counted(loose, 'image')} in '{name}' cannot be used: none lies in a class folder.",
            f"Put the images of each class into a folder of its own, inside {inside}.",
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


def _refuse_class_that_train_lacks(name: str, used: list[Checked]) -> None:
    learnt = {checked.place.class_name for checked in used if checked.place.split in ("", "train")}
    for split in ("validation", "test"):
        extra = sorted({checked.place.class_name for checked in used if checked.place.split == split} - learnt)
        if extra:
            raise UserError(
                f"The {split} folder in '{name}' has {'a class' if len(extra) == 1 else 'classes'} that the train "
                f"folder has no usable image of: {listed(extra)}.",
                f"Add images of it to the train folder, or take it out of the {split} folder.",
            )


def _refuse_single_class(name: str, only: str, layout: Layout, left_out: list[LeftOut]) -> None:
    others = sorted({folder[-1] for folder in layout.class_folders} - {only})
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
