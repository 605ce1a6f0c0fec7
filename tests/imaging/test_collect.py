from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tlgui.core.errors import UserError
from tlgui.imaging.collect import collect_files

Plant = Callable[..., Path]


def test_files_and_folders_are_collected_without_hidden_ones(plant: Plant) -> None:
    root = plant({"b/2.png": b"2", "a/1.png": b"1", ".git/x": b"", "Thumbs.db": b"", "notes.txt": b"x"})
    single = root.parent / "Ä & <b>.png"
    single.write_bytes(b"3")
    found = collect_files([single, root, root / "a" / "1.png"])
    assert [file.shown for file in found] == ["Ä & <b>.png", "photos/a/1.png", "photos/b/2.png", "photos/notes.txt"]
    assert all(file.path.is_absolute() and file.path.is_file() for file in found)


def test_a_hidden_file_that_is_named_is_taken(plant: Plant) -> None:
    root = plant({".scan.png": b"1"})
    assert [file.shown for file in collect_files([root / ".scan.png"])] == [".scan.png"]


def test_files_of_the_same_name_are_told_apart(plant: Plant) -> None:
    root = plant({"a/1.png": b"1", "b/1.png": b"2"})
    assert [file.shown for file in collect_files([root / "a/1.png", root / "b/1.png"])] == ["a/1.png", "b/1.png"]


def test_what_is_missing_or_empty_is_named(plant: Plant) -> None:
    root = plant({".git/x": b""})
    with pytest.raises(UserError, match=r"'gone\.png' does not exist"):
        collect_files([root / "gone.png"])
    with pytest.raises(UserError, match="No file was found"):
        collect_files([root])
