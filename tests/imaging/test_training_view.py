from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tlgui.imaging.pixels import DecodeError, read_pixels
from tlgui.imaging.training_view import read_for_training

WHITE = (255, 255, 255)


def test_a_large_jpeg_is_reduced_but_not_below_the_wanted_side(picture: Callable[..., bytes]) -> None:
    data = picture(1, "JPEG", size=(640, 480))
    assert read_for_training(data, 0, 1, WHITE, at_least=120).shape == (120, 160, 3)
    assert read_for_training(data, 0, 1, WHITE, at_least=121).shape == (240, 320, 3)
    np.testing.assert_array_equal(read_for_training(data, 0, 1, WHITE, at_least=256), read_pixels(data, 0, 1))


def test_other_formats_and_depths_are_read_in_full(picture: Callable[..., bytes]) -> None:
    data = picture(1, "PNG", size=(64, 48))
    np.testing.assert_array_equal(read_for_training(data, 0, 1, WHITE, at_least=4), read_pixels(data, 0, 1))


def test_a_damaged_jpeg_is_refused_here_too(picture: Callable[..., bytes]) -> None:
    data = picture(1, "JPEG", size=(640, 480))
    with pytest.raises(DecodeError):
        read_for_training(data[: len(data) // 2], 0, 1, WHITE, at_least=32)
