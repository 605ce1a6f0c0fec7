"""What the window is told of a folder: counts and a few samples, however large the folder is."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable

from tlgui.core import run_folder
from tlgui.core.imaging_messages import (
    MOST_LEFT_OUT,
    MOST_SAMPLES,
    ClassCount,
    ClassFound,
    Fractions,
    Listed,
    ScanSummary,
)
from tlgui.core.records import Scan
from tlgui.core.split import split
from tlgui.imaging.layout import Layout, Place, is_named_like_a_picture
from tlgui.imaging.names import not_a_persons, order
from tlgui.imaging.walk import Tree

_ALL_SAMPLES = 4000  # of all classes together, for folders with thousands of classes


def listed(ticket: int, name: str, tree: Tree, layout: Layout) -> Listed:
    """What the names alone tell: classes in their order, with the number of files and sample paths."""
    files: Counter[str] = Counter()
    pictures: defaultdict[str, list[str]] = defaultdict(list)
    for found in tree.files:
        place = layout.place(found.parts)
        if isinstance(place, Place) and found.kind == "file" and not_a_persons(found.parts) is None:
            files[place.class_name] += 1
            if is_named_like_a_picture(found):
                pictures[place.class_name].append(found.path)
    most = _samples_each(len(files))
    classes = [
        ClassFound(name=name, files=files[name], samples=samples(pictures[name], most)) for name in sorted(files)
    ]
    return Listed(ticket=ticket, name=name, layout=layout.name, files=len(tree.files), classes=classes)


def summary_of(scan: Scan, fractions: Fractions, seed: int) -> ScanSummary:
    """A finished scan, as the window needs it."""
    return ScanSummary(
        name=scan.name,
        layout=scan.layout,
        classes=class_counts(scan, fractions, seed),
        used=len(scan.used),
        left_out=scan.left_out[:MOST_LEFT_OUT],
        left_out_count=len(scan.left_out),
        reasons=dict(Counter(left.reason_code.value for left in scan.left_out)),
        warnings=scan.warnings,
        pixel_rule=scan.pixel_rule,
        deep_images=scan.deep_images,
        given_parts=sorted({record.given_split for record in scan.used} - {""}),
        fingerprint=run_folder.fingerprint(scan.used),
    )


def class_counts(scan: Scan, fractions: Fractions, seed: int, with_samples: bool = True) -> list[ClassCount]:
    """How many images of each class go to each part, in the order of the classes."""
    parts = split(scan.used, fractions, seed)
    counts = Counter((record.class_name, parts[record.path]) for record in scan.used)
    paths: defaultdict[str, list[str]] = defaultdict(list)
    if with_samples:
        for record in scan.used:
            paths[record.class_name].append(record.path)
    most = _samples_each(len(scan.classes))
    return [
        ClassCount(
            name=name,
            train=counts[name, "train"],
            validation=counts[name, "validation"],
            test=counts[name, "test"],
            samples=samples(paths[name], most),
        )
        for name in scan.classes
    ]


def samples(paths: Iterable[str], most: int = MOST_SAMPLES) -> list[str]:
    """A few of the paths, in their order.

    They are drawn by a hash of the path, so that they spread over the class, and so that those that were shown before
    the check are the ones that are shown after it, but for the few that turned out to be no images.
    """
    drawn = sorted(paths, key=lambda path: (zlib.crc32(path.encode("utf-8", "surrogatepass")), path))[:most]
    return sorted(drawn, key=order)


def _samples_each(classes: int) -> int:
    return max(1, min(MOST_SAMPLES, _ALL_SAMPLES // max(1, classes)))
