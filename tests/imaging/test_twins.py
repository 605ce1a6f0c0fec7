from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from tlgui.imaging import near_hashes as near_hashes_module
from tlgui.imaging import twins
from tlgui.imaging.fingerprints import print_of
from tlgui.imaging.near_hashes import near_hashes
from tlgui.imaging.twins import SET_SIZE, find_twins, set_norm
from tlgui.imaging.verdict import PRINT_SIDE

SIZE = PRINT_SIDE * PRINT_SIDE


def clouds(count: int, seed: int, side: int = 96) -> np.ndarray:
    """Pictures with the spectrum of photographs, about 0."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    waves = np.fft.rfft2(rng.normal(size=(count, side, side))) / np.maximum(frequency, 1 / side)
    values = np.fft.irfft2(waves)
    clouds: np.ndarray = values / values.std(axis=(1, 2), keepdims=True)
    return clouds


def picture_of(values: np.ndarray) -> Image.Image:
    return Image.fromarray((128 + 40 * values).clip(0, 255).astype(np.uint8)).convert("RGB")


def prints_of(pictures: list[Image.Image]) -> np.ndarray:
    prints = b"".join(print_of(np.asarray(picture)) for picture in pictures)
    return np.frombuffer(prints, np.uint8).reshape(-1, SIZE)


def saved_again(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=60)
    return Image.open(file)


PLANTED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved again": saved_again,
    "resized": lambda picture: picture.resize((77, 77), Image.Resampling.BICUBIC),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.1),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.9),
    "mirrored": ImageOps.mirror,
    "cropped": lambda picture: picture.crop((3, 3, 93, 93)),
    "cropped on one side": lambda picture: picture.crop((4, 0, 96, 96)),
    "grey": ImageOps.grayscale,
}


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_twins_are_found_and_nothing_else(kind: str) -> None:
    originals = [picture_of(values) for values in clouds(60, 1)]
    pairs = find_twins(prints_of([*originals, *map(PLANTED[kind], originals[:20])]))
    assert set(pairs) == {(number, 60 + number) for number in range(20)}
    assert all(0.9 <= similar <= 1 for similar in pairs.values())


def test_pictures_that_share_a_subject_are_no_twins() -> None:
    """Like X-rays: all hold the same large shapes, and differ in exposure; raw, they correlate by .9."""
    (common,) = clouds(1, 2)
    rng = np.random.default_rng(3)
    exposure = np.linspace(-1, 1, 96)[:, None] * rng.normal(size=(150, 1, 1)) * 0.6
    prints = prints_of([picture_of(values) for values in common * 1.5 + exposure + 0.35 * clouds(150, 4)])
    raw = prints - prints.mean(axis=1, keepdims=True)
    raw /= np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.median((raw @ raw.T)[np.triu_indices(150, 1)]) > 0.8
    assert find_twins(prints) == {}


def test_two_pictures_alone_are_twins_or_not() -> None:
    one, other = (picture_of(values) for values in clouds(2, 5))
    assert set(find_twins(prints_of([one, saved_again(one)]))) == {(0, 1)}
    assert find_twins(prints_of([one, other])) == {}
    assert find_twins(prints_of([one])) == {}


def test_where_strangers_look_alike_only_the_most_similar_are_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Like handwritten digits: few shapes, and many pictures of each that differ a little."""
    shapes = np.repeat(clouds(16, 6, PRINT_SIDE), 10, axis=0)
    change = np.linspace(0.25, 0.5, 160)[:, None, None] * clouds(160, 8, PRINT_SIDE)
    written = [picture_of(values) for values in shapes + change[np.random.default_rng(9).permutation(160)]]
    prints = prints_of([*written, ImageEnhance.Brightness(written[0]).enhance(0.9)])
    assert set(find_twins(prints)) == {(0, 160)}
    monkeypatch.setattr(twins, "CROWDED", 1000)
    assert len(find_twins(prints)) > 1


def test_the_norm_takes_off_less_of_a_small_set() -> None:
    prints = prints_of([picture_of(values) for values in clouds(20, 10)])
    norm = set_norm(prints)
    assert norm.share == 20 / (20 + SET_SIZE)
    rows = norm(prints)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(norm.ways @ norm.ways.T, np.eye(len(norm.ways)), atol=1e-4)


def test_the_ways_are_the_principal_components() -> None:
    prints = prints_of([picture_of(values) for values in clouds(80, 11)])
    norm = set_norm(prints)
    rows = prints - prints.mean(axis=1, keepdims=True)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows - norm.share * rows.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    largest = np.linalg.svd(rows, compute_uv=False)[: len(norm.ways)]
    assert np.linalg.norm(rows @ norm.ways.T) == pytest.approx(np.linalg.norm(largest), rel=0.02)


def test_the_search_can_be_cancelled() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        find_twins(prints_of([picture_of(values) for values in clouds(3, 12)]), stop)


@pytest.mark.parametrize("symmetric", [True, False])
def test_near_hashes_are_those_that_a_plain_loop_finds(symmetric: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_hashes_module, "_PAIRS_AT_A_TIME", 500)
    rng = np.random.default_rng(13)
    ones = rng.integers(0, 2**63, 70, dtype=np.uint64) & np.uint64(0xFFFF)
    others = ones if symmetric else rng.integers(0, 2**63, 70, dtype=np.uint64) & np.uint64(0xFFFF)
    found = [
        (int(i), int(j))
        for one, other in near_hashes(ones, others, 5, symmetric)
        for i, j in zip(one, other, strict=True)
    ]
    wanted = {
        (i, j)
        for i in range(70)
        for j in range(70)
        if (i < j if symmetric else i != j) and (int(ones[i]) ^ int(others[j])).bit_count() <= 5
    }
    assert len(found) == len(set(found))
    assert set(found) == wanted


def test_of_many_near_hashes_the_nearest_are_told() -> None:
    ones = np.arange(100, dtype=np.uint64) & np.uint64(0x3F)
    (block,) = list(near_hashes(np.zeros(100, np.uint64), ones, 6, symmetric=False))
    told = block[1][block[0] == 50]
    assert len(told) == near_hashes_module.MOST_NEAR
    assert max(int(ones[j]).bit_count() for j in told) <= 3


@given(st.lists(st.lists(st.integers(0, 255), min_size=2, max_size=5), min_size=2, max_size=9), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_odd_pictures_do_no_harm(levels: list[list[int]], width: int) -> None:
    """Stripes, edges, single dots: whatever is found is a pair in order with a correlation."""
    rows = np.zeros((len(levels), SIZE), np.uint8)
    for row, pattern in zip(rows, levels, strict=True):
        row[: width * len(pattern)] = np.repeat(np.array(pattern, np.uint8), width)
    prints = np.unique(rows[rows.any(axis=1)], axis=0)
    for (one, other), similar in find_twins(prints).items():
        assert 0 <= one < other < len(prints)
        assert twins.LEAST_SIMILAR <= similar <= 1


@pytest.mark.slow
def test_five_thousand_pictures_take_about_a_second() -> None:
    values = np.concatenate([clouds(500, seed, PRINT_SIDE) for seed in range(10)])
    prints = (128 + 40 * values).clip(0, 255).astype(np.uint8).reshape(-1, SIZE)
    began = time.process_time()
    assert find_twins(prints) == {}
    assert time.process_time() - began < 4
