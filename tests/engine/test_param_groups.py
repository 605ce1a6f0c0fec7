from __future__ import annotations

import pytest
import torch
from helpers.tiny import tiny_network

from tlgui.engine.param_groups import LayerOptimizer, peak_rates

pytestmark = pytest.mark.usefixtures("one_thread")


def test_rates_fall_geometrically_from_the_top_to_the_stem() -> None:
    """Groups stem, middle, top, head: top t, stem t * f, middle between them on a geometric ladder."""
    network = tiny_network(3)
    head, top, factor = 1e-3, 5e-4, 0.01
    assert peak_rates(network, 0, head, top, factor) == pytest.approx(
        {0: top * factor, 1: top * factor**0.5, 2: top, 3: head}
    )
    assert peak_rates(network, 2, head, top, factor) == pytest.approx({2: top, 3: head})
    assert peak_rates(network, 3, head, top, factor) == {3: head}
    assert peak_rates(network, 0, head, top, 1.0) == pytest.approx({0: top, 1: top, 2: top, 3: head})


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_decay_is_on_matrices_and_kernels_alone(first: int) -> None:
    """T27: by name and shape, for each cut; none missing, none twice."""
    network = tiny_network(3)
    network.set_trainable(first)
    optimizer = LayerOptimizer(network, peak_rates(network, first, 1e-3, 1e-4, 0.1), weight_decay=0.05)
    names = {id(parameter): name for name, parameter in network.model.named_parameters()}
    found = {
        names[id(parameter)]: (group["weight_decay"], group["layer"])
        for group in optimizer.adamw.param_groups
        for parameter in group["params"]
    }
    expected = {}
    for layer, modules in enumerate((("conv1", "norm1"), ("conv2", "norm2"), ("conv3", "norm3"), ("fc",))):
        for module in modules:
            if layer >= first:
                decays = 0.0 if module.startswith("norm") else 0.05
                expected |= {f"{module}.weight": (decays, layer), f"{module}.bias": (0.0, layer)}
    assert found == expected
    assert len(list(optimizer.parameters())) == len(expected)


def test_a_new_optimizer_keeps_the_state_of_what_stays_and_drops_the_rest() -> None:
    network = tiny_network(3)
    network.set_trainable(1)
    first = LayerOptimizer(network, {1: 0.1, 2: 0.1, 3: 0.1}, 0.0)
    network.training_mode(1, 32)
    network.run(torch.randn(4, 3, 24, 24)).sum().backward()  # type: ignore[no-untyped-call]
    first.step()
    assert all(parameter.grad is None for parameter in network.model.parameters())
    second = LayerOptimizer(network, {2: 0.1, 3: 0.1}, 0.0, carry_over=first)
    kept = {id(parameter) for index in (2, 3) for parameter in network.parameters(index)}
    assert {id(parameter) for parameter in second.adamw.state} == kept


def test_equal_values_are_not_the_same_parameter() -> None:
    """T06: two parameters of equal values each keep their own state."""
    network = tiny_network(3)
    for index in (0, 1):
        for parameter in network.parameters(index):
            parameter.data.fill_(1.0)
    network.set_trainable(0)
    optimizer = LayerOptimizer(network, dict.fromkeys(range(4), 0.1), 0.0)
    network.run(torch.randn(4, 3, 24, 24)).square().sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert len(optimizer.adamw.state) == len(list(network.model.parameters()))


def test_the_state_comes_back_from_named_tensors_and_makes_the_same_step() -> None:
    def step(network_seed: int, through_tensors: bool) -> list[torch.Tensor]:
        network = tiny_network(3, network_seed)
        network.set_trainable(0)
        peaks = dict.fromkeys(range(4), 0.01)
        optimizer = LayerOptimizer(network, peaks, 0.01)
        generator = torch.Generator().manual_seed(1)
        for turn in range(4):
            if turn == 2 and through_tensors:
                tensors = {name: tensor.clone() for name, tensor in optimizer.state_tensors(network).items()}
                optimizer = LayerOptimizer(network, peaks, 0.01)
                optimizer.load_state_tensors(network, tensors)
                for parameter, state in optimizer.adamw.state.items():
                    assert state["exp_avg"].stride() == parameter.stride()
            network.run(torch.randn(4, 3, 24, 24, generator=generator)).square().sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return [parameter.detach().clone() for parameter in network.model.parameters()]

    for one, other in zip(step(5, False), step(5, True), strict=True):
        assert torch.equal(one, other)
