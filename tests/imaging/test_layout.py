from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlgui.core.errors import UserError
from tlgui.core.intake import Intake
from tlgui.core.records import LayoutFacts, Reason, TableColumns
from tlgui.imaging.layout import (
    CLASS_FOLDERS,
    DOMAIN_FOLDERS,
    LABEL_TABLE,
    SPLIT_FOLDERS,
    Layout,
    NoPlace,
    Place,
    choose_layout,
    read_tables,
    recognise,
)
from tlgui.imaging.walk import FoundFile, Tree, walk

Plant = Callable[..., Path]


def layout_of(plant: Plant, *paths: str) -> Layout:
    return recognise(walk(plant({path: None if path.endswith("/") else b"x" for path in paths})))


def chosen(root: Path, **decisions: Any) -> tuple[Layout, LayoutFacts]:
    tree = walk(root)
    return choose_layout(tree, read_tables(root, tree), Intake(**decisions))


def test_the_first_level_is_the_class_however_deep_a_file_lies(plant: Plant) -> None:
    layout = layout_of(plant, "cats/1.png", "cats/2020/may/2.png", "dogs/3.png", "loose.png")
    assert layout.name == CLASS_FOLDERS
    assert layout.place(("cats", "2020", "may", "2.png")) == Place("cats")
    assert layout.place(("loose.png",)) == NoPlace("It lies outside of every class folder.")


@pytest.mark.parametrize("train", ["train", "Training", "TRAIN", "train_set", "Trainingsdaten"])
@pytest.mark.parametrize(
    ("other", "split"),
    [
        ("val", "validation"),
        ("Valid", "validation"),
        ("validation", "validation"),
        ("dev", "validation"),
        ("test", "test"),
        ("Testing", "test"),
        ("val_set", "validation"),
        ("Test Data", "test"),
        ("Validierung", "validation"),
        ("hold-out", "test"),
    ],
)
def test_split_trees_in_the_usual_spellings(plant: Plant, train: str, other: str, split: str) -> None:
    layout = layout_of(plant, f"{train}/a/1.png", f"{train}/b/2.png", f"{other}/a/deep/3.png", "notes/4.png")
    assert layout.name == SPLIT_FOLDERS
    assert layout.place((train, "b", "2.png")) == Place("b", "train")
    assert layout.place((other, "a", "deep", "3.png")) == Place("a", split)
    assert isinstance(layout.place((train, "1.png")), NoPlace)
    assert isinstance(layout.place(("notes", "4.png")), NoPlace)


def test_a_train_folder_alone_is_a_split_tree(plant: Plant) -> None:
    assert layout_of(plant, "train/a/1.png", "train/b/2.png", "README.md").name == SPLIT_FOLDERS


def test_a_class_of_trains_is_a_class(plant: Plant) -> None:
    layout = layout_of(plant, "train/1.png", "car/2.png", "ship/3.png")
    assert layout.name == CLASS_FOLDERS
    assert layout.place(("train", "1.png")) == Place("train")


def test_splits_without_train_are_no_classes(plant: Plant) -> None:
    assert layout_of(plant, "val/a/1.png", "test/a/2.png").name == SPLIT_FOLDERS


def test_train_and_test_with_loose_images_are_no_classes(plant: Plant) -> None:
    layout = layout_of(plant, "train/1.png", "test/2.png")
    assert layout.place(("train", "1.png")) == NoPlace("It lies in 'train', outside of every class folder.")


@pytest.mark.parametrize(
    ("paths", "base"),
    [
        (["data/cats/1.png", "data/dogs/2.png", "README.md", ".git/x"], ("data",)),
        (["set/data/cats/1.png", "set/data/dogs/2.png"], ("set", "data")),
        (["set/train/cats/1.png", "set/val/cats/2.png", "empty/"], ("set",)),
        (["__MACOSX/cats/1.png", "data/cats/1.png", "data/dogs/2.png"], ("data",)),
        (["images/train/a/1.png", "images/val/a/1.png", "labels/train/a/1.txt", "labels/all.cache"], ("images",)),
        (["images/a/1.png", "images/b/1.png", "annotations_v2/1.xml", "labels/1.json"], ("images",)),
        (["images/a/1.png", "images/b/1.png", "labels/a/1.png"], ()),
        (["cats/2020/1.png", "cats/2021/1.png", "dogs/notes.txt"], ()),
        (["data/cats/1.png", "data/dogs/2.png", "loose.jpg"], ()),
        (["cats/2020/1.png", "cats/2021/2.png", "cats/0.png"], ()),
        (["cats/1.png"], ()),
    ],
)
def test_a_single_folder_is_stepped_into_only_where_nothing_else_can_be_meant(
    plant: Plant, paths: list[str], base: tuple[str, ...]
) -> None:
    assert layout_of(plant, *paths).base == base


def test_empty_class_folders_are_known_and_hidden_ones_are_not(plant: Plant) -> None:
    layout = layout_of(plant, "a/1.png", "b/", "c/2.png", ".ipynb_checkpoints/1.png", "@eaDir/x")
    assert layout.class_folders == (("a",), ("b",), ("c",))
    layout = recognise(walk(plant({"train/a/1.png": b"", "train/b": None, "val/c": None}, "other")))
    assert layout.class_folders == (("train", "a"), ("train", "b"), ("val", "c"))


def test_nested_class_folders_say_that_the_class_is_the_first_level(plant: Plant) -> None:
    _, facts = chosen(plant({"cats/2020/1.png": b"", "cats/2.png": b"", "dogs/3.png": b""}))
    assert facts.evidence == [
        "2 folders side by side: 'cats', 'dogs'.",
        "The class is the first level; folders inside of it only sort the images.",
    ]


def test_split_folders_are_told_by_their_names_and_by_what_they_share(plant: Plant) -> None:
    files = {f"set/{split}/{name}/1.png": b"" for split in ("val", "train", "test") for name in "abc"}
    _, facts = chosen(plant(files))
    assert facts.name == SPLIT_FOLDERS
    assert facts.others == []
    assert facts.evidence == [
        "All images lie in the folder 'set'.",
        "The folders 'train', 'val' and 'test' are named like parts.",
        "3 folders with the same names in 'train', 'val' and 'test': 'a', 'b', 'c'.",
    ]
    _, facts = chosen(plant({**files, "set/train/d/1.png": b""}, "other"))
    assert facts.evidence[-1] == "3 of 4 folder names are the same in 'train', 'val' and 'test'."


def test_two_spellings_of_one_class_are_one(plant: Plant) -> None:
    layout, _ = chosen(plant({"Gr\u00f6\u00dfe/1.png": b"", "Gro\u0308\u00dfe/2.png": b"", "klein/3.png": b""}))
    assert layout.place(("Gro\u0308\u00dfe", "2.png")) == Place("Gr\u00f6\u00dfe")


DOMAINS = {f"{domain}/{name}/1.png": b"" for domain in ("photo", "sketch") for name in ("dog", "cat")}


def test_domains_hold_the_same_classes(plant: Plant) -> None:
    root = plant({**DOMAINS, "README.md": b"", "photo/notes.txt": b""})
    layout, facts = chosen(root)
    assert (facts.name, facts.domains, facts.domain) == (DOMAIN_FOLDERS, ["photo", "sketch"], "")
    assert facts.others == [CLASS_FOLDERS]
    assert facts.evidence == ["2 folders with the same names in 'photo' and 'sketch': 'cat', 'dog'."]
    assert layout.place(("sketch", "dog", "deep", "1.png")) == Place("dog", domain="sketch")
    assert layout.place(("photo", "notes.txt")) == NoPlace("It lies in 'photo', outside of every class folder.")
    assert layout.place(("README.md",)) == NoPlace("It lies outside of the domain folders.")
    assert chosen(root, domain="*")[1].domain == "*"


def test_with_a_chosen_domain_the_others_are_left_out(plant: Plant) -> None:
    layout, facts = chosen(plant(DOMAINS), domain="photo")
    assert (facts.name, facts.domain) == (DOMAIN_FOLDERS, "photo")
    assert layout.place(("photo", "dog", "1.png")) == Place("dog", domain="photo")
    assert layout.class_folders == (("photo", "cat"), ("photo", "dog"))
    assert layout.place(("sketch", "dog", "1.png")) == NoPlace(
        "It is of the domain 'sketch', which is not used.", Reason.OTHER_DOMAIN
    )


def test_domains_may_be_parted(plant: Plant) -> None:
    names = [
        f"{domain}/{split}/{name}/1.png"
        for domain in ("source", "target")
        for split in ("train", "test")
        for name in "01"
    ]
    layout, facts = chosen(plant(dict.fromkeys(names, b"")))
    assert facts.name == DOMAIN_FOLDERS
    assert facts.evidence[-1] == "Each of them is parted into 'train' and 'test'."
    assert layout.place(("target", "test", "0", "1.png")) == Place("0", "test", domain="target")
    assert isinstance(layout.place(("target", "1.png")), NoPlace)
    assert len(layout.class_folders) == 8


def test_class_folders_may_be_parted(plant: Plant) -> None:
    names = ["cats/train/1.png", "cats/test/2.png", "dogs/train/3.png", "dogs/test/4.png", "dogs/5.png"]
    layout, facts = chosen(plant(dict.fromkeys(names, b"")))
    assert (facts.name, facts.others) == (SPLIT_FOLDERS, [CLASS_FOLDERS])
    assert facts.evidence == ["Each of the 2 class folders is parted into 'train' and 'test'."]
    assert layout.place(("dogs", "test", "4.png")) == Place("dogs", "test")
    assert layout.place(("dogs", "5.png")) == NoPlace("It lies outside of the train, validation and test folders.")
    assert layout.class_folders == (("cats", "test"), ("cats", "train"), ("dogs", "test"), ("dogs", "train"))


@pytest.mark.parametrize(
    "names",
    [
        ["cats/2020/1.png", "cats/2021/1.png", "dogs/2020/1.png", "dogs/2021/1.png"],
        ["benign/left/1.png", "benign/right/1.png", "malignant/left/1.png", "malignant/right/1.png"],
        ["a/images/1.png", "a/masks/1.png", "b/images/1.png", "b/masks/1.png"],
        ["a/x/1.png", "a/y/1.png", "b/x/1.png", "b/y/1.png", "b/loose.png"],
        ["a/x/1.png", "a/y/1.png", "b/x/1.png", "b/z/1.png", "b/y/1.png"],
    ],
)
def test_folders_that_sort_the_images_of_a_class_are_no_classes(plant: Plant, names: list[str]) -> None:
    root = plant(dict.fromkeys(names, b""))
    _, facts = chosen(root)
    assert (facts.name, facts.others) == (CLASS_FOLDERS, [DOMAIN_FOLDERS])
    assert chosen(root, layout=DOMAIN_FOLDERS)[1].name == DOMAIN_FOLDERS


def test_telling_names_make_domains_also_where_one_has_a_class_more(plant: Plant) -> None:
    names = [
        "hospital_1/a/1.png",
        "hospital_1/b/1.png",
        "hospital_2/a/1.png",
        "hospital_2/b/1.png",
        "hospital_2/c/1.png",
    ]
    assert chosen(plant(dict.fromkeys(names, b"")))[1].name == DOMAIN_FOLDERS


def refusal(root: Path, **decisions: Any) -> UserError:
    with pytest.raises(UserError) as caught:
        chosen(root, **decisions)
    return caught.value


@pytest.mark.parametrize(
    ("decisions", "problem"),
    [
        ({"layout": SPLIT_FOLDERS}, "No folder here is called 'train'."),
        ({"layout": DOMAIN_FOLDERS}, "The folders here do not hold the same class folders, as domains do."),
        ({"domain": "photo"}, "The folders here do not hold the same class folders, as domains do."),
        ({"layout": LABEL_TABLE}, "No label table was found that names files of this folder."),
        ({"table": "x.csv"}, "The label table 'x.csv' is not at hand, or names no file of this folder."),
        ({"layout": "piles"}, "There is no layout called 'piles'."),
        ({"group": "column:patient"}, "No table in use has a column 'patient' beside the names of the files."),
    ],
)
def test_a_layout_that_does_not_fit_is_refused(plant: Plant, decisions: dict[str, str], problem: str) -> None:
    error = refusal(plant({"a/1.png": b"", "b/2.png": b""}), **decisions)
    assert error.problem == problem
    assert error.remedy.startswith("Choose")


def test_an_unknown_domain_is_answered_with_those_that_exist(plant: Plant) -> None:
    error = refusal(plant(DOMAINS), domain="clipart")
    assert error.problem == "There is no domain called 'clipart' here."
    assert error.remedy == "Choose one of these: 'photo', 'sketch'."


TABLE = b"file,label,split,patient\n1.png,a,train,P1\n2,b,train,P1\n3.png,a,test,P2\n9.png,b,test,P3\n"


def test_loose_images_are_labelled_by_a_table(plant: Plant) -> None:
    root = plant({"labels.csv": TABLE, **{f"images/{n}.png": b"" for n in range(1, 5)}})
    layout, facts = chosen(root)
    assert (facts.name, facts.table, facts.tables, facts.others) == (LABEL_TABLE, "labels.csv", ["labels.csv"], [])
    assert facts.columns == TableColumns(file="file", labels=["label"], split="split", group="patient")
    assert facts.evidence == [
        "'labels.csv': Separated by commas, UTF-8.",
        "3 rows name a file in this folder (column 'file'); 1 names a file that is not there.",
        "2 classes in the column 'label'; train, validation or test in 'split'; what belongs together in 'patient'.",
    ]
    assert layout.place(("images", "2.png")) == Place("b", "train", "P1")
    assert layout.place(("images", "4.png")) == NoPlace("The table 'labels.csv' has no row for it.")
    assert layout.place(("labels.csv",)) == NoPlace("It is the label table.", Reason.LABEL_TABLE)
    assert layout.rows_without_file == ["9.png"]


def test_class_folders_come_before_a_table_that_tells_no_more(plant: Plant) -> None:
    root = plant({"labels.csv": TABLE, **{f"{name}/{n}.png": b"" for name, n in zip("abab", "1234", strict=True)}})
    layout, facts = chosen(root)
    assert (facts.name, facts.others, facts.tables) == (CLASS_FOLDERS, [LABEL_TABLE], ["labels.csv"])
    assert (facts.table, facts.columns) == ("", None)
    _, facts = chosen(root, layout=LABEL_TABLE)
    assert (facts.name, facts.others) == (LABEL_TABLE, [CLASS_FOLDERS])
    # Of a table that was chosen before, and is not any more, nothing is asked.
    assert chosen(root, layout=CLASS_FOLDERS, table="gone.csv")[1].name == CLASS_FOLDERS
    # Its other columns serve all the same.
    layout, _ = chosen(root, group="column:patient")
    assert layout.place(("a", "1.png")) == Place("a", group="P1")
    assert layout.place(("b", "4.png")) == Place("b")


def test_a_table_comes_before_folders_that_only_part_a_heap(plant: Plant) -> None:
    root = plant({"labels.csv": TABLE, "images_1/1.png": b"", "images_1/2.png": b"", "images_2/3.png": b""})
    assert chosen(root)[1].name == LABEL_TABLE


def test_a_table_comes_before_folders_that_hold_few_of_the_images(plant: Plant) -> None:
    root = plant({"labels.csv": TABLE, "x/5.png": b"", "y/6.png": b"", **{f"{n}.png": b"" for n in range(1, 4)}})
    _, facts = chosen(root)
    assert (facts.name, facts.others) == (LABEL_TABLE, [CLASS_FOLDERS])


def test_train_and_test_folders_of_loose_images_count_where_the_table_says_nothing(plant: Plant) -> None:
    root = plant(
        {"labels.csv": b"file,label\n1,a\n2,b\n3,a\n", "train/1.png": b"", "train/2.png": b"", "test/3.png": b""}
    )
    layout, facts = chosen(root)
    assert facts.evidence[-1] == "The folders 'train', 'test' say which part an image belongs to."
    assert layout.place(("test", "3.png")) == Place("a", "test")


def test_chosen_columns_are_followed(plant: Plant) -> None:
    root = plant({"labels.csv": TABLE, **{f"images/{n}.png": b"" for n in range(1, 5)}})
    columns = TableColumns(file="file", labels=["patient"])
    layout, facts = chosen(root, table="labels.csv", columns=columns)
    assert facts.columns == columns
    assert layout.place(("images", "2.png")) == Place("P1")
    error = refusal(root, table="labels.csv", columns=TableColumns(file="name", labels=["label"]))
    assert error.problem == "The table 'labels.csv' has no column 'name'."
    assert error.remedy == "Choose one of its columns: 'file', 'label', 'split', 'patient'."


def test_a_group_column_of_choice_comes_before_the_recognised_one(plant: Plant) -> None:
    table = b"file,label,patient,eye\n1.png,a,P1,E1\n2.png,b,P1,E2\n3.png,a,P2,E3\n"
    root = plant({"labels.csv": table, **{f"{n}.png": b"" for n in range(1, 4)}})
    assert chosen(root)[0].place(("1.png",)) == Place("a", group="P1")
    assert chosen(root, group="column:eye")[0].place(("1.png",)) == Place("a", group="E1")
    assert refusal(root, group="column:ear").problem.startswith("No table in use has a column 'ear'")


def test_a_table_from_elsewhere_goes_by_its_own_name(plant: Plant, tmp_path: Path) -> None:
    root = plant({f"{n}.png": b"" for n in range(1, 4)})
    (tmp_path / "my labels.csv").write_bytes(TABLE)
    tree = walk(root)
    tables = read_tables(root, tree, {"my labels.csv": tmp_path / "my labels.csv"})
    layout, facts = choose_layout(tree, tables, Intake(table="my labels.csv"))
    assert (facts.table, facts.tables) == ("my labels.csv", [])
    assert layout.place(("1.png",)) == Place("a", "train", "P1")


def test_rows_with_several_labels_are_refused_where_nothing_else_tells_the_classes(plant: Plant) -> None:
    table = b"file,a,b\n1.png,1,0\n2.png,1,1\n3.png,0,1\n"
    loose = {f"{n}.png": b"" for n in range(1, 4)}
    error = refusal(plant({"labels.csv": table, **loose}))
    assert error.problem == (
        "Row 3 of 'labels.csv' has two labels, 'a' and 'b'; this program gives each image one class."
    )
    _, facts = chosen(plant({"labels.csv": table, **{f"x/{n}": b"" for n in loose}, "y/4.png": b""}, "other"))
    assert (facts.name, facts.others) == (CLASS_FOLDERS, [])


def test_folders_may_lie_deeper_than_python_calls_functions() -> None:
    base = ("a",) * 1500
    files = [FoundFile((*base, name, "1.png")) for name in "xy"]
    folders = [base[:depth] for depth in range(1, len(base) + 1)] + [(*base, name) for name in "xy"]
    layout = recognise(Tree(files, folders))
    assert [layout.place(found.parts) for found in files] == [Place("x"), Place("y")]


@pytest.mark.realdata
def test_the_real_sets_are_read_as_they_are_meant(real_data: Path) -> None:
    expected = {
        "bccd_cells": SPLIT_FOLDERS,
        "busi_ultrasound": CLASS_FOLDERS,
        "dicom_cxr": CLASS_FOLDERS,
        "flat_with_csv": LABEL_TABLE,
        "hymenoptera": SPLIT_FOLDERS,
        "mnist_to_mnist_m": DOMAIN_FOLDERS,
        "nasty_files": CLASS_FOLDERS,
        "pacs_subset": DOMAIN_FOLDERS,
        "wbc5": CLASS_FOLDERS,
    }
    assert {name: chosen(real_data / name)[1].name for name in expected} == expected


@pytest.mark.realdata
def test_three_tables_of_one_set_give_equal_labels(real_data: Path) -> None:
    root = real_data / "flat_with_csv"
    tree = walk(root)
    tables = read_tables(root, tree)
    assert sorted(tables) == ["labels.csv", "labels_onehot.csv", "labels_semicolon_bom.csv"]
    layouts = [choose_layout(tree, tables, Intake(table=name))[0] for name in sorted(tables)]
    images = [found.parts for found in tree.files if found.parts[0] == "images"]
    labels = [[layout.place(parts) for parts in images] for layout in layouts]
    assert labels[0] == labels[1] == labels[2]
    assert len(images) == 90
    assert {place.class_name for place in labels[0] if isinstance(place, Place)} == {"benign", "malignant", "normal"}
