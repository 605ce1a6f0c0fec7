from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tlgui.imaging.layout import CLASS_FOLDERS, SPLIT_FOLDERS, Layout, Place, recognise
from tlgui.imaging.walk import walk

Plant = Callable[..., Path]


def layout_of(plant: Plant, *paths: str) -> Layout:
    return recognise(walk(plant({path: None if path.endswith("/") else b"x" for path in paths})))


def test_the_first_level_is_the_class_however_deep_a_file_lies(plant: Plant) -> None:
    layout = layout_of(plant, "cats/1.png", "cats/2020/may/2.png", "dogs/3.png", "loose.png")
    assert layout.name == CLASS_FOLDERS
    assert layout.place(("cats", "2020", "may", "2.png")) == Place("cats")
    assert layout.place(("loose.png",)) == "It lies outside of every class folder."


@pytest.mark.parametrize("train", ["train", "Training", "TRAIN"])
@pytest.mark.parametrize(
    ("other", "split"),
    [
        ("val", "validation"),
        ("Valid", "validation"),
        ("validation", "validation"),
        ("dev", "validation"),
        ("test", "test"),
        ("Testing", "test"),
    ],
)
def test_split_trees_in_the_usual_spellings(plant: Plant, train: str, other: str, split: str) -> None:
    layout = layout_of(plant, f"{train}/a/1.png", f"{train}/b/2.png", f"{other}/a/deep/3.png", "notes/4.png")
    assert layout.name == SPLIT_FOLDERS
    assert layout.place((train, "b", "2.png")) == Place("b", "train")
    assert layout.place((other, "a", "deep", "3.png")) == Place("a", split)
    assert isinstance(layout.place((train, "1.png")), str)
    assert isinstance(layout.place(("notes", "4.png")), str)


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
    assert layout.place(("train", "1.png")) == "It lies in 'train', outside of every class folder."


@pytest.mark.parametrize(
    ("paths", "base"),
    [
        (["data/cats/1.png", "data/dogs/2.png", "README.md", ".git/x"], ("data",)),
        (["set/data/cats/1.png", "set/data/dogs/2.png"], ("set", "data")),
        (["set/train/cats/1.png", "set/val/cats/2.png", "empty/"], ("set",)),
        (["__MACOSX/cats/1.png", "data/cats/1.png", "data/dogs/2.png"], ("data",)),
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
