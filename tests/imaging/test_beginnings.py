"""What a run that begins with an earlier one's network may be tested on, and chosen by: what that has not learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
from helpers.compared import answered

from tlgui.core.errors import UserError
from tlgui.core.records import ImageRecord, LeftOut, Reason, Scan
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Source, Training
from tlgui.core.source import Learned, learned_by, write_learned
from tlgui.core.split import PARTS, Part
from tlgui.imaging.beginnings import Beginning, beginning_of, beginning_with, without_known, without_learned


def scan_of(**counts: int) -> Scan:
    """Images of classes: "a/00.png", whose content hash is "hash of a/00.png"."""
    used = [
        ImageRecord(path=path, class_name=name, content_hash=f"hash of {path}", width=9, height=9)
        for name, count in counts.items()
        for path in (f"{name}/{number:02}.png" for number in range(count))
    ]
    unread = LeftOut(path="a/broken.png", reason_code=Reason.EMPTY, reason="It is empty.")
    return Scan(
        name="photos", layout="class folders", classes=sorted(counts), used=used, left_out=[unread], warnings=[]
    )


def earlier(path: Path, scan: Scan, told: Mapping[str, Part], model: bool = True) -> RunFolder:
    """A run for which these images, under other names, were what `told` says."""
    hashes = {record.path: record.content_hash for record in scan.used}
    names = {image: f"then/{number}.png" for number, image in enumerate(told)}
    run = answered(
        path,
        {names[image]: (part, True) for image, part in told.items()} | {"then/other.png": ("train", True)},
        contents={names[image]: hashes[image] for image in told},
    )
    if model:
        run.best_path.write_bytes(b"weights")
    return run


def taken_over(path: Path, scan: Scan, told: Mapping[str, Part]) -> Beginning:
    return beginning_with(earlier(path, scan, told))


def in_thirds(scan: Scan) -> dict[str, Part]:
    """Of each class, one image after another trains, validates, tests."""
    return {record.path: PARTS[int(record.path[-6:-4]) % 3] for record in scan.used}


def paths(scan: Scan) -> set[str]:
    return {record.path for record in scan.used}


def learned_before(scan: Scan) -> set[str]:
    return {item.path for item in scan.left_out if item.reason_code == Reason.LEARNED_BEFORE}


# -- one run ------------------------------------------------------------------------------------------------------


def test_what_an_image_may_do_follows_from_what_it_did_then(tmp_path: Path) -> None:
    scan = scan_of(a=12, b=12)
    parts = in_thirds(scan)
    mine: dict[Part, list[str]] = {part: [path for path in paths(scan) if parts[path] == part] for part in PARTS}
    then: dict[str, Part] = {
        image: did for part in PARTS for image, did in zip(sorted(mine[part]), PARTS, strict=False)
    }
    left = without_known(scan, parts, taken_over(tmp_path / "run", scan, then))
    gone = {(parts[path], then[path]) for path in learned_before(left)}
    assert gone == {("test", "train"), ("test", "validation"), ("validation", "train")}
    assert len(learned_before(left)) == 3
    assert paths(left) | learned_before(left) == paths(scan) and not paths(left) & learned_before(left)
    assert left.left_out[0] == scan.left_out[0], "what was left out before stays so, with its own reason"
    assert all(item.reason for item in left.left_out)


def test_what_the_run_before_the_run_learned_tests_nothing_either(tmp_path: Path) -> None:
    scan = scan_of(a=6, b=6)
    parts = in_thirds(scan)
    first = earlier(tmp_path / "first", scan, {"a/02.png": "train", "a/01.png": "train", "b/01.png": "validation"})
    second = earlier(tmp_path / "second", scan, {"b/02.png": "train"})
    write_learned(second, learned_by(first))
    left = without_known(scan, parts, beginning_with(second))
    assert learned_before(left) == {"a/02.png", "a/01.png", "b/02.png"}


def test_a_run_that_knows_none_of_the_images_changes_nothing(tmp_path: Path) -> None:
    scan = scan_of(a=6, b=6)
    beginning = taken_over(tmp_path / "run", scan, {})
    assert without_known(scan, in_thirds(scan), beginning) is scan
    assert without_learned(scan, beginning) is scan


def test_where_it_knows_all_that_would_validate_it_is_refused_by_name(tmp_path: Path) -> None:
    scan = scan_of(a=6, b=6)
    parts = in_thirds(scan)
    validation = sorted(path for path in paths(scan) if parts[path] == "validation")
    beginning = taken_over(tmp_path / "Run 7", scan, dict.fromkeys(validation, "train"))
    with pytest.raises(UserError) as refused:
        without_known(scan, parts, beginning)
    assert refused.value.problem == "The run 'Run 7' has learned every image that would validate this one."
    assert refused.value.code == "source_knows" and "published weights" in refused.value.remedy
    one_less = taken_over(tmp_path / "other", scan, dict.fromkeys(validation[1:], "train"))
    assert validation[0] in paths(without_known(scan, parts, one_less))


def test_it_may_know_all_that_would_test(tmp_path: Path) -> None:
    scan = scan_of(a=6, b=6)
    parts = in_thirds(scan)
    tests = {path for path in paths(scan) if parts[path] == "test"}
    left = without_known(scan, parts, taken_over(tmp_path / "run", scan, dict.fromkeys(tests, "train")))
    assert learned_before(left) == tests


@pytest.mark.parametrize("strategy", ["feature-extraction", "fine-tune-top", "full-fine-tuning", "auto"])
def test_what_begins_with_pretrained_weights_takes_over_the_run(strategy: str, tmp_path: Path) -> None:
    scan = scan_of(a=3, b=3)
    run = earlier(tmp_path / "run", scan, {"a/00.png": "train"})
    found = beginning_of(RunSpec(training=Training(strategy=strategy)), str(run.best_path))
    assert found is not None and found.source.run == "run"
    assert "hash of a/00.png" in found.learned.trained


def test_what_begins_at_random_takes_nothing_over(tmp_path: Path) -> None:
    run = earlier(tmp_path / "run", scan_of(a=3, b=3), {"a/00.png": "train"})
    spec = RunSpec(training=Training(strategy="from-scratch"))
    assert beginning_of(spec, str(run.best_path)) is None
    other = msgspec.structs.replace(spec, backbone="resnet50")
    assert beginning_of(other, str(run.best_path)) is None, "it has no use for that network"


def test_weights_that_are_no_runs_are_no_beginning(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"weights")
    assert beginning_of(RunSpec(), str(own)) is None
    assert beginning_of(RunSpec(), "") is None


def test_another_network_and_a_run_without_a_model_are_refused(tmp_path: Path) -> None:
    scan = scan_of(a=3, b=3)
    run = earlier(tmp_path / "run", scan, {})
    with pytest.raises(UserError, match="has the network efficientnet-lite0") as refused:
        beginning_of(RunSpec(backbone="resnet50"), str(run.best_path))
    assert refused.value.code == "weights_unfit"
    with pytest.raises(UserError, match="has no model yet"):
        beginning_with(earlier(tmp_path / "unfinished", scan, {}, model=False))


# -- a comparison -------------------------------------------------------------------------------------------------


def knowing(scan: Scan, images: Sequence[str]) -> Beginning:
    """A run that these images, and no others, chose or trained."""
    hashes = [record.content_hash for record in scan.used if record.path in images]
    half = len(hashes) // 2
    return Beginning(
        RunFolder(Path("Run 7")), Source(run="Run 7"), Learned(frozenset(hashes[:half]), frozenset(hashes))
    )


def of_class(name: str, count: int) -> list[str]:
    return [f"{name}/{number:02}.png" for number in range(count)]


def test_only_what_the_run_neither_learned_nor_was_chosen_by_is_compared_on(tmp_path: Path) -> None:
    scan = scan_of(a=20, b=20)
    told: dict[str, Part] = {"a/00.png": "train", "a/01.png": "validation", "b/07.png": "test"}
    left = without_learned(scan, taken_over(tmp_path / "run", scan, told))
    assert learned_before(left) == {"a/00.png", "a/01.png"}
    assert paths(left) | learned_before(left) == paths(scan) and len(left.used) == 38


def test_twenty_images_are_enough_to_compare_on_and_nineteen_are_not() -> None:
    scan = scan_of(a=20, b=20)
    assert len(without_learned(scan, knowing(scan, of_class("a", 10) + of_class("b", 10))).used) == 20
    with pytest.raises(UserError) as refused:
        without_learned(scan, knowing(scan, of_class("a", 11) + of_class("b", 10)))
    assert refused.value.problem == (
        "The run 'Run 7' has learned 21 images of these 40; the others are too few to compare on."
    )
    assert refused.value.code == "source_knows"


def test_every_class_must_be_left_with_two() -> None:
    scan = scan_of(a=30, b=4)
    assert len(without_learned(scan, knowing(scan, of_class("b", 2))).used) == 32
    with pytest.raises(UserError, match="has learned 3 images of these 34"):
        without_learned(scan, knowing(scan, of_class("b", 3)))


def test_a_class_that_had_one_image_from_the_beginning_forbids_nothing() -> None:
    scan = scan_of(a=20, b=20, lone=1)
    assert len(without_learned(scan, knowing(scan, of_class("a", 2))).used) == 39
    assert len(without_learned(scan, knowing(scan, of_class("lone", 1))).used) == 40


def test_a_small_set_that_the_run_does_not_know_is_compared_on_as_it_is() -> None:
    scan = scan_of(a=5, b=5)
    assert without_learned(scan, knowing(scan, [])) is scan
