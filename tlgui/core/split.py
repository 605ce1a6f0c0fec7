"""Which image trains, which validates, which tests: by class, by seed and relative path, the same everywhere."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from tlgui.core.records import ImageRecord

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, Part, Part] = ("train", "validation", "test")


def split(
    records: Sequence[ImageRecord], fractions: tuple[float, float, float] = (0.7, 0.15, 0.15), seed: int = 0
) -> dict[str, Part]:
    """The part of each image, by its relative path.

    A split that the folder gives is respected. Where it gives no validation images, they are cut from the training
    images of each class (the share that validation has of train and validation together). A plain folder is split
    by class. Within a class, images are ordered by a hash of seed and relative path (NFC, "/"), so neither the
    order of files on disk nor the machine matters.

    Each class of at least 3 images gets one in each part that has a share, one of 2 gets train and validation; a
    single image trains.

    Args:
        records: used images.
        fractions: train, validation, test; they are divided by their sum.
        seed: >= 0.

    Returns:
        relative path -> part, for every record.
    """
    given = {record.given_split for record in records}
    if given <= {""}:
        return _cut(records, dict(zip(PARTS, fractions, strict=True)), seed)
    parts: dict[str, Part] = {record.path: part for record in records for part in PARTS if record.given_split == part}
    if "validation" not in given:
        shares: dict[Part, float] = {"train": fractions[0], "validation": fractions[1] or 0.15}
        parts |= _cut([record for record in records if record.given_split == "train"], shares, seed)
    return parts


def _cut(records: Sequence[ImageRecord], shares: dict[Part, float], seed: int) -> dict[str, Part]:
    by_class: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        by_class[record.class_name].append(record.path)
    parts: dict[str, Part] = {}
    for paths in by_class.values():
        # The path itself parts two names that differ in their spelling alone.
        ordered = sorted(paths, key=lambda path: (_rank(path, seed), path))
        start = 0
        for part, count in _counts(len(ordered), shares).items():
            parts |= dict.fromkeys(ordered[start : start + count], part)
            start += count
    return parts


def _counts(n: int, shares: dict[Part, float]) -> dict[Part, int]:
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
    return {part: counts[part] for part in PARTS if part in counts}


def _rank(path: str, seed: int) -> bytes:
    name = unicodedata.normalize("NFC", path)
    return hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()
