from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tlgui.core.errors import UserError
from tlgui.imaging.scan import scan_folder

Plant = Callable[..., Path]
Classes = Callable[..., dict[str, bytes | None]]
Make = Callable[..., bytes]


def refusal(root: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        scan_folder(root)
    error = caught.value
    assert str(root.parent) not in f"{error}{error.details}"
    assert error.problem.endswith(".")
    assert error.remedy.endswith(".")
    return error


def test_folder_missing(tmp_path: Path) -> None:
    assert refusal(tmp_path / "Prüfung <b>").problem == "The folder 'Prüfung <b>' does not exist."


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"x")
    assert refusal(tmp_path / "photo.png").problem == "'photo.png' is a file, not a folder."


def test_an_empty_folder_and_one_of_empty_folders(plant: Plant) -> None:
    assert refusal(plant({})).problem == "The folder 'photos' is empty."
    assert refusal(plant({"a/": None, "b/": None}, "other")).problem == "The folder 'other' is empty."


def test_only_hidden_files(plant: Plant) -> None:
    assert "only hidden files" in refusal(plant({".DS_Store": b"x", ".git/HEAD": b"x"})).problem


def test_one_class(plant: Plant, classes: Classes) -> None:
    error = refusal(plant(classes("cats")))
    assert error.problem == "Only one class was found in 'photos': 'cats'."
    assert error.remedy == "Put each class in its own folder."


def test_one_class_beside_folders_without_usable_images(plant: Plant, classes: Classes) -> None:
    error = refusal(plant({**classes("cats"), "dogs/1.png": b"", "mice/": None}))
    assert "'cats' (none in 'dogs', 'mice')" in error.problem


def test_one_class_beside_loose_images(plant: Plant, classes: Classes, picture: Make) -> None:
    assert "1 image lies outside of any" in refusal(plant({**classes("cats"), "loose.png": picture(1)})).remedy


def test_loose_images_only(plant: Plant, picture: Make) -> None:
    error = refusal(plant({f"{seed}.png": picture(seed) for seed in range(3)}))
    assert error.problem == "The 3 images in 'photos' cannot be used: none lies in a class folder."
    assert error.remedy == "Put the images of each class into a folder of its own, inside of 'photos'."


def test_d20_unknown_files_only_names_suffixes_and_accepted_formats(plant: Plant) -> None:
    error = refusal(plant({"a/1.svg": b"<svg>", "a/2.SVG": b"<svg>", "b/3.txt": b"text", "b/noname": b"\1\2\3"}))
    assert "it holds 2 .svg files, 1 .txt file, 1 file without suffix (all not an image)." in error.problem
    assert "JPEG, PNG, BMP, GIF, WebP, TIFF" in error.remedy
    assert "a/1.svg: The content is a vector drawing (SVG), not an image." in error.details


def test_d20_a_folder_of_tiff_only_works(plant: Plant, classes: Classes) -> None:
    assert len(scan_folder(plant(classes("a", "b", suffix="tif"))).used) == 24


def test_all_files_broken(plant: Plant, picture: Make) -> None:
    cut = picture(1, "JPEG", size=(50, 50))[:-200]
    error = refusal(plant({"a/1.jpg": cut, "a/2.jpg": b"", "b/3.jpg": cut}))
    assert "3 .jpg files (2 truncated, 1 empty)" in error.problem


@pytest.mark.parametrize(("folder", "split"), [("val", "validation"), ("testing", "test")])
def test_d11_a_class_that_train_lacks_is_named(plant: Plant, classes: Classes, folder: str, split: str) -> None:
    files = {f"train/{path}": data for path, data in classes("a", "b").items()}
    files |= {f"{folder}/{path}": data for path, data in classes("a", "b", "c").items()}
    error = refusal(plant(files))
    assert error.problem.startswith(f"The {split} folder in 'photos' has a class that the train folder has no")
    assert "'c'" in error.problem


def test_splits_without_train(plant: Plant, classes: Classes) -> None:
    files = {f"{split}/{path}": data for split in ("val", "test") for path, data in classes("a", "b").items()}
    assert refusal(plant(files)).problem == "'photos' has the folders 'test', 'val', but no train folder."


def test_train_without_usable_images(plant: Plant, classes: Classes) -> None:
    files = {f"val/{path}": data for path, data in classes("a", "b").items()}
    assert "The train folder in 'photos'" in refusal(plant({**files, "train/a/1.png": b""})).problem


def test_train_and_test_of_loose_images(plant: Plant, picture: Make) -> None:
    error = refusal(plant({"train/1.png": picture(1), "test/2.png": picture(2)}))
    assert "none lies in a class folder" in error.problem
    assert "inside of its train, validation and test folders" in error.remedy


HEADS = {
    "dcm": b"\0" * 128 + b"DICM" + b"\x02\0" * 40,
    "heic": b"\0\0\0\x1cftypheic" + b"\0" * 60,
    "avif": b"\0\0\0\x1cftypavif" + b"\0" * 60,
}


def test_a_folder_of_dicom_files_is_refused_by_that_name_with_what_to_do(plant: Plant) -> None:
    files = {f"{name}/{seed}": HEADS["dcm"] + bytes([seed]) for name in ("a", "b") for seed in range(12)}
    error = refusal(plant(files, "scans"))
    assert error.problem == "'scans' holds 24 DICOM files, which this version cannot read yet."
    assert error.remedy == "Save them as PNG or TIFF first (16 bit keeps every grey level)."
    assert error.code == "no_images"
    assert "This version cannot read such a file yet (DICOM)" in error.details


def test_loose_dicom_files_are_named_too(plant: Plant) -> None:
    error = refusal(plant({"1.dcm": HEADS["dcm"]}, "scans"))
    assert error.problem == "'scans' holds 1 DICOM file, which this version cannot read yet."
    assert error.remedy.startswith("Save it as PNG or TIFF first")


@pytest.mark.parametrize(("suffix", "kind"), [("heic", "HEIC"), ("avif", "AVIF")])
def test_pictures_of_telephones_are_named_and_told_by_content(plant: Plant, suffix: str, kind: str) -> None:
    error = refusal(plant({"a/1.jpg": HEADS[suffix], "b/1.jpg": HEADS[suffix], "b/notes.txt": b"notes"}))
    assert error.problem == (
        f"'photos' holds 2 {kind} files, which this version cannot read yet. 1 other file is no image."
    )
    assert error.remedy == "Save them as PNG or TIFF first."


def test_several_kinds_are_counted_each(plant: Plant) -> None:
    files = {"a/1": HEADS["dcm"], "a/2": HEADS["dcm"], "b/1": HEADS["heic"]}
    assert "holds 2 DICOM files and 1 HEIC file, which this version cannot" in refusal(plant(files)).problem


def test_a_class_that_is_all_dicom_is_said(plant: Plant, classes: Classes) -> None:
    error = refusal(plant({**classes("cats"), "dogs/1.dcm": HEADS["dcm"]}))
    assert error.problem.endswith("It also holds 1 DICOM file, which this version cannot read yet.")
    assert error.remedy.startswith("Save it as PNG or TIFF first")


def test_files_that_are_not_read_yet_are_named_in_the_warning_and_in_the_list(plant: Plant, classes: Classes) -> None:
    scan = scan_folder(plant({**classes("a", "b"), "a/x.dcm": HEADS["dcm"], "b/y.png": b""}))
    (warning,) = [warning for warning in scan.warnings if warning.code == "unreadable_files"]
    assert "(1 DICOM, which this version cannot read yet, 1 empty)" in warning.message
    assert "This version cannot read such a file yet (DICOM)" in next(
        left.reason for left in scan.left_out if left.path == "a/x.dcm"
    )
