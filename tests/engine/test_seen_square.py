"""What the window shows as the network's input is the engine's input, for every backbone and fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.dicom_files import dicom_bytes
from PIL import Image

from tlgui.core.backbones import BACKBONES
from tlgui.core.preprocessing import Fit
from tlgui.core.records import PixelRule
from tlgui.engine.backbones import preprocessing
from tlgui.engine.preprocess import to_input
from tlgui.imaging.pixels import read_pixels
from tlgui.imaging.seen import inspect

pytestmark = pytest.mark.usefixtures("one_thread")


def photograph(path: Path) -> PixelRule:
    noise = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise).resize((413, 301), Image.Resampling.BICUBIC).save(path, "JPEG", exif=exif)
    return PixelRule(border=0.05)


def radiograph(path: Path) -> PixelRule:
    values = np.random.default_rng(2).integers(0, 4096, (180, 260)).astype(np.uint16)
    path.write_bytes(dicom_bytes(values, "MONOCHROME1", WindowCenter=2000, WindowWidth=3000))
    return PixelRule(method="window")


@pytest.mark.parametrize("make", [photograph, radiograph])
@pytest.mark.parametrize("fit", ["crop", "squash"])
@pytest.mark.parametrize("name", BACKBONES)
def test_the_square_is_the_engines_input(name: str, fit: Fit, make: object, tmp_path: Path) -> None:
    assert callable(make)
    path = tmp_path / "x"
    rule = make(path)
    recipe = preprocessing(BACKBONES[name], fit)

    square = inspect(path, rule, BACKBONES[name], fit).square

    pixels = read_pixels(path, method=rule.method, border=rule.border)
    given = to_input(pixels, recipe)
    mean, std = torch.tensor(recipe.mean).view(3, 1, 1), torch.tensor(recipe.std).view(3, 1, 1)
    levels = ((given * std + mean) * 255).permute(1, 2, 0).numpy()
    assert square.shape == levels.shape
    assert np.abs(square - levels).max() < 0.02  # grey levels
    # As whole grey levels, they differ by one where a value lies on a half.
    assert (np.rint(square) != np.rint(levels)).mean() < 0.002
