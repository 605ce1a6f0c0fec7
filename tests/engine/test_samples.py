"""What the engine reads: labels by name, plain views that never change, augmented views that do (D11, T20)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from helpers.dicom_files import dicom_bytes
from helpers.pictures import write_dataset, write_picture
from helpers.tiny import RECIPE
from PIL import Image

from tlgui.core.augmentations import AUGMENTATIONS, Augmentation, in_use
from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import ManifestRow
from tlgui.engine import samples
from tlgui.engine.preprocess import normalise, to_input
from tlgui.engine.samples import Part, Reader
from tlgui.imaging.augment import apply_view, draw_view
from tlgui.imaging.pixels import read_pixels


def row(path: str, class_name: str, data: Path | None = None) -> ManifestRow:
    content = (data / path).read_bytes() if data else b""
    return ManifestRow(path=path, class_name=class_name, part="train", content_hash=hashlib.sha256(content).hexdigest())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "d", {"a": 3, "b": 3}, size=40)


@pytest.fixture
def part(data: Path) -> Part:
    return Part.of([row(f"{name}/00{index}.png", name, data) for name in "ab" for index in range(3)], ["a", "b"])


PHOTOS = AUGMENTATIONS["photos"]


def reader(data: Path, augmentation: Augmentation = PHOTOS, rule: PixelRule | None = None) -> Reader:
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
    square = apply_view(pixels, draw_view(part.hashes[4], 3, 1.0, PHOTOS), 24)
    expected = normalise(torch.from_numpy(square.copy()).permute(2, 0, 1).float(), RECIPE)
    assert torch.equal(opened.read(part, [4], 3)[0], expected)


def test_the_order_asked_for_is_the_order_given(opened: Reader, part: Part) -> None:
    everything = opened.read(part, range(6), 1)
    assert torch.equal(opened.read(part, [5, 0, 3, 0], 1), everything[[5, 0, 3, 0]])


def test_without_flips_left_stays_left(tmp_path: Path) -> None:
    """Dark on the left, light on the right: where both may not change places, no view turns that round."""
    ramp = np.tile(np.linspace(0, 255, 40).astype(np.uint8)[None, :, None], (40, 1, 3))
    (tmp_path / "d").mkdir()
    Image.fromarray(ramp).save(tmp_path / "d" / "x.png")
    part = Part.of([row("x.png", "a", tmp_path / "d")], ["a"])

    def turned(augmentation: Augmentation) -> int:
        made = reader(tmp_path / "d", augmentation)
        views = [made.read(part, [0], view)[0] for view in range(1, 21)]
        made.close()
        return sum(bool(view[:, :, :6].mean() > view[:, :, -6:].mean()) for view in views)

    assert turned(in_use("photos", mirror=False)) == 0 and 4 <= turned(PHOTOS) <= 16
    assert turned(AUGMENTATIONS["radiograph"]) == 0


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_whatever_the_augmentation_the_plain_view_is_the_same(
    name: str, opened: Reader, part: Part, data: Path
) -> None:
    other = reader(data, AUGMENTATIONS[name])
    assert torch.equal(other.read(part, [0, 4], 0), opened.read(part, [0, 4], 0))
    varied = [other.read(part, [0], view)[0] for view in (1, 2)]
    other.close()
    plain = opened.read(part, [0], 0)[0]
    assert [torch.equal(view, plain) for view in varied] == [name == "off"] * 2


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


@pytest.mark.parametrize(
    "rule",
    [
        PixelRule(method="percentile", low=20.0, high=80.0),
        PixelRule(method="window", high=4000.0),
        PixelRule(high=4000.0, frame="last"),
        PixelRule(high=4000.0, border=0.3),
    ],
)
@pytest.mark.parametrize("view", [0, 1])
def test_every_field_of_the_pixel_rule_reaches_both_roads(view: int, rule: PixelRule, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4000, (3, 40, 40)).astype(np.uint16)
    values[:, 16:24, 16:24] //= 4
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(dicom_bytes(values, WindowCenter=500, WindowWidth=700))
    part = Part.of([row("x", "a", tmp_path / "d")], ["a"])
    made = reader(tmp_path / "d", rule=rule)
    seen = made.read(part, [0], view)[0]
    made.close()

    pixels = read_pixels(tmp_path / "d" / "x", **msgspec.structs.asdict(rule))
    if view:
        square = apply_view(pixels, draw_view(part.hashes[0], view, 1.0, PHOTOS), 24)
        assert torch.equal(seen, normalise(torch.from_numpy(square.copy()).permute(2, 0, 1).float(), RECIPE))
    else:
        assert torch.equal(seen, to_input(pixels, RECIPE))
    assert not np.array_equal(pixels, read_pixels(tmp_path / "d" / "x", high=4000.0))


def test_colour_is_taken_out_on_both_roads(tmp_path: Path) -> None:
    write_picture(tmp_path / "d" / "x.png", 0, 0, size=40)
    part = Part.of([row("x.png", "a", tmp_path / "d")], ["a"])
    made = reader(tmp_path / "d", rule=PixelRule(colour="grey"))
    for view in (0, 1):
        red, green, blue = made.read(part, [0], view)[0]
        assert torch.equal(red, green) and torch.equal(green, blue)
    made.close()


@pytest.mark.parametrize("view", [0, 1])
def test_an_image_that_is_broken_is_named(view: int, data: Path, part: Part, opened: Reader) -> None:
    (data / "a" / "001.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"The image 'a/001\.png' is not the one that the run knows") as caught:
        opened.read(part, [0, 1], view)
    assert str(data) not in str(caught.value) and not part.skipped
    assert opened.read(part, [0], view).shape == (1, 3, 24, 24)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "_SETTLES_S", 0)


def said_of(part: Part) -> list[str]:
    return [notice.message for notice in part.notices()]


@pytest.mark.parametrize("view", [0, 1])
def test_d42_images_that_are_gone_are_skipped_and_counted(
    view: int, data: Path, part: Part, opened: Reader, at_once: None
) -> None:
    whole = opened.read(part, [0, 5, 2], view)
    (data / "b" / "002.png").unlink()
    assert torch.equal(opened.read(part, [0, 5, 2], view), whole[[0, 2]])
    assert part.there([0, 5, 2]) == [0, 2] and part.left.paths == part.paths[:5]
    assert said_of(part) == ["The training image 'b/002.png' is gone and is skipped: 1 of 6 so far."]
    (data / "a" / "000.png").unlink()
    (data / "a" / "002.png").unlink()
    assert opened.read(part, [0, 2], view).shape == (0, 3, 24, 24)
    assert said_of(part) == ["2 training images are gone and are skipped, 'a/000.png' among them: 3 of 6 so far."]
    assert said_of(part) == []
    assert part.score_note() == "3 of the 6 images are not in this score, because their files are gone."


def test_d42_the_few_that_may_vanish_are_a_twentieth_or_three() -> None:
    for total, few in ((4, 3), (60, 3), (80, 4), (200, 10)):
        labels = torch.zeros(total, dtype=torch.int64)
        part = Part([f"{n}.png" for n in range(total)], [""] * total, labels, "validation")
        part.skip(range(few))
        with pytest.raises(UserError) as caught:
            part.skip([few])
        verb = f"{few + 1} of {total} validation images are gone, '{few}.png' among them"
        assert caught.value.problem == f"{verb}: they were moved or removed." and caught.value.code == "images_changed"


def test_d42_neither_all_images_nor_a_class_of_the_training_images_may_vanish() -> None:
    labels = torch.tensor([0, 1, 1, 1, 1])
    names = [f"{n}.png" for n in range(5)]
    with pytest.raises(UserError, match=r"'0\.png' is gone, and with it the last training image of its class"):
        Part(names, names, labels, "train").skip([0])
    Part(names, names, labels, "validation").skip([0])
    with pytest.raises(UserError, match=r"1 of 1 test image is gone, '0\.png' among them: it was moved or removed"):
        Part(names[:1], names[:1], labels[:1], "test").skip([0])


def test_d42_an_image_that_comes_back_at_once_was_never_gone(
    data: Path, part: Part, opened: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs that sync a folder remove a file and write it again."""
    path = data / "a" / "000.png"
    content = path.read_bytes()
    path.unlink()
    monkeypatch.setattr(samples.time, "sleep", lambda _seconds: path.write_bytes(content))
    assert opened.read(part, [0], 0).shape == (1, 3, 24, 24) and not part.skipped


def test_d42_a_file_that_is_there_and_cannot_be_opened_is_no_file_that_is_gone(
    data: Path, part: Part, opened: Reader, at_once: None
) -> None:
    (data / "a" / "000.png").unlink()
    (data / "a" / "000.png").mkdir()
    with pytest.raises(UserError, match=r"The image 'a/000\.png' is not the one that the run knows"):
        opened.read(part, [0], 0)


def test_images_that_were_never_there_are_none_of_the_few_that_may_vanish() -> None:
    """Of a part that nothing counts on: what the person deleted long ago is no reason to stop when one more is gone."""
    paths = [f"{number}.png" for number in range(12)]
    old = Part(paths, paths, torch.zeros(12, dtype=torch.int64), "earlier 0 held out", set(range(7)), 7)
    old.skip([7, 8, 9])
    assert old.beside().never_there == 7
    with pytest.raises(UserError, match="4 of 5 images are gone"):
        old.skip([10])


@pytest.mark.parametrize("others", [True, False])
def test_d42_of_a_small_part_its_few_images_do_not_make_a_folder_that_is_gone(
    others: bool, data: Path, part: Part, opened: Reader, at_once: None
) -> None:
    small = Part(part.paths[:3], part.hashes[:3], part.labels[:3], "test")
    for path in part.paths[: 2 if others else 6]:
        (data / path).unlink()
    if others:
        assert len(opened.read(small, range(3), 0)) == 1
    else:
        with pytest.raises(UserError, match="The folder of the images 'd' is no longer there"):
            opened.read(small, range(3), 0)


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
