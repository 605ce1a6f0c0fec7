"""Names of folders and files that a person made: spellings of parts, suffixes of pictures, what lies below what."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tlgui.imaging.names import nfc, not_a_persons
from tlgui.imaging.walk import FoundFile, Tree

Parts = tuple[str, ...]

# To know another spelling, add a row; names are compared without case, blanks and signs ("Train-Set" is "trainset").
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "trainingset": "train",
    "traindata": "train",
    "trainingdata": "train",
    "trainimages": "train",
    "trainingsdaten": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "validate": "validation",
    "valset": "validation",
    "validset": "validation",
    "validationset": "validation",
    "valdata": "validation",
    "validationdata": "validation",
    "valimages": "validation",
    "dev": "validation",
    "devset": "validation",
    "validierung": "validation",
    "validierungsdaten": "validation",
    "test": "test",
    "testing": "test",
    "testset": "test",
    "testingset": "test",
    "testdata": "test",
    "testimages": "test",
    "testdaten": "test",
    "holdout": "test",
}
# Only for the question whether a folder holds pictures itself; what a file is, its content decides.
PICTURE_SUFFIXES = re.compile(
    r"\.(jpe?g|jpe|jfif|mpo|png|bmp|dib|gif|webp|tiff?|p[pgbn]m|pfm|dcm|dicom|hei[cf]|avif|jp[2xf]|j2[kc]|psd|ico)$",
    re.IGNORECASE,
)
_ORDER = ("train", "validation", "test")
# Notes about pictures in a folder of their own, as tools for marking regions write them.
_NOTES_FOLDER = re.compile(r"(labels?|annotations?)([\W_].*)?", re.IGNORECASE)
_NOTES = re.compile(r"\.(txt|xml|json|csv|tsv|ya?ml|cache)$", re.IGNORECASE)
_SIGNS = re.compile(r"[\W_]+")


def split_of_word(word: str) -> str:
    """The part that a usual spelling names: "train", "validation", "test", or "" for any other word."""
    return SPLIT_NAMES.get(_SIGNS.sub("", nfc(word).casefold()), "")


def is_named_like_a_picture(found: FoundFile) -> bool:
    """Whether the suffix is one that pictures have; only the content tells what it is."""
    return PICTURE_SUFFIXES.search(found.parts[-1]) is not None


def persons_files(tree: Tree) -> Iterator[FoundFile]:
    """Ordinary files that a person put there; a folder is judged once, not for each of its files."""
    folders: dict[Parts, bool] = {}
    for found in tree.files:
        parent = found.parts[:-1]
        if parent not in folders:
            folders[parent] = not_a_persons((*parent, "file")) is None
        if folders[parent] and found.kind == "file" and not_a_persons(found.parts[-1:]) is None:
            yield found


class FolderNames:
    """Folders and files that a person made, by their parent."""

    def __init__(self, tree: Tree) -> None:
        self.folders: list[Parts] = [folder for folder in tree.folders if not_a_persons(folder) is None]
        self._below: defaultdict[Parts, list[str]] = defaultdict(list)
        for folder in self.folders:
            self._below[folder[:-1]].append(folder[-1])
        self._filled: set[Parts] = set()
        self._loose_pictures: set[Parts] = set()
        self._more_than_notes: set[Parts] = set()
        self._only: dict[Parts, Parts | None] = {}
        for found in tree.files:
            self._note(found)

    def _note(self, found: FoundFile) -> None:
        parent = found.parts[:-1]
        if parent in self._filled and parent in self._loose_pictures:
            return  # told before, by another file of the same folder
        if not_a_persons(found.parts) is not None:
            return
        around = [parent[:depth] for depth in range(1, len(parent) + 1)]
        self._filled.update(around)
        if not _NOTES.search(found.parts[-1]):
            self._more_than_notes.update(around)
        if is_named_like_a_picture(found):
            self._loose_pictures.add(parent)

    def below(self, base: Parts) -> list[str]:
        """Names of the folders right below."""
        return self._below.get(base, [])

    def filled_folders(self, base: Parts) -> list[str]:
        """Names of the folders right below that hold a file, however deep."""
        return [name for name in self.below(base) if (*base, name) in self._filled]

    def has_loose_pictures(self, base: Parts) -> bool:
        """Whether pictures lie in the folder itself."""
        return base in self._loose_pictures

    def splits(self, base: Parts) -> dict[str, str]:
        """Folder names right below that mean parts -> "train", "validation" or "test"; empty where they do not.

        There is a train folder and another one, or a train folder alone; also when only parts *without* train are there
        (two classes called "val" and "test" are nobody's). "train" beside "car" and "ship" is a class of vehicles.
        """
        found = self.named_like_splits(base)
        kinds = set(found.values())
        others = [name for name in self.filled_folders(base) if name not in found]
        is_tree = (len(kinds) >= 2 and ("train" in kinds or not others)) or (kinds == {"train"} and not others)
        return found if is_tree else {}

    def named_like_splits(self, base: Parts) -> dict[str, str]:
        """The same for folders of any kind beside them."""
        found = {name: split for name in self.below(base) if (split := split_of_word(name))}
        return dict(sorted(found.items(), key=lambda item: (_ORDER.index(item[1]), item[0])))

    def only_folder(self, base: Parts) -> Parts | None:
        """The one folder that holds classes or splits, however deep, where nothing else could be meant."""
        if base not in self._only:
            # Not by recursion: a folder may lie deeper than Python calls functions.
            chain = [base]
            while (inner := self._single_folder(chain[-1])) is not None:
                chain.append(inner)
                if len(self.filled_folders(inner)) >= 2 or self.splits(inner):
                    self._only |= dict(pairwise(chain))
                    break
            else:
                self._only |= dict.fromkeys(chain)
        return self._only[base]

    def _single_folder(self, base: Parts) -> Parts | None:
        filled = [name for name in self.filled_folders(base) if not self._holds_notes((*base, name))]
        if len(filled) != 1 or self.has_loose_pictures(base):
            return None
        inner = (*base, filled[0])
        return None if self.has_loose_pictures(inner) else inner

    def _holds_notes(self, folder: Parts) -> bool:
        return folder not in self._more_than_notes and _NOTES_FOLDER.fullmatch(folder[-1]) is not None
