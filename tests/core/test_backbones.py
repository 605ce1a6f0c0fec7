"""The backbone table as data; tests/engine walks it with the libraries' networks."""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from tlgui.core import added_backbones
from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE, Backbone, added, backbone, check_strategy
from tlgui.core.errors import UserError
from tlgui.core.heads import Head
from tlgui.core.paths import state_dir
from tlgui.core.run_folder import new_path
from tlgui.core.strategies import AUTO, STRATEGIES

EACH = pytest.mark.parametrize("row", BACKBONES.values(), ids=lambda row: row.name)


@EACH
def test_a_row_can_be_read_and_typed(row: Backbone) -> None:
    assert BACKBONES[row.name] is row
    assert row.name == row.name.lower() and " " not in row.name
    assert row.sentence.endswith(".") and row.sentence[0].isupper() and len(row.sentence) < 200
    assert row.label and row.builder and row.weights
    assert 100_000 < row.parameters < 1_000_000_000
    assert row.top1 is None or 50 < row.top1 < 100
    # Four bytes a weight, in a file that holds little besides; megabytes are written as 1000 or 1024 squared.
    assert row.file_mb == (pytest.approx(row.parameters * 4 / 1e6, rel=0.06) if row.pretrained else 0)
    assert row.package in ("torch", "timm", "torchvision")


@EACH
def test_the_layer_groups_of_a_row_name_each_module_once(row: Backbone) -> None:
    groups = [(*group.modules, *group.parameters) for group in row.groups]
    modules = [path for path in (*chain(*groups), *row.head) if not path.startswith("@")]

    assert len(set(modules)) == len(modules)
    assert len({group.name for group in row.groups} | {"head"}) == len(row.groups) + 1
    assert len(row.groups) >= 2
    assert all(group.modules for group in row.groups)
    assert row.head_linear in row.head


@EACH
def test_the_parameters_of_the_layer_groups_and_the_published_head_add_up(row: Backbone) -> None:
    assert len(row.group_parameters) == len(row.groups)
    positions = 0
    if row.trained_size is not None:  # there are more of them in the published network
        grids = [(side // row.multiple) ** 2 for side in (row.trained_size, row.size)]
        positions = (grids[0] - grids[1]) * row.features
    assert sum(row.group_parameters) + positions + (row.features + 1) * row.published_classes == row.parameters
    assert row.head_parameters(classes=3) == 3 * row.features + 3
    hidden = Head(kind="hidden", units=10)
    assert row.head_parameters(3, hidden) == 10 * row.features + 10 + 33


@EACH
def test_a_row_says_what_it_is_for_and_what_it_costs(row: Backbone) -> None:
    assert row.best_for and row.best_for[0].isupper() and len(row.best_for) < 40
    assert 0.1 <= row.relative_seconds < 200
    assert len(row.border_values) == len(row.groups) + 1
    assert row.border_values[0] == 3 * row.size**2
    assert row.border_values[-1] == row.features
    assert max(row.border_values) < row.values


def test_names_and_labels_tell_the_rows_apart() -> None:
    for field in ("name", "label", "sentence"):
        assert len({getattr(row, field) for row in BACKBONES.values()}) == len(BACKBONES)
    assert len({(row.builder, row.weights) for row in BACKBONES.values()}) == len(BACKBONES)


def test_the_zoo_is_the_whole_one() -> None:
    assert list(BACKBONES) == [
        "efficientnet-lite0",
        "mobilenet-v3-large",
        "resnet18",
        "resnet50",
        "resnet50-v1",
        "efficientnet-b0",
        "efficientnet-b7",
        "vit-b16",
        "convnext-tiny",
        "convnext-base",
        "vgg16",
        "dinov2-small",
        "tiny-cnn",
    ]


def test_the_default_backbone_needs_no_network() -> None:
    assert backbone(DEFAULT_BACKBONE).embedded
    assert not backbone("resnet50").embedded


@pytest.mark.parametrize("name", ["", "resnet-50", "ResNet50"])
def test_an_unknown_backbone_is_answered_with_those_that_exist(name: str) -> None:
    with pytest.raises(UserError) as caught:
        backbone(name)

    assert caught.value.problem == f"There is no backbone named '{name}'."
    assert caught.value.remedy == f"Choose one of: {', '.join(BACKBONES)}."


# ----- sizes -----


@EACH
def test_a_row_takes_its_own_size_and_says_which_others(row: Backbone) -> None:
    assert row.takes(row.size) and row.at(None) is row.at(row.size) is row
    assert row.size % row.multiple == 0 and row.smallest % row.multiple == 0
    assert not row.takes(row.smallest - 1) and not row.takes(2_049)
    assert row.label in row.sizes_sentence() and str(row.smallest) in row.sizes_sentence()
    if row.trained_size is not None:
        assert row.takes(row.trained_size)


def test_at_twice_the_size_there_is_four_times_as_much_below_the_pooling() -> None:
    row = BACKBONES["vgg16"]
    at = row.at(448)
    assert (at.size, at.resize_to, at.values) == (448, 512, 4 * row.values)
    # Behind the pooling to 7 x 7 everything is as it was.
    assert at.border_values == (*(4 * count for count in row.border_values[:5]), 25_088, 4_096)
    assert at.relative_seconds == 4 * row.relative_seconds
    assert at.group_parameters == row.group_parameters


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("vit-b16", 225, "Choose 224 or 240 as the input size."),
        ("vit-b16", 3, "Choose 32 as the input size."),
        ("vit-b16", 9_999, "Choose 2048 as the input size."),
        ("dinov2-small", 2_048, "Choose 2044 as the input size."),
        ("tiny-cnn", 15, "Choose 16 as the input size."),
        ("resnet18", 2_049, "Choose 2048 as the input size."),
    ],
)
def test_a_size_that_is_not_taken_is_answered_with_the_nearest(name: str, size: int, words: str) -> None:
    with pytest.raises(UserError) as caught:
        BACKBONES[name].at(size)
    assert caught.value.problem.endswith(f"{size} was asked for.")
    assert (caught.value.remedy, caught.value.code) == (words, "size_not_taken")


def test_a_network_of_one_size_says_so() -> None:
    row = msgspec.structs.replace(BACKBONES["resnet18"], smallest=224, largest=224)
    with pytest.raises(UserError, match=r"takes images of 224 x 224 pixels alone\. 256 was asked for\. Choose 224 as"):
        row.at(256)


# ----- without published weights -----


def test_a_backbone_without_weights_is_for_training_from_scratch_alone() -> None:
    tiny = BACKBONES["tiny-cnn"]
    assert not tiny.pretrained and BACKBONES["vgg16"].pretrained
    for name in (AUTO, *STRATEGIES):
        check_strategy(BACKBONES["vgg16"], name)
        if name in (AUTO, "from-scratch"):
            check_strategy(tiny, name)
            continue
        with pytest.raises(
            UserError, match=r"Tiny CNN has no pretrained weights, and '.*' begins with such\."
        ) as caught:
            check_strategy(tiny, name)
        assert caught.value.code == "no_pretrained" and "from-scratch" in caught.value.remedy


# ----- added timm models -----


def an_added(name: str = "timm:resnet26") -> Backbone:
    return msgspec.structs.replace(BACKBONES["resnet18"], name=name, label=name.removeprefix("timm:"), library="timm")


def test_an_added_model_is_found_by_its_name_and_is_no_row_of_the_table() -> None:
    row = an_added()
    with pytest.raises(UserError, match="'resnet26' was not looked at on this computer yet") as caught:
        backbone("timm:resnet26")
    assert caught.value.code == "backbone_unknown"

    added_backbones.note(row, "1.0.31")

    assert backbone("timm:resnet26") == row and added() == {"timm:resnet26": row}
    assert "timm:resnet26" not in BACKBONES
    assert added_backbones.version_of("timm:resnet26") == "1.0.31"
    added_backbones.note(msgspec.structs.replace(row, parameters=5), "2")
    assert backbone("timm:resnet26").parameters == 5 and added_backbones.version_of("timm:resnet26") == "2"


def test_a_run_of_an_added_model_has_a_folder_name_for_every_system(tmp_path: Path) -> None:
    made = new_path(tmp_path, "timm:resnet26", "auto", datetime(2026, 1, 2, 3, 4))
    assert made.name == "2026-01-02 03.04 timm-resnet26 auto"


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"timm:x": 3}', b'{"timm:x": {"version": "1", "row": {"name": "y"}}}']
)
def test_a_damaged_file_of_added_models_holds_none(content: bytes) -> None:
    (state_dir() / "backbones.json").write_bytes(content)
    assert added() == {} and added_backbones.version_of("timm:x") == ""
    added_backbones.note(an_added(), "1")
    assert list(added()) == ["timm:resnet26"]
