from __future__ import annotations

import io
import math
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tifffile

from tlgui.imaging.pixels import DecodeError, describe, read_pixels
from tlgui.imaging.tiff import turned_round

Make = Callable[..., bytes]


def written(values: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def by_range(values: np.ndarray, low: float, high: float) -> np.ndarray:
    levels = [math.floor(min(255.0, max(0.0, 255.0 * (float(v) - low) / (high - low))) + 0.5) for v in values.ravel()]
    return np.array(levels, np.uint8).reshape(values.shape)


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.int8, np.int16, np.uint32, np.int64, np.uint64]
)
def test_grey_of_every_kind_of_number(dtype: Any) -> None:
    values = np.linspace(0, 120, 20 * 16).reshape(20, 16).astype(dtype)
    data = written(values, photometric="minisblack")
    np.testing.assert_array_equal(read_pixels(data, 10, 100)[..., 0], by_range(values, 10, 100))
    description = describe(data)
    assert description.grey
    assert description.floating is (np.dtype(dtype).kind == "f")
    assert (description.lowest, description.highest) == (0.0, 120.0)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.uint32])
def test_deep_colour_in_either_order_keeps_all_bits(dtype: Any, planar: str) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (20, 16, 3)).astype(dtype)
    stored = values if planar == "contig" else values.transpose(2, 0, 1)
    data = written(stored, photometric="rgb", planarconfig=planar)
    np.testing.assert_array_equal(read_pixels(data, 0, 4095), by_range(values, 0, 4095))


@pytest.mark.parametrize(("channels", "used", "left"), [(2, 1, 1), (3, 3, 0), (5, 3, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_channels_beyond_grey_or_rgb_are_left_aside_and_counted(
    channels: int, used: int, left: int, dtype: Any
) -> None:
    values = np.random.default_rng(1).integers(0, 250, (20, 16, channels)).astype(dtype)
    data = written(values, photometric="minisblack", planarconfig="contig")
    if channels == 3:  # without a word on its colours, three channels are red, green and blue
        data = written(values, photometric="rgb")
    description = describe(data)
    assert description.extra_channels == left
    assert description.grey is (used == 1)
    expected = values if dtype == np.uint8 else by_range(values, 0, 255)
    np.testing.assert_array_equal(read_pixels(data, 0, 255)[..., :used], expected[..., :used])


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_transparency_of_deep_colour(kind: str) -> None:
    values = np.zeros((6, 6, 4), np.float32)
    values[..., :3] = 0.5 if kind == "unassalpha" else 0.25
    values[..., 3] = 0.5
    decoded = read_pixels(written(values, photometric="rgb", extrasamples=[kind]), 0, 1, (255, 255, 255))
    assert abs(int(decoded[0, 0, 0]) - (0.5 * 127.5 + 0.5 * 255)) <= 1


@pytest.mark.parametrize(("frame", "page"), [("auto", 0), ("first", 0), ("middle", 1), ("last", 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_any_page_can_be_asked_for(frame: str, page: int, dtype: Any) -> None:
    pages = np.stack([np.full((8, 9), 50 * number) for number in range(4)]).astype(dtype)
    data = written(pages, photometric="minisblack")
    assert read_pixels(data, 0, 255, frame=frame)[0, 0, 0] == 50 * page
    assert describe(data).frames == 4


@pytest.mark.parametrize(("frame", "page"), [("auto", 0), ("middle", 1), ("last", 2)])
def test_any_page_of_sixteen_bit_colour_keeps_its_lower_byte(frame: str, page: int) -> None:
    pages = np.random.default_rng(2).integers(0, 4096, (3, 8, 9, 3)).astype(np.uint16)
    data = written(pages, photometric="rgb")
    np.testing.assert_array_equal(read_pixels(data, 0, 4095, frame=frame), by_range(pages[page], 0, 4095))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_once_also_where_pillow_stops(orientation: int) -> None:
    values = np.random.default_rng(3).integers(0, 255, (6, 9)).astype(np.float64)
    turned, plain = (
        read_pixels(written(kind, photometric="minisblack", extratags=[(274, "H", 1, orientation, True)]), 0, 255)
        for kind in (values, values.astype(np.float32))
    )
    np.testing.assert_array_equal(turned, plain)
    assert turned.shape == ((9, 6, 3) if orientation >= 5 else (6, 9, 3))


def test_white_is_zero_is_turned_round_also_where_pillow_stops() -> None:
    values = np.array([[0, 127], [-128, 5]], np.int8).repeat(2, axis=0)
    data = written(values, photometric="miniswhite")
    turned = read_pixels(data, -128, 127)[..., 0]
    np.testing.assert_array_equal(turned, 255 - by_range(values, -128, 127))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64, np.int16, np.int64])
def test_turning_round_is_from_the_largest_to_the_smallest(dtype: Any) -> None:
    bounds = np.iinfo(dtype)
    values = np.array([bounds.min, bounds.max, 5], dtype)
    turned = [int(value) for value in turned_round(values, bounds.bits)]
    assert turned == [bounds.max, bounds.min, bounds.max + bounds.min - 5]


def test_twelve_bits_are_turned_round_within_themselves() -> None:
    assert turned_round(np.array([0, 4095, 5], np.uint16), 12).tolist() == [4095, 0, 4090]


def test_a_header_that_states_more_parts_than_there_are_is_refused_at_once() -> None:
    data = bytearray(written(np.zeros((40, 40)), photometric="minisblack"))
    for tag, value in ((256, 17_000), (257, 17_000), (278, 1)):
        at = data.index(struct.pack("<H", tag))
        while data[at + 2] not in (3, 4):
            at = data.index(struct.pack("<H", tag), at + 1)
        data[at + 8 : at + 12] = struct.pack("<I", value)
        data[at + 2 : at + 4] = struct.pack("<H", 4)
    with pytest.raises(DecodeError, match="parts of its image are missing"):
        describe(bytes(data))


def test_complex_numbers_are_no_picture() -> None:
    with pytest.raises(DecodeError) as caught:
        describe(written(np.zeros((6, 6), np.complex64), photometric="minisblack"))
    assert caught.value.code == "unsupported"


def test_without_tifffile_the_missing_part_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written(np.zeros((6, 6), np.float64), photometric="minisblack")
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(DecodeError, match="'tifffile'") as caught:
        describe(data)
    assert caught.value.code == "unsupported"


def test_a_file_cut_off_is_named() -> None:
    data = written(np.random.default_rng(4).random((40, 40)), photometric="minisblack")
    for length in range(200, len(data) - 1, 500):
        with pytest.raises(DecodeError) as caught:
            describe(data[:length])
        assert caught.value.code in {"truncated", "unreadable"}
