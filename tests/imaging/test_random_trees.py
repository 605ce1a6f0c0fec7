from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from tlgui.core.errors import UserError
from tlgui.core.intake import Intake
from tlgui.imaging.assemble import assemble
from tlgui.imaging.file_check import read_file
from tlgui.imaging.scan import look_at, scan_folder
from tlgui.imaging.verdict import Verdict
from tlgui.imaging.walk import walk

Tree = list[tuple[list[str], bytes | None]]


def _image(format: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (5, 4), 1).save(file, format)
    return file.getvalue()


def _dicom() -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID, data.Modality, data.PatientID = CTImageStorage, "1.2.3.4", "CT", "P1"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.InstanceNumber = "1.2.3", "1.2.3.1", 1
    data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = 4, 5, 1, "MONOCHROME1"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = np.arange(20, dtype=np.uint16).tobytes()
    file = io.BytesIO()
    pydicom.dcmwrite(file, data)
    return file.getvalue()


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../a.png", _image("PNG"))
    return file.getvalue()


GOOD = [
    _image("PNG"),
    _image("JPEG", "L"),
    _image("JPEG", "CMYK"),
    _image("TIFF"),
    _image("TIFF", "F"),
    _image("GIF", "P"),
    _image("BMP"),
    _image("PNG", "I;16"),
    _image("WEBP", "RGBA"),
    _dicom(),
    _dicom()[132:],  # without the preamble by which it is told
    _zip(),
    b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
    b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(40),
    b"file,label,patient\na.png,cats,1\nb.JPG,dogs,2\n",
    "Datei;Klasse\nä.png;Größe, 1\ntrain/a.png;\n".encode("cp1252"),
    b"image\tcats\tdogs\na.png\t1\t0\nb.JPG\t1\t1\n",
    b"\xff\xfe" + "file,label\na.png,cats\n".encode("utf-16-le"),
]
KNOWN = [
    "train",
    "val",
    "Test",
    "cats",
    "dogs",
    ".git",
    "__MACOSX",
    "Thumbs.db",
    "a.png",
    "b.JPG",
    "images",
    "ä",
    "a\u0308",
    "labels.csv",
    "Labels.TSV",
    "table.xlsx",
    "IM0001",
    "x.dcm",
    "set.zip",
]
name = st.one_of(
    st.sampled_from(KNOWN),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8),
    st.binary(min_size=1, max_size=5).map(lambda raw: os.fsdecode(raw.replace(b"/", b"_").replace(b"\0", b"_"))),
).filter(lambda part: part not in (".", ".."))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file with a few bytes changed, or cut off."""
    data = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


content = st.one_of(st.sampled_from(GOOD), st.binary(max_size=60), damaged())
trees = st.lists(st.tuples(st.lists(name, min_size=1, max_size=4), st.one_of(st.none(), content)), max_size=12)
layouts = st.sampled_from(["", "class folders", "train/validation/test", "domain folders", "label table"])


def _plant(tree: Tree, root: Path) -> int:
    """Writes a tree and returns how many files there are."""
    for parts, data in tree:
        path = root.joinpath(*parts)
        try:
            (path if data is None else path.parent).mkdir(parents=True, exist_ok=True)
            if data is not None:
                path.write_bytes(data)
        except OSError:  # a file stands where a folder should be, or the disk refuses the name
            continue
    return sum(len(files) for _, _, files in os.walk(root))


def _is_accounted_for(scan: Callable[[], object], there: int) -> None:
    try:
        found = scan()
    except UserError as error:
        assert error.problem
        assert error.remedy
    else:
        assert len(found.used) + len(found.left_out) == there  # type: ignore[attr-defined]
        assert {record.class_name for record in found.used} == set(found.classes)  # type: ignore[attr-defined]


@pytest.mark.slow
@given(tree=trees)
@example(tree=[([kind, f"{number}"], data) for number, data in enumerate(GOOD) for kind in ("cats", "dogs")])
@settings(max_examples=100, deadline=None)
def test_any_tree_is_accounted_for_to_the_last_file(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        there = _plant(tree, root)
        found = walk(root)
        assert len(found.files) == there
        assert all(isinstance(read_file(root, file), Verdict) for file in found.files)
        _is_accounted_for(lambda: scan_folder(root, workers=2), there)
        _is_accounted_for(lambda: scan_folder(root, workers=2, for_training=False), there)


@pytest.mark.slow
@given(tree=trees, layout=layouts, table=st.sampled_from(["", "labels.csv", "Labels.TSV"]))
@settings(max_examples=50, deadline=None)
def test_any_tree_is_accounted_for_however_it_is_asked_to_be_read(tree: Tree, layout: str, table: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        there = _plant([*tree, (["cats", "a.png"], GOOD[0]), (["dogs", "b.JPG"], GOOD[1])], root)
        intake = Intake(layout=layout, table=table)
        _is_accounted_for(lambda: assemble(look_at(root, intake=intake, workers=2), intake), there)


@pytest.mark.slow
def test_trees_of_every_kind_of_file_are_read_alike_by_processes_of_their_own(tmp_path: Path) -> None:
    tree: Tree = [([kind, f"{number}"], data) for number, data in enumerate(GOOD) for kind in ("cats", "dogs")]
    there = _plant([*tree, (["cats", "cut"], GOOD[0][:-20])], tmp_path)
    scan = scan_folder(tmp_path, isolated=True)
    assert len(scan.used) + len(scan.left_out) == there
    assert scan == scan_folder(tmp_path)
