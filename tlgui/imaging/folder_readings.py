"""The ways in which a tree of folders can be read, from names alone: classes, train/validation/test, domains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from tlgui.imaging.folder_names import FolderNames, Parts
from tlgui.imaging.names import counted, listed, nfc
from tlgui.imaging.walk import Tree

CLASS_FOLDERS = "class folders"
SPLIT_FOLDERS = "train/validation/test"
DOMAIN_FOLDERS = "domain folders"

Level = Literal["split", "domain", "class"]

# Words that name where pictures come from; "hospital_2", "source mnist" and "Real World" hold one.
_DOMAIN_WORDS = re.compile(
    r"(?<![a-z])(source|target|domains?|photos?|sketch(es)?|cartoons?|art|paintings?|clip ?art|quick ?draw|infograph|"
    r"real|product|amazon|dslr|webcam|caltech|synth(etic)?|simulat(ed|ion)|day|night|sites?|cent(er|re)|hospital|clinic|"
    r"scanner|device|camera|mnist|svhn|usps|quelle|ziel|domäne|klinik|zentrum|gerät)(?![a-z]{2})",
    re.IGNORECASE,
)
# Names that sort the images of one class and are no classes: years, dates, numbers, magnifications, sides, kinds of file.
_SORTING = re.compile(
    r"[\d .,_-]+|\d+ ?[xX]|left|right|l|r|od|os|images?|imgs?|masks?|labels?|annotations?|jpe?gs?|pngs?|tiffs?|dcm|dicom|"
    r"(part|batch|series|session|visit|patient|subject|case|slide|folder)[\W_]*\d*",
    re.IGNORECASE,
)
_ALIKE = 0.5  # share of classes that domains with telling names must have in common


@dataclass(frozen=True)
class FolderReading:
    """One way to read the folders.

    Attributes:
        name: CLASS_FOLDERS, SPLIT_FOLDERS or DOMAIN_FOLDERS.
        base: the folder below the root where the levels begin; () = the root itself.
        levels: what the folders stand for, from the base on; deeper ones mean nothing.
        split_of: folder name -> "train", "validation" or "test".
        domains: NFC names, in the order of code points.
        class_folders: every folder that stands for a class (in a part, in a domain), also an empty one.
        classes: NFC names of those that hold files.
        evidence: sentences that say what it was told by.
        is_sure: nothing else is likely to be meant.
    """

    name: str
    base: Parts
    levels: tuple[Level, ...]
    split_of: dict[str, str] = field(default_factory=dict)
    domains: tuple[str, ...] = ()
    class_folders: tuple[Parts, ...] = ()
    classes: frozenset[str] = frozenset()
    evidence: list[str] = field(default_factory=list)
    is_sure: bool = False


def folder_readings(tree: Tree) -> dict[str, FolderReading]:
    """Every reading that is possible, by name, the likeliest first; class folders always are, if only of no class.

    A single folder that holds everything is stepped into.
    """
    names = FolderNames(tree)
    base: Parts = ()
    while not names.splits(base) and (inner := names.only_folder(base)):
        base = inner
    found = [
        *_split_readings(names, base),
        *_domain_readings(names, base),
        *_parted_class_readings(names, base),
        _class_reading(names, base),
    ]
    found.sort(key=lambda reading: not reading.is_sure)
    return {reading.name: reading for reading in found}


def _class_reading(names: FolderNames, base: Parts) -> FolderReading:
    folders = names.filled_folders(base)
    beside = " side by side" if len(folders) > 1 else ""
    evidence = [_inside(base), f"{counted(len(folders), 'folder')}{beside}: {listed(folders)}." if folders else ""]
    if len(_spelt(folders)) < len(folders):
        evidence.append("Names that differ only in how the computer spells their letters are one class.")
    if any(names.filled_folders((*base, name)) for name in folders):
        evidence.append("The class is the first level; folders inside of it only sort the images.")
    return FolderReading(
        name=CLASS_FOLDERS,
        base=base,
        levels=("class",),
        class_folders=_at_level(names, base, 1),
        classes=_spelt(folders),
        evidence=_said(evidence),
        is_sure=True,
    )


def _split_readings(names: FolderNames, base: Parts) -> Iterator[FolderReading]:
    sure = names.splits(base)
    split_of = sure or names.named_like_splits(base)
    if "train" not in split_of.values() and not sure:
        return
    classes_of = {name: _spelt(names.filled_folders((*base, name))) for name in split_of}
    yield FolderReading(
        name=SPLIT_FOLDERS,
        base=base,
        levels=("split", "class"),
        split_of=split_of,
        class_folders=tuple(folder for folder in _at_level(names, base, 2) if folder[len(base)] in split_of),
        classes=frozenset().union(*classes_of.values()),
        evidence=_said([_inside(base), f"The folders {_and(split_of)} are named like parts.", _shared(classes_of)]),
        is_sure=bool(sure),
    )


def _parted_class_readings(names: FolderNames, base: Parts) -> Iterator[FolderReading]:
    """Class folders, each of which holds train, validation and test folders of images."""
    outer = names.filled_folders(base)
    splits = {name: names.splits((*base, name)) for name in outer}
    inner = [(*base, name, split) for name in outer for split in splits[name]]
    if len(outer) < 2 or not all(splits.values()) or any(map(names.filled_folders, inner)):
        return
    split_of = {split: part for found in splits.values() for split, part in found.items()}
    yield FolderReading(
        name=SPLIT_FOLDERS,
        base=base,
        levels=("class", "split"),
        split_of=split_of,
        class_folders=tuple(folder for folder in _at_level(names, base, 2) if folder[-1] in split_of),
        classes=_spelt(outer),
        evidence=_said([_inside(base), f"Each of the {len(outer)} class folders is parted into {_and(split_of)}."]),
        is_sure=True,
    )


def _domain_readings(names: FolderNames, base: Parts) -> Iterator[FolderReading]:
    outer = names.filled_folders(base)
    splits = {name: names.splits((*base, name)) for name in outer}
    if len(outer) < 2 or names.splits(base) or (any(splits.values()) and not all(splits.values())):
        return
    with_splits = any(splits.values())
    # Where classes begin: the domain folder itself, or its train, validation and test folders.
    starts = {name: [(*base, name, split) for split in splits[name]] or [(*base, name)] for name in outer}
    classes_of = {name: _spelt(_names_below(names, starts[name])) for name in outer}
    shared, every = frozenset.intersection(*classes_of.values()), frozenset().union(*classes_of.values())
    if len(shared) < 2:
        return
    domains = tuple(sorted(_spelt(outer)))
    above = {(*base, name) for name in outer} | {start for found in starts.values() for start in found}
    levels: tuple[Level, ...] = ("domain", "split", "class") if with_splits else ("domain", "class")
    split_of = {split: part for found in splits.values() for split, part in found.items()}
    evidence = [_inside(base), _shared(classes_of)]
    if with_splits:
        evidence.append(f"Each of them is parted into {_and(split_of)}.")
    yield FolderReading(
        name=DOMAIN_FOLDERS,
        base=base,
        levels=levels,
        split_of=split_of,
        domains=domains,
        class_folders=tuple(
            folder
            for folder in _at_level(names, base, len(levels))
            if folder[len(base)] in outer and (not with_splits or folder[-2] in split_of)
        ),
        classes=every,
        evidence=_said(evidence),
        is_sure=not any(map(names.has_loose_pictures, above)) and _are_domains(classes_of, shared, every),
    )


def _are_domains(classes_of: dict[str, frozenset[str]], shared: frozenset[str], every: frozenset[str]) -> bool:
    """Whether the outer folders are domains rather than classes whose images are sorted in the same way."""
    telling = sum(_DOMAIN_WORDS.search(name.replace("_", " ")) is not None for name in classes_of)
    if telling >= 2:
        return len(shared) >= _ALIKE * len(every)
    return shared == every and not all(_SORTING.fullmatch(name) for name in shared)


def _names_below(names: FolderNames, folders: Iterable[Parts]) -> Iterator[str]:
    for folder in folders:
        yield from names.filled_folders(folder)


def _at_level(names: FolderNames, base: Parts, levels: int) -> tuple[Parts, ...]:
    depth = len(base) + levels
    return tuple(folder for folder in names.folders if len(folder) == depth and folder[: len(base)] == base)


def _spelt(names: Iterable[str]) -> frozenset[str]:
    return frozenset(nfc(name) for name in names)


def _inside(base: Parts) -> str:
    return f"All images lie in the folder '{'/'.join(base)}'." if base else ""


def _and(names: Iterable[str], most: int = 8) -> str:
    *before, last = [f"'{name}'" for name in names][:most]
    return f"{', '.join(before)} and {last}" if before else last


def _shared(classes_of: dict[str, frozenset[str]]) -> str:
    """Which folders have which names in common."""
    sets = list(classes_of.values())
    shared, every = frozenset.intersection(*sets), frozenset().union(*sets)
    outer = f"'{next(iter(classes_of))}'" if len(sets) == 1 else _and(classes_of)
    if len(sets) == 1:
        return f"{counted(len(every), 'folder')} in {outer}: {listed(sorted(every))}."
    if shared == every:
        return f"{counted(len(shared), 'folder')} with the same names in {outer}: {listed(sorted(shared))}."
    return f"{len(shared)} of {counted(len(every), 'folder name')} are the same in {outer}."


def _said(sentences: Iterable[str]) -> list[str]:
    return [sentence for sentence in sentences if sentence]
