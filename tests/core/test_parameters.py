"""Every setting has words and a range that `run_spec` agrees with."""

from __future__ import annotations

import msgspec
import pytest

from tlgui.core.parameters import LEVELS, PARAMETERS, Parameter, parameter, shown
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.strategies import STRATEGIES


def taken(field: str, value: object) -> bool:
    """Whether `run_spec` takes this value, or a training with it."""
    content = {"training": {field: value}} if field in Training.__struct_fields__ else {field: value}
    try:
        msgspec.convert(content, RunSpec)
    except msgspec.ValidationError:
        return False
    return True


def test_every_field_has_one_row() -> None:
    fields = [row.field for row in PARAMETERS]

    assert sorted(fields) == sorted({*Training.__struct_fields__, "fit", "split_fractions"})


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.field)
def test_a_row_can_be_read(row: Parameter) -> None:
    assert parameter(row.field) is row
    assert row.label and row.label[0].isupper() and not row.label.endswith(".")
    assert row.help.endswith(".") and row.help[0].isupper() and len(row.help) < 160


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.field)
def test_a_row_offers_what_a_run_takes(row: Parameter) -> None:
    if row.kind == "choice":
        assert len(row.choices) > 1 and len({choice.label for choice in row.choices}) == len(row.choices)
        assert all(taken(row.field, choice.value) for choice in row.choices)
        assert not taken(row.field, 3)
        return
    assert not row.choices and row.lowest is not None and row.highest is not None and row.lowest < row.highest
    if row.kind == "fractions":
        return
    number = int if row.kind == "whole" else float
    assert taken(row.field, number(row.lowest)) and taken(row.field, number(row.highest))
    if row.lowest in (0, 1):
        assert not taken(row.field, number(row.lowest - 1))
    assert taken(row.field, 1.5) == (row.kind == "number")


def test_each_strategy_can_be_chosen() -> None:
    assert [choice.value for choice in parameter("strategy").choices] == ["auto", *STRATEGIES]


def test_each_level_shows_what_the_one_before_it_shows_and_more() -> None:
    guided, adjustable, everything = map(shown, LEVELS)

    assert 0 < len(guided) < len(adjustable) < len(everything) == len(PARAMETERS)
    assert all(row in adjustable for row in guided)
