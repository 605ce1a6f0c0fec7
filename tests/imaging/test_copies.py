from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlgui.core.intake import IgnoreCopies, Intake, KeepTogether, MergeClasses, fold
from tlgui.core.records import Copies
from tlgui.core.split import split
from tlgui.imaging import assemble as assemble_module
from tlgui.imaging.assemble import assemble
from tlgui.imaging.copies import find_copies, leaks
from tlgui.imaging.file_check import Checked
from tlgui.imaging.fingerprints import print_of
from tlgui.imaging.layout import Place
from tlgui.imaging.pixels import Description
from tlgui.imaging.scan import look_at, scan_folder
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import FoundFile

Plant = Callable[..., Path]


def saved_again(content: bytes | None) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(content or b"")).convert("RGB").save(file, "JPEG", quality=60)
    return file.getvalue()


def smooth(seed: int, size: tuple[int, int] = (60, 48)) -> bytes:
    rough = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8))
    file = io.BytesIO()
    rough.resize(size, Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def image(path: str, content: bytes, class_name: str = "a") -> Checked:
    """What reading a file would have found out."""
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    described = Description(
        format="PNG",
        width=pixels.shape[1],
        height=pixels.shape[0],
        bits=8,
        frames=1,
        grey=False,
        floating=False,
        lowest=None,
        highest=None,
        all_finite=True,
    )
    content_hash = hashlib.sha256(content).hexdigest()
    verdict = Verdict(level="full", description=described, content_hash=content_hash, print=print_of(pixels))
    return Checked(FoundFile(tuple(path.split("/"))), Place(class_name), content_hash, described, verdict)


def pairs(copies: list[Copies]) -> list[tuple[str, str, str]]:
    return [(pair.kind, pair.first, pair.second) for pair in copies]


def test_d29_copies_and_pictures_saved_again_are_found_in_a_folder(plant: Plant) -> None:
    files: dict[str, bytes | None] = {f"{'ab'[n % 2]}/{n:02}.png": smooth(n) for n in range(24)}
    files |= {f"a/copy {n}.png": files["a/00.png"] for n in range(2)}
    files |= {"b/other class.png": files["a/02.png"], "b/again.jpg": saved_again(files["b/01.png"])}
    scan = scan_folder(plant(files))
    assert pairs(scan.copies) == [
        ("copy", "a/00.png", "a/copy 0.png"),
        ("copy", "a/00.png", "a/copy 1.png"),
        ("copy", "a/02.png", "b/other class.png"),
        ("twin", "b/01.png", "b/again.jpg"),
    ]
    assert [pair.classes for pair in scan.copies] == [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b")]
    assert scan.copies[0].similarity == 1
    assert 0.9 <= scan.copies[3].similarity == round(scan.copies[3].similarity, 3) <= 1
    # Copies are never parted; twins only when the person says so.
    group_of = {record.path: record.group for record in scan.used}
    assert group_of["a/00.png"] == group_of["a/copy 1.png"] != ""
    assert group_of["b/again.jpg"] == ""


def test_twins_are_told_by_the_fewest_pairs_that_hold_them_together() -> None:
    first = smooth(1)
    second, third = saved_again(first), saved_again(smooth(1, (90, 72)))
    used = [image("c.png", first), image("b.png", second), image("a.png", third), image("d.png", smooth(2))]
    found = find_copies(used)
    assert len(found) == 2
    assert {path for pair in found for path in (pair.first, pair.second)} == {"a.png", "b.png", "c.png"}
    assert found == find_copies(used[::-1])


def test_a_copy_of_a_twin_is_told_as_a_copy_and_once() -> None:
    picture, again = smooth(3), saved_again(smooth(3))
    used = [image("1.png", picture), image("2.jpg", again), image("3.jpg", again), image("4.png", picture)]
    assert pairs(find_copies(used)) == [
        ("twin", "1.png", "2.jpg"),
        ("copy", "1.png", "4.png"),
        ("copy", "2.jpg", "3.jpg"),
    ]


def test_flat_pictures_are_no_twins_and_copies_only_byte_for_byte() -> None:
    def flat(level: int) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (20, 20), (level,) * 3).save(file, "PNG")
        return file.getvalue()

    assert pairs(find_copies([image("1.png", flat(3)), image("2.png", flat(9)), image("3.png", flat(3))])) == [
        ("copy", "1.png", "3.png")
    ]


def test_pictures_of_another_shape_are_no_twins() -> None:
    stretched = smooth(4, (60, 20))
    assert find_copies([image("1.png", smooth(4)), image("2.png", stretched), image("3.png", smooth(5))]) == []


def test_pictures_with_one_print_but_other_bytes_are_twins() -> None:
    png, bmp = smooth(6), io.BytesIO()
    Image.open(io.BytesIO(png)).save(bmp, "BMP")
    assert [(pair.kind, pair.similarity) for pair in find_copies([image("1", png), image("2", bmp.getvalue())])] == [
        ("twin", 1.0)
    ]


def test_no_image_and_one_image_have_no_copies() -> None:
    assert find_copies([]) == []
    assert find_copies([image("1", smooth(1))]) == []


def test_leaks_lie_in_two_parts_or_in_two_classes() -> None:
    def pair(first: str, second: str, *classes: str) -> Copies:
        return Copies(kind="twin", first=first, second=second, classes=(classes[0], classes[-1]))

    inside, across, two = pair("1", "2", "a"), pair("1", "3", "a"), pair("1", "2", "a", "b")
    assert leaks([inside, across, two], {"1": "train", "2": "train", "3": "test"}) == [across, two]


def test_a_change_of_classes_does_not_search_again(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, bytes | None] = {f"{'abc'[n % 3]}/{n:02}.png": smooth(n) for n in range(12)}
    files["b/again.png"] = files["a/00.png"]
    look = look_at(plant(files))
    before = assemble(look)
    monkeypatch.setattr(assemble_module, "find_copies", None)
    after = assemble(look, fold([MergeClasses(names=["a", "b"], into="ab")]))
    assert [pair.classes for pair in before.copies] == [("a", "b")]
    assert [pair.classes for pair in after.copies] == [("ab", "ab")]


def test_of_three_twins_a_pair_that_is_ignored_hides_no_other(plant: Plant) -> None:
    one = smooth(1, (240, 192))
    again = saved_again(one)
    root = plant({"a/1.png": one, "a/2.jpg": again, "b/3.jpg": saved_again(again), "b/4.png": smooth(9)})
    look = look_at(root)
    first, second = ((pair.first, pair.second) for pair in assemble(look).copies)
    left = {tuple(sorted({*first, *second} - {shared})) for shared in {*first} & {*second}}

    for ignored in (first, second):
        found = {(pair.first, pair.second) for pair in assemble(look, fold([IgnoreCopies(pairs=[ignored])])).copies}
        assert found == {first, second} - {ignored} | left
    # Nothing new is asked about once every pair is settled.
    assert assemble(look, fold([IgnoreCopies(pairs=[first, second])])).copies == []


def test_twins_that_are_kept_together_lie_in_one_part(plant: Plant) -> None:
    files: dict[str, bytes | None] = {f"{'ab'[n % 2]}/{n:02}.png": smooth(n) for n in range(20)}
    files |= {f"a/again {n:02}.jpg": saved_again(files[f"a/{n:02}.png"]) for n in range(0, 20, 2)}
    look = look_at(plant(files))
    before = assemble(look, Intake())
    assert len(before.copies) == 10
    assert leaks(before.copies, split(before.used))
    together = KeepTogether(groups=[[pair.first, pair.second] for pair in before.copies])
    after = assemble(look, fold([together]))
    assert leaks(after.copies, split(after.used)) == []


DATA = Path(os.environ.get("TLGUI_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")


@pytest.mark.realdata
@pytest.mark.slow
def test_in_ultrasound_the_known_copy_and_many_twins_are_found_and_in_photographs_none() -> None:
    if not DATA.is_dir():
        pytest.skip("the real image sets are not there")
    found = scan_folder(DATA / "busi_ultrasound").copies
    assert [(pair.first, pair.second) for pair in found if pair.kind == "copy"] == [
        ("benign/benign_433_.jpg", "malignant/malignant_145_.jpg")
    ]
    assert 150 <= len(found) <= 200
    assert scan_folder(DATA / "hymenoptera").copies == []


@pytest.mark.realdata
@pytest.mark.slow
def test_chest_x_rays_of_two_people_are_never_twins() -> None:
    if not DATA.is_dir():
        pytest.skip("the real image sets are not there")
    for pair in scan_folder(DATA / "chest_xray_2k").copies:
        persons = [Path(path).name.split("_")[0] for path in (pair.first, pair.second)]
        assert persons[0] == persons[1]
