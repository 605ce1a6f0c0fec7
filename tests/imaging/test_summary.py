from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from helpers.pictures import write_tree

from tlgui.core.imaging_messages import MOST_LEFT_OUT, Scanned, ScanSummary, encode
from tlgui.core.intake import CropBorder, KeepTogether
from tlgui.core.project import Project, find_project
from tlgui.core.records import Copies, ImageRecord, LeftOut, Reason, Scan
from tlgui.core.split import split
from tlgui.imaging import summary
from tlgui.imaging.assemble import Look
from tlgui.imaging.layout import recognise
from tlgui.imaging.opening import Opened
from tlgui.imaging.scan import scan_folder
from tlgui.imaging.walk import Tree, walk

Plant = Callable[..., Path]
Classes = Callable[..., dict[str, bytes | None]]


def a_scan(classes: int, each: int, left_out: int = 0) -> Scan:
    names = [f"class {number:05}" for number in range(classes)]
    used = [
        ImageRecord(path=f"{name}/{index:05}.png", class_name=name, content_hash="0" * 64, width=9, height=9)
        for name in names
        for index in range(each)
    ]
    left = [
        LeftOut(path=f"x/{number:06}", reason_code=Reason.EMPTY, reason="The file is empty (0 bytes).")
        for number in range(left_out)
    ]
    return Scan(name="big", layout="class folders", classes=names, used=used, left_out=left, warnings=[])


def told(scan: Scan, fractions: tuple[float, float, float], seed: int, project: Project | None = None) -> ScanSummary:
    look = Look(Path("big"), "big", Tree())
    project = project or find_project(Path("nowhere", "big"), [])
    return summary.summary_of(Opened(look, project, project.intake, scan), fractions, seed)


def test_the_mean_size_of_the_images_is_told() -> None:
    scan = a_scan(2, 3)
    scan.used[0] = msgspec.structs.replace(scan.used[0], width=100, height=57)
    assert told(scan, (0.6, 0.2, 0.2), 0).pixels == round((100 * 57 + 5 * 81) / 6)
    empty = msgspec.structs.replace(scan, used=[], classes=[])
    jpegs = [msgspec.structs.replace(record, path=record.path.replace(".png", ".JPG")) for record in scan.used[:2]]
    assert told(scan, (0.6, 0.2, 0.2), 0).jpegs == 0
    assert told(msgspec.structs.replace(scan, used=[*jpegs, *scan.used[2:]]), (0.6, 0.2, 0.2), 0).jpegs == 2
    assert told(empty, (0.6, 0.2, 0.2), 0).pixels == 0


def test_names_alone_tell_classes_counts_and_samples(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs") | {"cats/notes.txt": b"x", "cats/.hidden.png": b"x", "loose.png": b"x"})
    tree = walk(root)

    listed = summary.listed(7, "photos", tree, recognise(tree))

    assert (listed.ticket, listed.name, listed.layout, listed.files) == (7, "photos", "class folders", 27)
    assert [(row.name, row.files, len(row.samples)) for row in listed.classes] == [("cats", 13, 12), ("dogs", 12, 12)]


def test_what_is_shown_before_the_check_is_shown_after_it_but_for_broken_files(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs", images=40))
    tree = walk(root)
    before = summary.listed(1, "photos", tree, recognise(tree)).classes[0].samples
    (root / before[3]).write_bytes(b"")

    after = told(scan_folder(root), (0.7, 0.15, 0.15), 0).classes[0].samples

    assert len(before) == len(after) == 16
    assert set(before) - set(after) == {before[3]}
    assert after == sorted(after)


def test_samples_spread_over_the_class() -> None:
    drawn = summary.samples(f"a/{number:05}.png" for number in range(10_000))

    places = [int(path[2:7]) for path in drawn]
    assert len(places) == 16 and places == sorted(places)
    assert places[0] < 3000 and places[-1] > 7000


def test_counts_are_those_of_the_split_and_make_up_the_whole() -> None:
    scan = a_scan(3, 21, left_out=4)

    found = told(scan, (0.6, 0.2, 0.2), 5)

    parts = split(scan.used, (0.6, 0.2, 0.2), 5)
    assert sum(row.train for row in found.classes) == sum(part == "train" for part in parts.values())
    assert [row.total for row in found.classes] == [21, 21, 21]
    assert (found.used, found.left_out_count, found.files) == (63, 4, 67)
    assert found.reasons == {"empty": 4}
    assert not found.gives_split


def test_validation_that_was_cut_from_train_is_told_apart_from_one_that_the_folders_name(tmp_path: Path) -> None:
    without = write_tree(tmp_path / "a", {"train": {"x": 6, "y": 6}, "test": {"x": 2, "y": 2}})
    named = write_tree(tmp_path / "b", {"train": {"x": 6, "y": 6}, "val": {"x": 2, "y": 2}})

    found = [told(scan_folder(root), (0.7, 0.15, 0.15), 0) for root in (without, named)]

    assert [one.given_parts for one in found] == [["test", "train"], ["train", "validation"]]
    assert all(one.gives_split for one in found)
    assert told(a_scan(2, 6), (0.7, 0.15, 0.15), 0).given_parts == []


def test_a_folder_of_any_size_is_told_in_a_message_of_bounded_size() -> None:
    scan = a_scan(500, 60, left_out=MOST_LEFT_OUT + 1)

    found = told(scan, (0.7, 0.15, 0.15), 0)

    assert found.files == 31_001
    assert len(found.left_out) == MOST_LEFT_OUT and found.left_out_count == MOST_LEFT_OUT + 1
    assert sum(len(row.samples) for row in found.classes) == 4000
    assert all(row.samples == [] for row in summary.class_counts(scan, split(scan.used), with_samples=False))
    assert len(encode(Scanned(ticket=1, summary=found))) < 400_000


def test_copies_in_two_parts_are_leaks_and_those_in_one_part_are_not() -> None:
    scan = a_scan(2, 20)
    parts = split(scan.used)
    train = [path for path, part in parts.items() if part == "train" and path.startswith("class 00000")]
    test = [path for path, part in parts.items() if part == "test" and path.startswith("class 00000")]
    pairs = [
        Copies(kind="twin", first=first, second=second, similarity=0.97, classes=("class 00000", "class 00000"))
        for first, second in ((train[0], test[0]), (train[1], train[2]))
    ]

    found = told(msgspec.structs.replace(scan, copies=pairs), (0.7, 0.15, 0.15), 0)

    assert [(leak.pair, leak.parts) for leak in found.leaks] == [(pairs[0], ("train", "test"))]
    assert (found.leak_count, found.copies) == (1, 2)


def test_the_journal_is_told_with_what_was_undone() -> None:
    project = find_project(Path("nowhere", "big"), [])
    project.record([CropBorder(share=0.05), KeepTogether(groups=[["a/1.png", "a/2.png"]])])
    project.undo([0])

    lines = told(a_scan(2, 6), (0.7, 0.15, 0.15), 0, project).changes

    assert [(line.number, line.sentence, bool(line.undone_at)) for line in lines] == [
        (0, "5 % is cut off on each side of every image.", True),
        (1, "2 images are kept together with their like: 'a/1.png', ...", False),
    ]


def test_decisions_that_could_not_be_followed_are_said_first() -> None:
    scan = a_scan(2, 6)
    project = find_project(Path("nowhere", "big"), [])
    opened = Opened(Look(Path("big"), "big", Tree()), project, project.intake, scan, "The table is gone.")

    warning = summary.summary_of(opened, (0.7, 0.15, 0.15), 0).warnings[0]

    assert (warning.code, "The table is gone." in warning.message) == ("decisions_not_followed", True)
