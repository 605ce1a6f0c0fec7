"""A folder without labels: every file an image or left out with a reason, whatever its folders are called."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tlgui.core.errors import UserError
from tlgui.imaging.listing import read_listing, write_images
from tlgui.imaging.scan import ScanCancelled
from tlgui.imaging.unlabelled import read_unlabelled

Plant = Callable[..., Path]
Picture = Callable[..., bytes]


def test_every_file_is_an_image_or_left_out(plant: Plant, picture: Picture) -> None:
    root = plant(
        {
            "top.png": picture(1),
            "a/train/ü 1.jpg": picture(2, "JPEG"),
            "b/deep/er/2.png": picture(3),
            "b/copy.png": picture(3),
            "labels.csv": b"file,label\ntop.png,a\n",
            "a/empty.png": b"",
            "a/cut.png": picture(4, size=(60, 60))[:900],
            "a/notes.txt": b"hello",
            ".hidden/3.png": picture(5),
            "Thumbs.db": b"x",
        }
    )
    (root / "gone.png").symlink_to(root / "nowhere.png")
    told: list[tuple[int, int]] = []

    found = read_unlabelled(root, lambda done, total: told.append((done, total)))

    assert [image.path for image in found.images] == ["a/train/ü 1.jpg", "b/copy.png", "b/deep/er/2.png", "top.png"]
    assert {image.class_name for image in found.images} == {""} and {image.part for image in found.images} == {"train"}
    assert found.images[1].content_hash == found.images[2].content_hash != found.images[3].content_hash
    assert len(found.images) + len(found.left_out) == 11
    assert found.reasons == {
        "empty": 1, "hidden": 1, "not_an_image": 2, "system_file": 1, "truncated": 1, "unreadable": 1
    }  # fmt: skip
    assert told[-1][0] == told[-1][1]


def test_the_second_reading_is_the_same_and_nothing_is_written_there(plant: Plant, picture: Picture) -> None:
    root = plant({f"{number}.png": picture(number) for number in range(5)} | {"no.txt": b"x"})
    for path in root.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    before = sorted(path.name for path in root.iterdir())

    assert read_unlabelled(root) == read_unlabelled(root)
    assert sorted(path.name for path in root.iterdir()) == before


def test_it_can_be_written_as_a_listing_and_read_again(plant: Plant, picture: Picture, tmp_path: Path) -> None:
    found = read_unlabelled(plant({"ü, 1.png": picture(1), "b/2.png": picture(2)}))
    write_images(tmp_path / "new.csv", found.images)

    assert read_listing(tmp_path / "new.csv") == found.images


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = read_unlabelled(tmp_path / "empty")

    assert (found.images, found.left_out, found.unlisted) == ([], [], [])


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UserError, match="does not exist"):
        read_unlabelled(tmp_path / "typo")
    with pytest.raises(UserError, match="is a file, not a folder"):
        read_unlabelled(tmp_path / "file")


def test_it_can_be_cancelled(plant: Plant, picture: Picture) -> None:
    root = plant({f"{number}.png": picture(number) for number in range(3)})
    with pytest.raises(ScanCancelled):
        read_unlabelled(root, cancelled=lambda: True)
