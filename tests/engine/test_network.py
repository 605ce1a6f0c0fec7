from __future__ import annotations

import pytest
import torch
from helpers.tiny import differing, snapshot, tiny_network

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


@pytest.mark.parametrize(("batch_size", "moves"), [(8, False), (29, False), (30, True), (64, True)])
def test_statistics_move_above_the_cut_and_with_batches_that_are_large_enough(batch_size: int, moves: bool) -> None:
    network = tiny_network(3)
    network.training_mode(2, batch_size)
    before = snapshot(network)
    with torch.no_grad():
        network.run(torch.randn(batch_size, 3, 24, 24))
    changed = differing(before, snapshot(network))
    assert changed == (["norm3.running_mean", "norm3.running_var", "norm3.num_batches_tracked"] if moves else [])
    assert network.model.get_submodule("drop").training
    network.evaluation_mode()
    assert not any(module.training for module in network.model.modules())
