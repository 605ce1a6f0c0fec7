"""What the README promises to those who script against the program is what the program has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from tlgui.core import commands, events
from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE
from tlgui.core.remedies import CODES
from tlgui.core.run_spec import Dataset, Machine, RunSpec, Training

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
LINES: list[type[msgspec.Struct]] = [
    kind for union in (commands.AnyJob, commands.AnyCommand, events.AnyEvent) for kind in get_args(union)
]


def rows_of(text: str) -> list[list[str]]:
    """The cells of its tables' rows that begin with a name."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| `")
    ]


def code_in(text: str) -> set[str]:
    """Everything between two backticks."""
    return set(re.findall(r"`([^`]*)`", text))


def section(title: str) -> str:
    """The text below a heading, to the next one."""
    return re.split(r"\n#+ ", README.split(f"\n### {title}\n")[1])[0]


@pytest.mark.parametrize("kind", LINES, ids=lambda kind: kind.__name__)
def test_every_job_command_and_event_has_a_row_with_all_its_fields(kind: type[msgspec.Struct]) -> None:
    rows = [cells for cells in rows_of(README) if kind.__name__ in code_in(cells[0])]

    assert len(rows) == 1
    fields = {field.name for field in msgspec.structs.fields(kind)}
    assert fields <= code_in(" ".join(rows[0][1:]))


def test_the_parts_of_an_event_are_there_too() -> None:
    (row,) = (cells for cells in rows_of(README) if cells[0] == "`LayersChanged`")

    assert {field.name for field in msgspec.structs.fields(events.GroupState)} <= code_in(row[1])

    (row,) = (cells for cells in rows_of(README) if cells[0] == "`Surveyed`")
    assert {field.name for field in msgspec.structs.fields(events.WeightsState)} <= code_in(row[1])

    (row,) = (cells for cells in rows_of(README) if cells[0] == "`ShortcutsProbed`")
    assert {field.name for field in msgspec.structs.fields(events.ProbeScore)} <= code_in(row[1])


def test_every_code_of_a_problem_is_listed() -> None:
    (text,) = re.findall(r"\nCodes of `Failed`.*?\n\n", README, re.DOTALL)

    assert code_in(text) - {"Failed"} == set(CODES)


@pytest.mark.parametrize("kind", [RunSpec, Training, Dataset, Machine], ids=lambda kind: kind.__name__)
def test_every_field_of_a_run_file_is_listed(kind: type[msgspec.Struct]) -> None:
    text = section("run.toml")
    listed = code_in(text) | set(re.findall(r"^    (\w+) = ", text, re.MULTILINE))
    listed |= set(re.findall(r"\[(\w+)\]", text))

    assert {field.name for field in msgspec.structs.fields(kind)} <= listed


def test_the_metadata_of_exports_is_the_programs_own_table() -> None:
    from tlgui.engine.export.description import FIELDS  # it brings torch along, which the other tests need not wait for

    assert {key.strip("`"): meaning for key, meaning in rows_of(section("Exports"))} == FIELDS


def test_the_backbones_are_the_programs_own_table() -> None:
    rows = rows_of(section("Backbones"))

    assert sorted(re.findall(r"`([^`]+)`", cells[0])[0] for cells in rows) == sorted(BACKBONES)
    assert [cells[0] for cells in rows if "(default)" in cells[0]] == [f"`{DEFAULT_BACKBONE}` (default)"]
