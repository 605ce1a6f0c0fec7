from __future__ import annotations

import codecs
import datetime
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tlgui.core.errors import UserError
from tlgui.imaging import table_file
from tlgui.imaging.table_file import read_cells

PLAIN = "image,label\nä 1.png,benign\n2.png,malignant\n"
ROWS = [["image", "label"], ["ä 1.png", "benign"], ["2.png", "malignant"]]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


def workbook(*sheets: list[list[Any]], **formats: str) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"sheet {number}")
        for row in rows:
            sheet.append(row)
        for place, pattern in formats.items():
            sheet[place].number_format = pattern
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (PLAIN.encode(), "UTF-8"),
        (PLAIN.encode("utf-8-sig"), "UTF-8 with a byte order mark"),
        (PLAIN.encode("utf-16"), "UTF-16"),
        (codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), "UTF-16"),
        (PLAIN.encode("utf-16-le"), "UTF-16"),
        (PLAIN.encode("utf-32"), "UTF-32"),
        (PLAIN.encode("cp1252"), "Windows-1252, since it is no UTF-8"),
    ],
)
def test_the_encoding_is_told_by_the_content(written: Path, content: bytes, encoding: str) -> None:
    written.write_bytes(content)
    cells = read_cells(written, "labels.csv")
    assert cells.rows == ROWS
    assert cells.evidence == [f"Separated by commas, {encoding}."]


@pytest.mark.parametrize(
    ("sign", "name"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_told_by_the_content(written: Path, sign: str, name: str, end: str) -> None:
    written.write_bytes(PLAIN.replace(",", sign).replace("\n", end).encode())
    cells = read_cells(written, "labels.csv")
    assert cells.rows == ROWS
    assert cells.evidence == [f"Separated by {name}, UTF-8."]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a;1,0;0,0\nb;0,0;1,0\n", [["a", "1,0", "0,0"], ["b", "0,0", "1,0"]]),
        ('file,note\n1.png,"one, two; ""three""\nfour"\n', [["file", "note"], ["1.png", 'one, two; "three"\nfour']]),
        ("sep=;\nfile;a,b\n1.png;c,d\n", [["file", "a,b"], ["1.png", "c,d"]]),
        ("file, label\n\n ,\n1.png ,  a \n2.png\n", [["file", "label"], ["1.png", "a"], ["2.png", ""]]),
        ("1.png\n2.png\n", [["1.png"], ["2.png"]]),
        ("", []),
    ],
)
def test_decimal_commas_quotes_hints_blanks_and_short_rows(written: Path, text: str, rows: list[list[str]]) -> None:
    written.write_text(text, encoding="utf-8")
    assert read_cells(written, "labels.csv").rows == rows


def test_rows_are_counted_as_a_spreadsheet_counts_them(written: Path) -> None:
    written.write_text('a,b\n\n1,"x\ny"\n2,z\n', encoding="utf-8")
    assert read_cells(written, "labels.csv").numbers == [1, 3, 4]


def test_a_workbook_gives_cells_as_they_look(written: Path) -> None:
    day = datetime.datetime(2024, 5, 1)
    content = workbook(
        [[None, None]],
        [["image", "class", "seen"], ["a.png", 1.0, day], [7, True, None], ["b", 0.5, "x"]],
        [["other"]],
        A3="000",
    )
    written.write_bytes(content)
    cells = read_cells(written, "labels.xlsx")
    assert cells.rows == [
        ["image", "class", "seen"],
        ["a.png", "1", "2024-05-01"],
        ["007", "true", ""],
        ["b", "0.5", "x"],
    ]
    assert cells.evidence == ["An Excel file; the sheet 'sheet 1' is read."]


def test_a_workbook_without_content_is_an_empty_table(written: Path) -> None:
    written.write_bytes(workbook([]))
    assert read_cells(written, "labels.xlsx").rows == []


def other_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("content.xml", "<office/>")
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        bytes(range(1, 30)) * 4,
        b"PK\x03\x04 and no more",
        other_zip(),
        workbook([["image", "label"], ["1", "a"]])[:-400],
        b'"' + b"x" * 200_000,
        codecs.BOM_UTF16_LE + b"\x00\xd8\x00",
    ],
)
def test_what_is_no_table_is_refused_by_name(written: Path, content: bytes) -> None:
    written.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_cells(written, "labels.csv")
    assert caught.value.problem == "'labels.csv' is no table that can be read."
    assert str(written.parent) not in f"{caught.value}{caught.value.details}"


def test_an_old_workbook_is_refused_with_what_to_do(written: Path) -> None:
    written.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))
    with pytest.raises(UserError, match=r"'old\.xls' is an old Excel file \(XLS\)\. Save it as XLSX or CSV\."):
        read_cells(written, "old.xls")


def test_a_table_that_is_gone_is_refused_by_name(written: Path) -> None:
    with pytest.raises(UserError, match=r"The table 'labels\.csv' cannot be read"):
        read_cells(written, "labels.csv")


@pytest.mark.parametrize(("limit", "most"), [("MOST_BYTES", 10), ("MOST_CELLS", 3), ("MOST_UNPACKED_BYTES", 10)])
def test_what_is_too_large_is_refused(written: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int) -> None:
    monkeypatch.setattr(table_file, limit, most)
    written.write_bytes(workbook(ROWS))
    with pytest.raises(UserError, match="is too large"):
        read_cells(written, "labels.xlsx")


def test_one_endless_row_does_not_widen_all_others(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_file, "MOST_CELLS", 300)
    written.write_text("a,b\n" * 50 + "x," * 100 + "x\n", encoding="utf-8")
    with pytest.raises(UserError, match="is too large"):
        read_cells(written, "labels.csv")
