from __future__ import annotations

import ast
import io
import re
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tlgui.core.records import Reason
from tlgui.imaging import decoding, pixels
from tlgui.imaging.pixels import NEEDS, PARTS, DecodeError, describe, kind_of, read_pixels

Make = Callable[..., bytes]


def refusal(source: bytes | Path) -> tuple[str, str]:
    with pytest.raises(DecodeError) as described:
        describe(source)
    with pytest.raises(DecodeError) as read:
        read_pixels(source, 0, 65535)
    assert described.value.code == read.value.code
    Reason(read.value.code)
    assert read.value.message.endswith(".")
    return read.value.code, read.value.message


def by_rule(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """The linear rule, written out another way than in the code."""
    scaled = [min(255.0, max(0.0, 255.0 * (float(value) - low) / (high - low))) for value in values.ravel()]
    return np.array([int(value + 0.5) for value in scaled], np.uint8).reshape(values.shape)


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "GIF", "WEBP"])
def test_lossless_formats_give_the_stored_pixels(picture: Make, format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    mode = "L" if format == "GIF" else "RGB"
    data = picture(3, format, mode, **options)
    expected = np.asarray(Image.open(io.BytesIO(picture(3, "PNG", mode))).convert("RGB"))
    decoded = read_pixels(data, 0, 65535)
    assert decoded.flags.c_contiguous
    assert decoded.flags.writeable
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, expected)
    description = describe(data)
    assert (description.format, description.width, description.height, description.bits) == (format, 9, 7, 8)


def test_path_bytes_and_file_object_read_alike(picture: Make, tmp_path: Path) -> None:
    data = picture(1, "JPEG")
    path = tmp_path / "Größe 猫 🧪 & <b> '\".upper.JPG"
    path.write_bytes(data)
    with path.open("rb") as file:
        file.read(5)
        np.testing.assert_array_equal(read_pixels(file, 0, 1), read_pixels(data, 0, 1))
        assert not file.closed
    np.testing.assert_array_equal(read_pixels(str(path), 0, 1), read_pixels(path, 0, 1))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied_once(picture: Make, format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = picture(5, format, exif=exif, **({"lossless": True} if format == "WEBP" else {}))
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    decoded = read_pixels(data, 0, 65535)
    np.testing.assert_array_equal(decoded, expected)
    assert decoded.shape[:2] == ((9, 7) if orientation >= 5 else (7, 9))
    description = describe(data)
    assert (description.height, description.width) == decoded.shape[:2]


def test_a_turned_photo_equals_its_upright_twin(picture: Make) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = Image.open(io.BytesIO(picture(8)))
    file = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(file, "PNG", exif=exif)
    np.testing.assert_array_equal(read_pixels(file, 0, 1), np.asarray(upright))


def test_damaged_exif_does_not_cost_the_picture(picture: Make) -> None:
    data = picture(2, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\x12\x01" * 9)
    assert read_pixels(data, 0, 1).shape == (7, 9, 3)


@pytest.mark.parametrize("background", [(255, 255, 255), (10, 200, 30)])
def test_transparent_pixels_lie_over_the_background(encoded: Make, background: tuple[int, int, int]) -> None:
    rgba = np.array([[[200, 100, 0, 0], [200, 100, 0, 128]], [[200, 100, 0, 255], [1, 2, 3, 7]]], np.uint8)
    decoded = read_pixels(encoded(Image.fromarray(rgba)), 0, 1, background)
    for row, column in np.ndindex(2, 2):
        alpha = int(rgba[row, column, 3]) / 255
        wanted = [
            int(alpha * int(colour) + (1 - alpha) * under + 0.5)
            for colour, under in zip(rgba[row, column, :3], background, strict=True)
        ]
        assert decoded[row, column].tolist() == wanted


def test_grey_with_alpha_and_palette_with_transparency(encoded: Make) -> None:
    grey = Image.merge("LA", [Image.new("L", (2, 2), 50), Image.new("L", (2, 2), 0)])
    assert read_pixels(encoded(grey), 0, 1, (1, 2, 3)).reshape(-1, 3).tolist() == [[1, 2, 3]] * 4
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 250, 40, 30])
    assert read_pixels(encoded(palette), 0, 1)[0, 0].tolist() == [250, 40, 30]
    assert read_pixels(encoded(palette, transparency=1), 0, 1, (9, 9, 9))[0, 0].tolist() == [9, 9, 9]
    assert read_pixels(encoded(palette, transparency=b"\xff\x00"), 0, 1, (9, 9, 9))[0, 0].tolist() == [9, 9, 9]
    assert read_pixels(encoded(palette, "GIF", transparency=1), 0, 1, (9, 9, 9))[0, 0].tolist() == [9, 9, 9]


def test_a_transparent_colour_of_rgb_and_grey(encoded: Make) -> None:
    assert read_pixels(encoded(Image.new("RGB", (2, 2), (5, 6, 7)), transparency=(5, 6, 7)), 0, 1).min() == 255
    assert read_pixels(encoded(Image.new("L", (2, 2), 5), transparency=5), 0, 1).min() == 255


@pytest.mark.parametrize(("depth", "packed", "grey"), [(2, 0b10_01_00_11, 170), (4, 0b1010_0101, 170)])
def test_a_transparent_grey_of_few_bits(png: Make, depth: int, packed: int, grey: int) -> None:
    # Two rows of four 2-bit or two 4-bit pixels; the first value (2 of 3, 10 of 15) is the transparent one.
    width, value = 8 // depth, packed >> (8 - depth)
    data = png(
        (b"IHDR", struct.pack(">IIBBBBB", width, 2, depth, 0, 0, 0, 0)),
        (b"tRNS", struct.pack(">H", value)),
        (b"IDAT", zlib.compress(bytes([0, packed, 0, packed]))),
        (b"IEND", b""),
    )
    assert read_pixels(data, 0, 1, (1, 2, 3))[0, 0].tolist() == [1, 2, 3]
    assert read_pixels(data, 0, 1, (1, 2, 3))[0, 1, 0] == 255 - grey


def test_one_bit_images_are_black_and_white_and_inverted_ones_too(encoded: Make) -> None:
    image = Image.new("1", (9, 4), 1)
    image.putpixel((0, 0), 0)
    for data in (encoded(image), encoded(image, "TIFF"), encoded(image, "TIFF", compression="group4")):
        decoded = read_pixels(data, 0, 1)
        assert decoded[0, 0].tolist() == [0, 0, 0]
        assert decoded[1, 1].tolist() == [255, 255, 255]
    one_is_white, one_is_black = (struct.pack("<HHII", 262, 3, 1, meaning) for meaning in (1, 0))
    inverted = read_pixels(encoded(image, "TIFF").replace(one_is_white, one_is_black), 0, 1)
    assert (inverted[0, 0, 0], inverted[1, 1, 0]) == (255, 0)


def test_cmyk_looks_like_its_rgb_twin(encoded: Make) -> None:
    colours = Image.new("RGB", (16, 16), (200, 60, 20))
    decoded = read_pixels(encoded(colours.convert("CMYK"), "JPEG", quality=100, subsampling=0), 0, 1)
    assert np.abs(decoded.astype(int) - [200, 60, 20]).max() <= 3


def test_lab_becomes_rgb(encoded: Make) -> None:
    lab = Image.merge("LAB", [Image.new("L", (4, 4), 255), Image.new("L", (4, 4), 128), Image.new("L", (4, 4), 128)])
    assert read_pixels(encoded(lab, "TIFF"), 0, 1).min() >= 253


def test_sixteen_bit_grey_is_scaled_by_the_rule_and_not_clipped(encoded: Make) -> None:
    values = np.arange(0, 4096, 13, dtype=np.uint16)[:300].reshape(15, 20)
    data = encoded(Image.fromarray(values))
    decoded = read_pixels(data, 0, 4095)
    np.testing.assert_array_equal(decoded[..., 0], by_rule(values, 0, 4095))
    np.testing.assert_array_equal(decoded[..., 0], decoded[..., 2])
    assert (decoded == 255).mean() < 0.01
    description = describe(data)
    assert (description.bits, description.lowest, description.highest) == (16, 0.0, float(values.max()))
    assert description.grey


def test_values_outside_of_the_rule_are_clipped_and_halves_go_up(encoded: Make) -> None:
    values = np.array([[0, 10, 11, 12, 15, 500]], np.uint16).repeat(2, axis=0)
    decoded = read_pixels(encoded(Image.fromarray(values)), 10, 520)
    assert decoded[0, :, 0].tolist() == [0, 0, 1, 1, 3, 245]
    with pytest.raises(ValueError, match="above low"):
        read_pixels(encoded(Image.fromarray(values)), 5, 5)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_sixteen_bit_colour_png_keeps_its_lower_byte(png16: Make, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (6, 5, channels), dtype=np.uint16)
    if channels in (2, 4):
        values[..., -1] = 65535
    data = png16(values)
    colour = values[..., :3] if channels > 2 else values[..., :1].repeat(3, axis=2)
    np.testing.assert_array_equal(read_pixels(data, 0, 4095), by_rule(colour, 0, 4095))
    description = describe(data)
    assert (description.bits, description.highest) == (16, float(colour.max()))
    assert description.grey is (channels == 2)


def test_sixteen_bit_transparency(png16: Make) -> None:
    values = np.full((2, 2, 4), 1000, np.uint16)
    values[0, 0, 3] = 0
    values[0, 1, 3] = 32768
    values[1, :, 3] = 65535
    decoded = read_pixels(png16(values), 0, 4095, (255, 255, 255))
    stored, half = 1000 / 4095 * 255, 32768 / 65535
    assert decoded[0, 0].tolist() == [255] * 3
    assert decoded[0, 1].tolist() == [int(stored * half + 255 * (1 - half) + 0.5)] * 3
    assert decoded[1, 0].tolist() == [int(stored + 0.5)] * 3
    grey = np.array([[7, 300], [300, 7]], np.uint16)
    assert read_pixels(png16(grey, (7,)), 0, 300)[..., 0].tolist() == [[255, 255], [255, 255]]
    colour = np.zeros((2, 2, 3), np.uint16)
    colour[0, 0] = (1, 2, 258)
    decoded = read_pixels(png16(colour, (1, 2, 258)), 0, 300)
    assert decoded[0, 0].tolist() == [255] * 3
    assert decoded[1, 1].tolist() == [0] * 3


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("big_endian", [False, True])
def test_sixteen_bit_colour_tiff_in_both_byte_orders(tiff: Make, big_endian: bool, deflate: bool) -> None:
    values = np.random.default_rng(1).integers(0, 4096, (6, 5, 3), dtype=np.uint16)
    data = tiff(values, big_endian=big_endian, deflate=deflate)
    np.testing.assert_array_equal(read_pixels(data, 0, 4095), by_rule(values, 0, 4095))


def test_premultiplied_sixteen_bit_colour_is_divided_by_its_alpha(tiff: Make) -> None:
    values = np.full((2, 2, 4), 1000, np.uint16)
    values[..., 3] = 32768
    decoded = read_pixels(tiff(values, extra=1), 0, 4095, (0, 0, 0))
    assert abs(int(decoded[0, 0, 0]) - 1000 / 4095 * 255) <= 1


def test_signed_values_thirty_two_bits_and_floats(tiff: Make) -> None:
    signed = np.array([[-1000, 0], [500, 3000]], np.int16)
    assert (describe(tiff(signed)).lowest, describe(tiff(signed)).highest) == (-1000.0, 3000.0)
    np.testing.assert_array_equal(read_pixels(tiff(signed), -1000, 3095)[..., 0], by_rule(signed, -1000, 3095))
    wide = np.array([[0, 1], [2**31, 2**32 - 1]], np.uint32)
    assert describe(tiff(wide)).highest == 2.0**32 - 1
    np.testing.assert_array_equal(read_pixels(tiff(wide), 0, 2**32 - 1)[..., 0], by_rule(wide, 0, 2**32 - 1))
    floats = np.array([[0.0, 0.25], [np.nan, np.inf]], np.float32)
    description = describe(tiff(floats))
    assert description.floating
    assert not description.all_finite
    assert (description.lowest, description.highest) == (0.0, 0.25)
    assert read_pixels(tiff(floats), 0, 1)[..., 1].tolist() == [[0, 64], [0, 0]]
    signalling = np.array([[0x7F800001, 0], [0x3F800000, 0]], np.uint32).view(np.float32)
    assert read_pixels(tiff(signalling), 0, 1)[..., 0].tolist() == [[0, 0], [255, 0]]
    assert refusal_without_reading(tiff(np.full((2, 2), np.nan, np.float32))) == "unreadable"


def refusal_without_reading(data: bytes) -> str:
    with pytest.raises(DecodeError) as caught:
        describe(data)
    return caught.value.code


def test_white_is_zero_is_turned_round_at_sixteen_bits(tiff: Make) -> None:
    values = np.array([[0, 65535], [65535, 1000]], np.uint16)
    assert read_pixels(tiff(values, photometric=0), 0, 65535)[..., 0].tolist() == [[255, 0], [0, 251]]


def test_the_first_frame_is_taken_and_the_others_are_counted(picture: Make) -> None:
    frames = [Image.open(io.BytesIO(picture(seed))).convert("L") for seed in (1, 2, 3)]
    for format in ("GIF", "TIFF", "PNG"):
        file = io.BytesIO()
        frames[0].save(file, format, save_all=True, append_images=frames[1:])
        assert describe(file).frames == 3
        np.testing.assert_array_equal(read_pixels(file, 0, 1)[..., 0], np.asarray(frames[0]))
    file = io.BytesIO()
    frames[0].save(file, "MPO", save_all=True, append_images=frames[1:])
    assert describe(file).frames == 3


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM"])
def test_a_file_cut_off_anywhere_is_named_and_never_read_in_part(picture: Make, format: str) -> None:
    data = picture(4, format, size=(40, 30))
    for length in range(1, int(len(data) * 0.9), max(1, len(data) // 40)):
        code, message = refusal(data[:length])
        assert code in {"truncated", "unreadable", "not_an_image"}
        if length > 20:
            assert code != "not_an_image"
            assert {"WEBP": "WEBP", "PPM": "PPM"}.get(format, format) in message


def test_empty_file() -> None:
    assert refusal(b"") == ("empty", "The file is empty (0 bytes).")


@pytest.mark.parametrize(
    ("content", "looks_like"),
    [
        (b"<!DOCTYPE html><html><body>Log in", "a web page (HTML)"),
        (b"\xef\xbb\xbf  <!-- a --> <HTML>", "a web page (HTML)"),
        (b"<!-- -->" * 120, "text"),
        (b"BMW and MZ are makers of motorcycles", "text"),
        (b"P1 is the first patient", "text"),
        (b"<?xml version='1.0'?><note>", "an XML document"),
        (b'<?xml version="1.0"?><svg xmlns="x">', "a vector drawing (SVG)"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04....", "a ZIP archive or an Office document"),
        ("Notizen über Bilder\n".encode(), "text"),
        (b"\x80\x04\x95.", "saved Python data (pickle)"),
        (b"\0" * 5000, "nothing but zeros"),
        (b"\xfe\x91\x03\x88" * 9, "not that of any image format known here"),
        (b"\0\0\0\x20ftypisom....", "a video"),
    ],
)
def test_what_is_no_image_is_named_for_what_it_looks_like(content: bytes, looks_like: str) -> None:
    code, message = refusal(content)
    assert code == "not_an_image"
    assert looks_like in message


def test_other_image_formats_are_named_with_those_accepted() -> None:
    for data, name in [
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"8BPS\0\x02", "large Photoshop document"),
        (b"\0\0\x02\0\x01\0\x20\x20", "Windows cursor"),
        (b"SIMPLE  =                    T", "FITS"),
        (b"NRRD0004", "NRRD volume"),
    ]:
        code, message = refusal(data)
        assert code == "unsupported"
        assert name in message
        assert "JPEG, PNG, BMP, GIF, WebP, TIFF, HEIC, AVIF, JPEG 2000, DICOM" in message


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0" * 128 + b"DICM", "DICOM"),
        (b"II*\0".ljust(128, b"\0") + b"DICM", "DICOM"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x1cftypavis\0\0\0\0avifmif1miaf", "AVIF"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0", "ICO"),
    ],
)
def test_kinds_are_told_by_their_first_bytes(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind


def test_random_bytes_are_never_taken_for_a_data_set() -> None:
    generator = np.random.default_rng(0)
    for start in (b"\x08\0", b"\x02\0", b"\x08\0\x05\0CS"):
        for _ in range(300):
            with pytest.raises(DecodeError):
                kind_of(start + generator.bytes(600))


@pytest.mark.parametrize("format", ["JPEG2000", "AVIF", "ICO"])
def test_formats_with_losses_come_close_to_what_was_saved(format: str, encoded: Make) -> None:
    rows, columns = np.mgrid[:40, :56]
    image = Image.fromarray(np.stack([rows * 6, columns * 4, rows + columns], axis=-1).astype(np.uint8))
    options = {"JPEG2000": {"irreversible": True}, "AVIF": {"quality": 100}, "ICO": {"sizes": [(56, 40)]}}[format]
    decoded = read_pixels(encoded(image, format, **options))
    assert decoded.shape == (40, 56, 3)
    assert np.abs(decoded.astype(int) - np.asarray(image)).max() <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_avif_is_applied_once(encoded: Make, orientation: int) -> None:
    rows, columns = np.mgrid[:32, :48]
    image = Image.fromarray(np.stack([rows * 8, columns * 5, rows * 0], axis=-1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = image.copy()
    expected.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(expected)).astype(int)
    decoded = read_pixels(encoded(image, "AVIF", quality=100, exif=exif))
    assert decoded.shape == upright.shape
    assert np.abs(decoded - upright).max() <= 8


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_deep_jpeg_2000_keeps_its_lower_bits(channels: int) -> None:
    values = np.random.default_rng(5).integers(0, 4096, (64, 72, channels), dtype=np.uint16)
    if channels == 4:
        values[..., -1] = 4095
    data = jpeg_2000(values, bits=12)
    colour = values[..., :3] if channels > 2 else values[..., :1].repeat(3, axis=2)
    np.testing.assert_array_equal(read_pixels(data, 0, 4095), by_rule(colour, 0, 4095))
    assert (describe(data).bits, describe(data).highest) == (12, float(colour.max()))


def jpeg_2000(values: np.ndarray, bits: int, colours: int | None = None) -> bytes:
    """A .jp2 file; Pillow writes none of so many bits in colour."""
    from openjpeg.utils import encode_array

    return bytes(
        encode_array(
            values.squeeze(),
            bits_stored=bits,
            photometric_interpretation={1: 2, 3: 1, 4: 0}[values.shape[2]] if colours is None else colours,
            use_mct=False,
            codec_format=1,
        )
    )


def test_deep_jpeg_2000_in_inks_is_refused_and_not_taken_for_rgb() -> None:
    code, message = refusal(jpeg_2000(np.zeros((64, 64, 4), np.uint16), bits=12, colours=5))
    assert code == "unsupported"
    assert "its colours" in message


def test_jpeg_2000_without_its_decoder_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg_2000(np.zeros((64, 64, 1), np.uint16), bits=12)
    monkeypatch.setitem(sys.modules, "openjpeg.utils", None)
    code, message = refusal(data)
    assert code == "unsupported"
    assert "'pylibjpeg-openjpeg'" in message


def test_heic_without_its_decoder_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    code, message = refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40)
    assert code == "unsupported"
    assert "'pi-heif'" in message


def test_damaged_heic_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40)[0] == "unreadable"


def test_a_flattened_photoshop_document() -> None:
    pixels_ = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 4, 5, 8, 3) + struct.pack(">III", 0, 0, 0)
    np.testing.assert_array_equal(read_pixels(head + b"\0\0" + pixels_.tobytes()), pixels_.transpose(1, 2, 0))
    deep = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 4, 5, 16, 3) + struct.pack(">III", 0, 0, 0) + bytes(200)
    assert refusal(deep)[0] == "unsupported"


def test_size_is_judged_from_the_header(monkeypatch: pytest.MonkeyPatch, picture: Make) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 50)
    code, message = refusal(picture(size=(9, 7)))
    assert code == "too_large"
    assert "9 x 7" in message
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1000)
    assert read_pixels(picture(size=(9, 7)), 0, 1).shape == (7, 9, 3)


def test_a_bomb_is_refused_without_being_decoded(png_header: Make) -> None:
    assert refusal(png_header(20000, 20000)) == (
        "too_large",
        "The image has 400 megapixels (20000 x 20000); 300 is the limit.",
    )
    assert refusal(png_header(60000, 60000))[0] == "too_large"


def test_a_line_of_single_pixels_is_too_small(picture: Make) -> None:
    assert refusal(picture(size=(400, 1))) == ("too_small", "The image is only 400 x 1 pixels.")
    assert read_pixels(picture(size=(400, 2)), 0, 1).shape == (2, 400, 3)


def test_a_missing_file_is_a_sentence_without_its_place(tmp_path: Path) -> None:
    code, message = refusal(tmp_path / "gone.png")
    assert code == "unreadable"
    assert str(tmp_path) not in message


def test_remarks_of_pillow_stay_silent_in_many_threads_and_filters_come_back(encoded: Make) -> None:
    large = Image.new("1", (20, 20))
    data = encoded(large, "TIFF")
    odd = data[:4] + data[4:]
    before = list(warnings.filters)
    errors: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(50):
                describe(odd)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert list(warnings.filters) == before


@pytest.fixture
def alone() -> str:
    """The source of all parts in one, without the lines by which they import each other."""
    folder = Path(pixels.__file__).parent
    source = "\n".join((folder / name).read_text(encoding="utf-8") for name in PARTS)
    return re.sub(r"^from (?:__future__|tlgui\S*) import [^(\n]*\n", "", source, flags=re.MULTILINE)


def test_the_parts_stand_alone(tmp_path: Path, picture: Make, alone: str) -> None:
    assert "tlgui" not in "".join(re.findall(r"^\s*(?:import|from) .*$", alone, flags=re.MULTILINE))
    (tmp_path / "a.png").write_bytes(picture())
    program = tmp_path / "predict.py"
    program.write_text(
        f"from __future__ import annotations\n{alone}\n\nassert read_pixels('a.png', 0, 1).shape == (7, 9, 3)\n"
        f"import sys\nassert not {{'pydicom', 'tifffile', 'pi_heif', 'gdcm', 'openjpeg'}} & sys.modules.keys()\n",
        encoding="utf-8",
    )
    subprocess.run([sys.executable, "-I", "-W", "error", str(program)], check=True, cwd=tmp_path)


def test_no_two_parts_give_different_things_the_same_name(alone: str) -> None:
    names = [
        target.id if isinstance(target, ast.Name) else target.name
        for node in ast.parse(alone).body
        for target in ([node] if isinstance(node, ast.FunctionDef | ast.ClassDef) else getattr(node, "targets", []))
        if isinstance(target, ast.Name | ast.FunctionDef | ast.ClassDef)
    ]
    assert sorted(names) == sorted(set(names))


def test_every_format_that_needs_a_package_says_which() -> None:
    assert set(NEEDS) == {"DICOM", "HEIC", "TIFF", "JPEG 2000"}
    assert not any(re.search("pillow-heif|libjpeg$", package) for packages in NEEDS.values() for package in packages)
