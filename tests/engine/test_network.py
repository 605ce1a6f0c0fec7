from __future__ import annotations

import msgspec
import pytest
import torch
from helpers.tiny import RECIPE, ROW, TinyModel, differing, snapshot, tiny_network
from torch import nn

from tlgui.core.backbones import LayerGroup
from tlgui.engine.network import Network

pytestmark = pytest.mark.usefixtures("one_thread")


def test_running_the_groups_one_by_one_is_the_network() -> None:
    network, x = tiny_network(3), torch.randn(4, 3, 24, 24)
    with torch.inference_mode():
        expected = network.model(x)
        for cut in range(len(network) + 1):
            assert torch.equal(network.run(network.run(x, 0, cut), cut), expected)


def test_groups_are_named_and_counted_from_stem_to_head() -> None:
    network = tiny_network(3)
    assert network.group_names == ["stem", "middle", "top", "head"] and network.head_index == 3
    counts = [network.count([index]) for index in range(4)]
    assert counts == [3 * 8 * 9 + 8 + 16, 8 * 12 * 9 + 12 + 24, 12 * 16 * 9 + 16 + 32, 16 * 3 + 3]
    assert network.count(range(4)) == sum(parameter.numel() for parameter in network.model.parameters())


def test_tensors_are_those_of_the_groups_buffers_too() -> None:
    network = tiny_network(3)
    assert network.tensors(1).keys() == {
        "conv1.weight",
        "conv1.bias",
        *(f"norm1.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")),
    }
    assert network.tensors(4).keys() == network.model.state_dict().keys()
    assert network.tensors(4, 3).keys() == {"fc.weight", "fc.bias"}


@pytest.mark.parametrize("name", ["conv1.weight", "norm1.running_mean", "norm1.num_batches_tracked"])
def test_the_hash_notices_any_bit_below_the_cut(name: str) -> None:
    network = tiny_network(3)
    hashes = [network.hash(cut) for cut in range(5)]
    tensor = network.model.state_dict()[name]
    first = (0,) * tensor.ndim
    tensor[first] = torch.nextafter(tensor[first], torch.tensor(9e9)) if tensor.is_floating_point() else 99
    changed = [network.hash(cut) != before for cut, before in enumerate(hashes)]
    assert changed == [False, True, True, True, True]
    assert len(set(hashes)) == 5


def test_freezing_takes_gradients_away() -> None:
    network = tiny_network(3)
    network.set_trainable(0)
    network.run(torch.randn(2, 3, 24, 24)).sum().backward()  # type: ignore[no-untyped-call]
    network.set_trainable(2)
    for index in range(4):
        for parameter in network.parameters(index):
            assert parameter.requires_grad == (index >= 2)
            assert (parameter.grad is None) == (index < 2)


@pytest.mark.parametrize("moves", [False, True])
def test_statistics_move_above_the_cut_unless_they_are_kept(moves: bool) -> None:
    network = tiny_network(3)
    network.training_mode(2, keep_statistics=not moves)
    before = snapshot(network)
    with torch.no_grad():
        network.run(torch.randn(8, 3, 24, 24))
    changed = differing(before, snapshot(network))
    assert changed == (["norm3.running_mean", "norm3.running_var", "norm3.num_batches_tracked"] if moves else [])
    assert network.model.get_submodule("drop").training
    network.evaluation_mode()
    assert not any(module.training for module in network.model.modules())


# ----- where it can be cut -----


class Mixed(TinyModel):
    """A network in timm's shape whose forward does something between its modules that no module says."""

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        x = self.act(self.norm1(self.conv1(x))) * 1.5
        x = self.act(self.norm2(self.conv2(x))) + 0.25
        return self.act(self.norm3(self.conv3(x)))

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        x = self.drop(torch.flatten(self.pool(x), 1))
        return x if pre_logits else self.fc(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(x))


def whole_network() -> Network:
    groups = (*ROW.groups[:2], LayerGroup(name="top", modules=("conv3", "norm3", "act", "pool", "drop")))
    row = msgspec.structs.replace(ROW, whole=True, groups=groups, head=("fc",))
    return Network(row, Mixed(3), RECIPE, 3)


def test_a_network_of_the_table_can_be_cut_below_each_group() -> None:
    network = tiny_network(3)
    assert network.borders == [0, 1, 2, 3]
    assert [network.cut_below(first) for first in range(4)] == [0, 1, 2, 3]


def test_one_that_cannot_be_cut_runs_whole_up_to_the_head() -> None:
    network, x = whole_network(), torch.randn(4, 3, 24, 24)
    assert network.borders == [0, 3]
    assert [network.cut_below(first) for first in range(4)] == [0, 0, 0, 3]
    with torch.inference_mode():
        expected = network.model(x)
        assert torch.equal(network.run(x), expected)
        features = network.run(x, 0, 3)
        assert features.shape == (4, 16) and torch.equal(network.run(features, 3), expected)
        assert network.run(x, 0, 0) is x and network.run(expected, 4) is expected
    for start, stop in ((0, 1), (1, 3), (2, None)):
        with pytest.raises(ValueError, match="cannot be run from group"):
            network.run(x, start, stop)


def test_its_groups_are_frozen_one_by_one_all_the_same() -> None:
    network = whole_network()
    network.set_trainable(2)
    network.training_mode(2, keep_statistics=False)
    before = snapshot(network)
    optimizer = torch.optim.SGD(network.model.parameters(), 0.1)
    network.run(torch.randn(8, 3, 24, 24)).square().sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert {name.split(".")[0] for name in differing(before, snapshot(network))} == {"conv3", "norm3", "fc"}


class WithTokens(TinyModel):
    """With a parameter that belongs to no module."""

    def __init__(self) -> None:
        super().__init__(3)
        self.token = nn.Parameter(torch.ones(2))


def test_a_parameter_of_no_module_belongs_to_the_group_that_names_it() -> None:
    groups = (msgspec.structs.replace(ROW.groups[0], parameters=("token",)), *ROW.groups[1:])
    network = Network(msgspec.structs.replace(ROW, groups=groups), WithTokens(), RECIPE, 3)
    assert network.count([0]) == 240 + 2
    assert "token" in network.tensors(1) and "token" not in network.tensors(4, 1)
    assert network.tensors(4).keys() == network.model.state_dict().keys()
    before = network.hash(1)
    network.set_trainable(1)
    token = network.model.get_parameter("token")
    assert not token.requires_grad
    with torch.no_grad():
        token[0] = 2
    assert network.hash(1) != before
