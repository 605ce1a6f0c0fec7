from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers.tiny import tiny_network

from tlgui.engine.param_groups import LayerOptimizer

pytestmark = pytest.mark.usefixtures("one_thread")


def peaks(first: int) -> dict[int, float]:
    return {index: 1e-3 / 2 ** (3 - index) for index in range(first, 4)}


@pytest.mark.parametrize("kind", ["adamw", "adam"])
@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_decay_is_on_matrices_and_kernels_alone(first: int, kind: Any) -> None:
    """T27: by name and shape, for each cut; none missing, none twice."""
    network = tiny_network(3)
    network.set_trainable(first)
    optimizer = LayerOptimizer(network, peaks(first), weight_decay=0.05, kind=kind)
    names = {id(parameter): name for name, parameter in network.model.named_parameters()}
    found = {
        names[id(parameter)]: (group["weight_decay"], group["layer"])
        for group in optimizer.torch.param_groups
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
    network.training_mode(1, keep_statistics=True)
    network.run(torch.randn(4, 3, 24, 24)).sum().backward()  # type: ignore[no-untyped-call]
    first.torch.step()
    first.torch.zero_grad(set_to_none=True)
    assert all(parameter.grad is None for parameter in network.model.parameters())
    second = LayerOptimizer(network, {2: 0.1, 3: 0.1}, 0.0, carry_over=first)
    kept = {id(parameter) for index in (2, 3) for parameter in network.parameters(index)}
    assert {id(parameter) for parameter in second.torch.state} == kept


def test_equal_values_are_not_the_same_parameter() -> None:
    """T06: two parameters of equal values each keep their own state."""
    network = tiny_network(3)
    for index in (0, 1):
        for parameter in network.parameters(index):
            parameter.data.fill_(1.0)
    network.set_trainable(0)
    optimizer = LayerOptimizer(network, dict.fromkeys(range(4), 0.1), 0.0)
    network.run(torch.randn(4, 3, 24, 24)).square().sum().backward()  # type: ignore[no-untyped-call]
    optimizer.torch.step()
    assert len(optimizer.torch.state) == len(list(network.model.parameters()))


def test_the_state_comes_back_from_named_tensors_and_makes_the_same_step() -> None:
    def step(network_seed: int, through_tensors: bool) -> list[torch.Tensor]:
        network = tiny_network(3, network_seed)
        network.set_trainable(0)
        rates = dict.fromkeys(range(4), 0.01)
        optimizer = LayerOptimizer(network, rates, 0.01)
        generator = torch.Generator().manual_seed(1)
        for turn in range(4):
            if turn == 2 and through_tensors:
                tensors = {name: tensor.clone() for name, tensor in optimizer.state_tensors(network).items()}
                optimizer = LayerOptimizer(network, rates, 0.01)
                optimizer.load_state_tensors(network, tensors)
                for parameter, state in optimizer.torch.state.items():
                    assert state["exp_avg"].stride() == parameter.stride()
            network.run(torch.randn(4, 3, 24, 24, generator=generator)).square().sum().backward()  # type: ignore[no-untyped-call]
            optimizer.torch.step()
            optimizer.torch.zero_grad(set_to_none=True)
        return [parameter.detach().clone() for parameter in network.model.parameters()]

    for one, other in zip(step(5, False), step(5, True), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", ["adamw", "adam"])
def test_a_step_is_that_of_the_papers(kind: Any) -> None:
    """AdamW (Loshchilov and Hutter 2019): decay beside the step; Adam: decay in the gradient; by hand, three steps."""
    network = tiny_network(3)
    network.set_trainable(3)
    rate, decay = 0.01, 0.1
    optimizer = LayerOptimizer(network, {3: rate}, decay, kind=kind)
    weight, bias = network.head_linear.weight, network.head_linear.bias
    expected = {True: weight.detach().double().clone(), False: bias.detach().double().clone()}
    moments = {key: (torch.zeros_like(value), torch.zeros_like(value)) for key, value in expected.items()}
    for step in range(1, 4):
        for parameter, key in ((weight, True), (bias, False)):
            gradient = torch.randn_like(parameter)
            parameter.grad = gradient.clone()
            value, g, lamda = expected[key], gradient.double(), decay if key else 0.0
            if kind == "adam":
                g = g + lamda * value
            first, second = moments[key]
            first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
            moments[key] = first, second
            move = (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
            expected[key] = value - rate * move - (rate * lamda * value if kind == "adamw" else 0.0)
        optimizer.torch.step()
    torch.testing.assert_close(weight.detach().double(), expected[True], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(bias.detach().double(), expected[False], rtol=1e-4, atol=1e-6)


def test_t06_however_often_layers_are_moved_no_parameter_is_in_it_twice() -> None:
    network = tiny_network(3)
    optimizer = None
    for first in (3, 2, 2, 0, 3, 0, 0):
        network.set_trainable(first)
        optimizer = LayerOptimizer(network, peaks(first), 0.01, carry_over=optimizer)
        held = [id(parameter) for parameter in optimizer.parameters()]
        assert len(held) == len(set(held))
        assert set(held) == {id(p) for p in network.model.parameters() if p.requires_grad}
