"""DICOM by independent arithmetic: values, rescale, window and inversion are written out here one by one."""

from __future__ import annotations

import dataclasses
import io
import logging
import math
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from tlgui.core.records import Reason
from tlgui.imaging.pixels import DecodeError, describe, read_pixels

CT_CLASS, SEG_CLASS, DOSE_CLASS, SR_CLASS = (
    f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "66.4", "481.2", "88.11")
)


def data_set(
    values: np.ndarray, photometric: str = "MONOCHROME2", bits: int | None = None, frames: int = 1, **tags: Any
) -> Dataset:
    """A data set around (H, W[, 3]), or (N, H, W) with `frames`."""
    data = Dataset()
    data.SOPClassUID = CT_CLASS
    data.SOPInstanceUID = "1.2.3"
    data.Modality = "CT"
    data.PatientID = "Müller^Anna"
    rows, columns = values.shape[1:3] if frames > 1 else values.shape[:2]
    data.SamplesPerPixel = 3 if values.ndim == 3 and frames == 1 else 1
    data.PhotometricInterpretation = photometric
    data.Rows, data.Columns = rows, columns
    if frames > 1:
        data.NumberOfFrames = frames
    if data.SamplesPerPixel == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated = values.dtype.itemsize * 8
    data.BitsStored = bits or data.BitsAllocated
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(values.dtype.kind == "i")
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    if "FloatPixelData" not in data:
        content = values.tobytes()
        data.PixelData = content + b"\0" * (len(content) % 2)
        data["PixelData"].VR = "OW" if data.BitsAllocated > 8 else "OB"
    return data


def written(data: Dataset, syntax: Any = ExplicitVRLittleEndian, bare: bool = False) -> bytes:
    """The bytes of a file; `bare` without preamble, prefix and meta information."""
    file = io.BytesIO()
    if bare:
        pydicom.dcmwrite(file, data, implicit_vr=syntax.is_implicit_VR, little_endian=True, enforce_file_format=False)
        return file.getvalue()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax == RLELossless else syntax
    if syntax == RLELossless:
        data.compress(RLELossless)
    if syntax == ExplicitVRBigEndian and data.BitsAllocated == 16:
        data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
    pydicom.dcmwrite(file, data, enforce_file_format=True)
    return file.getvalue()


def refusal(source: bytes | Path) -> tuple[str, str]:
    with pytest.raises(DecodeError) as caught:
        describe(source)
    Reason(caught.value.code)
    assert caught.value.message.endswith(".")
    return caught.value.code, caught.value.message


def by_range(values: np.ndarray, low: float, high: float, inverted: bool = False) -> np.ndarray:
    """The linear rule one value at a time, rounded half up and only then inverted."""
    levels = [math.floor(min(255.0, max(0.0, 255.0 * (float(v) - low) / (high - low))) + 0.5) for v in values.ravel()]
    return np.array([255 - level if inverted else level for level in levels], np.uint8).reshape(values.shape)


RAMP = np.linspace(0, 4095, 40 * 30).astype(np.uint16).reshape(40, 30)


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless],
)
def test_every_way_of_writing_gives_the_same_pixels(syntax: Any) -> None:
    decoded = read_pixels(written(data_set(RAMP, bits=12), syntax), 0, 4095)
    np.testing.assert_array_equal(decoded, by_range(RAMP, 0, 4095)[..., None].repeat(3, axis=2))
    assert decoded.flags.c_contiguous
    assert decoded.flags.writeable


@pytest.mark.parametrize("fast", [True, False])
def test_both_decoders_of_rle_give_what_was_stored(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.setitem(sys.modules, "rle.utils", None)
    generator = np.random.default_rng(6)
    signed = generator.integers(-2000, 2000, (20, 30)).astype(np.int16)
    np.testing.assert_array_equal(
        read_pixels(written(data_set(signed), RLELossless), -2000, 2000)[..., 0], by_range(signed, -2000, 2000)
    )
    colours = generator.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read_pixels(written(data_set(colours, "RGB"), RLELossless)), colours)
    wide = generator.integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    np.testing.assert_array_equal(
        read_pixels(written(data_set(wide, "RGB"), RLELossless), 0, 65535), by_range(wide, 0, 65535)
    )
    frames = np.stack([np.full((6, 7), 100 * number, np.uint16) for number in range(6)])
    content = written(data_set(frames, frames=6, bits=12), RLELossless)
    assert [read_pixels(content, 0, 510, frame=which)[0, 0, 0] for which in ("first", "auto", "last")] == [0, 100, 250]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_file_without_suffix_preamble_and_prefix_is_read(syntax: Any, tmp_path: Path) -> None:
    path = tmp_path / "IM000001"
    path.write_bytes(written(data_set(RAMP, bits=12), syntax, bare=True))
    assert path.read_bytes()[128:132] != b"DICM"
    np.testing.assert_array_equal(read_pixels(path, 0, 4095)[..., 1], by_range(RAMP, 0, 4095))
    assert describe(path).dicom


def test_signed_values_and_the_rescale() -> None:
    stored = np.linspace(-1024, 3071, 1200).astype(np.int16).reshape(40, 30)
    data = written(data_set(stored, RescaleSlope=2, RescaleIntercept=-100))
    rescaled = stored.astype(np.int64) * 2 - 100
    description = describe(data)
    assert (description.lowest, description.highest) == (float(rescaled.min()), float(rescaled.max()))
    assert not description.floating
    np.testing.assert_array_equal(read_pixels(data, -2148, 6042)[..., 0], by_range(rescaled, -2148, 6042))
    odd = written(data_set(stored, RescaleSlope="0.25", RescaleIntercept="0.125"))
    assert describe(odd).floating
    np.testing.assert_array_equal(read_pixels(odd, -300, 800)[..., 0], by_range(stored * 0.25 + 0.125, -300, 800))


def test_bits_above_those_stored_are_no_part_of_a_value() -> None:
    dirty = RAMP | 0xF000
    np.testing.assert_array_equal(
        read_pixels(written(data_set(dirty, bits=12)), 0, 4095)[..., 0], by_range(RAMP, 0, 4095)
    )


def test_d37_monochrome1_equals_its_monochrome2_twin() -> None:
    twin = data_set(4095 - RAMP, "MONOCHROME1", bits=12)
    plain = read_pixels(written(data_set(RAMP, bits=12)), 0, 4095)
    np.testing.assert_array_equal(read_pixels(written(twin), 0, 4095), plain)
    np.testing.assert_array_equal(plain[..., 0], by_range(4095 - RAMP, 0, 4095, inverted=True))
    assert describe(written(twin)).photometric == "MONOCHROME1"


def test_inversion_comes_once_and_after_the_window() -> None:
    data = data_set(RAMP, "MONOCHROME1", bits=12, WindowCenter=1000, WindowWidth=401)
    low, high = 1000 - 0.5 - 200, 1000 - 0.5 + 200
    expected = by_range(RAMP, low, high, inverted=True)
    decoded = read_pixels(written(data), 0, 4095, method="window")
    np.testing.assert_array_equal(decoded[..., 0], expected)
    assert decoded[0, 0, 0] == 255
    assert decoded[-1, -1, 0] == 0


@pytest.mark.parametrize("function", ["", "LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_the_functions_of_a_window(function: str) -> None:
    centre, width = 1500.0, 1001.0
    data = data_set(RAMP, bits=12, WindowCenter=[centre, 40], WindowWidth=[width, 80])
    if function:
        data.VOILUTFunction = function
    decoded = read_pixels(written(data), 0, 4095, method="window")[..., 0]

    def level(value: float) -> float:
        if function == "SIGMOID":
            return 255 / (1 + math.exp(-4 * (value - centre) / width))
        if function == "LINEAR_EXACT":
            if value <= centre - width / 2:
                return 0
            return 255 if value > centre + width / 2 else ((value - centre) / width + 0.5) * 255
        if value <= centre - 0.5 - (width - 1) / 2:
            return 0
        if value > centre - 0.5 + (width - 1) / 2:
            return 255
        return ((value - (centre - 0.5)) / (width - 1) + 0.5) * 255

    expected = np.array([math.floor(level(float(value)) + 0.5) for value in RAMP.ravel()]).reshape(RAMP.shape)
    assert np.abs(decoded.astype(int) - expected).max() <= 1  # a half may fall to either side
    assert (decoded != expected).mean() < 0.01
    description = describe(written(data))
    assert description.has_window
    assert description.window == ((999.5, 2000.5) if function in ("SIGMOID", "LINEAR_EXACT") else (999.5, 1999.5))


def test_a_window_of_width_one_is_a_threshold_and_none_of_zero() -> None:
    data = data_set(RAMP, bits=12, WindowCenter=1000, WindowWidth=1)
    decoded = read_pixels(written(data), method="window")[..., 0]
    np.testing.assert_array_equal(decoded, np.where(RAMP > 999.5, 255, 0))
    data.WindowWidth = 0
    assert not describe(written(data)).has_window
    np.testing.assert_array_equal(read_pixels(written(data), 0, 4095, method="window")[..., 0], by_range(RAMP, 0, 4095))


def test_images_without_a_window_are_mapped_by_the_range() -> None:
    data = written(data_set(RAMP, bits=12))
    np.testing.assert_array_equal(read_pixels(data, 0, 4095, method="window"), read_pixels(data, 0, 4095))


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_voi_table_comes_before_the_window(as_bytes: bool) -> None:
    table = [(index * 37) % 256 for index in range(100)]
    item = Dataset()
    item.LUTDescriptor = [100, 50, 8]
    item["LUTDescriptor"].VR = "US"
    if as_bytes:
        item.add_new("LUTData", "OW", np.array(table, "<u2").tobytes())
    else:
        item.add_new("LUTData", "US", table)
    data = data_set(RAMP // 16, bits=12, WindowCenter=10, WindowWidth=5, VOILUTSequence=Sequence([item]))
    expected = np.array([table[min(99, max(0, int(value) - 50))] for value in (RAMP // 16).ravel()])
    decoded = read_pixels(written(data), method="window")[..., 0]
    np.testing.assert_array_equal(decoded, expected.reshape(RAMP.shape))
    assert describe(written(data)).window == (50, 149)


def test_a_modality_table_takes_the_place_of_the_slope() -> None:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 16])
    item.add_new("LUTData", "US", [min(65535, 3 * index) for index in range(4096)])
    data = data_set(RAMP, bits=12, ModalityLUTSequence=Sequence([item]))
    np.testing.assert_array_equal(
        read_pixels(written(data), 0, 12285)[..., 0], by_range(RAMP.astype(int) * 3, 0, 12285)
    )


def test_padding_becomes_black_and_does_not_count_for_the_range() -> None:
    stored = np.full((30, 30), 500, np.int16)
    stored[5:25, 5:25] = np.linspace(300, 700, 400).reshape(20, 20)
    stored[:3] = -2000
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        data = written(data_set(stored, photometric, PixelPaddingValue=-2000))
        assert (describe(data).lowest, describe(data).highest) == (300.0, 700.0)
        decoded = read_pixels(data, 300, 700)
        assert (decoded[:3] == 0).all()
        own = read_pixels(data, 0, 100, method="percentile")[..., 0]
        np.testing.assert_array_equal(own[3:], by_range(stored[3:], 300, 700, photometric == "MONOCHROME1"))
    all_padding = written(data_set(np.full((4, 4), -2000, np.int16), PixelPaddingValue=-2000))
    assert describe(all_padding).lowest == -2000.0


@pytest.mark.parametrize("planar", [0, 1])
def test_colour_in_either_order_is_kept_as_it_is(planar: int) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    data = data_set(colours, "RGB", PlanarConfiguration=planar)
    data.PixelData = (colours.transpose(2, 0, 1) if planar else colours).tobytes()
    np.testing.assert_array_equal(read_pixels(written(data), 5, 50, method="percentile"), colours)
    assert describe(written(data)).lowest is None


def test_luminance_and_chrominance_become_rgb() -> None:
    ybr = np.zeros((4, 4, 3), np.uint8)
    ybr[...] = (100, 90, 200)
    red, green, blue = 100 + 1.402 * 72, 100 - 0.344136 * -38 - 0.714136 * 72, 100 + 1.772 * -38
    decoded = read_pixels(written(data_set(ybr, "YBR_FULL")))
    assert np.abs(decoded[0, 0].astype(float) - (red, green, blue)).max() <= 1


def test_sixteen_bit_colour_follows_the_rule() -> None:
    colours = np.random.default_rng(2).integers(0, 4096, (8, 10, 3), dtype=np.uint16)
    data = written(data_set(colours, "RGB", bits=12))
    np.testing.assert_array_equal(read_pixels(data, 0, 4095), by_range(colours, 0, 4095))
    assert not describe(data).grey


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_gives_the_colours_of_its_table(bits: int) -> None:
    indices = np.random.default_rng(3).integers(0, 256, (8, 10), dtype=np.uint8)
    tables = np.random.default_rng(4).integers(0, 2**bits, (3, 256)).astype("<u2")
    data = data_set(indices, "PALETTE COLOR")
    for name, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        data.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [256, 0, bits])
        content = table.astype(np.uint8).tobytes() if bits == 8 else table.tobytes()
        data.add_new(f"{name}PaletteColorLookupTableData", "OW", content)
    expected = np.stack([table[indices] for table in tables], axis=-1) >> (bits - 8)
    np.testing.assert_array_equal(read_pixels(written(data)), expected)


def test_eight_bit_grey_follows_the_rule_as_well() -> None:
    stored = np.arange(100, 200, dtype=np.uint8).reshape(10, 10)
    data = written(data_set(stored))
    assert (describe(data).bits, describe(data).lowest, describe(data).highest) == (8, 100.0, 199.0)
    np.testing.assert_array_equal(read_pixels(data, 100, 199)[..., 0], by_range(stored, 100, 199))


@pytest.mark.parametrize(("frame", "index"), [("auto", 2), ("middle", 2), ("first", 0), ("last", 5)])
def test_of_several_frames_the_middle_one_unless_asked(frame: str, index: int) -> None:
    frames = np.stack([np.full((6, 7), 100 * number, np.uint16) for number in range(6)])
    data = written(data_set(frames, frames=6, bits=12))
    assert read_pixels(data, 0, 510, frame=frame)[0, 0, 0] == 50 * index
    assert describe(data).frames == 6


def test_each_frame_of_an_enhanced_image_has_its_own_rescale_and_window() -> None:
    def group(number: int) -> Dataset:
        scale, window, item = Dataset(), Dataset(), Dataset()
        scale.RescaleSlope, scale.RescaleIntercept = 1, 1000 * number
        window.WindowCenter, window.WindowWidth = 1000 * number + 128, 256
        item.PixelValueTransformationSequence = Sequence([scale])
        item.FrameVOILUTSequence = Sequence([window])
        return item

    frames = np.stack([np.arange(256, dtype=np.uint16).reshape(16, 16)] * 3)
    data = data_set(frames, frames=3, PerFrameFunctionalGroupsSequence=Sequence([group(n) for n in range(3)]))
    for frame, index in (("first", 0), ("middle", 1), ("last", 2)):
        decoded = read_pixels(written(data), method="window", frame=frame)
        expected = by_range(frames[0].astype(int), 0, 255)
        np.testing.assert_array_equal(decoded[..., 0], expected)
        low = 1000.0 * index
        np.testing.assert_array_equal(read_pixels(written(data), low, low + 255, frame=frame)[..., 0], expected)


def test_floating_point_pixels_with_the_window_that_they_mean() -> None:
    values = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    data = data_set(values, FloatPixelData=values.tobytes(), WindowCenter=0.5, WindowWidth=1)
    del data.BitsStored, data.HighBit, data.PixelRepresentation
    assert describe(written(data)).floating
    decoded = read_pixels(written(data), 0, 1, method="window")
    np.testing.assert_array_equal(decoded[..., 0], by_range(values, 0, 1))


def test_badly_written_numbers_do_not_cost_the_picture() -> None:
    data = data_set(RAMP, bits=12)
    for keyword, value in (
        ("WindowCenter", "abc"),
        ("WindowWidth", "1e"),
        ("RescaleSlope", "x"),
        ("InstanceNumber", "?"),
    ):
        element = pydicom.DataElement(keyword, "LO", value)
        element.VR = "DS" if keyword != "InstanceNumber" else "IS"
        data.add(element)
    np.testing.assert_array_equal(read_pixels(written(data), 0, 4095)[..., 0], by_range(RAMP, 0, 4095))


@pytest.mark.parametrize(
    ("storage", "code", "words"),
    [
        (SR_CLASS, "no_pixels", "holds no image (SR)"),
        (SEG_CLASS, "unsupported", "a segmentation, that is a mask"),
        (DOSE_CLASS, "unsupported", "a radiotherapy dose"),
    ],
)
def test_what_is_no_picture_is_named(storage: str, code: str, words: str) -> None:
    data = data_set(RAMP, bits=12)
    data.SOPClassUID = storage
    if storage == SR_CLASS:
        data.Modality = "SR"
        del data.PixelData, data.Rows, data.Columns
    found, message = refusal(written(data))
    assert found == code
    assert words in message


def test_a_free_text_in_the_place_of_the_modality_is_not_repeated() -> None:
    data = data_set(RAMP)
    data.add(pydicom.DataElement("Modality", "CS", "Mueller Anna"))
    del data.PixelData, data.Rows, data.Columns
    assert refusal(written(data)) == ("no_pixels", "The DICOM file holds no image.")


def test_a_file_cut_off_anywhere_is_named_and_never_read_in_part() -> None:
    for syntax in (ExplicitVRLittleEndian, RLELossless):
        content = written(data_set(RAMP, bits=12), syntax)
        for length in range(300, len(content) - 2, 97):
            assert refusal(content[:length])[0] in {"truncated", "unreadable", "no_pixels"}


def test_damaged_rle_is_named() -> None:
    """Its decoder is written in Rust, and panics, which is no ordinary exception."""
    content = bytearray(written(data_set(RAMP, bits=12), RLELossless))
    start = content.rindex(b"\xfe\xff\x00\xe0") + 8 + 64
    for position in range(start, len(content) - 20, 40):
        damaged = content[:position] + b"\x7f" + content[position + 1 :]
        try:
            describe(bytes(damaged))
        except DecodeError as error:
            assert error.code in {"truncated", "unreadable"}


def test_an_image_larger_than_the_limit_is_refused_by_its_header() -> None:
    data = data_set(RAMP)
    data.Rows = data.Columns = 65535
    assert refusal(written(data))[0] == "too_large"


@pytest.mark.parametrize(
    ("name", "syntax", "package"),
    [
        ("gdcm", "1.2.840.10008.1.2.4.70", "python-gdcm"),
        ("gdcm", "1.2.840.10008.1.2.4.51", "python-gdcm"),
        ("jpeg_ls", "1.2.840.10008.1.2.4.80", "pyjpegls"),
        ("openjpeg", "1.2.840.10008.1.2.4.90", "pylibjpeg-openjpeg"),
    ],
)
def test_d39_a_missing_decoder_is_said_in_plain_words(
    name: str, syntax: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = written(data_set(RAMP, bits=12)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1\0")
    data = pydicom.dcmread(io.BytesIO(content))
    data.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xf7" + b"\0" * 60])
    data["PixelData"].VR = "OB"
    data.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    file = io.BytesIO()
    pydicom.dcmwrite(file, data)
    monkeypatch.setitem(sys.modules, name, None)
    code, message = refusal(file.getvalue())
    assert code == "unsupported"
    assert f"('{package}')" in message
    monkeypatch.setitem(sys.modules, "pydicom", None)
    code, message = refusal(file.getvalue())
    assert code == "unsupported"
    assert "'pydicom'" in message


def test_a_video_is_named() -> None:
    data = pydicom.dcmread(io.BytesIO(written(data_set(RAMP, bits=12))))
    data.PixelData = pydicom.encaps.encapsulate([b"\0" * 64])
    data["PixelData"].VR = "OB"
    data.file_meta.TransferSyntaxUID = pydicom.uid.MPEG4HP41
    file = io.BytesIO()
    pydicom.dcmwrite(file, data)
    code, message = refusal(file.getvalue())
    assert code == "unsupported"
    assert "MPEG-4" in message


def test_no_identifier_reaches_a_log_or_a_message(caplog: pytest.LogCaptureFixture) -> None:
    data = data_set(RAMP, bits=12)
    data.add(pydicom.DataElement("StudyDate", "LO", "Geheim"))
    data["StudyDate"].VR = "DA"
    content = written(data)
    with caplog.at_level(logging.DEBUG):
        describe(content)
        message = refusal(content[:-300])[1]
    assert "Geheim" not in caplog.text + message
    assert "Anna" not in caplog.text + message


PLUG_INS = [
    ("JPEG-lossy.dcm", (420, 140), 244),  # the values that pydicom's own tests expect there
    ("JPEG-lossy.dcm", (230, 120), 95),
    ("JPEG-LL.dcm", (420, 140), 227),
    ("JPEG-LL.dcm", (230, 120), 105),
]


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "place", "value"), PLUG_INS)
def test_jpeg_of_twelve_and_sixteen_bits_by_known_values(
    real_data: Path, name: str, place: tuple[int, int], value: int
) -> None:
    path = real_data / "nasty_files" / "dicom" / name
    decoded = read_pixels(path, 0, 300)
    assert decoded[(*place, 0)] == math.floor(value * 255 / 300 + 0.5)


@pytest.mark.realdata
def test_dicom_cxr_as_independent_arithmetic_says(real_data: Path) -> None:
    files = sorted(
        path for path in (real_data / "dicom_cxr").rglob("*") if path.parent.name in {"no_findings", "pneumonia"}
    )
    assert len(files) == 48
    kinds: set[str] = set()
    right_way_round = 0
    for path in files:
        data = pydicom.dcmread(path)
        kinds |= {data.PhotometricInterpretation, data.file_meta.TransferSyntaxUID.name, path.suffix}
        values = data.pixel_array.astype(np.float64) * float(data.get("RescaleSlope", 1))
        values += float(data.get("RescaleIntercept", 0))
        low, high = -1024.0, 4095.0
        levels = np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5)
        centre, width = float(data.WindowCenter), float(data.WindowWidth)
        shown = np.floor(np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1) * 255 + 0.5)
        if data.PhotometricInterpretation == "MONOCHROME1":
            levels, shown = 255 - levels, 255 - shown
        by_rule = read_pixels(path, low, high)
        by_window = read_pixels(path, low, high, method="window")
        assert np.abs(by_rule[..., 0] - levels).max() == 0, path.name
        assert np.abs(by_window[..., 0] - shown).max() == 0, path.name
        spine, left, right = (by_window[60:130, x : x + 30].mean() for x in (97, 48, 146))
        right_way_round += spine > (left + right) / 2
    assert right_way_round >= 47  # bones are light and lungs are dark; on one picture the patient lies askew
    assert kinds >= {"MONOCHROME1", "MONOCHROME2", "RLE Lossless", "Explicit VR Little Endian", "", ".dcm"}


@pytest.mark.realdata
def test_decoders_give_the_same_in_many_threads(real_data: Path) -> None:
    folder = real_data / "nasty_files" / "dicom"
    names = [
        "JPEG-LL.dcm",
        "JPEG-lossy.dcm",
        "JLSL_16_15_1_1F.dcm",
        "JPEG2000.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "MR_small_RLE.dcm",
    ]
    expected = {name: dataclasses.astuple(describe(folder / name)) for name in names}
    wrong: list[str] = []

    def read(offset: int) -> None:
        order = names[offset:] + names[:offset]
        wrong.extend(name for name in order if dataclasses.astuple(describe(folder / name)) != expected[name])

    threads = [threading.Thread(target=read, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
