"""Augmented views: each row within its limits, and the same for the same content, number and row."""

from __future__ import annotations

import colorsys
import hashlib
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tlgui.core.augmentations import AUGMENTATIONS, Augmentation, in_use
from tlgui.imaging.augment import View, apply_view, draw_view

WHOLE = View(0.0, 0.0, 1.0, 1.0, False, 1.0, 1.0, 1.0)
PHOTOS = AUGMENTATIONS["photos"]
ROWS = [row for row in AUGMENTATIONS.values() if not row.changes_nothing]
EVERY_ROW = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scene(size: int) -> Pixels:
    """A smooth picture without symmetry, bright everywhere."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    channels = (120 + 100 * x, 120 + 100 * y, 120 + 60 * np.sin(5 * x + 3 * y))
    return np.stack(channels, 2).round().astype(np.uint8)


def drawn(row: Augmentation, n: int = 400, aspect: float = 1.0) -> list[View]:
    return [draw_view("x", number, aspect, row) for number in range(1, n + 1)]


# -- each row --------------------------------------------------------------------------------------------------------


@EVERY_ROW
@given(st.text(max_size=12), st.integers(1, 10**6), st.floats(0.02, 50))
def test_a_view_stays_in_the_image_and_within_its_row(
    row: Augmentation, content: str, number: int, aspect: float
) -> None:
    view = draw_view(content, number, aspect, row)
    assert view == draw_view(content, number, aspect, row)
    assert view.left >= 0 and view.left + view.width <= 1 + 1e-12
    assert view.top >= 0 and view.top + view.height <= 1 + 1e-12
    assert view.width > 0 and view.height > 0
    for name in ("brightness", "contrast", "saturation"):
        assert abs(getattr(view, name) - 1) <= getattr(row, name) + 1e-12
    assert abs(view.rotation) <= row.rotation and abs(view.hue) <= row.hue
    assert row.mirror or not view.flip
    assert row.upside_down or not view.upside_down
    assert view.quarter_turns in (range(4) if row.quarter_turns else (0,))
    area, ratio = view.width * view.height, view.width * aspect / view.height
    if view.width < 1 and view.height < 1:  # a part that fits has the area and the ratio of sides that were drawn
        assert row.smallest_area - 1e-9 <= area <= 1
        assert 1 / row.largest_ratio - 1e-9 <= ratio <= row.largest_ratio + 1e-9
    if row.too_large == "squeeze":
        assert area >= row.smallest_area - 1e-9, "of a long image as well"


@EVERY_ROW
def test_what_a_row_allows_happens_and_is_spread_as_it_should_be(row: Augmentation) -> None:
    views = drawn(row, 1000)
    for name, allowed in (("flip", row.mirror), ("upside_down", row.upside_down)):
        share = np.mean([getattr(view, name) for view in views])
        assert 0.45 < share < 0.55 if allowed else share == 0
    for name, middle in (("brightness", 1), ("contrast", 1), ("saturation", 1), ("rotation", 0), ("hue", 0)):
        values, reach = np.array([getattr(view, name) for view in views]), getattr(row, name)
        assert abs(values.mean() - middle) <= 0.1 * reach
        assert abs(values.std() - 2 * reach / math.sqrt(12)) <= 0.05 * reach
    turns = np.bincount([view.quarter_turns for view in views], minlength=4) / len(views)
    assert (abs(turns - 0.25) < 0.05).all() if row.quarter_turns else turns[0] == 1


@EVERY_ROW
def test_views_differ_by_number_by_content_and_by_row(row: Augmentation) -> None:
    views = {draw_view(content, number, 1.0, row) for content in ("x", "y") for number in range(1, 20)}
    assert len(views) == 38
    others = {draw_view("x", n, 1.0, other) for other in ROWS if other.name != row.name for n in range(1, 20)}
    assert not views & others


@EVERY_ROW
@pytest.mark.parametrize(("height", "width"), [(50, 50), (30, 200), (1, 1), (2, 300), (300, 2)])
def test_any_image_becomes_a_square(height: int, width: int, row: Augmentation) -> None:
    pixels = noise(height, width)
    before = pixels.copy()
    for number in range(1, 9):
        out = apply_view(pixels, draw_view("x", number, width / height, row), 24)
        assert out.shape == (24, 24, 3) and out.dtype == np.uint8
    np.testing.assert_array_equal(pixels, before)


@EVERY_ROW
def test_nothing_is_shown_that_is_not_in_the_picture(row: Augmentation) -> None:
    """A black corner would be a sign of its own."""
    still = msgspec.structs.replace(row, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    pixels = scene(64)
    for number in range(1, 40):
        view = apply_view(pixels, draw_view("x", number, 1.0, still), 48)
        assert view.min() >= pixels.min() - 2 and view.max() <= pixels.max() + 2


# -- the box ---------------------------------------------------------------------------------------------------------


def photos_as_they_were(content_hash: str, number: int, aspect: float, mirror: bool) -> list[float]:
    """The drawing of "standard" and "no-flip", from which the README's figures come, word for word."""
    digest = hashlib.sha256(f"{content_hash}\0view\0{number}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    area, log_ratio = rng.uniform(0.6, 1.0), rng.uniform(-math.log(4 / 3), math.log(4 / 3))
    width = min(1.0, math.sqrt(area * math.exp(log_ratio) / aspect))
    height = min(1.0, math.sqrt(area / math.exp(log_ratio) * aspect))
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    flip = bool(rng.random() < 0.5) and mirror
    return [left, top, width, height, flip, *rng.uniform(0.8, 1.2, 3)]


@given(st.text(max_size=12), st.integers(1, 10**6), st.floats(0.02, 50), st.booleans())
def test_photographs_are_varied_as_before_there_were_rows(
    content: str, number: int, aspect: float, mirror: bool
) -> None:
    view = draw_view(content, number, aspect, in_use("photos", mirror))
    assert view[:8] == pytest.approx(photos_as_they_were(content, number, aspect, mirror), rel=1e-12)
    assert view[8:] == (False, 0, 0, 0)


def test_a_view_is_known_by_heart() -> None:
    """Views key the caches: if this changes, so must the key."""
    view = draw_view("0123abcd", 2, 1.5, PHOTOS)
    assert [round(value, 6) for value in view] == KNOWN
    view = draw_view("0123abcd", 2, 1.5, AUGMENTATIONS["microscopy"])
    assert [round(value, 6) for value in view] == KNOWN_CELLS


KNOWN = [0.080097, 0.000828, 0.701911, 0.996276, 0, 1.058158, 1.057113, 1.121269, 0, 0, 0, 0]
KNOWN_CELLS = [0.080097, 0.000828, 0.701911, 0.996276, 0, 1.043618, 1.042835, 1.090951, 1, 1, 0.0, -0.015896]


def torchvision_box(rng: np.random.Generator, width: int, height: int) -> tuple[float, float]:
    """The sides of RandomResizedCrop's part in pixels, as torchvision's `get_params` finds them, but not rounded."""
    for _ in range(10):
        area = width * height * rng.uniform(0.08, 1.0)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if w <= width and h <= height:
            return w, h
    if width / height < 3 / 4:
        return width, width / (3 / 4)
    if width / height > 4 / 3:
        return height * (4 / 3), height
    return width, height


@pytest.mark.parametrize(("width", "height"), [(300, 300), (400, 300), (300, 900), (1000, 100)])
def test_the_tutorials_crop_is_that_of_random_resized_crop(width: int, height: int) -> None:
    row = AUGMENTATIONS["tutorial"]
    rng = np.random.default_rng(1)
    theirs = np.array([torchvision_box(rng, width, height) for _ in range(4000)])
    ours = np.array([(v.width * width, v.height * height) for v in drawn(row, 2000, width / height)])
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        for side, length in enumerate((width, height)):
            assert np.quantile(ours[:, side], share) == pytest.approx(
                np.quantile(theirs[:, side], share), abs=0.03 * length
            )


def test_where_nothing_fits_the_middle_is_shown() -> None:
    views = drawn(AUGMENTATIONS["tutorial"], 200, 40.0)
    middle = [view for view in views if view.height == 1.0]
    assert middle and all(view.width == pytest.approx(1 / 30) for view in middle)  # 4/3 of the height, of 40 times it
    assert all(view.left == pytest.approx((1 - view.width) / 2) for view in middle)


def test_of_a_long_medical_image_no_less_is_shown_than_of_a_square_one() -> None:
    """methods.md 1: a finding at the edge that is cut off leaves a wrong label behind."""
    for aspect in (0.2, 0.5, 2.0, 6.0):
        for view in drawn(AUGMENTATIONS["radiograph"], 100, aspect):
            assert view.width * view.height >= 0.8 - 1e-9
    assert min(view.width * view.height for view in drawn(PHOTOS, 100, 2.0)) < 0.5


def test_the_box_is_cut_out() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, 20:] = 200
    right = apply_view(pixels, WHOLE._replace(left=0.6, width=0.4), 16)
    left = apply_view(pixels, WHOLE._replace(width=0.4), 16)
    assert (right == 200).all() and (left == 0).all()


# -- turning ---------------------------------------------------------------------------------------------------------


def test_the_whole_image_at_its_own_size_is_itself() -> None:
    pixels = noise(24, 24)
    np.testing.assert_array_equal(apply_view(pixels, WHOLE, 24), pixels)
    np.testing.assert_array_equal(apply_view(pixels, WHOLE._replace(flip=True), 24), pixels[:, ::-1])
    np.testing.assert_array_equal(apply_view(pixels, WHOLE._replace(upside_down=True), 24), pixels[::-1])
    for turns in range(4):
        np.testing.assert_array_equal(
            apply_view(pixels, WHOLE._replace(quarter_turns=turns), 24), np.rot90(pixels, turns)
        )


@pytest.mark.parametrize("degrees", [-7.0, -0.5, 3.0, 5.0])
def test_turned_by_a_few_degrees_is_what_the_formula_says(degrees: float) -> None:
    pixels, size = scene(64), 64
    turned = apply_view(pixels, WHOLE._replace(rotation=degrees), size).astype(float)
    angle = math.radians(degrees)
    for row, column in ((20, 20), (32, 45), (40, 15)):  # inside, where the border plays no part
        x, y = column - 31.5, row - 31.5
        source_x = 31.5 + math.cos(angle) * x - math.sin(angle) * y
        source_y = 31.5 + math.sin(angle) * x + math.cos(angle) * y
        u, v = source_x / 63, source_y / 63
        expected = (120 + 100 * u, 120 + 100 * v, 120 + 60 * math.sin(5 * u + 3 * v))
        assert turned[row, column] == pytest.approx(expected, abs=2)


def test_one_pixel_can_be_turned() -> None:
    assert apply_view(noise(1, 1), WHOLE._replace(rotation=7.0), 1).shape == (1, 1, 3)


def hands(pixels: Pixels) -> int:
    """1 where a picture of three marked corners is as it was, -1 where it is its mirror image."""
    corners = [(0, 0), (0, -1), (-1, -1), (-1, 0)]
    marks = [int(pixels[row, column, 0]) for row, column in corners]
    start = marks.index(max(marks))
    return 1 if marks[(start + 1) % 4] > marks[start - 1] else -1


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_where_left_and_right_matter_no_view_is_a_mirror_image(name: str) -> None:
    """Upside down is mirrored and turned by half: turned alone may stay."""
    pixels = np.full((24, 24, 3), 60, np.uint8)
    pixels[:12, :12], pixels[:12, 12:], pixels[12:, :12] = 240, 180, 90
    plain = msgspec.structs.replace(in_use(name, mirror=False), smallest_area=1.0, largest_ratio=1.0, contrast=0.0)
    free = msgspec.structs.replace(in_use(name, mirror=True), smallest_area=1.0, largest_ratio=1.0, contrast=0.0)
    kept = {hands(apply_view(pixels, draw_view("x", number, 1.0, plain), 24)) for number in range(1, 60)}
    turned = {hands(apply_view(pixels, draw_view("x", number, 1.0, free), 24)) for number in range(1, 60)}
    assert kept == {1} and turned == {1, -1}


# -- colour ----------------------------------------------------------------------------------------------------------


def test_the_factors_do_what_they_say() -> None:
    pixels = noise(24, 24) // 2
    bright = apply_view(pixels, WHOLE._replace(brightness=1.2), 24)
    assert np.abs(bright - pixels * 1.2).max() <= 1
    flat = apply_view(pixels, WHOLE._replace(contrast=0.8), 24)
    mean = np.asarray(Image.fromarray(pixels).convert("L")).mean()
    assert np.abs(flat - (mean + 0.8 * (pixels - mean))).max() <= 2
    grey = np.asarray(Image.fromarray(pixels).convert("L"))[..., None].astype(float)
    pale = apply_view(pixels, WHOLE._replace(saturation=0.8), 24)
    assert np.abs(pale - (grey + 0.8 * (pixels - grey))).max() <= 2


@pytest.mark.parametrize("shift", [-0.02, 0.02, 0.1])
def test_the_hue_is_shifted_and_grey_stays_grey(shift: float) -> None:
    pixels = np.array([[[200, 120, 160], [40, 90, 220]], [[150, 150, 150], [10, 10, 10]]], np.uint8)
    out = apply_view(pixels, WHOLE._replace(hue=shift), 2)
    for old, new in zip(pixels.reshape(-1, 3), out.reshape(-1, 3), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(old / 255))
        expected = np.array(colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)) * 255
        assert np.abs(new - expected).max() <= 4  # Pillow's colour circle has 256 places
    np.testing.assert_array_equal(out[1], pixels[1])
