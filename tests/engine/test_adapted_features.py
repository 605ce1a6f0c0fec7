"""What of a network adaptation acts on: what its head takes, with its places, or what a projection gives."""

from __future__ import annotations

import pytest
import torch
from helpers.tiny import ROW, tiny_network
from torch import Tensor, nn

from tlgui.core.heads import Head
from tlgui.engine.adaptation.features import count, rows_of, with_features
from tlgui.engine.backbones import _head
from tlgui.engine.network import Network

pytestmark = pytest.mark.usefixtures("one_thread")


def images(n: int = 4) -> Tensor:
    return torch.randn(n, 3, 24, 24, generator=torch.Generator().manual_seed(1))


def projected() -> Network:
    network = tiny_network(3)
    torch.manual_seed(0)
    network.model.set_submodule("fc", _head(ROW.features, 3, Head(kind="hidden", units=24)))
    return network


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_of_a_linear_head_they_are_what_it_takes(cut: int) -> None:
    network = tiny_network(3)
    inputs = network.run(images(), 0, cut)
    logits, features = with_features(network, inputs, cut)
    assert torch.equal(logits, network.run(inputs, cut))
    assert torch.equal(features, network.run(images(), 0, 3)) and features.shape == (4, count(network)) == (4, 16)


def hooks(network: Network) -> list[object]:
    return [hook for module in network.model.modules() for hook in (*module._forward_hooks, *module._forward_pre_hooks)]


def test_of_a_projection_they_are_what_its_layer_gives_and_nothing_stays_behind() -> None:
    network = projected()
    network.evaluation_mode()
    logits, features = with_features(network, images(), 0)
    assert features.shape == (4, count(network)) == (4, 24)
    assert torch.equal(network.head_linear(features), logits)
    assert hooks(network) == []

    network.model.set_submodule("act", nn.Linear(5, 5))  # takes no such images
    with pytest.raises(RuntimeError):
        with_features(network, images(), 0)
    assert hooks(network) == []


def test_of_a_projection_in_training_they_are_free_of_its_dropout_which_the_logits_feel() -> None:
    network = projected()
    network.training_mode(3, keep_statistics=True)
    dropout = network.model.get_submodule("fc")[2]  # type: ignore[index]
    assert isinstance(dropout, nn.Dropout) and dropout.p > 0 and dropout.training
    below = network.run(images(), 0, 3)
    network.model.get_submodule("drop").p = 0.0  # type: ignore[assignment]
    weight, bias = (getattr(network.model.get_submodule("fc.0"), name) for name in ("weight", "bias"))
    expected = (below @ weight.T + bias).clamp_min(0)
    (one, features), (other, again) = (with_features(network, below, 3) for _ in range(2))
    assert torch.allclose(features, expected, atol=1e-6) and torch.equal(features, again)
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("make", [lambda: tiny_network(3), projected])
def test_dropout_of_the_head_and_its_gradient_reach_no_further_than_a_plain_pass(make: object) -> None:
    network: Network = make()  # type: ignore[operator]
    network.training_mode(0, keep_statistics=True)
    torch.manual_seed(3)
    plain = network.run(images())
    torch.manual_seed(3)
    logits, features = with_features(network, images(), 0)
    assert torch.equal(logits, plain), "the run learns the same, whatever is looked at"
    features.sum().backward()
    weight = network.model.get_submodule("conv1").weight
    assert isinstance(weight, nn.Parameter) and weight.grad is not None and bool(weight.grad.any())


def test_maps_keep_their_places_as_finely_as_there_is_room() -> None:
    small, large, wide = (torch.randn(2, c, s, s) for c, s in ((16, 7), (1280, 7), (8192, 4)))
    assert torch.equal(rows_of(small), small.flatten(1))
    assert rows_of(large).shape == (2, 1280)
    assert torch.allclose(rows_of(large), large.mean((2, 3)), atol=1e-6), "more places than there is room for"
    assert rows_of(wide).shape == (2, 8192)
    grid = rows_of(torch.arange(2 * 256 * 64.0).reshape(2, 256, 8, 8)).reshape(2, 256, 4, 4)
    assert grid[0, 0, 0, 0].item() == pytest.approx((0 + 1 + 8 + 9) / 4), "a mean over four places each"


def test_maps_that_are_no_square_and_tokens_are_told_by_their_means() -> None:
    assert rows_of(torch.randn(2, 4, 3, 5)).shape == (2, 4 * 3 * 3)
    tokens = torch.randn(2, 5, 6)
    assert torch.equal(rows_of(tokens), tokens.mean(1))
    rows = torch.randn(3, 9)
    assert rows_of(rows) is rows
