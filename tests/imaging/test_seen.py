"""What the network sees: every step named exactly where it was applied, every loss as hand arithmetic says."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.dicom_files import dicom_bytes
from PIL import Image

from tlgui.core.backbones import BACKBONES
from tlgui.core.imaging_messages import Inspect
from tlgui.core.preprocessing import Fit
from tlgui.core.records import PixelRule
from tlgui.imaging.decoding_steps import GREY, number
from tlgui.imaging.fitting import fitting
from tlgui.imaging.pixels import DecodeError, read_pixels
from tlgui.imaging.seen import Seen, inspect, inspected, warning

ROW = BACKBONES["efficientnet-lite0"]
Make = Callable[..., bytes]


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Seen]:
    """What is seen of these bytes, by a rule of these fields."""

    def inspected_bytes(data: bytes, fit: Fit = "crop", **rule: Any) -> Seen:
        (tmp_path / "a").write_bytes(data)
        return inspect(tmp_path / "a", PixelRule(**rule), ROW, fit)

    return inspected_bytes


def noise(*shape: int, top: int = 256, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, top, shape).astype(dtype)


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    return made


# ----- steps -----

STEPS_OF_A_PLAIN_IMAGE: list[str] = []
RESIZED = "Resized from 300 x 300 so that the shorter side is 256, then the middle 224 x 224 is taken."


def image(mode: str = "RGB") -> Image.Image:
    return Image.fromarray(noise(300, 300, 3)).convert(mode)


def with_alpha(lowest: int) -> Image.Image:
    made = image("RGBA")
    made.putalpha(Image.fromarray(np.maximum(noise(300, 300), lowest)))
    return made


def stack(encoded: Make, kind: str, count: int) -> bytes:
    frames = [Image.fromarray(noise(300, 300, 3) // (n + 1)) for n in range(count)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


DEEP = np.linspace(0, 4095, 90_000).astype(np.uint16).reshape(300, 300)
TO_255 = "were mapped to 0 to 255."

# What the file is, the rule, and the steps before the last one (which resizes).
CASES: dict[str, tuple[Callable[[Make], bytes], dict[str, Any], list[str]]] = {
    "colour": (lambda encoded: encoded(image()), {}, []),
    "grey": (lambda encoded: encoded(image("L")), {}, [GREY]),
    "palette": (lambda encoded: encoded(image("P")), {}, ["Colours taken from the file's palette."]),
    "inks": (lambda encoded: encoded(image("CMYK"), "JPEG"), {}, ["CMYK inks turned into red, green, blue."]),
    "half turn": (
        lambda encoded: encoded(image(), "JPEG", exif=exif(3)),
        {},
        ["Turned upright: the camera noted a half turn."],
    ),
    "quarter turn": (
        lambda encoded: encoded(image(), "JPEG", exif=exif(6)),
        {},
        ["Turned upright: the camera noted a quarter turn."],
    ),
    "turned TIFF": (
        lambda encoded: encoded(image(), "TIFF", tiffinfo={274: 8}),
        {},
        ["Turned upright: the camera noted a quarter turn."],
    ),
    "transparent": (lambda encoded: encoded(with_alpha(0)), {}, ["Transparent pixels lie over white."]),
    "transparent over red": (
        lambda encoded: encoded(with_alpha(0)),
        {"background": (255, 0, 0)},
        ["Transparent pixels lie over the colour 255, 0, 0."],
    ),
    "opaque all over": (lambda encoded: encoded(with_alpha(255)), {}, []),
    "pages": (lambda encoded: stack(encoded, "TIFF", 3), {"frame": "last"}, ["Page 3 of 3, the last one."]),
    "animation": (lambda encoded: stack(encoded, "WEBP", 4), {}, ["Frame 1 of 4, the first one."]),
    "deep": (
        lambda encoded: encoded(Image.fromarray(DEEP)),
        {"high": 4095.0},
        [f"Stored values 0 to 4095 {TO_255}", GREY],
    ),
    "own percentiles": (
        lambda encoded: encoded(Image.fromarray(DEEP)),
        {"method": "percentile", "low": 10.0, "high": 90.0},
        [f"Stored values 409 to 3685 (its own 10 % and 90 %) {TO_255}", GREY],
    ),
    "a window where there is none": (
        lambda encoded: encoded(Image.fromarray(DEEP)),
        {"method": "window", "high": 4095.0},
        [f"Stored values 0 to 4095 {TO_255}", GREY],
    ),
    "white is zero": (
        lambda encoded: encoded(image("1"), "TIFF", tiffinfo={262: 0}),
        {},
        ["Inverted, since the file says that low values are bright (WhiteIsZero).", GREY],
    ),
    "no finite number": (
        lambda encoded: encoded(Image.fromarray(np.where(DEEP < 9, np.nan, DEEP).astype(np.float32)), "TIFF"),
        {"high": 4095.0},
        [f"Stored values 0 to 4095 {TO_255}", "Pixels whose value is no finite number became black.", GREY],
    ),
    "DICOM": (
        lambda _: dicom_bytes(DEEP, "MONOCHROME1", RescaleSlope=1, RescaleIntercept=-1024),
        {"low": -1024.0, "high": 3071.0},
        [
            "Rescaled: value x 1 - 1024.",
            f"Values -1024 to 3071 {TO_255}",
            GREY,
            "Inverted, since the file says that low values are bright (MONOCHROME1).",
        ],
    ),
    "DICOM with its window": (
        lambda _: dicom_bytes(DEEP, WindowCenter=40.5, WindowWidth=401),
        {"method": "window"},
        ["Window -160 to 240 of the DICOM file.", GREY],
    ),
    "DICOM on a curve": (
        lambda _: dicom_bytes(DEEP, WindowCenter=40, WindowWidth=400, VOILUTFunction="SIGMOID"),
        {"method": "window"},
        ["Window -160 to 240 of the DICOM file, on a smooth curve (sigmoid).", GREY],
    ),
    "DICOM by the range": (
        lambda _: dicom_bytes(DEEP, WindowCenter=40, WindowWidth=400),
        {"high": 4095.0},
        [f"Stored values 0 to 4095 {TO_255}", GREY],
    ),
    "DICOM frames": (
        lambda _: dicom_bytes(np.repeat(DEEP[None], 4, axis=0)),
        {"high": 4095.0},
        ["Frame 2 of 4, the middle one.", f"Stored values 0 to 4095 {TO_255}", GREY],
    ),
    "DICOM padding": (
        lambda _: dicom_bytes(DEEP, PixelPaddingValue=0),
        {"high": 4095.0},
        [f"Stored values 0 to 4095 {TO_255}", GREY, "Pixels that the file calls empty (padding) became black."],
    ),
    "DICOM colour": (lambda _: dicom_bytes(noise(300, 300, 3), "RGB"), {}, []),
    "colour taken out": (
        lambda encoded: encoded(image()),
        {"colour": "grey"},
        ["Colour taken out: the same brightness in red, green and blue."],
    ),
    "no colour to take out": (lambda encoded: encoded(image("L")), {"colour": "grey"}, [GREY]),
}


@pytest.mark.parametrize("case", CASES)
def test_each_step_that_was_applied_is_named_and_no_other(case: str, encoded: Make, look: Callable[..., Seen]) -> None:
    make, rule, steps = CASES[case]
    data = make(encoded)

    seen = look(data, **rule)

    assert seen.steps == [*steps, RESIZED]
    np.testing.assert_array_equal(seen.decoded, read_pixels(data, **rule))


def test_the_border_is_named_and_counts_as_cut_off(encoded: Make, look: Callable[..., Seen]) -> None:
    seen = look(encoded(Image.fromarray(noise(500, 400, 3))), border=0.1)

    assert "10 % cut off on each side." in seen.steps
    assert (seen.width, seen.height) == (320, 400)
    assert seen.decoded.shape == (400, 320, 3)
    assert seen.cut_off == pytest.approx(1 - (320 * 400) / (400 * 500) * (224 * 224) / (256 * 320))


def test_an_image_of_the_right_size_is_not_resized(encoded: Make, look: Callable[..., Seen]) -> None:
    pixels = noise(224, 224, 3)

    seen = look(encoded(Image.fromarray(pixels)), fit="squash")

    assert (seen.steps, seen.cut_off, seen.squeeze, seen.warning) == ([], 0.0, 1.0, "")
    np.testing.assert_array_equal(seen.square, pixels)


# ----- what a plain viewer shows -----


def test_the_original_is_as_stored_and_the_decoded_image_is_as_trained(
    encoded: Make, look: Callable[..., Seen]
) -> None:
    sideways = noise(40, 60, 3)
    seen = look(encoded(Image.fromarray(sideways), "PNG", exif=exif(6)))
    np.testing.assert_array_equal(seen.original, sideways)
    np.testing.assert_array_equal(seen.decoded, np.rot90(sideways, -1))

    values = np.array([[100, 200], [300, 400]], np.uint16)
    seen = look(dicom_bytes(values, "MONOCHROME1", WindowCenter=250, WindowWidth=91), method="window")
    assert seen.original[..., 0].tolist() == [[0, 85], [170, 255]]
    assert seen.decoded[..., 0].tolist() == [[255, 255], [0, 0]]


def test_pictures_are_at_most_as_long_as_was_asked(tmp_path: Path, encoded: Make) -> None:
    (tmp_path / "a.png").write_bytes(encoded(Image.fromarray(noise(100, 200, 3))))

    seen = inspect(tmp_path / "a.png", PixelRule(), ROW, longest=50)

    assert seen.original.shape == seen.decoded.shape == (25, 50, 3)
    assert (seen.width, seen.height) == (200, 100)
    assert seen.square.shape == (224, 224, 3)


# ----- what is lost -----


def test_the_clipped_shares_are_those_of_the_values_outside_of_the_range(look: Callable[..., Seen]) -> None:
    values = np.arange(1000, dtype=np.uint16).reshape(20, 50)

    seen = look(dicom_bytes(values), low=100.0, high=949.0)

    assert seen.clipped_low == pytest.approx(0.1)
    assert seen.clipped_high == pytest.approx(0.05)
    assert seen.warning == "15 % of the values lie outside of the range, and what they show is lost."


@pytest.mark.parametrize(
    ("tags", "rule", "low", "high"),
    [
        ({}, {"method": "percentile", "low": 1.0, "high": 98.0}, 0.01, 0.02),
        ({"WindowCenter": 500, "WindowWidth": 401}, {"method": "window"}, 0.3, 0.3),
        ({"WindowCenter": 500, "WindowWidth": 400, "VOILUTFunction": "SIGMOID"}, {"method": "window"}, 0.0, 0.0),
        ({"PixelPaddingValue": 0}, {"low": 100.0, "high": 999.0}, 99 / 999, 0.0),
    ],
)
def test_the_clipped_shares_follow_the_method(
    tags: dict[str, Any], rule: dict[str, Any], low: float, high: float, look: Callable[..., Seen]
) -> None:
    values = np.arange(1000, dtype=np.uint16).reshape(20, 50)

    seen = look(dicom_bytes(values, **tags), **rule)

    assert seen.clipped_low == pytest.approx(low, abs=0.0011)
    assert seen.clipped_high == pytest.approx(high, abs=0.0011)


def test_a_squeezed_image_says_how_much(encoded: Make, look: Callable[..., Seen]) -> None:
    seen = look(encoded(Image.fromarray(noise(200, 500, 3))), fit="squash")

    assert (seen.squeeze, seen.cut_off) == (2.5, 0.0)
    assert seen.warning == "Squeezed: the width is shrunk 2.5 times as much as the height."


@pytest.mark.parametrize(
    ("size", "fit", "low", "high", "windowed", "said"),
    [
        ((300, 300), "crop", 0.0, 0.0, False, ""),
        ((300, 300), "crop", 0.005, 0.004, False, ""),
        ((300, 300), "crop", 0.5, 0.4, True, ""),
        ((300, 300), "crop", 0.0, 0.98, True, "98 % of the values lie above the range: hardly anything is to be seen."),
        ((300, 300), "crop", 0.96, 0.0, False, "96 % of the values lie below"),
        ((300, 300), "crop", 0.9999, 0.0, False, "More than 99 % of the values lie below"),
        ((300, 300), "crop", 0.004, 0.012, False, "1.6 % of the values lie outside"),
        ((300, 420), "squash", 0.0, 0.0, False, ""),
        ((200, 600), "squash", 0.0, 0.0, False, "Squeezed: the height is shrunk 3.0 times as much as the width."),
        ((375, 300), "crop", 0.0, 0.0, False, ""),
        ((600, 300), "crop", 0.0, 0.0, False, "62 % of the picture lies outside of the square"),
        ((2000, 2000), "crop", 0.0, 0.0, False, ""),
        ((2600, 2600), "crop", 0.0, 0.0, False, "Shrunk 10-fold: smaller details than that many pixels are lost."),
        ((64, 64), "crop", 0.0, 0.0, False, "Enlarged 4.0-fold"),
        ((128, 128), "crop", 0.0, 0.0, False, ""),
    ],
)
def test_one_line_warns_of_the_greatest_loss_and_of_nothing_ordinary(
    size: tuple[int, int], fit: Fit, low: float, high: float, windowed: bool, said: str
) -> None:
    line = warning(fitting(*size, ROW, fit), low, high, windowed)

    assert line.startswith(said) and bool(line) == bool(said)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-1024.0, "-1024"),
        (65535.0, "65535"),
        (0.12345, "0.1235"),
        (12.25, "12.25"),
        (4294967295.0, "4294967295"),
    ],
)
def test_a_stored_value_is_short(value: float, text: str) -> None:
    assert number(value) == text


# ----- the answer -----


def test_the_answer_holds_three_pictures_and_the_square_exactly(tmp_path: Path, encoded: Make) -> None:
    (tmp_path / "a.png").write_bytes(encoded(Image.fromarray(noise(300, 200, 3))))
    request = Inspect(ticket=7, root=str(tmp_path), path="a.png", rule=PixelRule(), backbone="resnet50", longest=150)

    answer = inspected(request)

    seen = inspect(tmp_path / "a.png", PixelRule(), BACKBONES["resnet50"], longest=150)
    assert (answer.ticket, answer.width, answer.height, answer.problem) == (7, 200, 300, "")
    assert (answer.steps, answer.warning, answer.cut_off) == (seen.steps, seen.warning, seen.cut_off)
    sizes = [Image.open(io.BytesIO(data)).size for data in (answer.original, answer.decoded, answer.square)]
    assert sizes == [(100, 150), (100, 150), (224, 224)]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer.square))), np.rint(seen.square))


def test_a_file_without_a_picture_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"hello\n")
    for name, said in (("a.png", "text"), ("gone.png", "cannot be read")):
        with pytest.raises(DecodeError, match=said) as caught:
            inspect(tmp_path / name, PixelRule(), ROW)
        assert str(tmp_path) not in caught.value.message


@pytest.mark.realdata
@pytest.mark.slow
def test_each_nasty_file_is_seen_or_refused_in_words(real_data: Path) -> None:
    refused = seen = 0
    for path in sorted((real_data / "nasty_files").rglob("*")):
        if path.is_file() and path.stat().st_size < 3_000_000:
            try:
                found = inspect(path, PixelRule(), ROW, longest=64)
            except DecodeError as error:
                refused += 1
                assert str(real_data) not in error.message
            else:
                seen += 1
                assert found.square.shape == (224, 224, 3) and np.isfinite(found.square).all()
    assert seen > 100 and refused > 20
