from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from helpers.dicom_files import dicom_bytes
from PIL import Image

from tlgui.core.records import PixelRule, Reason
from tlgui.imaging.pixels import DecodeError, read_pixels
from tlgui.imaging.scan import scan_folder
from tlgui.imaging.thumbnails import Small, thumbnail

# Left out for their names or places alone, whatever they hold.
NO_PIXEL_REASONS = (Reason.HIDDEN, Reason.SYSTEM_FILE, Reason.NO_LABEL)

Make = Callable[..., bytes]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def seen(small: Small) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(small.data)).convert("RGB"))


def gradient(width: int, height: int) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.dstack([x, y, 255 - x]).astype(np.uint8))


@pytest.mark.parametrize(
    ("size", "whole", "shape"),
    [
        ((400, 200), False, (100, 100)),
        ((200, 400), True, (100, 50)),
        ((400, 200), True, (50, 100)),
        ((60, 40), False, (40, 40)),
        ((60, 40), True, (40, 60)),
        ((3000, 2), True, (1, 100)),
    ],
)
def test_a_picture_fits_and_is_never_enlarged(
    tmp_path: Path, encoded: Make, size: tuple[int, int], whole: bool, shape: tuple[int, int]
) -> None:
    small = thumbnail(write(tmp_path / "a.png", encoded(gradient(*size))), 100, whole)

    assert seen(small).shape[:2] == shape
    assert (small.width, small.height) == size


def test_the_square_is_the_middle_of_the_picture(tmp_path: Path, encoded: Make) -> None:
    image = Image.new("RGB", (300, 100), "red")
    image.paste("blue", (100, 0, 200, 100))

    pixels = seen(thumbnail(write(tmp_path / "a.png", encoded(image)), 50))

    assert np.abs(pixels.astype(int) - (0, 0, 255)).max() < 12  # JPEG


def test_a_small_picture_keeps_every_pixel(tmp_path: Path, picture: Make) -> None:
    path = write(tmp_path / "a.png", picture())

    assert (seen(thumbnail(path, 64, whole=True)) == read_pixels(path, 0, 255)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_and_so_do_its_sizes(tmp_path: Path, encoded: Make, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = write(tmp_path / "a.jpg", encoded(gradient(1600, 800), "JPEG", exif=exif, quality=95))

    small = thumbnail(path, 100, whole=True)

    upright = read_pixels(path, 0, 255)
    assert (small.height, small.width) == upright.shape[:2]
    exact = Image.fromarray(upright).resize(seen(small).shape[1::-1], Image.Resampling.BOX)
    assert np.abs(seen(small).astype(int) - np.asarray(exact)).mean() < 4


def test_a_jpeg_that_is_decoded_small_looks_as_if_it_were_decoded_in_full(tmp_path: Path, encoded: Make) -> None:
    noise = np.random.default_rng(0).normal(0, 20, (1200, 1600, 1))
    image = Image.fromarray((np.asarray(gradient(1600, 1200)) + noise).clip(0, 255).astype(np.uint8))
    path = write(tmp_path / "a.jpg", encoded(image, "JPEG", quality=95))

    quick = seen(thumbnail(path, 120, whole=True)).astype(int)

    full = np.asarray(Image.fromarray(read_pixels(path, 0, 255)).resize((120, 90), Image.Resampling.LANCZOS))
    assert np.abs(quick - full).mean() < 2


def test_deep_pictures_follow_the_rule_or_their_own_range(tmp_path: Path, png16: Make) -> None:
    values = np.full((64, 64), 1000, np.uint16)
    values[:, 32:] = 3000
    path = write(tmp_path / "a.png", png16(values))

    def halves(rule: PixelRule | None) -> list[int]:
        pixels = seen(thumbnail(path, 64, rule=rule)).astype(int)
        return [round(pixels[:, :24].mean()), round(pixels[:, 40:].mean())]

    assert halves(PixelRule(low=0, high=4095)) == pytest.approx([62, 187], abs=2)
    assert halves(None) == pytest.approx([0, 255], abs=2)


@pytest.mark.parametrize(
    "rule",
    [
        PixelRule(method="percentile", low=10.0, high=90.0),
        PixelRule(method="window", high=4095.0),
        PixelRule(high=4095.0, frame="last", border=0.25),
    ],
)
def test_a_picture_has_the_pixels_of_training_by_the_whole_rule(tmp_path: Path, rule: PixelRule) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (3, 20, 30)).astype(np.uint16)
    path = write(tmp_path / "a", dicom_bytes(values, "MONOCHROME1", WindowCenter=1000, WindowWidth=800))

    small = thumbnail(path, 64, whole=True, rule=rule)

    assert (seen(small) == read_pixels(path, **msgspec.structs.asdict(rule))).all()
    assert (small.width, small.height) == (30, 20)  # of the image itself


def test_the_colour_that_a_rule_takes_out_is_not_shown(tmp_path: Path, encoded: Make) -> None:
    path = write(tmp_path / "a.jpg", encoded(gradient(1600, 800), "JPEG"))

    pixels = seen(thumbnail(path, 100, rule=PixelRule(colour="grey"))).astype(int)

    assert np.abs(pixels - pixels[..., :1]).max() <= 2  # JPEG


def test_a_tiff_and_a_deep_picture_tell_their_upright_sizes(tmp_path: Path, encoded: Make) -> None:
    turned = write(tmp_path / "a.tif", encoded(gradient(10, 9), "TIFF", tiffinfo={274: 6}))
    small = thumbnail(turned, 64, whole=True, rule=PixelRule(border=0.1))
    assert (small.width, small.height) == (9, 10)

    exif = Image.Exif()
    exif[0x0112] = 6
    deep = Image.fromarray(np.full((9, 10), 999, np.uint16))
    small = thumbnail(write(tmp_path / "b.png", encoded(deep, exif=exif)), 64, whole=True, rule=PixelRule(border=0.1))
    assert (small.width, small.height) == (9, 10)


def test_a_deep_picture_of_one_value_is_a_picture(tmp_path: Path, png16: Make) -> None:
    path = write(tmp_path / "a.png", png16(np.full((20, 20), 777, np.uint16)))

    assert seen(thumbnail(path, 64)).shape == (20, 20, 3)


def test_what_shows_through_is_the_background_of_the_rule(tmp_path: Path, encoded: Make) -> None:
    path = write(tmp_path / "a.png", encoded(Image.new("RGBA", (30, 30), (0, 0, 0, 0))))

    assert (seen(thumbnail(path, 64, rule=PixelRule(background=(10, 200, 30)))) == (10, 200, 30)).all()


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "empty"), (b"hello\n", "text"), (b"%PDF-1.7", "PDF"), (b"\xff\xd8\xff\xe0" + bytes(99), "JPEG")],
)
def test_a_file_without_a_picture_says_why(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(DecodeError, match=said):
        thumbnail(write(tmp_path / "a.jpg", data), 64)


def test_a_picture_that_is_cut_off_is_refused_as_in_training(tmp_path: Path, encoded: Make) -> None:
    data = encoded(gradient(1600, 1200), "JPEG", quality=95)

    with pytest.raises(DecodeError, match="cut off"):
        thumbnail(write(tmp_path / "a.jpg", data[: len(data) // 2]), 64)


def test_a_file_that_is_gone_and_a_folder_say_so_without_their_place(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(DecodeError) as caught:
            thumbnail(path, 64)
        assert str(tmp_path) not in caught.value.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_does_not_hold_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")

    with pytest.raises(DecodeError, match="not an ordinary file"):
        thumbnail(tmp_path / "pipe.png", 64)


@pytest.mark.realdata
def test_each_nasty_file_gives_a_picture_or_a_sentence_and_agrees_with_the_check(real_data: Path) -> None:
    root = real_data / "nasty_files"
    scan = scan_folder(root)
    used = {record.path for record in scan.used}
    told: dict[str, str] = {}
    for path in sorted(used | {left.path for left in scan.left_out if left.reason_code not in NO_PIXEL_REASONS}):
        try:
            assert seen(thumbnail(root / path, 96)).size
        except DecodeError as error:
            told[path] = error.message

    assert set(told) & used == set()
    assert all(str(root) not in message for message in told.values())
