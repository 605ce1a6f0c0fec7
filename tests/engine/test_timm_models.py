"""Another timm model becomes a row: divided from stem to head, run in pieces, kept, and found again without its table."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pytest
import timm
import torch
from torch import nn

from tlgui.core import added_backbones, commands, events
from tlgui.core.backbones import Backbone, added, backbone
from tlgui.core.errors import UserError
from tlgui.core.heads import Head
from tlgui.core.paths import state_dir
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import create
from tlgui.core.run_spec import RunSpec
from tlgui.engine import timm_models, trained_model
from tlgui.engine.backbones import build, preprocessing
from tlgui.engine.control import Control
from tlgui.engine.jobs.describe import describe_backbone
from tlgui.engine.timm_models import describe, row_of
from tlgui.engine.trained_model import Card

pytestmark = pytest.mark.usefixtures("one_thread")

# A convolutional network, one whose blocks stand in a container, a transformer, and one that cannot be cut.
KINDS = ["regnetx_002", "mobilenetv3_small_050", "test_vit", "mixer_s32_224"]


@pytest.fixture(scope="module")
def rows() -> dict[str, Backbone]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = {name: describe(name) for name in KINDS}
    torch.set_num_threads(threads)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_described_model_is_a_row_like_any_other(name: str, rows: dict[str, Backbone]) -> None:
    row = rows[name]
    assert row.name == f"timm:{name}" and row.whole == (name == "mixer_s32_224")
    assert row.groups[0].name == "stem" and 2 <= len(row.groups) <= 6
    network = build(row, 3, None)
    model = network.model
    inside = [id(parameter) for index in range(len(network)) for parameter in network.parameters(index)]
    assert sorted(inside) == sorted(id(parameter) for parameter in model.parameters())
    assert network.tensors(len(network)).keys() == model.state_dict().keys()
    assert tuple(network.count([index]) for index in range(network.head_index)) == row.group_parameters
    assert sum(row.group_parameters) + (row.features + 1) * 1_000 == row.parameters
    # Its parameters stand in the order of the library's, from stem to head.
    order = {id(parameter): place for place, parameter in enumerate(model.parameters())}
    means = [
        sum(order[id(parameter)] for parameter in network.parameters(index)) / max(1, len(network.parameters(index)))
        for index in range(len(network))
    ]
    assert means == sorted(means)
    x = torch.randn(2, 3, row.size, row.size)
    nn.init.normal_(network.head_linear.weight)
    with torch.inference_mode():
        expected = model(x)
        for border in network.borders:
            assert torch.equal(network.run(network.run(x, 0, border), border), expected)
        assert expected.std() > 1e-3
        cuts = [network.cut_below(index) for index in range(len(network))]
        assert [network.run(x[:1], 0, cut).numel() for cut in cuts] == list(row.border_values)


@pytest.mark.parametrize("name", KINDS)
def test_its_recipe_is_timms(name: str, rows: dict[str, Backbone]) -> None:
    row, recipe = rows[name], preprocessing(rows[name])
    config = timm.get_pretrained_cfg(name)
    assert config is not None
    transform = timm.data.create_transform(**timm.data.resolve_data_config(config.to_dict()))
    resize, crop, *_, normalise = transform.transforms
    assert (recipe.size, recipe.resize_to) == (crop.size[0], resize.size) == (row.size, row.resize_to)
    assert recipe.kernel == row.kernel == resize.interpolation.value
    assert recipe.mean == pytest.approx(normalise.mean.tolist()) and recipe.std == pytest.approx(normalise.std.tolist())


def test_a_transformer_takes_other_sizes_and_a_mixer_its_own_alone(rows: dict[str, Backbone]) -> None:
    vit, mixer = rows["test_vit"], rows["mixer_s32_224"]
    assert vit.sized_by == "img_size" and vit.multiple > 1 and vit.takes(vit.size + vit.multiple)
    small = build(vit, 3, None, size=2 * vit.multiple)
    state = {**small.model.state_dict()}
    assert "interpolated from 2 x 2 to 4 x 4" in build(vit, 3, state, size=4 * vit.multiple).note
    with pytest.raises(UserError, match="takes images of 224 x 224 pixels alone"):
        build(mixer, 3, None, size=256)


@pytest.mark.slow
def test_the_job_keeps_the_row_and_says_what_was_found() -> None:
    *_, found, ending = describe_backbone(commands.DescribeBackbone(name="regnetx_002"), Control())

    row = backbone("timm:regnetx_002")
    assert isinstance(found, events.BackboneDescribed) and isinstance(ending, events.Completed)
    assert found.backbone == row.name and found.parameters == row.parameters and found.size == 224
    assert found.groups == [group.name for group in row.groups]
    assert (
        "takes images of 224 x 224 pixels" in found.sentence and "can be unfrozen one after another" in found.sentence
    )
    assert list(added()) == [row.name] and added_backbones.version_of(row.name) == version("timm")


@pytest.mark.slow
def test_a_stop_keeps_nothing() -> None:
    control = Control()
    control.put(commands.Stop())
    said = list(describe_backbone(commands.DescribeBackbone(name="mobilenetv3_small_050"), control))
    assert isinstance(said[-1], events.Stopped) and not added()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("resnet5o", "resnet50"),
        ("mobilenetv3_smal_050", "mobilenetv3_small_050"),
        ("resnet50.a1_in1", "resnet50.a1_in1k"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UserError) as caught:
        describe(name)
    assert caught.value.problem == f"timm has no model named '{name}'."
    assert caught.value.remedy.startswith("Type one of the nearest names: ") and near in caught.value.remedy
    assert caught.value.code == "backbone_unknown"


def test_a_name_like_nothing_is_answered_too() -> None:
    with pytest.raises(UserError, match="Look its name up in timm's list"):
        describe("%%%%")


class TwoAnswers(nn.Module):
    """An auxiliary head that answers while it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 1_000)

    def forward(self, x: torch.Tensor) -> Any:
        answer = self.fc(self.conv(x).mean((2, 3)))
        return (answer, answer) if self.training else answer


class NoLinear(TwoAnswers):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Conv2d(4, 1_000, 1)  # type: ignore[assignment]


class Tangled(TwoAnswers):
    """What it gives cannot be had without its last layer."""

    def forward(self, x: torch.Tensor) -> Any:
        features = self.conv(x).mean((2, 3))
        return self.fc(features) + features.sum()


@pytest.mark.parametrize(
    ("model", "config", "why"),
    [
        (TwoAnswers, {}, "gives several answers at once (an auxiliary head)"),
        (NoLinear, {}, "does not end in a linear layer that could be replaced"),
        (Tangled, {}, "cannot be divided into features and a last layer"),
        (TwoAnswers, {"classifier": ("fc", "aux")}, "has more than one last layer"),
        (TwoAnswers, {"input_size": (1, 224, 224)}, "takes images of 1 x 224 x 224 values"),
        (TwoAnswers, {"interpolation": "nearest"}, "resized by 'nearest'"),
    ],
)
def test_what_cannot_be_trained_here_is_refused_in_a_sentence(
    model: type[nn.Module], config: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T24."""
    known = an_entry(**config)
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda name: known)
    monkeypatch.setattr(timm, "create_model", lambda name, num_classes: model())
    with pytest.raises(UserError) as caught:
        describe("resnet18")
    assert caught.value.problem.startswith("The timm model 'resnet18' ") and why in caught.value.problem
    assert caught.value.code == "backbone_unfit" and "efficientnet-lite0" in caught.value.remedy


def an_entry(**changes: Any) -> Any:
    """timm's own kind of entry."""
    from timm.models import PretrainedCfg

    values = {"architecture": "resnet18", "input_size": (3, 224, 224), "interpolation": "bilinear", "classifier": "fc"}
    return PretrainedCfg(**values | {"crop_pct": 0.875} | changes)


def test_a_network_that_is_too_large_is_refused_before_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm_models, "MOST_PARAMETERS", 1_000_000)
    with pytest.raises(UserError, match="has 12 million parameters, and at most 1 can"):
        describe("resnet18")


@pytest.mark.slow
def test_a_model_is_opened_where_its_row_is_not_known(tmp_path: Path, rows: dict[str, Backbone]) -> None:
    """A run folder from another computer: the engine looks at the model again by itself."""
    row, head = rows["mobilenetv3_small_050"], Head(kind="hidden", units=16)
    network = build(row, 3, None, head=head, size=64)
    run = create(tmp_path / "run", RunSpec(backbone=row.name, size=64))
    card = Card(
        backbone=row.name, classes=["a", "b", "c"], fit="crop", size=64, head=head, pixel_rule=PixelRule(), epoch=1
    )
    trained_model.save(network.model.state_dict(), card, run.best_path)
    assert not added()

    model = trained_model.load(run)

    assert list(added()) == [row.name] and model.network.row == row.at(64)
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(model.network.run(x), network.run(x))


def test_a_row_of_another_timm_is_looked_at_again(monkeypatch: pytest.MonkeyPatch, rows: dict[str, Backbone]) -> None:
    old = msgspec.structs.replace(rows["regnetx_002"], parameters=1)
    added_backbones.note(old, "0.1")
    monkeypatch.setattr(timm_models, "describe", lambda name: rows[name])
    assert row_of("timm:regnetx_002") == rows["regnetx_002"] == backbone("timm:regnetx_002")
    monkeypatch.setattr(timm_models, "describe", None)
    assert row_of("timm:regnetx_002") == rows["regnetx_002"]
    assert row_of("vgg16") is backbone("vgg16")
    assert (state_dir() / "backbones.json").is_file()


def test_weights_under_their_makers_names_are_translated_by_timm() -> None:
    """ViT weights of other makers: what timm can translate fits, and what it cannot is said by name."""
    row = describe("test_vit")
    network = build(row, 3, None)
    own = {name: tensor for name, tensor in network.model.state_dict().items() if not name.startswith("head.")}
    theirs = {f"visual.trunk.{name}": tensor for name, tensor in own.items()}
    assert build(row, 3, theirs).hash(network.head_index) == network.hash(network.head_index)
    with pytest.raises(UserError, match="layers are missing"):
        build(row, 3, {"nothing": torch.ones(1)})
