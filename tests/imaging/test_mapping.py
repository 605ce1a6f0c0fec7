from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tlgui.imaging import mapping
from tlgui.imaging.decoding import Decoded
from tlgui.imaging.pixels import read_pixels, to_rgb

Make = Callable[..., bytes]


def deep(values: np.ndarray, **fields: Any) -> Decoded:
    return Decoded(Image.new("L", (1, 1)), values, None, 16, **fields)


def test_percentiles_are_those_of_each_image_over_its_finite_values() -> None:
    values = np.arange(1000, dtype=np.float64).reshape(20, 50)
    values[0, 0], values[0, 1], values[0, 2] = np.nan, np.inf, -np.inf
    finite = np.sort(np.arange(3, 1000, dtype=np.float64))
    # Linear between neighbours: the place of 10 % among 997 values is 99.6, that of 90 % is 896.4.
    low = finite[99] + 0.6 * (finite[100] - finite[99])
    high = finite[896] + 0.4 * (finite[897] - finite[896])
    expected = np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5)
    expected[0, :3] = 0
    mapped = to_rgb(deep(values), 10, 90, method="percentile")[..., 0]
    np.testing.assert_array_equal(mapped, expected)


def test_percentiles_of_colours_are_those_of_all_channels_together() -> None:
    colours = np.zeros((10, 10, 3), np.uint16)
    colours[..., 0], colours[..., 1] = 100, 200
    mapped = to_rgb(deep(colours), 0, 100, method="percentile")
    assert mapped[0, 0].tolist() == [128, 255, 0]


@pytest.mark.parametrize(("low", "high"), [(0, 4095), (-1, 50), (50, 50)])
def test_numbers_that_are_no_percentages_are_an_error(low: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"percentages|above low"):
        to_rgb(deep(np.zeros((4, 4), np.uint16)), low, high, method="percentile")


@pytest.mark.parametrize("method", ["range", "percentile", "window"])
def test_numbers_at_the_end_of_what_a_float_holds_are_no_crash(method: str) -> None:
    values = np.array([[-1.7e308, 1.7e308], [0, 1e300]])
    assert to_rgb(deep(values), 0, 100, method=method).shape == (2, 2, 3)
    assert to_rgb(deep(values), -1.7e308, 1.7e308).shape == (2, 2, 3)


def test_a_flat_image_is_no_division_by_zero() -> None:
    assert to_rgb(deep(np.full((4, 4), 7, np.uint16)), 0.5, 99.5, method="percentile").max() == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.int64])
@pytest.mark.parametrize("inverted", [False, True])
def test_the_fast_way_over_levels_gives_the_same_pixels(
    dtype: Any, inverted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = np.iinfo(dtype)
    low, high = max(bounds.min, -3000), min(bounds.max, 3000)
    values = np.random.default_rng(0).integers(low, high, (90, 80), endpoint=True).astype(dtype)
    fast = to_rgb(deep(values, inverted=inverted), low / 3, high / 2)
    monkeypatch.setattr(mapping, "MOST_LEVELS", 0)
    np.testing.assert_array_equal(fast, to_rgb(deep(values, inverted=inverted), low / 3, high / 2))


def test_halves_are_rounded_up_exactly() -> None:
    # 200 of 400 is 127.5, which a factor of 255 / 400 would miss.
    assert to_rgb(deep(np.full((2, 2), 500, np.uint16)), 300, 700)[0, 0, 0] == 128


def test_colour_is_taken_out_by_one_stated_formula(encoded: Make) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    grey = read_pixels(encoded(Image.fromarray(colours)), colour="grey")
    for row, column in np.ndindex(9, 7):
        red, green, blue = (int(value) for value in colours[row, column])
        wanted = int(0.299 * red + 0.587 * green + 0.114 * blue + 0.5 + 1e-9)
        assert grey[row, column].tolist() == [wanted] * 3
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(read_pixels(encoded(Image.fromarray(levels)), colour="grey")[..., 0], levels)


def test_the_border_is_cut_after_the_image_is_turned(encoded: Make) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.random.default_rng(2).integers(0, 256, (40, 100, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(stored), exif=exif)
    upright = np.rot90(stored, -1)
    cut = read_pixels(data, border=0.29)
    np.testing.assert_array_equal(cut, upright[29:71, 11:29])  # 0.29 of 40 is 11.6, rounded down
    assert cut.flags.c_contiguous
    assert read_pixels(encoded(Image.fromarray(stored[:2, :3])), border=0.4).shape == (2, 1, 3)


def test_transparency_lies_over_the_background_before_colour_is_taken_out(encoded: Make) -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert read_pixels(encoded(image), background=(10, 200, 30), colour="grey")[0, 0].tolist() == [124] * 3
