from __future__ import annotations

import hashlib
import os
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tlgui.core.intake import Intake
from tlgui.core.records import PixelRule, Reason, Scan
from tlgui.imaging.assemble import Look, layout_of
from tlgui.imaging.file_check import IN_MEMORY_BYTES
from tlgui.imaging.scan import ScanCancelled, complete, look_at, scan_folder
from tlgui.imaging.walk import walk

Plant = Callable[..., Path]
Classes = Callable[..., dict[str, bytes | None]]
Make = Callable[..., bytes]


def reasons(scan: Scan) -> dict[str, str]:
    return {left.path: str(left.reason_code) for left in scan.left_out}


def codes(scan: Scan) -> list[str]:
    return [warning.code for warning in scan.warnings]


def all_files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_class_folders_give_records_and_no_warning(plant: Plant, classes: Classes) -> None:
    root = plant(classes("cats", "dogs"))
    scan = scan_folder(root)
    assert (scan.name, scan.layout, scan.classes) == ("photos", "class folders", ["cats", "dogs"])
    assert len(scan.used) == 24
    assert scan.left_out == []
    assert scan.warnings == []
    assert scan.pixel_rule == PixelRule()
    record = scan.used[0]
    assert (record.path, record.class_name, record.given_split) == ("cats/00.png", "cats", "")
    assert (record.width, record.height) == (9, 7)
    assert record.content_hash == hashlib.sha256((root / "cats/00.png").read_bytes()).hexdigest()


def test_a_given_split_is_respected(plant: Plant, classes: Classes) -> None:
    files = {f"{split}/{path}": data for split in ("train", "val", "Test") for path, data in classes("a", "b").items()}
    scan = scan_folder(plant(files))
    assert scan.layout == "train/validation/test"
    assert {(record.path.split("/")[0], record.given_split) for record in scan.used} == {
        ("train", "train"),
        ("val", "validation"),
        ("Test", "test"),
    }
    assert scan.classes == ["a", "b"]


def test_d01_deep_images_get_one_rule_for_the_set_and_it_is_said(plant: Plant, encoded: Make) -> None:
    files: dict[str, bytes | None] = {}
    for index in range(20):
        values = np.random.default_rng(index).integers(0, 4071, (6, 6), dtype=np.uint16)
        files[f"{'ab'[index % 2]}/{index}.png"] = encoded(Image.fromarray(values))
    scan = scan_folder(plant(files))
    assert scan.pixel_rule == PixelRule(low=0, high=4095)
    assert scan.deep_images == 20
    (warning,) = scan.warnings
    assert warning.code == "deep_pixels"
    assert "0 to 4095 becomes 0 to 255" in warning.message


def test_the_rule_for_deep_images_is_chosen_without_the_test_images(plant: Plant, encoded: Make) -> None:
    brightest = {"train": 900, "val": 3000, "test": 60_000}
    files: dict[str, bytes | None] = {}
    for part, value in brightest.items():
        for index in range(8):
            values = np.full((6, 6), value - index, np.uint16)
            files[f"{part}/{'ab'[index % 2]}/{index}.png"] = encoded(Image.fromarray(values))
    assert scan_folder(plant(files)).pixel_rule == PixelRule(low=0, high=4095)
    without = {path: data for path, data in files.items() if not path.startswith("test/")}
    assert scan_folder(plant(without, "without")).pixel_rule == PixelRule(low=0, high=4095)
    # With classes alone, which images are for the test is not known yet.
    plain = {f"{path.split('/')[1]}/{path.replace('/', ' ')}": data for path, data in files.items()}
    assert scan_folder(plant(plain, "plain")).pixel_rule == PixelRule(low=0, high=65535)


def test_d06_classes_that_differ_in_colour_are_named(plant: Plant, classes: Classes, picture: Make) -> None:
    files = classes("colour")
    files |= {f"grey/{seed}.png": picture(900 + seed, mode="L") for seed in range(12)}
    scan = scan_folder(plant(files))
    assert codes(scan) == ["mixed_channels"]
    assert "converted to three channels" in scan.warnings[0].message


def test_d07_folders_of_tools_are_no_classes(plant: Plant, classes: Classes, picture: Make) -> None:
    files = classes("cats", "dogs")
    for folder in (".ipynb_checkpoints", "__MACOSX/cats", "@eaDir", ".git/objects", ".hidden", "cats/.thumbs"):
        files[f"{folder}/copy.png"] = picture(1)
    scan = scan_folder(plant(files))
    assert scan.classes == ["cats", "dogs"]
    assert len(scan.used) == 24
    assert reasons(scan) == {
        ".git/objects/copy.png": "system_file",
        ".hidden/copy.png": "hidden",
        ".ipynb_checkpoints/copy.png": "system_file",
        "@eaDir/copy.png": "system_file",
        "__MACOSX/cats/copy.png": "system_file",
        "cats/.thumbs/copy.png": "hidden",
    }
    assert codes(scan) == ["tool_folders"]
    assert scan.warnings[0].message.startswith("6 folders that are hidden or made by tools are left out: '.git'")


def test_d08_files_of_systems_and_notes_are_left_out_with_their_reason(plant: Plant, classes: Classes) -> None:
    files = classes("cats", "dogs")
    for place in ("", "cats/"):
        files |= {
            f"{place}.DS_Store": b"\0\0\0\1Bud1",
            f"{place}Thumbs.db": b"\xd0\xcf\x11\xe0",
            f"{place}desktop.ini": b"[.ShellClassInfo]",
            f"{place}notes.txt": b"my notes",
            f"{place}._0.png": b"\0\5\x16\7",
        }
    scan = scan_folder(plant(files))
    assert len(scan.used) == 24
    assert set(reasons(scan).values()) == {"system_file", "not_an_image", "hidden"}
    assert reasons(scan)["cats/notes.txt"] == reasons(scan)["notes.txt"] == "not_an_image"
    assert reasons(scan)["Thumbs.db"] == "system_file"


def test_d10_an_empty_class_folder_is_named_and_moves_no_index(plant: Plant, classes: Classes) -> None:
    scan = scan_folder(plant({**classes("a", "c"), "b/": None}))
    assert scan.classes == ["a", "c"]
    assert [(warning.code, "'b'" in warning.message) for warning in scan.warnings] == [("empty_class_folder", True)]


def test_d11_a_class_that_validation_lacks_is_a_warning(plant: Plant, classes: Classes) -> None:
    files = {f"train/{path}": data for path, data in classes("a", "b", "c").items()}
    files |= {f"val/{path[4:]}": data for path, data in classes("val a", "val c").items()}
    scan = scan_folder(plant(files))
    assert scan.classes == ["a", "b", "c"]
    assert codes(scan) == ["class_missing_in_validation"]
    assert "'b'" in scan.warnings[0].message


def test_d13_order_is_that_of_names_and_not_of_the_disk(plant: Plant, classes: Classes) -> None:
    files = classes("Zebra", "ant", "Äffchen", "b a", "b/inner", "b-a", images=2)
    first = scan_folder(plant(files, "first"))
    second = scan_folder(plant(dict(reversed(list(files.items()))), "second"), workers=5)
    assert first.used == second.used
    assert [record.path for record in first.used] == sorted(record.path for record in first.used)
    assert first.classes == ["Zebra", "ant", "b", "b a", "b-a", "Äffchen"]


def test_d14_d16_broken_files_among_good_ones_are_named_and_the_rest_is_used(
    plant: Plant, classes: Classes, picture: Make
) -> None:
    files = classes("a", "b", suffix="jpg")
    whole = picture(7, "JPEG", size=(60, 40))
    files |= {
        "a/cut.jpg": whole[: int(len(whole) * 0.6)],
        "b/zero.png": b"",
        "b/noise.jpg": b"\xff\xd8\xff" + b"\x55" * 99,
    }
    scan = scan_folder(plant(files))
    assert len(scan.used) == 24
    assert reasons(scan) == {"a/cut.jpg": "truncated", "b/noise.jpg": "unreadable", "b/zero.png": "empty"}
    (warning,) = scan.warnings
    assert warning.code == "unreadable_files"
    assert warning.message.startswith("3 files are left out (1 empty, 1 truncated, 1 unreadable)")


def test_d17_content_decides_and_not_the_suffix(plant: Plant, classes: Classes, picture: Make) -> None:
    files = classes("a", "b")
    files |= {
        "a/gif.jpg": picture(1, "GIF"),
        "a/bmp.png": picture(2, "BMP"),
        "b/webp.jpg": picture(3, "WEBP"),
        "b/page.jpg": b"<html>Please log in</html>",
        "b/noname": picture(4, "JPEG"),
        "b/movie.gif": picture(5, "GIF", save_all=True, append_images=[Image.new("RGB", (9, 7))]),
    }
    scan = scan_folder(plant(files))
    assert reasons(scan) == {"b/page.jpg": "not_an_image"}
    assert codes(scan) == ["first_frame_only"]
    assert "b/movie.gif" in scan.warnings[0].message


def test_d18_upper_case_and_rare_suffixes_count(plant: Plant, picture: Make) -> None:
    kinds = [("jpg", "JPEG"), ("JPG", "JPEG"), ("JPEG", "JPEG"), ("jfif", "JPEG"), ("TIF", "TIFF"), ("Tiff", "TIFF")]
    files = {
        f"{name}/{number}.{suffix}": picture(number, kind)
        for name in ("a", "b")
        for number, (suffix, kind) in enumerate(kinds * 2)
    }
    assert len(scan_folder(plant(files)).used) == 24


def test_d23_a_single_outer_folder_is_stepped_into_and_said(plant: Plant, classes: Classes) -> None:
    files = {f"data/{path}": data for path, data in classes("a", "b").items()}
    scan = scan_folder(plant({**files, "README.md": b"About this set"}))
    assert scan.classes == ["a", "b"]
    assert scan.used[0].path == "data/a/00.png"
    assert codes(scan) == ["nested_root"]
    assert reasons(scan) == {"README.md": "not_an_image"}


def test_d23_loose_images_beside_class_folders_have_no_label(plant: Plant, classes: Classes, picture: Make) -> None:
    scan = scan_folder(plant({**classes("a", "b"), "loose.png": picture(1), "README": b"Hello"}))
    assert reasons(scan) == {"README": "not_an_image", "loose.png": "no_label"}
    assert codes(scan) == ["images_without_class"]


def test_d23_images_and_labels_are_questioned(plant: Plant, classes: Classes) -> None:
    assert codes(scan_folder(plant(classes("Images", "masks")))) == ["images_and_labels"]


def test_domain_folders_are_recognised_by_the_same_folders_inside(
    plant: Plant, classes: Classes, picture: Make
) -> None:
    files = {
        f"{domain}/{name}/{number}.png": picture(100 * index + number)
        for index, (domain, name) in enumerate(product(("photo", "sketch"), ("cat", "dog")))
        for number in range(12)
    }
    scan = scan_folder(plant(files))
    assert (scan.layout, scan.classes, len(scan.used)) == ("domain folders", ["cat", "dog"], 48)
    assert scan.facts.domains == ["photo", "sketch"]


def test_d25_a_class_with_one_image_is_named(plant: Plant, classes: Classes) -> None:
    scan = scan_folder(plant({**classes("a", images=20), **classes("b", images=1)}))
    assert codes(scan) == ["class_with_one_image", "imbalance"]
    assert "'b'" in scan.warnings[0].message


def test_few_images_and_imbalance(plant: Plant, classes: Classes) -> None:
    scan = scan_folder(plant({**classes("a", images=28), **classes("b", images=9)}))
    assert codes(scan) == ["few_images_in_class", "imbalance"]
    assert "'a' has 28 images, 'b' has 9" in scan.warnings[1].message


def test_names_that_differ_only_in_case_stay_two_classes(plant: Plant, classes: Classes) -> None:
    try:
        root = plant(classes("Cat", "cat", "dog"))
        assert len({path.name for path in root.iterdir()}) == 3
    except (OSError, AssertionError):
        pytest.skip("this disk does not tell upper from lower case")
    assert codes(scan_folder(root)) == ["names_differ_only_in_case"]


def test_d34_every_name_works_and_nfc_and_nfd_are_one_class(plant: Plant, classes: Classes) -> None:
    name = "Größe 1 猫 🧪 & <b> '\"Ä"
    composed, decomposed = unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)
    files = {**classes("other"), **classes(composed, images=6)}
    files |= {
        f"{decomposed}/{path.split('/')[1].replace('.png', 'é.png')}": data
        for path, data in classes("spelt otherwise", images=6).items()
    }
    root = plant(files, "Prüf bilder 猫 🧪")
    scan = scan_folder(root)
    assert scan.name == "Prüf bilder 猫 🧪"
    assert scan.classes == [composed, "other"]
    assert len(scan.used) == 24
    assert all((root / record.path).exists() for record in scan.used)
    assert scan.warnings == []
    assert "Names that differ only in how the computer spells their letters are one class." in scan.facts.evidence


def test_a_read_only_dataset_stays_as_it_was(plant: Plant, classes: Classes) -> None:
    root = plant(classes("a", "b"))
    before = {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}
    for path in sorted(before, reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert len(scan_folder(root).used) == 24
        assert {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]} == before
    finally:
        for path in before:
            path.chmod(0o755)


def test_links_are_followed_to_files_and_never_to_folders(plant: Plant, classes: Classes, picture: Make) -> None:
    root = plant(classes("a", "b"))
    outside = root.parent / "outside.png"
    outside.write_bytes(picture(77))
    try:
        (root / "a/linked.png").symlink_to(outside)
        (root / "a/gone.png").symlink_to(root.parent / "nothing.png")
        (root / "a/circle").symlink_to(root, target_is_directory=True)
    except OSError:
        pytest.skip("no links on this disk")
    scan = scan_folder(root)
    assert len(scan.used) == 25
    assert reasons(scan) == {"a/gone.png": "unreadable"}
    assert codes(scan) == ["unreadable_files", "linked_folder"] or codes(scan) == ["linked_folder", "unreadable_files"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system here")
def test_a_pipe_does_not_hold_the_scan(plant: Plant, classes: Classes) -> None:
    root = plant(classes("a", "b"))
    os.mkfifo(root / "a/pipe.png")
    assert reasons(scan_folder(root)) == {"a/pipe.png": "unreadable"}


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="names are text on this system")
def test_a_name_that_is_no_text_is_left_out_under_a_name_that_is(plant: Plant, classes: Classes, picture: Make) -> None:
    root = plant(classes("a", "b"))
    with open(os.fsencode(root) + b"/a/caf\xe9.png", "wb") as file:  # noqa: PTH123
        file.write(picture(3))
    scan = scan_folder(root)
    assert reasons(scan) == {"a/caf\ufffd.png": "unreadable"}


def test_used_and_left_out_are_all_files_and_come_sorted(plant: Plant, classes: Classes, picture: Make) -> None:
    files = {
        **classes("b", "a", "é"),
        "x.png": picture(1),
        ".x": b"",
        "a/.git/HEAD": b"ref",
        "a/t.txt": b"t",
        "z/": None,
    }
    root = plant(files)
    scan = scan_folder(root)
    paths = [record.path for record in scan.used] + [left.path for left in scan.left_out]
    assert sorted(paths) == all_files(root)
    assert [left.path for left in scan.left_out] == sorted(left.path for left in scan.left_out)


def test_progress_reaches_all_files_and_a_scan_can_be_cancelled(plant: Plant, classes: Classes) -> None:
    root = plant({**classes("a", "b"), "notes.txt": b"x"})
    seen: list[tuple[int, int]] = []
    scan_folder(root, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 25) for done in range(1, 26)]
    seen.clear()
    with pytest.raises(ScanCancelled):
        scan_folder(root, progress=lambda done, total: seen.append((done, total)), cancelled=lambda: len(seen) >= 3)
    assert len(seen) == 3


def test_a_copy_elsewhere_scans_alike(plant: Plant, classes: Classes, tmp_path: Path) -> None:
    root = plant(classes("a", "b"))
    copy = tmp_path / "elsewhere" / "photos"
    shutil.copytree(root, copy)
    assert scan_folder(copy) == scan_folder(root)
    assert scan_folder(copy / ".." / "photos").name == "photos"


def test_d21_a_huge_image_is_named_and_left_out(plant: Plant, classes: Classes, png_header: Make) -> None:
    scan = scan_folder(plant({**classes("a", "b"), "a/slide.png": png_header(20000, 20000)}))
    (left,) = scan.left_out
    assert (left.path, left.reason_code) == ("a/slide.png", Reason.TOO_LARGE)
    assert "400 megapixels" in left.reason


def test_a_file_larger_than_memory_allows_is_hashed_in_pieces(
    plant: Plant, classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert IN_MEMORY_BYTES > 1_000_000
    root = plant(classes("a", "b"))
    whole = scan_folder(root)
    monkeypatch.setattr("tlgui.imaging.file_check.IN_MEMORY_BYTES", 10)
    monkeypatch.setattr("tlgui.imaging.file_check.HEAD_BYTES", 50)
    monkeypatch.setattr("tlgui.imaging.file_check.LARGE_PIXELS", 1)
    assert scan_folder(root) == whole


def test_strange_shapes_and_values_that_are_not_finite_are_said(
    plant: Plant, classes: Classes, picture: Make, tiff: Make
) -> None:
    files: dict[str, Any] = classes("a", "b")
    files["a/line.png"] = picture(5, size=(60, 3))
    files["b/nan.tif"] = tiff(np.array([[0, np.nan], [0.5, 1]], np.float32))
    files["b/deep.tif"] = tiff(np.array([[0, 1], [5, 900]], np.uint16))
    scan = scan_folder(plant(files))
    pixels = ["deep_pixels", "mixed_numbers", "mixed_depth", "dark_images", "values_not_finite", "extreme_shape"]
    assert codes(scan) == pixels
    assert scan.pixel_rule == PixelRule(low=0, high=1023)


def test_no_message_holds_an_absolute_path(plant: Plant, classes: Classes, picture: Make) -> None:
    files = {**classes("a", "A"), "b/1.jpg": picture(1)[:30], "b/.x": b"", "c/": None, "x.png": picture(3)}
    root = plant(files)
    scan = scan_folder(root)
    assert str(root.parent) not in repr(scan)
    assert all(warning.message.endswith(".") for warning in scan.warnings)
    assert all(left.reason.endswith(".") for left in scan.left_out)


def test_names_are_told_before_the_first_file_is_read_and_each_reading_is_noted(plant: Plant, classes: Classes) -> None:
    said: list[str] = []

    @contextmanager
    def in_hand(path: str) -> Iterator[None]:
        said.append(path)
        yield
        said.append(f"done {path}")

    root = plant(classes("cats", "dogs"))
    scan_folder(root, workers=1, named=lambda tree, layout: said.append(layout.name), in_hand=in_hand)

    assert said[:3] == ["class folders", "cats/00.png", "done cats/00.png"]
    assert len(said) == 1 + 2 * 24


def test_files_are_handed_out_little_by_little(plant: Plant, classes: Classes) -> None:
    read: list[str] = []

    @contextmanager
    def in_hand(path: str) -> Iterator[None]:
        read.append(path)
        yield

    with pytest.raises(ScanCancelled):
        scan_folder(
            plant(classes("cats", "dogs", images=200)), cancelled=lambda: len(read) > 0, workers=2, in_hand=in_hand
        )

    assert len(read) <= 2 * 16 + 2


def test_a_table_from_elsewhere_gives_the_labels(plant: Plant, picture: Make, tmp_path: Path) -> None:
    root = plant({f"{number:02}.png": picture(number) for number in range(24)})
    table = tmp_path / "labels.csv"
    table.write_text("file,label\n" + "".join(f"{n:02}.png,{'cats' if n % 2 else 'dogs'}\n" for n in range(24)))
    intake = Intake(layout="label table", table="labels.csv")
    scan = scan_folder(root, intake=intake, tables={"labels.csv": table})
    assert (scan.layout, scan.classes, len(scan.used)) == ("label table", ["cats", "dogs"], 24)
    assert scan == scan_folder(root, intake=intake, tables={"labels.csv": table}, isolated=True)


def test_another_layout_reads_only_what_is_missing(plant: Plant, classes: Classes, picture: Make) -> None:
    files = {**classes("cats", "dogs"), "loose.png": picture(500), "notes.txt": b"x"}
    rows = [f"{path},{path[:4]}\n" for path in files if path.endswith(".png")]
    root = plant({**files, "labels.csv": "".join(["file,label\n", *rows]).encode()})
    folders = Intake(layout="class folders")
    table = Intake(layout="label table", table="labels.csv")
    read: list[str] = []

    @contextmanager
    def in_hand(path: str) -> Iterator[None]:
        read.append(path)
        yield

    look = look_at(root, in_hand=in_hand, workers=1, intake=folders)
    assert len(read) == 24 and look.verdicts["loose.png"].level == "head"
    read.clear()
    complete(look, layout_of(look, table)[0], in_hand=in_hand, workers=1)
    assert read == ["loose.png"]
    assert look.verdicts["loose.png"].level == "full" and look.verdicts["notes.txt"].level == "head"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system here")
def test_a_pipe_that_takes_the_place_of_a_file_does_not_hold_a_reader(plant: Plant, classes: Classes) -> None:
    root = plant(classes("a", "b"))

    def swap(_look: Look) -> None:  # between the look at its first bytes and the reading in full
        (root / "a/00.png").unlink()
        os.mkfifo(root / "a/00.png")

    for isolated in (False, True):
        look = look_at(root, classified=swap, isolated=isolated)
        assert look.verdicts["a/00.png"].reason == "It is not an ordinary file."
        (root / "a/00.png").unlink()
        shutil.copy(root / "a/01.png", root / "a/00.png")


def test_d33_nothing_is_written_to_the_dataset_by_readers_and_cache(plant: Plant, classes: Classes) -> None:
    root = plant(classes("a", "b"))
    before = {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}
    for path in sorted(before, reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert scan_folder(root, isolated=True) == scan_folder(root, isolated=True)
        assert {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]} == before
    finally:
        for path in before:
            path.chmod(0o755)


def test_a_scan_by_processes_of_their_own_is_cancelled_at_once(plant: Plant, classes: Classes) -> None:
    root = plant(classes("a", "b", images=100))
    seen: list[int] = []
    said_at: list[float] = []

    def cancelled() -> bool:
        if len(seen) > 20:
            said_at.append(time.monotonic())
        return bool(said_at)

    with pytest.raises(ScanCancelled):
        scan_folder(root, lambda done, _total: seen.append(done), cancelled, isolated=True)
    assert time.monotonic() - said_at[0] < 2  # 0.1 s on an idle machine
    assert seen[-1] < 200


def test_the_first_question_whether_to_go_on_comes_while_names_are_listed(plant: Plant) -> None:
    root = plant({f"a/{number}": b"" for number in range(2500)})
    asked: list[int] = []
    assert len(walk(root, lambda: asked.append(1)).files) == 2500
    assert len(asked) >= 4


def test_size_and_times_are_noted_where_names_are_listed(plant: Plant, classes: Classes) -> None:
    root = plant(classes("a", "b", images=2))
    for found in walk(root).files:
        facts = (root / found.path).stat()
        assert (found.size_bytes, found.modified_ns) == (facts.st_size, facts.st_mtime_ns)
        assert found.changed_ns == facts.st_ctime_ns
