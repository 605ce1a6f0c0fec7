from __future__ import annotations

from typing import Any

import msgspec

from tlgui.core.intake import (
    CutTest,
    DrawSplitAnew,
    IgnoreCopies,
    KeepTogether,
    LeaveOutClass,
    LeaveOutFiles,
    changes_of,
)
from tlgui.core.records import Copies, DatasetWarning, ImageRecord, Scan
from tlgui.core.split import Kept, Part, split
from tlgui.imaging.part_checks import PART_CHECKS, all_warnings, part_warnings


def record(path: str, class_name: str, split: str = "", group: str = "") -> ImageRecord:
    return ImageRecord(
        path=path, class_name=class_name, given_split=split, content_hash=path, width=9, height=9, group=group
    )


def a_scan(used: list[ImageRecord], copies: list[Copies] | None = None) -> Scan:
    classes = sorted({one.class_name for one in used})
    return Scan(
        name="photos",
        layout="class folders",
        classes=classes,
        used=sorted(used, key=lambda one: one.path),
        left_out=[],
        warnings=[],
        copies=copies or [],
        found_classes={name: [name] for name in classes},
    )


def many(*classes: str, count: int = 20, **fields: Any) -> list[ImageRecord]:
    return [record(f"{name}/{number:02}", name, **fields) for name in classes for number in range(count)]


def twin(first: str, second: str) -> Copies:
    return Copies(kind="twin", first=first, second=second, similarity=0.95, classes=("a", "a"))


def changes(repair: Any) -> list[str]:
    return [type(change).__name__ for change in changes_of(repair)]


def parts_of(scan: Scan, **moved: Part) -> dict[str, Part]:
    return split(scan.used) | {path.replace("_", "/"): part for path, part in moved.items()}


def test_nothing_is_said_of_a_sound_split() -> None:
    scan = a_scan(many("a", "b"), [twin("a/00", "a/01")])
    assert part_warnings(scan, parts_of(scan, a_00="train", a_01="train")) == []


def test_the_same_picture_in_two_parts_is_a_leak_with_three_ways_out() -> None:
    scan = a_scan(many("a", "b"), [twin("a/00", "a/01"), twin("a/02", "a/03")])
    parts = parts_of(scan, a_00="test", a_01="train", a_02="validation", a_03="test")
    (warning,) = part_warnings(scan, parts)
    assert warning.code == "leaks"
    assert warning.message == (
        "2 pairs of images show the same in two parts of the split, so the score is better than it should be, such as "
        "'a/00' (test) and 'a/01' (train)."
    )
    assert warning.paths == ["a/00", "a/01", "a/02", "a/03"]
    together, out, ignore = (changes_of(repair) for repair in warning.repairs)
    assert together == [KeepTogether(groups=[["a/00", "a/01"], ["a/02", "a/03"]])]
    # What measures is kept: the one that trains goes, else the one that validates.
    assert out == [LeaveOutFiles(paths=["a/01", "a/02"])]
    assert ignore == [IgnoreCopies(pairs=[("a/00", "a/01"), ("a/02", "a/03")])]


def test_parts_that_the_folder_gives_are_mended_by_leaving_one_out() -> None:
    used = [*many("a", "b", split="train"), record("test/1", "a", "test"), record("test/2", "b", "test")]
    scan = a_scan(used, [twin("a/00", "test/1")])
    warnings = part_warnings(scan, parts_of(scan))
    (leak,) = [one for one in warnings if one.code == "leaks"]
    assert [changes(repair) for repair in leak.repairs] == [
        ["LeaveOutFiles"],
        ["KeepTogether", "DrawSplitAnew"],
        ["IgnoreCopies"],
    ]
    assert changes_of(leak.repairs[0]) == [LeaveOutFiles(paths=["a/00"])]


def test_parts_that_an_earlier_split_gave_are_mended_by_one_press() -> None:
    scan = a_scan(many("a", "b"), [twin("a/00", "a/01")])
    parts = parts_of(scan, a_00="test", a_01="train")
    (leak,) = part_warnings(scan, parts, Kept(parts=parts))
    assert [changes(repair) for repair in leak.repairs] == [
        ["LeaveOutFiles"],
        ["KeepTogether", "DrawSplitAnew"],
        ["IgnoreCopies"],
    ]
    # A new image goes where its like is, so keeping them together is enough.
    (leak,) = part_warnings(scan, parts, Kept(parts={path: part for path, part in parts.items() if path != "a/01"}))
    assert changes(leak.repairs[0]) == ["KeepTogether"]


def test_a_press_that_cannot_settle_all_pairs_settles_those_in_two_parts() -> None:
    others = [twin(f"a/{n:04}", f"a/{n + 1:04}") for n in range(0, 4200, 2)]
    used = [record(f"{name}/{n:04}", name) for name, count in (("a", 4202), ("b", 9)) for n in range(count)]
    scan = a_scan(used, [*others, twin("a/4200", "a/4201")])
    parts: dict[str, Part] = {one.path: "train" for one in used} | {"a/4201": "test", "b/0000": "test"}
    (leak,) = [one for one in part_warnings(scan, parts) if one.code == "leaks"]
    (together,) = changes_of(leak.repairs[0])
    assert isinstance(together, KeepTogether) and ["a/4200", "a/4201"] in together.groups


def test_a_group_that_an_earlier_split_parts_is_named_once() -> None:
    scan = a_scan([*many("a", "b"), *(record(f"p/{n}", "a", group="g") for n in range(3))])
    (warning,) = part_warnings(scan, parts_of(scan, p_0="train", p_1="test", p_2="train"))
    assert (warning.code, warning.paths) == ("groups_torn", ["p/0", "p/1", "p/2"])
    assert changes_of(warning.repairs[0]) == [DrawSplitAnew()]
    leaking = a_scan(scan.used, [twin("p/0", "p/1")])
    (warning,) = part_warnings(leaking, parts_of(scan, p_0="train", p_1="test", p_2="train"))
    assert warning.code == "leaks"
    # They are one group already: keeping them together alone would change nothing.
    assert changes(warning.repairs[1]) == ["KeepTogether", "DrawSplitAnew"]


def test_d25_a_class_that_cannot_be_in_every_part_is_named() -> None:
    few = [record(f"few/{n}", "few", group="one patient") for n in range(5)]
    scan = a_scan([*many("a", "b"), *few])
    warnings = part_warnings(scan, split(scan.used))
    assert {one.code for one in warnings} == {"class_missing_in_validation", "class_missing_in_test"}
    assert "The class 'few' is not among the test images, for want of images that may be parted" in warnings[1].message
    assert changes_of(warnings[0].repairs[0]) == [LeaveOutClass(name="few")]
    assert warnings[0].paths == [one.path for one in few]


def test_a_single_image_has_a_warning_of_its_own_elsewhere() -> None:
    scan = a_scan([*many("a", "b"), record("c/1", "c")])
    assert part_warnings(scan, split(scan.used)) == []


def test_no_test_images_are_said_and_can_be_cut() -> None:
    scan = a_scan([*many("a", "b", split="train"), *(record(f"v/{n}", "ab"[n % 2], "validation") for n in range(9))])
    (warning,) = part_warnings(scan, split(scan.used))
    assert warning.code == "no_test_part"
    assert changes_of(warning.repairs[0]) == [CutTest()]
    drawn = a_scan(many("a", "b"))
    (warning,) = part_warnings(drawn, split(drawn.used, (0.8, 0.2, 0.0)))
    assert (warning.code, warning.repairs) == ("no_test_part", [])


def test_every_check_of_parts_has_a_case_here() -> None:
    assert [check.__name__ for check in PART_CHECKS] == ["_leaks", "_torn_groups", "_missing_classes", "_no_test"]


def test_pairs_that_are_told_of_as_leaks_are_not_told_of_again_and_one_press_settles_all_of_them() -> None:
    general = [DatasetWarning(code="twins", message="2 pairs"), DatasetWarning(code="imbalance", message="many")]
    pairs = [twin("a/00", "a/01"), twin("a/02", "a/03")]
    scan = msgspec.structs.replace(a_scan(many("a", "b"), pairs), warnings=general)

    crossing = all_warnings(scan, parts_of(scan, a_00="train", a_01="test", a_02="train", a_03="train"))
    sound = all_warnings(scan, parts_of(scan, a_00="train", a_01="train", a_02="train", a_03="train"))

    assert [one.code for one in crossing] == ["leaks", "imbalance"]
    assert [one.code for one in sound] == ["twins", "imbalance"]
    assert changes_of(crossing[0].repairs[0]) == [KeepTogether(groups=[["a/00", "a/01"], ["a/02", "a/03"]])]
