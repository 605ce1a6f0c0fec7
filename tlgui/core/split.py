"""Which image trains, which validates, which tests: by class, by group, by seed and relative path; the same everywhere."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from tlgui.core.balance import Shares, Signature, Unit, spread
from tlgui.core.records import ImageRecord

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, Part, Part] = ("train", "validation", "test")
_CUT = 0.15  # of validation or test where they must be cut and have no share


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A split that was drawn before, as `split.csv` of the project holds it.

    Attributes:
        parts: path (NFC) -> part.
        contents: content hash -> part, so that a file that was renamed stays where it was.
        groups: group -> part, so that a new image of a known patient goes where the others are.
    """

    parts: dict[str, Part]
    contents: dict[str, Part] = {}
    groups: dict[str, Part] = {}


def split(
    records: Sequence[ImageRecord],
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    seed: int = 0,
    kept: Kept | None = None,
    cut_test: bool = False,
    fold: tuple[int, int] | None = None,
) -> dict[str, Part]:
    """The part of each image, by its relative path.

    A split that the folder gives is respected. Where it gives no validation images, they are cut from the training
    images of each class (the share that validation has of train and validation together). A plain folder is split
    by class. Within a class, images are ordered by a hash of seed and relative path (NFC, "/"), so neither the
    order of files on disk nor the machine matters.

    Images of one group go to one part; the group counts by its smallest path, never by its name. Classes come as near
    to their shares as the groups allow, see `core.balance`.

    Each class of at least 3 images (or groups) gets one in each part that has a share, one of 2 gets train and
    validation; a single one trains.

    Args:
        records: used images.
        fractions: train, validation, test; they are divided by their sum.
        seed: >= 0.
        kept: a split drawn before: no image that it knows moves; new ones are drawn.
        cut_test: a test part is cut from train, where none is given.
        fold: (number from 1, number of folds): that fold tests, and the share of test is not asked for. Where the folder
            gives parts it is not looked at.

    Returns:
        relative path -> part, for every record.
    """
    given = {record.given_split for record in records}
    if given <= {""} and fold is not None:
        return _around_fold(records, fractions, seed, kept, *fold)
    if given <= {""}:
        return _cut(records, dict(zip(PARTS, fractions, strict=True)), seed, kept)
    # What a table leaves open is for training: neither score may come from images that nobody chose for it.
    parts: dict[str, Part] = {record.path: _given(record) for record in records}
    shares: dict[Part, float] = {"train": fractions[0]}
    if "validation" not in given:
        shares["validation"] = fractions[1] or _CUT
    if cut_test and "test" not in given:
        shares["test"] = fractions[2] or _CUT
    if len(shares) > 1:
        parts |= _cut([record for record in records if parts[record.path] == "train"], shares, seed, kept)
    return parts


def _around_fold(
    records: Sequence[ImageRecord],
    fractions: tuple[float, float, float],
    seed: int,
    kept: Kept | None,
    number: int,
    of: int,
) -> dict[str, Part]:
    """One fold tests, and validation is cut from the others."""
    shares: dict[Part, float] = {"train": fractions[0], "validation": fractions[1] or _CUT}
    if kept is not None:
        rest = (of - 1) / sum(shares.values())
        return _cut(records, {part: share * rest for part, share in shares.items()} | {"test": 1.0}, seed, kept)
    tested = set(folds(records, of, seed)[number - 1])
    parts: dict[str, Part] = dict.fromkeys(tested, "test")
    return parts | _cut([record for record in records if record.path not in tested], shares, seed)


def folds(records: Sequence[ImageRecord], k: int, seed: int = 0) -> list[list[str]]:
    """The paths of each of `k` folds: by class and by group, as equal as they can be, the same everywhere.

    There are fewer than `k` where a class could not be in each of them (`most_folds`), but never fewer than 2. Given
    splits are not looked at.
    """
    k = max(2, min(k, most_folds(records)))
    counts = Counter(record.class_name for record in records)
    target = {name: [n / k] * k for name, n in counts.items()}
    needed = {name: k if n >= k else 0 for name, n in units_of(records).items()}
    units = _units(records, seed, {})
    placed = spread([unit for unit, _ in units], Shares(k, target, needed))
    held: list[list[str]] = [[] for _ in range(k)]
    for unit, paths in units:
        held[placed[unit.name]] += paths
    return [sorted(paths, key=_order) for paths in held]


def most_folds(records: Sequence[ImageRecord]) -> int:
    """In how many folds each class can be, those apart that are a single image or group; 1 where there is no such class."""
    return min((n for n in units_of(records).values() if n > 1), default=1)


def units_of(records: Iterable[ImageRecord]) -> dict[str, int]:
    """How many images or groups of each class can be parted from each other."""
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        groups[record.class_name].add(_unit_name(record))
    return {name: len(groups[name]) for name in sorted(groups)}


def missing_in(records: Sequence[ImageRecord], parts: Mapping[str, Part]) -> dict[Part, list[str]]:
    """The classes that a part lacks, of parts that hold images at all; with too few `units_of` it cannot be helped."""
    classes = sorted({record.class_name for record in records})
    present: defaultdict[Part, set[str]] = defaultdict(set)
    for record in records:
        present[parts[record.path]].add(record.class_name)
    return {
        part: missing
        for part in PARTS
        if present[part] and (missing := [name for name in classes if name not in present[part]])
    }


def conflicts(records: Iterable[ImageRecord], parts: Mapping[str, Part]) -> list[str]:
    """Groups that lie in more than one part, in order of their smallest paths.

    That happens where the folder's own parts, or a split kept from before the groups were known, say so; nothing is
    moved silently.
    """
    members: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        if record.group:
            members[record.group].append(record.path)
    torn = [group for group, paths in members.items() if len({parts[path] for path in paths}) > 1]
    return sorted(torn, key=lambda group: min(map(_order, members[group])))


def nfc(path: str) -> str:
    """One spelling for paths that look the same, as `Kept.parts` has them."""
    return unicodedata.normalize("NFC", path)


def _given(record: ImageRecord) -> Part:
    for part in PARTS:
        if record.given_split == part:
            return part
    return "train"


def _cut(
    records: Sequence[ImageRecord], shares: dict[Part, float], seed: int, kept: Kept | None = None
) -> dict[str, Part]:
    shares = {part: share for part, share in shares.items() if part == "train" or share > 0}
    held = [part for part in PARTS if part in shares]
    parts = _known(records, held, kept) if kept is not None else {}
    units = _units(records, seed, {path: held.index(part) for path, part in parts.items()})
    grouped = {name for unit, paths in units if len(paths) > 1 for name, _ in unit.counts}
    sizes = Counter(record.class_name for record in records)
    # Whole images can come to a rounded share; groups are compared with the share itself.
    target = {name: _shares(n, shares) if name in grouped else _counts(n, shares) for name, n in sizes.items()}
    needed = {name: min(n, len(held)) for name, n in units_of(records).items()}
    placed = spread([unit for unit, _ in units], Shares(len(held), target, needed))
    for unit, paths in units:
        if unit.pinned is None:
            parts |= dict.fromkeys(paths, held[placed[unit.name]])
    return parts


def _known(records: Sequence[ImageRecord], held: Sequence[Part], kept: Kept) -> dict[str, Part]:
    """The parts of images that were drawn before, and of new ones that belong to them."""
    found = {
        record.path: kept.parts.get(nfc(record.path)) or kept.contents.get(record.content_hash) for record in records
    }
    parts = {path: part for path, part in found.items() if part is not None and part in held}
    of_group: defaultdict[str, Counter[Part]] = defaultdict(Counter)
    for record in records:
        if record.group and (part := parts.get(record.path)):
            of_group[record.group][part] += 1
    for record in records:
        if record.group and record.path not in parts:
            # A group may be torn already: what is new goes where most of it lies.
            if known := of_group.get(record.group):
                parts[record.path] = max(held, key=lambda one: known[one])
            elif (part := kept.groups.get(record.group)) and part in held:
                parts[record.path] = part
    return parts


def _units(records: Sequence[ImageRecord], seed: int, pinned: Mapping[str, int]) -> list[tuple[Unit, list[str]]]:
    """What can be parted, with its paths; an image that is in its part already is a unit by itself."""
    members: defaultdict[str, list[ImageRecord]] = defaultdict(list)
    for record in records:
        members[f"path\0{record.path}" if record.path in pinned else _unit_name(record)].append(record)
    units: list[tuple[Unit, list[str]]] = []
    for together in members.values():
        paths = [record.path for record in together]
        first = paths[0]
        counts: Signature = ((together[0].class_name, 1),)
        if len(paths) > 1:
            first = min(paths, key=_order)
            counts = tuple(sorted(Counter(record.class_name for record in together).items()))
        # The path itself parts two names that differ in their spelling alone.
        units.append((Unit(name=first, rank=_rank(first, seed), counts=counts, pinned=pinned.get(first)), paths))
    return units


def _unit_name(record: ImageRecord) -> str:
    return f"group\0{record.group}" if record.group else f"path\0{record.path}"


def _shares(n: int, shares: Mapping[Part, float]) -> list[float]:
    total = sum(shares.values())
    return [n * shares[part] / total for part in PARTS if part in shares]


def _counts(n: int, shares: Mapping[Part, float]) -> list[int]:
    """How many of `n` images of a class go to each part: rounded, and no part with a share left empty if n allows."""
    total = sum(shares.values())
    counts: dict[Part, int] = {part: math.floor(n * share / total + 0.5) for part, share in shares.items()}
    held = [part for part in PARTS[1:] if shares.get(part, 0) > 0]
    for index, part in enumerate(held):
        # With n images, train takes the first, validation the second, test the third.
        counts[part] = max(counts[part], 1) if n >= index + 2 else 0
    counts["train"] = n - sum(counts[part] for part in held)
    while counts["train"] < 1:
        largest = max(held, key=lambda part: counts[part])
        counts[largest] -= 1
        counts["train"] += 1
    return [counts[part] for part in PARTS if part in counts]


def _order(path: str) -> tuple[str, str]:
    return nfc(path), path


def _rank(path: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{nfc(path)}".encode("utf-8", "surrogatepass")).digest()
