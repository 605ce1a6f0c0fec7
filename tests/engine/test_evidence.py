"""The rows see what lies outside of the subject, and are blind to what the subject changes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tlgui.engine import evidence
from tlgui.imaging.listing import ListedImage


def picture(seed: int = 0, height: int = 90, width: int = 120) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(90, 150, (height, width, 3)).astype(np.uint8)


def listed(**more: object) -> ListedImage:
    fields = {"path": "p", "class_name": "c", "content_hash": "h", "width": 200, "height": 100, "format": "JPEG"}
    return ListedImage(**(fields | more))  # type: ignore[arg-type]


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> set[str]:
    """Names of the rows that differ."""
    one, other = evidence.rows_of(before), evidence.rows_of(after)
    assert one.keys() == other.keys()
    return {name for name in one if not np.allclose(one[name], other[name], atol=1e-4)}


def test_a_marker_in_a_corner_is_seen_until_it_is_cut_off() -> None:
    plain = picture()
    marked = plain.copy()
    marked[2:8, 2:8] = 255

    seen = changed(plain, marked)

    assert {"border", "corners", "burned-in"} <= seen
    assert {"border@0.03", "corners@0.06"} <= seen
    assert not {"border@0.1", "corners@0.1", "border@0.15", "corners@0.15"} & seen


def test_brightness_as_such_is_the_histograms_alone() -> None:
    assert changed(picture(), picture() + 40) & {"border", "corners", "histogram"} == {"histogram"}


def test_the_subject_changes_neither_border_nor_corners() -> None:
    other = picture()
    other[30:60, 40:80] = 20

    assert not changed(picture(), other) & {"border", "corners"}


def test_the_masked_picture_keeps_its_rim_and_loses_its_centre() -> None:
    plain = picture()
    covered = evidence.masked(plain)

    assert np.array_equal(covered[:18], plain[:18]) and np.array_equal(covered[:, -24:], plain[:, -24:])
    assert len(np.unique(covered[18:72, 24:96].reshape(-1, 3), axis=0)) == 1
    assert covered[45, 60] == pytest.approx(plain[18:72, 24:96].mean(axis=(0, 1)), abs=0.5)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (7, 3), (500, 20)])
def test_pictures_of_any_size_give_rows_of_one_length(size: tuple[int, int]) -> None:
    lengths = {name: len(row) for name, row in evidence.rows_of(picture()).items()}

    assert {name: len(row) for name, row in evidence.rows_of(picture(1, *size)).items()} == lengths


def saved(pixels: NDArray[np.uint8], quality: int) -> int:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=quality)
    return content.tell()


def test_compression_is_told_and_content_is_not() -> None:
    busy = [picture(seed, 380, 380) for seed in range(6)]
    calm = [np.clip(128 + (one.astype(int) - 128) // 2, 0, 255).astype(np.uint8) for one in busy]
    pixels = busy + calm
    anew = np.array([float(evidence.rows_of(one)["saved"][0]) for one in pixels])

    def compression(qualities: list[int]) -> NDArray[np.float64]:
        images = [
            listed(width=380, height=380, size_bytes=saved(one, quality))
            for one, quality in zip(pixels, qualities, strict=True)
        ]
        return evidence.file_rows(images, anew)[:, 1]

    assert compression([90] * 12) == pytest.approx(np.zeros(12))
    rough = compression([55, 90] * 6)
    assert len(set(np.sign(rough[::2] - rough[1::2]))) == 1 and np.abs(rough[::2] - rough[1::2]).min() > 0.3


def test_small_files_say_nothing_of_their_compression() -> None:
    images = [listed(size_bytes=size) for size in (100, 2_000, 4_000)]

    assert evidence.file_rows(images, np.zeros(3))[:, 1].tolist() == [0, 0, 0]


def test_bits_formats_and_sizes_stand_side_by_side() -> None:
    images = [listed(bits=8), listed(bits=16, format="PNG", width=100)]

    assert evidence.file_rows(images, np.zeros(2)).tolist() == [[8, 0, 1, 0], [16, 0, 0, 1]]
    assert evidence.size_rows(images) == pytest.approx(np.log2([[200, 100, 2], [100, 100, 1]]))
