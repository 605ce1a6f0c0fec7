from __future__ import annotations

import numpy as np
import pytest

from tlgui.imaging.fingerprints import FLAT_LEVELS, hashes_of, print_of, waves_of
from tlgui.imaging.verdict import PRINT_SIDE

GREY = np.array([0.299, 0.587, 0.114])


def by_hand(picture: np.ndarray) -> np.ndarray:
    """Each pixel as 32 x 32 equal ones, of which whole ones then fall into each square."""
    grey = picture if picture.ndim == 2 else picture @ GREY
    fine = np.kron(grey, np.ones((PRINT_SIDE, PRINT_SIDE)))
    height, width = grey.shape
    squares = fine.reshape(PRINT_SIDE, height, PRINT_SIDE, width).mean(axis=(1, 3))
    stretched: np.ndarray = np.floor((squares - squares.min()) * 255 / (squares.max() - squares.min()) + 0.5)
    return stretched


def as_array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8).reshape(PRINT_SIDE, PRINT_SIDE)


@pytest.mark.parametrize("shape", [(9, 7), (2, 300), (32, 32), (33, 31, 3), (100, 64, 3)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.uint16])
def test_a_print_is_the_mean_of_each_equal_area(shape: tuple[int, ...], kind: type) -> None:
    values: np.ndarray = np.random.default_rng(1).integers(0, 256, shape).astype(kind)
    off = np.abs(as_array(print_of(values)) - by_hand(values))
    assert off.max() <= (0 if kind is np.uint8 else 1)


def test_a_print_does_not_change_with_brightness_or_the_range_of_values() -> None:
    values = np.random.default_rng(2).integers(10, 90, (40, 50), dtype=np.uint8)
    for changed in (values + 30, values * 2, values.astype(np.float64) * 1e6 - 7, values.astype(np.int32) - 500):
        assert np.abs(as_array(print_of(values)).astype(int) - as_array(print_of(changed))).max() <= 1


def test_a_flat_picture_has_no_print_nor_has_one_with_a_little_noise() -> None:
    flat = np.full((80, 60, 3), 200, np.uint8)
    noisy = flat + np.random.default_rng(3).integers(0, int(FLAT_LEVELS) + 1, flat.shape, dtype=np.uint8)
    for picture in (flat, noisy, np.zeros((5, 5)), np.full((4, 4), np.nan)):
        assert not any(print_of(picture))


def test_values_that_are_no_finite_number_count_as_the_lowest() -> None:
    values = np.random.default_rng(4).normal(size=(64, 64))
    values[0, 0] = values.min()
    broken = values.copy()
    broken[0, 0] = np.inf
    broken[values == values[0, 0]] = np.nan
    assert print_of(broken) != print_of(values) or np.isfinite(print_of(broken)[0])
    assert max(print_of(broken)) == 255


def test_a_large_picture_is_reduced_in_bands_with_the_same_result() -> None:
    small = np.random.default_rng(5).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    assert print_of(np.kron(small, np.ones((20, 20, 1), np.uint8))) == print_of(small)


def test_the_waves_are_the_cosine_transform() -> None:
    picture = np.random.default_rng(6).normal(size=(PRINT_SIDE, PRINT_SIDE))
    places = (np.arange(PRINT_SIDE) + 0.5) * np.pi / PRINT_SIDE
    (waves,) = waves_of(picture.reshape(1, -1).astype(np.float32))
    across = (picture * np.cos(3 * places)[:, None] * np.cos(5 * places)[None]).sum() * 2 / PRINT_SIDE
    assert waves.reshape(8, 8)[3, 5] == pytest.approx(across, abs=1e-4)
    assert waves[0] == 0


def test_half_of_the_bits_of_a_hash_are_set_and_a_small_change_turns_few() -> None:
    rng = np.random.default_rng(7)
    pictures = rng.normal(size=(50, PRINT_SIDE**2)).astype(np.float32)
    hashes = hashes_of(waves_of(pictures))
    assert hashes.dtype == np.uint64
    assert np.all(np.bitwise_count(hashes) == 32)
    near = hashes_of(waves_of(pictures + 0.05 * rng.normal(size=pictures.shape).astype(np.float32)))
    assert np.median(np.bitwise_count(hashes ^ near)) <= 4
    assert np.bitwise_count(hashes[0] ^ hashes[1:]).min() > 12
