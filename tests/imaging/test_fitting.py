"""How an image becomes a square: figures against hand arithmetic, sentences exactly where something is done."""

from __future__ import annotations

import numpy as np
import pytest

from tlgui.core.backbones import BACKBONES
from tlgui.core.preprocessing import Fit
from tlgui.imaging.fitting import fitting, square_of

LITE0 = BACKBONES["efficientnet-lite0"]  # 256, of which the middle 224
RESNET50 = BACKBONES["resnet50"]  # 232, of which the middle 224


def test_a_crop_keeps_the_shape_and_says_what_is_cut_off() -> None:
    fit = fitting(3000, 2000, LITE0, "crop")

    assert fit.resized == (384, 256)
    assert fit.squeeze == 1.0
    assert fit.shrunk == pytest.approx(2000 / 256)
    assert fit.cut_off == pytest.approx(1 - 224 * 224 / (384 * 256))
    assert fit.cut_for_shape == pytest.approx(1 / 3)
    assert (
        fit.sentence()
        == "Resized from 3000 x 2000 so that the shorter side is 256, then the middle 224 x 224 is taken."
    )


def test_a_square_image_loses_a_margin_and_nothing_for_its_shape() -> None:
    fit = fitting(500, 500, RESNET50, "crop")

    assert fit.cut_off == pytest.approx(1 - (224 / 232) ** 2)
    assert fit.cut_for_shape == 0.0


@pytest.mark.parametrize(("size", "squeeze"), [((400, 100), 4.0), ((100, 400), 0.25), ((300, 300), 1.0)])
def test_a_squash_cuts_nothing_and_says_how_much_it_squeezes(size: tuple[int, int], squeeze: float) -> None:
    fit = fitting(*size, LITE0, "squash")

    assert (fit.resized, fit.cut_off, fit.cut_for_shape) == ((224, 224), 0.0, 0.0)
    assert fit.squeeze == squeeze
    assert ("squeezes" in fit.sentence()) == (squeeze != 1.0)


def test_a_small_image_is_enlarged() -> None:
    assert fitting(64, 64, LITE0, "crop").shrunk == 0.25
    assert fitting(28, 28, LITE0, "squash").shrunk == 0.125


@pytest.mark.parametrize(
    ("size", "fit", "sentence"),
    [
        ((224, 224), "squash", ""),
        ((448, 448), "squash", "Resized from 448 x 448 to 224 x 224."),
        ((300, 256), "crop", "The middle 224 x 224 of 300 x 256 is taken."),
    ],
)
def test_a_sentence_says_only_what_is_done(size: tuple[int, int], fit: Fit, sentence: str) -> None:
    assert fitting(*size, LITE0, fit).sentence() == sentence


@pytest.mark.parametrize("fit", ["crop", "squash"])
def test_the_square_has_the_size_of_the_network(fit: Fit) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)

    square = square_of(pixels, LITE0, fit)

    assert square.shape == (224, 224, 3) and square.dtype == np.float32
    assert square.min() >= 0 and square.max() <= 255
