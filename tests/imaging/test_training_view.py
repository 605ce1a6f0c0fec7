from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from helpers.dicom_files import dicom_bytes

from tlgui.core.augmentations import AUGMENTATIONS
from tlgui.core.records import PixelRule
from tlgui.imaging.pixels import DecodeError, read_pixels
from tlgui.imaging.training_view import read_for_training, read_for_views


def test_a_large_jpeg_is_reduced_but_not_below_the_wanted_side(picture: Callable[..., bytes]) -> None:
    data = picture(1, "JPEG", size=(640, 480))
    assert read_for_training(data, at_least=120).shape == (120, 160, 3)
    assert read_for_training(data, at_least=121).shape == (240, 320, 3)
    np.testing.assert_array_equal(read_for_training(data, at_least=256), read_pixels(data))


@pytest.mark.parametrize(("name", "width"), [("photos", 160), ("radiograph", 160), ("tutorial", 320)])
def test_no_cut_out_part_is_enlarged_for_want_of_pixels(name: str, width: int, picture: Callable[..., bytes]) -> None:
    data, row = picture(1, "JPEG", size=(640, 480)), AUGMENTATIONS[name]
    pixels = read_for_views(data, 60, row)
    assert pixels.shape[1] == width
    smallest_side = pixels.shape[0] * row.smallest_area**0.5
    assert smallest_side >= 60


def test_what_is_left_inside_of_the_border_is_not_reduced_below_the_wanted_side(picture: Callable[..., bytes]) -> None:
    data = picture(1, "JPEG", size=(640, 480))
    assert read_for_training(data, at_least=96, border=0.1).shape == (96, 128, 3)
    assert read_for_training(data, at_least=120, border=0.1).shape == (192, 256, 3)


def test_other_formats_and_depths_are_read_in_full(picture: Callable[..., bytes]) -> None:
    data = picture(1, "PNG", size=(64, 48))
    np.testing.assert_array_equal(read_for_training(data, at_least=4), read_pixels(data))


@pytest.mark.parametrize(
    "rule",
    [
        PixelRule(method="percentile", low=5.0, high=95.0),
        PixelRule(method="window", high=4095.0),
        PixelRule(high=4095.0, frame="last", border=0.1),
    ],
)
def test_dicom_goes_the_exact_road_by_the_whole_rule(rule: PixelRule) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (3, 60, 80)).astype(np.uint16)
    data = dicom_bytes(values, "MONOCHROME1", WindowCenter=1000, WindowWidth=800)
    fields = msgspec.structs.asdict(rule)
    np.testing.assert_array_equal(read_for_training(data, at_least=4, **fields), read_pixels(data, **fields))


def test_colour_and_border_apply_to_a_reduced_jpeg_too(picture: Callable[..., bytes]) -> None:
    data = picture(1, "JPEG", size=(640, 480))
    reduced = read_for_training(data, at_least=100, colour="grey", border=0.1)
    assert reduced.shape == (192, 256, 3)
    assert (reduced[..., 0] == reduced[..., 1]).all() and (reduced[..., 1] == reduced[..., 2]).all()


@pytest.mark.parametrize("frame", ["auto", "last"])
def test_the_frame_of_a_jpeg_with_several_pictures_is_the_asked_one(
    frame: str, picture: Callable[..., bytes], encoded: Callable[..., bytes]
) -> None:
    import io

    from PIL import Image

    first, last = (Image.open(io.BytesIO(picture(n, size=(640, 480)))) for n in (1, 2))
    data = encoded(first, "MPO", save_all=True, append_images=[last])

    near = read_for_training(data, at_least=100, frame=frame).astype(float)

    exact = Image.fromarray(read_pixels(data, frame=frame)).resize(near.shape[1::-1], Image.Resampling.BOX)
    other = Image.fromarray(read_pixels(data, frame="first" if frame == "last" else "last"))
    unlike = other.resize(near.shape[1::-1], Image.Resampling.BOX)
    distance: list[Any] = [np.abs(near - np.asarray(each)).mean() for each in (exact, unlike)]
    assert distance[0] < 0.5 * distance[1]


def test_a_damaged_jpeg_is_refused_here_too(picture: Callable[..., bytes]) -> None:
    data = picture(1, "JPEG", size=(640, 480))
    with pytest.raises(DecodeError):
        read_for_training(data[: len(data) // 2], at_least=32)
