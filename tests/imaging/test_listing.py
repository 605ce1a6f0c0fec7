"""A listing tells an engine job of each used image what the check found out, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.pictures import write_dataset

from tlgui.core.errors import UserError
from tlgui.core.records import Grouping, ImageRecord, Scan
from tlgui.imaging.assemble import Look
from tlgui.imaging.listing import MOST_LISTINGS, ListedImage, listing_path, read_listing, write_listing
from tlgui.imaging.pixels import describe
from tlgui.imaging.verdict import DicomFacts, Verdict
from tlgui.imaging.walk import walk


def looked_at(root: Path, dicom: DicomFacts | None = None) -> tuple[Look, Scan]:
    """A folder as reading it leaves it, every file in one group."""
    look = Look(root, root.name, walk(root, lambda: None))
    for found in look.tree.files:
        path = root / found.path
        look.verdicts[found.path] = Verdict(
            level="full", kind="PNG", size_bytes=path.stat().st_size, description=describe(path), dicom=dicom
        )
    used = [
        ImageRecord(
            path=found.path, class_name=found.parts[0], content_hash=f"h{n}", width=40 + n, height=30, group="g7"
        )
        for n, found in enumerate(look.tree.files)
    ]
    scan = Scan(
        name=root.name,
        layout="class folders",
        classes=["a", "b"],
        used=used,
        left_out=[],
        warnings=[],
        grouping=Grouping(key="dicom:patient"),
    )
    return look, scan


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    look, scan = looked_at(write_dataset(tmp_path / "d", {"a": 1, "b": 1}), DicomFacts(device="0123", burned_in="yes"))
    path = tmp_path / "listing.csv"

    write_listing(path, look, scan, {"a/000.png": "train", "b/000.png": "test"})

    first, second = read_listing(path)
    assert first == ListedImage(
        path="a/000.png",
        class_name="a",
        group="g7",
        unit="patient",
        part="train",
        content_hash="h0",
        width=40,
        height=30,
        bits=8,
        format="PNG",
        size_bytes=(tmp_path / "d/a/000.png").stat().st_size,
        device="0123",
        burned_in="yes",
    )
    assert (second.path, second.part, second.content_hash) == ("b/000.png", "test", "h1")
    assert str(tmp_path).encode() not in path.read_bytes()


def test_names_that_a_table_must_quote_or_that_are_no_text_come_back(tmp_path: Path) -> None:
    root = tmp_path / "d"
    names = ['a,"1"\r.png', b"\xff.png".decode("utf-8", "surrogateescape"), "=1+1.png"]
    write_dataset(root, {"a": 3, "b": 1})
    for number, name in enumerate(names):
        try:
            (root / f"a/00{number}.png").rename(root / "a" / name)
        except (OSError, UnicodeEncodeError):
            pytest.skip("this disk allows no such names")
    look, scan = looked_at(root)
    write_listing(tmp_path / "l.csv", look, scan, {record.path: "train" for record in scan.used})

    assert {image.path for image in read_listing(tmp_path / "l.csv")} == {*(f"a/{name}" for name in names), "b/000.png"}


def test_old_listings_go(tmp_path: Path) -> None:
    for _ in range(3 * MOST_LISTINGS):
        listing_path(tmp_path).write_bytes(b"x")

    assert len(list((tmp_path / "listings").iterdir())) == MOST_LISTINGS


@pytest.mark.parametrize("content", [None, b"path,class_name\r\nx,y\r\n"])
def test_a_listing_that_is_gone_or_damaged_is_refused(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "l.csv").write_bytes(content)

    with pytest.raises(UserError, match="not at hand any more"):
        read_listing(tmp_path / "l.csv")
