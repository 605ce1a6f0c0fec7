from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tlgui.core.errors import UserError
from tlgui.core.records import LeftOut
from tlgui.imaging.file_check import Checked, check_file
from tlgui.imaging.layout import recognise
from tlgui.imaging.scan import scan_folder
from tlgui.imaging.walk import walk


def _image(format: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (5, 4), 1).save(file, format)
    return file.getvalue()


GOOD = [_image("PNG"), _image("JPEG", "L"), _image("TIFF"), _image("GIF", "P"), _image("BMP"), _image("PNG", "I;16")]
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


@pytest.mark.slow
@given(tree=trees)
@settings(max_examples=100, deadline=None)
def test_any_tree_is_accounted_for_to_the_last_file(tree: list[tuple[list[str], bytes | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for parts, data in tree:
            path = root.joinpath(*parts)
            try:
                (path if data is None else path.parent).mkdir(parents=True, exist_ok=True)
                if data is not None:
                    path.write_bytes(data)
            except OSError:  # a file stands where a folder should be, or the disk refuses the name
                continue
        there = sum(len(files) for _, _, files in os.walk(root))
        found = walk(root)
        layout = recognise(found)
        verdicts = [check_file(root, file, layout) for file in found.files]
        assert len(verdicts) == there
        assert all(isinstance(verdict, (Checked, LeftOut)) for verdict in verdicts)
        try:
            scan = scan_folder(root, workers=2)
        except UserError as error:
            assert error.problem
            assert error.remedy
        else:
            assert len(scan.used) + len(scan.left_out) == there
            assert {record.class_name for record in scan.used} == set(scan.classes)
