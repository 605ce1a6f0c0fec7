"""The backbone table as data; tests/engine walks it with the libraries' networks."""

from __future__ import annotations

from itertools import chain

import pytest

from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE, Backbone, backbone
from tlgui.core.errors import UserError


@pytest.mark.parametrize("row", BACKBONES.values(), ids=lambda row: row.name)
def test_a_row_can_be_read_and_typed(row: Backbone) -> None:
    assert BACKBONES[row.name] is row
    assert row.name == row.name.lower() and " " not in row.name
    assert row.sentence.endswith(".") and row.sentence[0].isupper() and len(row.sentence) < 200
    assert row.label and row.builder and row.weights
    assert 1_000_000 < row.parameters < 1_000_000_000
    assert 50 < row.top1 < 100
    # Four bytes a weight, in a file that holds little besides; megabytes are written as 1000 or 1024 squared.
    assert row.file_mb == pytest.approx(row.parameters * 4 / 1e6, rel=0.06)


@pytest.mark.parametrize("row", BACKBONES.values(), ids=lambda row: row.name)
def test_the_layer_groups_of_a_row_name_each_module_once(row: Backbone) -> None:
    modules = [path for path in (*chain(*(group.modules for group in row.groups)), *row.head) if path != "@flatten"]

    assert len(set(modules)) == len(modules)
    assert len({group.name for group in row.groups} | {"head"}) == len(row.groups) + 1
    assert len(row.groups) >= 2
    assert all(group.modules for group in row.groups)
    assert row.head_linear in row.head


@pytest.mark.parametrize("row", BACKBONES.values(), ids=lambda row: row.name)
def test_the_parameters_of_the_layer_groups_and_the_published_head_add_up(row: Backbone) -> None:
    assert len(row.group_parameters) == len(row.groups)
    assert sum(row.group_parameters) + row.features * 1_000 + 1_000 == row.parameters
    assert row.head_parameters(classes=3) == 3 * row.features + 3


@pytest.mark.parametrize("row", BACKBONES.values(), ids=lambda row: row.name)
def test_a_row_says_what_it_is_for_and_what_it_costs(row: Backbone) -> None:
    assert row.best_for and row.best_for[0].isupper() and len(row.best_for) < 40
    assert 1 <= row.relative_seconds < 100
    assert len(row.border_values) == len(row.groups) + 1
    assert row.border_values[-1] == row.features
    assert max(row.border_values) < row.values


def test_names_and_labels_tell_the_rows_apart() -> None:
    for field in ("name", "label", "sentence", "builder"):
        assert len({getattr(row, field) for row in BACKBONES.values()}) == len(BACKBONES)


def test_the_default_backbone_needs_no_network() -> None:
    assert backbone(DEFAULT_BACKBONE).embedded
    assert not backbone("resnet50").embedded


@pytest.mark.parametrize("name", ["", "resnet-50", "ResNet50"])
def test_an_unknown_backbone_is_answered_with_those_that_exist(name: str) -> None:
    with pytest.raises(UserError) as caught:
        backbone(name)

    assert caught.value.problem == f"There is no backbone named '{name}'."
    assert caught.value.remedy == f"Choose one of: {', '.join(BACKBONES)}."
