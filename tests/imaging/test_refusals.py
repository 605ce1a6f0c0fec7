from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tlgui.core.errors import UserError
from tlgui.core.intake import Intake
from tlgui.imaging.assemble import Look, assemble
from tlgui.imaging.file_check import read_file
from tlgui.imaging.layout import read_tables
from tlgui.imaging.scan import scan_folder
from tlgui.imaging.walk import walk

Plant = Callable[..., Path]
Classes = Callable[..., dict[str, bytes | None]]
Make = Callable[..., bytes]


def refusal(root: Path, intake: Intake = Intake()) -> UserError:  # noqa: B008 (frozen)
    with pytest.raises(UserError) as caught:
        scan_folder(root, intake=intake)
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
    assert error.remedy == (
        "Put the images of each class into a folder of its own, inside of 'photos', or put a label table (CSV, TSV or XLSX) "
        "beside them."
    )


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
    assert error.remedy == f"Add images of it to the train folder, or take it out of the {split} folder."


def test_classes_that_train_spells_with_other_capitals_are_told_so(plant: Plant, classes: Classes) -> None:
    files = {f"train/{path}": data for path, data in classes("a", "b", "c").items()}
    files |= {f"Val/{path}": data for path, data in classes("A", "B", "c").items()}
    error = refusal(plant(files))
    assert error.problem.endswith("has classes that the train folder has no usable image of: 'A', 'B'.")
    assert error.remedy == (
        "Add images of them to the train folder, or take them out of the validation folder. Spell alike what differs only "
        "in upper and lower case: train has 'a', 'b'."
    )


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
    "fits": b"SIMPLE  =                    T" + bytes(50),
    "jxl": b"\xff\x0a" + bytes(60),
    "qoi": b"qoif" + bytes(60),
}


def test_a_folder_of_images_that_are_not_read_is_refused_by_that_name_with_what_to_do(plant: Plant) -> None:
    files = {f"{name}/{seed}": HEADS["fits"] + bytes([seed]) for name in ("a", "b") for seed in range(12)}
    error = refusal(plant(files, "scans"))
    assert error.problem == "'scans' holds 24 FITS files, which this version cannot read yet."
    assert error.remedy == "Save them as PNG or TIFF first (16 bit keeps every grey level)."
    assert error.code == "no_images"
    assert "This version cannot read such a file yet (FITS)" in error.details


def test_loose_files_that_are_not_read_are_named_too(plant: Plant) -> None:
    error = refusal(plant({"1.fits": HEADS["fits"]}, "scans"))
    assert error.problem == "'scans' holds 1 FITS file, which this version cannot read yet."
    assert error.remedy.startswith("Save it as PNG or TIFF first")


@pytest.mark.parametrize(("suffix", "kind"), [("jxl", "JPEG XL"), ("qoi", "QOI")])
def test_what_is_not_read_is_told_by_content(plant: Plant, suffix: str, kind: str) -> None:
    error = refusal(plant({"a/1.jpg": HEADS[suffix], "b/1.jpg": HEADS[suffix], "b/notes.txt": b"notes"}))
    assert error.problem == (
        f"'photos' holds 2 {kind} files, which this version cannot read yet. 1 other file is no image."
    )
    assert error.remedy == "Save them as PNG or TIFF first."


def test_several_kinds_are_counted_each(plant: Plant) -> None:
    files = {"a/1": HEADS["fits"], "a/2": HEADS["fits"], "b/1": HEADS["jxl"]}
    assert "holds 2 FITS files and 1 JPEG XL file, which this version cannot" in refusal(plant(files)).problem


def test_a_class_that_cannot_be_read_is_said(plant: Plant, classes: Classes) -> None:
    error = refusal(plant({**classes("cats"), "dogs/1.fits": HEADS["fits"]}))
    assert error.problem.endswith("It also holds 1 FITS file, which this version cannot read yet.")
    assert error.remedy.startswith("Save it as PNG or TIFF first")


def test_files_that_are_not_read_yet_are_named_in_the_warning_and_in_the_list(plant: Plant, classes: Classes) -> None:
    scan = scan_folder(plant({**classes("a", "b"), "a/x.fits": HEADS["fits"], "b/y.png": b""}))
    (warning,) = [warning for warning in scan.warnings if warning.code == "unreadable_files"]
    assert "1 FITS, which this version cannot read yet" in warning.message
    assert "This version cannot read such a file yet (FITS)" in next(
        left.reason for left in scan.left_out if left.path == "a/x.fits"
    )


DOMAIN = [("photo", "cat"), ("photo", "dog"), ("sketch", "cat"), ("sketch", "dog")]


def test_loose_images_in_domain_folders(plant: Plant, picture: Make) -> None:
    files: dict[str, bytes | None] = {f"{domain}/{name}/": None for domain, name in DOMAIN}
    files |= {f"{domain}/{name}/notes.txt": b"notes" for domain, name in DOMAIN}
    error = refusal(plant({**files, "loose.png": picture(1)}))
    assert "inside of each domain folder, or put a label table" in error.remedy


def test_a_chosen_domain_without_a_usable_image(plant: Plant, picture: Make) -> None:
    files = {f"{domain}/{name}/1.png": picture(1) if domain == "photo" else b"" for domain, name in DOMAIN}
    root = plant(files)
    assert len(scan_folder(root, intake=Intake(domain="photo")).used) == 2
    error = refusal(root, Intake(domain="sketch"))
    assert error.problem == "The domain 'sketch' holds no usable image."
    assert error.remedy == "Choose another one of 'photo', 'sketch'."


def labelled(*lines: str, header: str = "file,label") -> bytes:
    return "\n".join([header, *lines]).encode()


def refusal_by_table(plant: Plant, picture: Make, table: bytes, images: int = 4) -> UserError:
    root = plant({"t.csv": table, **{f"{n}.png": picture(n) for n in range(images)}})
    tree = walk(root)
    look = Look(root, "photos", tree, tables=read_tables(root, tree))
    for found in tree.files:
        look.verdicts[found.path] = read_file(root, found)
    with pytest.raises(UserError) as caught:
        assemble(look)
    return caught.value


def test_a_table_with_one_class(plant: Plant, picture: Make) -> None:
    error = refusal_by_table(plant, picture, labelled("0,a", "1,a", "2,a"))
    assert error.problem == "Only one class was found in the table 't.csv': 'a'."
    assert error.remedy == "Choose the column that holds the classes, or another table."
    assert error.code == "one_class"


def test_a_table_of_a_part_that_never_trains(plant: Plant, picture: Make) -> None:
    header = "file,label,split"
    error = refusal_by_table(plant, picture, labelled("0,a,val", "1,b,test", "2,a,val", "3,b,test", header=header))
    assert (
        error.problem == "The table 't.csv' puts images into test and validation, but none that can be used into train."
    )


def test_a_class_that_a_table_gives_to_test_alone(plant: Plant, picture: Make) -> None:
    lines = ("0,a,train", "1,b,train", "2,a,test", "3,c,test", "4,b,train", "5,a,test")
    error = refusal_by_table(plant, picture, labelled(*lines, header="file,label,split"), 6)
    assert error.problem == "In the table 't.csv' test has a class that no usable image of train has: 'c'."
    assert error.remedy == "Put images of it into train too, or take it out of test."


def test_a_table_that_names_no_file_here_is_no_help(plant: Plant, picture: Make) -> None:
    error = refusal_by_table(plant, picture, labelled("x.png,a", "y.png,b"))
    assert error.problem == (
        "The 4 images in 'photos' cannot be used: none lies in a class folder. No column with their names and one with "
        "their labels was recognised in 't.csv'."
    )
    assert "one column of the table holds the names of these files, and another one the labels" in error.remedy
