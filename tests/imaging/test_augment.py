"""Augmented views: within what a medical image may bear, and the same for the same content and number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tlgui.imaging.augment import View, apply_view, draw_view

WHOLE = View(0.0, 0.0, 1.0, 1.0, False, 1.0, 1.0, 1.0)


def noise(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(st.text(max_size=12), st.integers(1, 10**6), st.floats(0.02, 50), st.booleans())
def test_a_view_stays_in_the_image_and_within_its_limits(content: str, number: int, aspect: float, flip: bool) -> None:
    view = draw_view(content, number, aspect, flip)
    assert view == draw_view(content, number, aspect, flip)
    assert view.left >= 0 and view.left + view.width <= 1 + 1e-12
    assert view.top >= 0 and view.top + view.height <= 1 + 1e-12
    assert view.width > 0 and view.height > 0
    assert all(0.8 <= factor <= 1.2 for factor in (view.brightness, view.contrast, view.saturation))
    assert flip or not view.flip
    if 3 / 4 <= aspect <= 4 / 3:
        assert view.width * view.height >= 0.6 * 9 / 16 - 1e-9
    inside = view.width < 1 and view.height < 1
    if inside:  # a box that fits has the area and the ratio of sides that were drawn
        assert 0.6 - 1e-9 <= view.width * view.height <= 1
        ratio = view.width * aspect / view.height
        assert 3 / 4 - 1e-9 <= ratio <= 4 / 3 + 1e-9


def test_views_differ_by_number_and_by_content() -> None:
    drawn = [draw_view(content, number, 1.0) for content in ("x", "y") for number in range(1, 20)]
    assert len(set(drawn)) == len(drawn)


def test_the_draws_are_spread_as_they_should_be() -> None:
    views = [draw_view("x", number, 1.0) for number in range(1, 1001)]
    assert 0.45 < np.mean([view.flip for view in views]) < 0.55
    for name in ("brightness", "contrast", "saturation"):
        values = np.array([getattr(view, name) for view in views])
        assert abs(values.mean() - 1) < 0.02 and abs(values.std() - 0.4 / math.sqrt(12)) < 0.01
    # A square image can hold a box of ratio r and area a only if a <= min(r, 1/r): the rest is cut to fit.
    areas = np.array([view.width * view.height for view in views])
    assert 0.7 < areas.mean() < 0.85


def test_a_view_is_known_by_heart() -> None:
    """Views key the caches: if this changes, so must the key."""
    view = draw_view("0123abcd", 2, 1.5)
    assert view == draw_view("0123abcd", 2, 1.5)
    assert [round(value, 6) for value in view] == KNOWN


KNOWN = [0.080097, 0.000828, 0.701911, 0.996276, 0, 1.058158, 1.057113, 1.121269]


@pytest.mark.parametrize(("height", "width"), [(50, 50), (30, 200), (1, 1), (2, 300), (300, 2)])
def test_any_image_becomes_a_square(height: int, width: int) -> None:
    pixels = noise(height, width)
    before = pixels.copy()
    for number in range(1, 9):
        out = apply_view(pixels, draw_view("x", number, width / height), 24)
        assert out.shape == (24, 24, 3) and out.dtype == np.uint8
    np.testing.assert_array_equal(pixels, before)


def test_the_whole_image_at_its_own_size_is_itself() -> None:
    pixels = noise(24, 24)
    np.testing.assert_array_equal(apply_view(pixels, WHOLE, 24), pixels)
    np.testing.assert_array_equal(apply_view(pixels, WHOLE._replace(flip=True), 24), pixels[:, ::-1])


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


def test_the_box_is_cut_out() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, 20:] = 200
    right = apply_view(pixels, WHOLE._replace(left=0.6, width=0.4), 16)
    left = apply_view(pixels, WHOLE._replace(width=0.4), 16)
    assert (right == 200).all() and (left == 0).all()
