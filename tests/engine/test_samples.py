"""What the engine reads: labels by name, plain views that never change, augmented views that do (D11, T20)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.pictures import write_dataset, write_picture
from helpers.tiny import RECIPE
from PIL import Image

from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import ManifestRow
from tlgui.core.run_spec import Augmentation
from tlgui.engine import samples
from tlgui.engine.preprocess import normalise, to_input
from tlgui.engine.samples import Part, Reader
from tlgui.imaging.augment import apply_view, draw_view


def row(path: str, class_name: str, data: Path | None = None) -> ManifestRow:
    content = (data / path).read_bytes() if data else b""
    return ManifestRow(path=path, class_name=class_name, part="train", content_hash=hashlib.sha256(content).hexdigest())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "d", {"a": 3, "b": 3}, size=40)


@pytest.fixture
def part(data: Path) -> Part:
    return Part.of([row(f"{name}/00{index}.png", name, data) for name in "ab" for index in range(3)], ["a", "b"])


def reader(data: Path, augmentation: Augmentation = "standard", rule: PixelRule | None = None) -> Reader:
    return Reader(data, RECIPE, rule or PixelRule(), augmentation, threads=2)


@pytest.fixture
def opened(data: Path) -> Iterator[Reader]:
    made = reader(data)
    yield made
    made.close()


def test_labels_go_by_the_name_of_the_class_and_never_by_its_place() -> None:
    """D11: validation lacks the class in the middle; a perfect classifier must still score 100 %."""
    classes = ["a", "b", "c"]
    train = Part.of([row("1", "a"), row("2", "b"), row("3", "c")], classes)
    validation = Part.of([row("4", "c"), row("5", "a")], classes)
    assert train.labels.tolist() == [0, 1, 2] and validation.labels.tolist() == [2, 0]
    assert validation.labels.dtype == torch.int64 and len(validation) == 2
    assert len(Part.of([], classes)) == 0
    with pytest.raises(KeyError):
        Part.of([row("6", "d")], classes)


def test_a_plain_view_is_the_exact_road_and_never_changes(opened: Reader, part: Part, data: Path) -> None:
    """T20: asked ten times, equal bit for bit."""
    first = opened.read(part, range(6), 0)
    assert first.shape == (6, 3, 24, 24) and first.dtype == torch.float32
    for _ in range(9):
        assert torch.equal(opened.read(part, range(6), 0), first)
    for index, path in enumerate(part.paths):
        with Image.open(data / path) as image:
            assert torch.equal(first[index], to_input(np.array(image), RECIPE))


def test_augmented_views_vary_and_each_repeats(opened: Reader, part: Part) -> None:
    """T20: one training image in ten views, all different; view by view the same again."""
    views = [opened.read(part, [2], view)[0] for view in range(1, 11)]
    assert all(not torch.equal(one, other) for i, one in enumerate(views) for other in views[:i])
    assert all(torch.equal(opened.read(part, [2], view)[0], views[view - 1]) for view in (1, 5, 10))


def test_an_augmented_view_follows_from_content_and_number(opened: Reader, part: Part, data: Path) -> None:
    with Image.open(data / part.paths[4]) as image:
        pixels = np.array(image)
    square = apply_view(pixels, draw_view(part.hashes[4], 3, 1.0), 24)
    expected = normalise(torch.from_numpy(square.copy()).permute(2, 0, 1).float(), RECIPE)
    assert torch.equal(opened.read(part, [4], 3)[0], expected)


def test_the_order_asked_for_is_the_order_given(opened: Reader, part: Part) -> None:
    everything = opened.read(part, range(6), 1)
    assert torch.equal(opened.read(part, [5, 0, 3, 0], 1), everything[[5, 0, 3, 0]])


def test_without_flips_left_stays_left(tmp_path: Path) -> None:
    """Dark on the left, light on the right: no view of "no-flip" turns that round, some of "standard" do."""
    ramp = np.tile(np.linspace(0, 255, 40).astype(np.uint8)[None, :, None], (40, 1, 3))
    (tmp_path / "d").mkdir()
    Image.fromarray(ramp).save(tmp_path / "d" / "x.png")
    part = Part.of([row("x.png", "a", tmp_path / "d")], ["a"])

    def turned(augmentation: Augmentation) -> int:
        made = reader(tmp_path / "d", augmentation)
        views = [made.read(part, [0], view)[0] for view in range(1, 21)]
        made.close()
        return sum(bool(view[:, :, :6].mean() > view[:, :, -6:].mean()) for view in views)

    assert turned("no-flip") == 0 and 4 <= turned("standard") <= 16


def test_the_pixel_rule_of_the_dataset_is_applied(tmp_path: Path) -> None:
    deep = np.full((40, 40), 1000, np.uint16)
    (tmp_path / "d").mkdir()
    Image.fromarray(deep).save(tmp_path / "d" / "x.png")
    part = Part.of([row("x.png", "a", tmp_path / "d")], ["a"])
    for view in (0, 1):
        means = []
        for high in (2000.0, 4000.0):
            made = reader(tmp_path / "d", rule=PixelRule(low=0.0, high=high))
            means.append(float(made.read(part, [0], view).mean()))
            made.close()
        assert means[0] > means[1] + 0.2


@pytest.mark.parametrize("view", [0, 1])
def test_an_image_that_is_gone_or_broken_is_named(view: int, data: Path, part: Part, opened: Reader) -> None:
    (data / "a" / "001.png").write_bytes(b"no image")
    (data / "b" / "002.png").unlink()
    for index, name in ((1, "a/001.png"), (5, "b/002.png")):
        with pytest.raises(UserError, match=f"The image '{name}' is not the one that the run knows") as caught:
            opened.read(part, [0, index], view)
        assert str(data) not in str(caught.value)
    assert opened.read(part, [0], view).shape == (1, 3, 24, 24)


@pytest.mark.parametrize("view", [0, 1])
def test_another_picture_under_a_known_name_is_refused(view: int, data: Path, part: Part, opened: Reader) -> None:
    """Else it would teach something else, and its activations would be kept under the old picture's name."""
    (data / "a" / "001.png").write_bytes((data / "b" / "001.png").read_bytes())
    with pytest.raises(UserError, match=r"The image .a/001\.png. is not the one that the run knows"):
        opened.read(part, [1], view)


@pytest.mark.parametrize("view", [0, 1])
@pytest.mark.parametrize("left_behind", ["nothing", "an empty folder", "empty class folders"])
def test_d42_a_folder_that_is_gone_is_said_and_not_one_of_its_images(
    view: int, left_behind: str, data: Path, part: Part, opened: Reader
) -> None:
    data.rename(data.parent / "renamed")
    if left_behind != "nothing":
        data.mkdir()  # where a drive was, its place may stay
    if left_behind == "empty class folders":
        (data / "a").mkdir()
        (data / "b").mkdir()
    with pytest.raises(UserError) as caught:
        opened.read(part, [0], view)
    assert caught.value.problem == "The folder of the images 'd' is no longer there."
    assert caught.value.code == "drive_gone"


def test_d42_a_folder_that_is_just_being_deleted_is_said_too(
    data: Path, part: Part, opened: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first image is missed before the last one is gone."""
    (data / "a" / "000.png").unlink()
    monkeypatch.setattr(samples.time, "sleep", lambda _seconds: shutil.rmtree(data))
    with pytest.raises(UserError, match="The folder of the images 'd' is no longer there"):
        opened.read(part, [0], 0)


def test_images_of_any_shape_make_one_batch(tmp_path: Path) -> None:
    write_picture(tmp_path / "d" / "1.png", 0, 0, size=20)
    Image.new("L", (90, 12), 100).save(tmp_path / "d" / "2.png")
    Image.new("RGBA", (12, 70), (9, 9, 9, 9)).save(tmp_path / "d" / "3.png")
    part = Part.of([row(f"{n}.png", "a", tmp_path / "d") for n in (1, 2, 3)], ["a"])
    made = reader(tmp_path / "d")
    for view in (0, 1, 2):
        assert made.read(part, range(3), view).shape == (3, 3, 24, 24)
    made.close()
