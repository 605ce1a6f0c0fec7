"""Every setting has words and a range that `run_spec` agrees with."""

from __future__ import annotations

import msgspec
import pytest

from tlgui.core import parameter_effects
from tlgui.core.augmentations import AUGMENTATIONS
from tlgui.core.parameter_effects import idle
from tlgui.core.parameters import LEVELS, PARAMETERS, SECTIONS, Parameter, parameter, shown
from tlgui.core.planning import resolve
from tlgui.core.presets import PRESETS
from tlgui.core.run_spec import Adapt, RunSpec, Training
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

    assert sorted(fields) == sorted({*Training.__struct_fields__, "fit", "size", "split_fractions"})


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
    assert not row.choices
    if row.kind == "switch":
        assert taken(row.field, True) and taken(row.field, False) and not taken(row.field, 0)
        return
    assert row.lowest is not None and row.highest is not None and row.lowest < row.highest
    if row.kind == "fractions":
        return
    shape = {"epochs": lambda n: [int(n)], "rates": lambda n: {"head": float(n)}, "number": float}
    value = shape.get(row.kind, int)
    assert taken(row.field, value(row.lowest)) and taken(row.field, value(row.highest))
    if row.kind == "epochs" or row.lowest == 0:
        assert not taken(row.field, value(row.lowest - 1))
    assert taken(row.field, (row.lowest + row.highest) / 2 + 0.01) == (row.kind == "number")
    assert taken(row.field, "auto") == (row.kind == "whole-or-auto")


@pytest.mark.parametrize("field", ["augmentation", "preset"])
def test_what_is_chosen_by_name_has_a_row_in_its_table(field: str) -> None:
    names = {"augmentation": set(AUGMENTATIONS), "preset": {"", *PRESETS}}[field]

    assert {choice.value for choice in parameter(field).choices} == names


def test_the_form_holds_all_but_what_the_pages_ask_for_themselves() -> None:
    elsewhere = {row.field for row in PARAMETERS if row.place != "form"}

    assert elsewhere == {
        "strategy", "similarity", "adapt", "adapt_weight", "keep", "keep_strength", "preset", "size", "group_learning_rates",
    }  # fmt: skip
    sections = [row.section for row in PARAMETERS if row.place == "form"]
    assert [section for i, section in enumerate(sections) if section not in sections[:i]] == list(SECTIONS)
    assert sections == sorted(sections, key=SECTIONS.index)


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (
            Training(strategy="feature-extraction"),
            {"top_groups", "plateau", "stem_factor", "head_units", "head_dropout"},
        ),
        (
            Training(strategy="fine-tune-top", head="hidden", stem_factor=0.1, schedule="constant"),
            {"plateau", "cycle_momentum"},
        ),
        (Training(strategy="progressive-unfreezing", head="hidden"), {"top_groups", "stem_factor", "unfreeze_at"}),
        (
            Training(strategy="full-fine-tuning", head="hidden"),
            {"top_groups", "unfreezing", "unfreeze_at", "plateau", "views", "view_every"},
        ),
        (
            Training(strategy="from-scratch", head="hidden", augmentation="off"),
            {"top_groups", "unfreezing", "unfreeze_at", "plateau", "views", "view_every", "mirror", "warm_start"},
        ),
        (
            Training(strategy="fine-tune-top", head="hidden", mixup=0.2, unfreeze_at=[3]),
            {"plateau", "stem_factor", "views", "view_every"},
        ),
        (Training(strategy="fine-tune-top", head="hidden", views=1), {"plateau", "stem_factor", "view_every"}),
    ],
)
def test_a_setting_without_effect_says_why(asked: Training, fields: set[str]) -> None:
    training, _ = resolve(asked, 500)

    found = {row.field: idle(row.field, training) for row in PARAMETERS}

    # Where nothing is adapted to or kept, its weight is idle; `test_the_weight_of_adapting_...` has the other cases.
    assert {field for field, sentence in found.items() if sentence} == {*fields, "adapt_weight", "keep_strength"}
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in found.values() if sentence)


@pytest.mark.parametrize(
    ("adapt", "without_effect"),
    [("none", "adapt_weight"), ("statistics", "adapt_weight"), ("mmd", "best_by"), ("adversarial", "best_by"),
     ("mcc", "best_by")],
)  # fmt: skip
def test_the_weight_of_adapting_counts_where_it_works_in_training_and_then_both_sites_choose_the_epoch(
    adapt: Adapt, without_effect: str
) -> None:
    training, _ = resolve(Training(strategy="fine-tune-top", adapt=adapt), 500)

    assert [field for field in ("adapt_weight", "best_by") if idle(field, training)] == [without_effect]


def test_every_setting_without_effect_is_a_setting() -> None:
    rows = {field for row in parameter_effects._TABLE for field in row.fields}

    assert rows <= set(Training.__struct_fields__)


def test_each_strategy_can_be_chosen() -> None:
    assert [choice.value for choice in parameter("strategy").choices] == ["auto", *STRATEGIES]


def test_each_level_shows_what_the_one_before_it_shows_and_more() -> None:
    guided, adjustable, everything = map(shown, LEVELS)

    assert 0 < len(guided) < len(adjustable) < len(everything) == len(PARAMETERS)
    assert all(row in adjustable for row in guided)
