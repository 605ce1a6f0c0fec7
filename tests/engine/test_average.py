"""Averaged weights: their arithmetic, their warm-up, and that they alone are validated, kept and opened again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import finish, tiny_network, tiny_setup, until, without_times

from tlgui.core import events
from tlgui.engine.average import Average
from tlgui.engine.validation import validate

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("average") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


def weights(network: Any) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in network.model.named_parameters()}


@pytest.mark.parametrize("decay", [0.5, 0.9999])
def test_it_is_the_recursion_written_out(decay: float) -> None:
    network = tiny_network(2)
    average = Average(decay, network)
    expected: dict[str, torch.Tensor] = {}
    for step in range(1, 8):
        with torch.no_grad():
            for parameter in network.model.parameters():
                parameter.add_(torch.randn_like(parameter))
        now = weights(network)
        d = min(decay, (1 + step) / (10 + step))
        expected = {n: d * expected[n].double() + (1 - d) * now[n].double() for n in now} if expected else now
        average.update()
    with average.in_place():
        for name, value in weights(network).items():
            torch.testing.assert_close(value.double(), expected[name].double(), rtol=1e-5, atol=1e-6)


def test_t34_twenty_steps_at_a_slow_decay_do_not_stay_at_the_start() -> None:
    """Plain averaging at .9999 would be 99.8 % of the start still."""
    network = tiny_network(2)
    average = Average(0.9999, network)
    start = network.head_linear.weight.detach().clone()
    for step in range(1, 21):
        with torch.no_grad():
            network.head_linear.weight.copy_(start + step)
        average.update()
    with average.in_place():
        moved = (network.head_linear.weight - start).mean().item()
    assert 14 < moved < 20


def test_t34_buffers_are_those_of_the_network_and_frozen_weights_too() -> None:
    network = tiny_network(2)
    network.set_trainable(2)
    average = Average(0.9, network)
    with torch.no_grad():
        network.model.norm3.running_mean.fill_(7.0)  # type: ignore[union-attr]
        network.head_linear.weight.fill_(5.0)
    average.update()
    with torch.no_grad():
        network.head_linear.weight.fill_(6.0)
    average.update()
    frozen = weights(network)["conv1.weight"]
    with average.in_place():
        assert bool((network.model.norm3.running_mean == 7.0).all())  # type: ignore[union-attr]
        assert torch.equal(weights(network)["conv1.weight"], frozen)
        assert 5.0 < network.head_linear.weight.mean().item() < 6.0
    assert bool((network.head_linear.weight == 6.0).all())  # back afterwards


def test_before_the_first_step_it_is_the_network_as_it_is() -> None:
    """A warm start changes the head after the average was made."""
    network = tiny_network(2)
    average = Average(0.999, network)
    with torch.no_grad():
        network.head_linear.weight.fill_(3.0)
    with average.in_place():
        assert bool((network.head_linear.weight == 3.0).all())


def test_its_state_comes_back() -> None:
    network = tiny_network(2)
    one = Average(0.9, network)
    for _ in range(3):
        with torch.no_grad():
            network.head_linear.weight.add_(1.0)
        one.update()
    other = Average(0.9, network)
    other.load({name: tensor.clone() for name, tensor in one.tensors().items()})
    for average in (one, other):
        with torch.no_grad():
            network.head_linear.weight.fill_(9.0)
        average.update()
    assert all(torch.equal(one.tensors()[name], tensor) for name, tensor in other.tensors().items())


def test_n08_the_averaged_weights_are_validated_kept_and_score_the_same_when_opened_again(
    data: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"strategy": "full-fine-tuning", "epochs": 3, "batch_size": 8, "norm_statistics": "batch"}
    options["warm_start"] = False  # which is of epoch 0, where both are the same
    setup = tiny_setup(data, tmp_path / "run", ema=0.99, patience=0, **options)
    raw: dict[str, torch.Tensor] = {}

    def note(event: events.Event) -> None:
        if isinstance(event, events.EpochEnded) and event.best:
            raw.update(weights(setup.network))

    said, _ = finish(setup, note)
    epochs = [event for event in said if isinstance(event, events.EpochEnded)]
    best = next(event for event in reversed(epochs) if event.best)

    again = tiny_setup(data, tmp_path / "run", **options)
    import safetensors.torch

    again.network.model.load_state_dict(
        safetensors.torch.load_file(tmp_path / "run" / "checkpoints" / "best.safetensors")
    )
    scored = validate(again, 0, slow=False)
    try:
        while True:
            next(scored)
    except StopIteration as end:
        seen = end.value
    assert seen.accuracy == best.validation_accuracy
    assert seen.loss == pytest.approx(best.validation_loss, rel=1e-6)
    kept = weights(again.network)
    assert any(not torch.equal(kept[name], raw[name]) for name in raw)


def test_a_run_with_an_average_goes_on_as_if_it_had_never_stopped(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"strategy": "fine-tune-top", "epochs": 3, "ema": 0.9}
    whole, _ = finish(tiny_setup(data, tmp_path / "whole", **options))
    until(
        tiny_setup(data, tmp_path / "broken", **options),
        lambda event: isinstance(event, events.EpochEnded) and event.epoch == 1,
    )
    again = tiny_setup(data, tmp_path / "broken", **options)
    again.resume = True
    rest, _ = finish(again)

    def epochs(said: list[events.Event]) -> list[dict[str, Any]]:
        return without_times([event for event in said if isinstance(event, events.EpochEnded)])

    assert epochs(rest)[-2:] == epochs(whole)[-2:]
