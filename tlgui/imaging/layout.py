"""Which folder names are classes, and which are train, validation and test: from names alone, nothing is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tlgui.imaging.names import nfc, not_a_persons
from tlgui.imaging.walk import FoundFile, Tree

CLASS_FOLDERS = "class folders"
SPLIT_FOLDERS = "train/validation/test"

# To know another spelling, add a row; names are compared without case.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
# Only for the question whether a folder holds pictures itself; what a file is, its content decides.
PICTURE_SUFFIXES = re.compile(r"\.(jpe?g|jpe|jfif|png|bmp|dib|gif|webp|tiff?|p[pgbn]m|dcm|heic|avif)$", re.IGNORECASE)

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a file stands in a layout: its class (NFC) and its split, "" where the folders say nothing about it."""

    class_name: str
    split: str = ""


@dataclass(frozen=True)
class Layout:
    """How the folders of a dataset are read.

    Attributes:
        name: CLASS_FOLDERS or SPLIT_FOLDERS.
        base: the folder below the root where classes or splits begin; () = the root itself.
        split_of: folder name below the base -> "train", "validation" or "test"; empty for class folders.
        class_folders: every folder that stands for a class, also an empty one.
    """

    name: str
    base: Parts = ()
    split_of: dict[str, str] = field(default_factory=dict)
    class_folders: tuple[Parts, ...] = ()

    def place(self, parts: Parts) -> Place | str:
        """The class and split of a file, or the sentence that says why it has none."""
        if parts[: len(self.base)] != self.base:
            return f"It lies outside of the folder '{'/'.join(self.base)}' that holds the classes."
        below = parts[len(self.base) :]
        if not self.split_of:
            return Place(nfc(below[0])) if len(below) >= 2 else "It lies outside of every class folder."
        if below[0] not in self.split_of or len(below) < 2:
            return "It lies outside of the train, validation and test folders."
        if len(below) < 3:
            return f"It lies in '{below[0]}', outside of every class folder."
        return Place(nfc(below[1]), self.split_of[below[0]])


def recognise(tree: Tree) -> Layout:
    """The layout of a tree.

    Class folders: the first level below the base is the class, however deep a file lies. Train/validation/test: there
    is a train folder and another split folder, or a train folder alone; also when only splits *without* train are
    there (two classes called "val" and "test" are nobody's). A single folder that holds everything is stepped into.
    """
    names = _Names(tree)
    base: Parts = ()
    while not (split_of := names.splits(base)) and (inner := names.only_folder(base)):
        base = inner
    depth = len(base) + (2 if split_of else 1)
    class_folders = tuple(
        folder
        for folder in names.folders
        if len(folder) == depth and folder[: len(base)] == base and (not split_of or folder[len(base)] in split_of)
    )
    return Layout(SPLIT_FOLDERS if split_of else CLASS_FOLDERS, base, split_of, class_folders)


class _Names:
    """Folders and files that a person made, by their parent."""

    def __init__(self, tree: Tree) -> None:
        self.folders = [folder for folder in tree.folders if not_a_persons(folder) is None]
        files = [found for found in tree.files if not_a_persons(found.parts) is None]
        self._below: dict[Parts, list[str]] = {}
        for folder in self.folders:
            self._below.setdefault(folder[:-1], []).append(folder[-1])
        self._filled: set[Parts] = set()
        self._loose_pictures: set[Parts] = set()
        for found in files:
            self._filled.update(found.parts[:depth] for depth in range(1, len(found.parts)))
            if is_named_like_a_picture(found):
                self._loose_pictures.add(found.parts[:-1])

    def filled_folders(self, base: Parts) -> list[str]:
        return [name for name in self._below.get(base, []) if (*base, name) in self._filled]

    def splits(self, base: Parts) -> dict[str, str]:
        found = {
            name: SPLIT_NAMES[name.casefold()] for name in self._below.get(base, []) if name.casefold() in SPLIT_NAMES
        }
        kinds = set(found.values())
        others = [name for name in self.filled_folders(base) if name not in found]
        # "train" beside "car" and "ship" is a class of vehicles.
        is_tree = (len(kinds) >= 2 and ("train" in kinds or not others)) or (kinds == {"train"} and not others)
        return found if is_tree else {}

    def only_folder(self, base: Parts) -> Parts | None:
        """The one folder that holds classes or splits, where nothing else could be meant."""
        filled = self.filled_folders(base)
        if len(filled) != 1 or base in self._loose_pictures:
            return None
        inner = (*base, filled[0])
        if inner in self._loose_pictures:
            return None
        holds_classes = len(self.filled_folders(inner)) >= 2 or self.splits(inner) or self.only_folder(inner)
        return inner if holds_classes else None


def is_named_like_a_picture(found: FoundFile) -> bool:
    """Whether the suffix is one that pictures have; only the content tells what it is."""
    return PICTURE_SUFFIXES.search(found.parts[-1]) is not None
