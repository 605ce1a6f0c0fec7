from __future__ import annotations

import csv
import io

import pytest

from tlgui.core.tables import FORMULA_STARTS, csv_bytes


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")))


NAMES = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@sum",
    "\tx",
    "\rx",
    "plain",
    "a=b",
    "",
    "'quoted",
    'a "b", c',
    "two\nlines",
]


def test_a_table_reads_back_exactly() -> None:
    rows = [[name, "x"] for name in NAMES]
    assert read(csv_bytes(rows)) == rows
    number = 0.1 + 0.2
    assert float(read(csv_bytes([[number]]))[0][0]) == number


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_a_formula_in_a_list_for_people(name: str) -> None:
    ((cell,),) = read(csv_bytes([[name or "x"]], for_spreadsheets=True))
    assert not cell.startswith(FORMULA_STARTS)
    assert cell.removeprefix("'") == (name or "x").removeprefix("'")


def test_numbers_stay_numbers_in_a_list_for_people() -> None:
    assert read(csv_bytes([[-0.5, -3, "x"]], for_spreadsheets=True)) == [["-0.5", "-3", "x"]]
