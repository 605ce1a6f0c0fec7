from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset

from tlgui.core.records import Reason
from tlgui.imaging import file_check, pillow_frames
from tlgui.imaging.file_check import notices_of, read_file, read_head
from tlgui.imaging.pixels import Description
from tlgui.imaging.verdict import PRINT_SIDE, DicomFacts, Verdict
from tlgui.imaging.walk import walk

Make = Callable[..., bytes]


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], Verdict]:
    """The verdict on a file of these bytes."""

    def make(content: bytes) -> Verdict:
        (tmp_path / "one").mkdir(exist_ok=True)
        (tmp_path / "one" / "file").write_bytes(content)
        (found,) = walk(tmp_path / "one").files
        return read_file(tmp_path / "one", found)

    return make


def several(format: str, count: int = 3, **options: Any) -> bytes:
    file = io.BytesIO()
    frames = [
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20), np.uint8)) for seed in range(count)
    ]
    frames[0].save(file, format, save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("format", "notice"),
    [
        ("GIF", ("animation_first_frame", "The first of 3 frames is used.")),
        ("WEBP", ("animation_first_frame", "The first of 3 frames is used.")),
        ("PNG", ("animation_first_frame", "The first of 3 frames is used.")),
        ("TIFF", ("first_page", "The first of 3 pages is used.")),
        ("MPO", ("first_picture", "The first of 3 pictures is used.")),
    ],
)
def test_of_several_pictures_the_one_that_is_used_is_said(
    format: str, notice: tuple[str, str], read: Callable[[bytes], Verdict]
) -> None:
    assert read(several(format)).notices == [notice]


def described(**fields: Any) -> Description:
    plain: dict[str, Any] = dict.fromkeys(("lowest", "highest"))
    plain |= {"format": "PNG", "width": 9, "height": 9, "bits": 8, "frames": 1, "grey": True}
    return Description(**{**plain, "floating": False, "all_finite": True, **fields})


@pytest.mark.parametrize(
    ("fields", "frame", "notice"),
    [
        ({"format": "DICOM", "dicom": True, "frames": 30}, "auto", "Frame 15 of 30, the middle one, is used."),
        ({"format": "DICOM", "dicom": True, "frames": 30}, "first", "The first of 30 frames is used."),
        ({"format": "TIFF", "frames": 5}, "middle", "Page 3 of 5, the middle one, is used."),
        ({"format": "TIFF", "frames": 5}, "last", "The last of 5 pages is used."),
        ({"all_finite": False}, "auto", "Some of its values are no finite numbers; they become black."),
        ({"extra_channels": 1}, "auto", "A channel is left aside; one is used."),
        ({"extra_channels": 2, "grey": False}, "auto", "2 channels are left aside; three are used."),
        ({"format": "PSD"}, "auto", "Of this Photoshop document the picture of all layers together is used."),
    ],
)
def test_notices_in_words(fields: dict[str, Any], frame: Any, notice: str) -> None:
    assert [sentence for _code, sentence in notices_of(described(**fields), frame)] == [notice]
    assert notices_of(described()) == []


def test_a_flat_image_is_noticed_and_a_fine_pattern_is_none(read: Callable[[bytes], Verdict], encoded: Make) -> None:
    assert read(encoded(Image.new("RGB", (30, 30), (9, 20, 30)))).notices == [("flat", "All its pixels look alike.")]
    checks = (np.indices((1100, 1100)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert read(encoded(Image.fromarray(checks))).notices == []


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("side", [90, 1300])
def test_each_file_is_decoded_once_and_gets_a_print(
    format: str, side: int, read: Callable[[bytes], Verdict], encoded: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    load = pillow_frames._load
    monkeypatch.setattr(pillow_frames, "_load", lambda image: (loads.append(image), load(image))[1])
    exif = Image.Exif()
    exif[0x0112] = 6
    rows, _columns = np.mgrid[:side, : side // 2]
    verdict = read(encoded(Image.fromarray((rows * 255 // side).astype(np.uint8)), format, exif=exif))
    assert len(loads) == 1
    # Stored dark at the top; a turn to the right puts that on the right side.
    printed = np.frombuffer(verdict.print, np.uint8).reshape(PRINT_SIDE, PRINT_SIDE).astype(int)
    assert (np.diff(printed, axis=1) <= 0).all()
    assert printed[:, 0].min() > 240
    assert printed[:, -1].max() < 15
    assert verdict.description is not None
    assert (verdict.description.width, verdict.description.height) == (side, side // 2)


def test_deep_images_are_printed_from_their_own_range(read: Callable[[bytes], Verdict], encoded: Make) -> None:
    rows = np.mgrid[:64, :64][0]
    faint = read(encoded(Image.fromarray((30_000 + rows).astype(np.uint16))))
    plain = read(encoded(Image.fromarray((rows * 4).astype(np.uint8))))
    one, other = (np.frombuffer(each.print, np.uint8).astype(int) for each in (faint, plain))
    assert np.abs(one - other).max() <= 3


def dicom(patient: str, **tags: Any) -> bytes:
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3", "DX"
    data.PatientID, data.PatientName, data.StudyInstanceUID = patient, "Müller^Anna", "1.2.826.77"
    data.SamplesPerPixel, data.PhotometricInterpretation, data.Rows, data.Columns = 1, "MONOCHROME2", 16, 16
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.PixelData = np.arange(256, dtype="<u2").tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file = io.BytesIO()
    pydicom.dcmwrite(file, data, enforce_file_format=True)
    return file.getvalue()


def test_dicom_facts_group_without_naming_anybody(read: Callable[[bytes], Verdict]) -> None:
    device = {"Manufacturer": "ACME", "ManufacturerModelName": "X1", "StationName": "ROOM7"}
    verdict = read(dicom("P-17", InstanceNumber=12, BurnedInAnnotation="YES", **device))
    facts = verdict.dicom
    assert facts is not None
    assert (facts.modality, facts.position, facts.burned_in, facts.series) == ("DX", 12.0, "yes", "")
    other = read(dicom("P-18", BurnedInAnnotation="NO", **device | {"StationName": "ROOM8"})).dicom
    again = read(dicom("P-17 ")).dicom
    assert other is not None
    assert again is not None
    assert facts.patient == again.patient != other.patient
    assert facts.study == other.study
    assert facts.device != other.device
    assert (again.device, other.burned_in, again.burned_in) == ("", "no", "")
    for secret in ("P-17", "ller", "1.2.826", "ACME", "ROOM7"):
        assert secret not in repr(verdict)


def test_a_modality_that_is_no_code_is_not_repeated(read: Callable[[bytes], Verdict]) -> None:
    assert read(dicom("P-17", Modality="MUELLER, ANNA")).dicom == DicomFacts(
        patient=read(dicom("P-17")).dicom.patient,  # type: ignore[union-attr]
        study=read(dicom("P-17")).dicom.study,  # type: ignore[union-attr]
    )


def test_other_formats_have_no_dicom_facts(read: Callable[[bytes], Verdict], picture: Make) -> None:
    assert read(picture()).dicom is None


def test_the_first_bytes_alone_tell_the_kind(tmp_path: Path, picture: Make) -> None:
    (tmp_path / "a").write_bytes(picture())
    (tmp_path / "b").write_bytes(b"text")
    (found, other) = walk(tmp_path).files
    assert read_head(tmp_path, found) == Verdict(level="head", kind="PNG")
    assert read_head(tmp_path, other).reason_code is Reason.NOT_AN_IMAGE


def test_too_little_memory_leaves_the_file_out(
    read: Callable[[bytes], Verdict], picture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(file_check, "to_rgb", out_of_memory)
    assert read(picture()).reason_code is Reason.TOO_LARGE
