"""What the window is told of a folder: counts and a few samples, however large the folder is."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from tlgui.core import run_folder
from tlgui.core.imaging_messages import (
    MOST_LEFT_OUT,
    MOST_SAMPLES,
    ChangeLine,
    ClassCount,
    ClassFound,
    ClassImages,
    ClassPaths,
    Fractions,
    Leak,
    Listed,
    ScanSummary,
)
from tlgui.core.project import Project
from tlgui.core.records import Copies, DatasetWarning, ImageRecord, Scan
from tlgui.core.split import Part
from tlgui.imaging.copies import leaks
from tlgui.imaging.layout import Layout, Place, is_named_like_a_picture
from tlgui.imaging.names import nfc, not_a_persons, order
from tlgui.imaging.opening import Opened
from tlgui.imaging.part_checks import all_warnings
from tlgui.imaging.prepare import split_of
from tlgui.imaging.walk import Tree

MOST_NOTICES = 200  # in one summary
MOST_LEAKS = 100
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


def summary_of(opened: Opened, fractions: Fractions, seed: int) -> ScanSummary:
    """A folder that was read, as the window needs it."""
    scan, project = opened.scan, opened.project
    kept = project.kept_split(fractions, seed)
    parts = split_of(scan, fractions, seed, project)
    crossing = leaks(scan.copies, parts)
    units = Counter(record.group for record in scan.used if record.group)
    return ScanSummary(
        name=scan.name,
        layout=scan.layout,
        classes=class_counts(scan, parts),
        used=len(scan.used),
        pixels=_pixels(scan.used),
        jpegs=sum(record.path.lower().endswith((".jpg", ".jpeg")) for record in scan.used),
        left_out=scan.left_out[:MOST_LEFT_OUT],
        left_out_count=len(scan.left_out),
        reasons=dict(Counter(left.reason_code.value for left in scan.left_out)),
        warnings=[*_not_followed(opened), *all_warnings(scan, parts, kept)],
        pixel_rule=scan.pixel_rule,
        deep_images=scan.deep_images,
        given_parts=sorted({record.given_split for record in scan.used} - {""}),
        fingerprint=run_folder.fingerprint(scan.used),
        facts=scan.facts,
        grouping=scan.grouping,
        proposed=scan.proposed,
        groups=sum(number > 1 for number in units.values()),
        notices=scan.notices[:MOST_NOTICES],
        notice_count=len(scan.notices),
        leaks=[leak_of(pair, parts) for pair in crossing[:MOST_LEAKS]],
        leak_count=len(crossing),
        copies=len(scan.copies),
        left_out_classes=scan.found_classes.get("", []),
        changes=change_lines(project),
        cut_test=scan.cut_test,
        test_note=test_note(scan, parts),
        dicom_images=scan.dicom_images,
        rule_reason=scan.rule_reason,
        rules=scan.rules,
        kept_images=sum(nfc(record.path) in kept.parts for record in scan.used) if kept is not None else 0,
        fold=scan.fold,
    )


def _pixels(used: list[ImageRecord]) -> int:
    return round(sum(record.width * record.height for record in used) / len(used)) if used else 0


def _not_followed(opened: Opened) -> list[DatasetWarning]:
    if not opened.not_followed:
        return []
    sentence = (
        f"What you decided earlier about this folder could not be followed, and is left aside: {opened.not_followed}"
    )
    return [DatasetWarning(code="decisions_not_followed", message=sentence)]


def leak_of(pair: Copies, parts: Mapping[str, Part]) -> Leak:
    """A pair with the parts that its images lie in."""
    return Leak(pair=pair, parts=(parts[pair.first], parts[pair.second]))


def change_lines(project: Project) -> list[ChangeLine]:
    """The journal, oldest first."""
    return [
        ChangeLine(
            number=number,
            sentence=entry.change.sentence(),
            at=entry.at,
            undone_at=entry.undone_at,
            change=entry.change,
        )
        for number, entry in enumerate(project.entries)
    ]


def test_note(scan: Scan, parts: Mapping[str, Part]) -> str:
    """What the person should know of the parts before a score is read: no test part, or classes that a part lacks."""
    held: defaultdict[str, set[str]] = defaultdict(set)
    for record in scan.used:
        held[parts[record.path]].add(record.class_name)
    if not held["test"]:
        return "There are no test images, so no score is free of the choice of the best epoch."
    return ""


def class_counts(scan: Scan, parts: Mapping[str, Part], with_samples: bool = True) -> list[ClassCount]:
    """How many images of each class go to each part, in the order of the classes."""
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
            found=scan.found_classes.get(name, []),
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


def class_paths(scan: Scan, request: ClassImages) -> ClassPaths:
    """Some of the used images of a class."""
    paths = [record.path for record in scan.used if record.class_name == request.class_name]
    return ClassPaths(
        ticket=request.ticket,
        class_name=request.class_name,
        offset=request.offset,
        paths=paths[request.offset : request.offset + request.count],
        total=len(paths),
    )
