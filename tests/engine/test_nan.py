"""A loss that is no longer a number ends the run with its epoch and its cause; what was good is kept (T13)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from helpers.pictures import write_dataset
from helpers.tiny import differing, finish, snapshot, tiny_setup

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.engine.objective import Objective
from tlgui.engine.setup import Setup

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("nan") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


def ended_by(setup: Setup) -> tuple[UserError, list[events.Event], dict[int, dict[str, torch.Tensor]]]:
    """The error, what was said before it, and the states at the ends of epochs."""
    said: list[events.Event] = []
    states: dict[int, dict[str, torch.Tensor]] = {}

    def on_event(event: events.Event) -> None:
        said.append(event)
        if isinstance(event, events.EpochEnded):
            states[event.epoch] = snapshot(setup.network)

    with pytest.raises(UserError) as caught:
        finish(setup, on_event)
    return caught.value, said, states


def test_a_learning_rate_of_a_million_ends_with_its_cause_and_keeps_the_warm_start(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(
        data,
        tmp_path / "run",
        strategy="full-fine-tuning",
        epochs=9,
        warm_start=True,
        head_learning_rate=1e6,
        top_learning_rate=1e6,
        stem_factor=1.0,
    )
    error, _, states = ended_by(setup)
    assert "the loss is no longer a number, most likely because the learning rate is too high" in error.problem
    assert error.problem.startswith("Training ended in epoch ")
    assert error.remedy == "Train again with a lower learning rate."
    kept = safetensors.torch.load_file(tmp_path / "run" / "checkpoints" / "best.safetensors")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in kept.values())
    assert any(differing(state, kept) == [] for state in states.values())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_bad_training_loss_names_the_epoch_and_keeps_the_last_good_one(
    value: float, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=5)
    real, calls = Objective.loss, [0]

    def broken(*args: Any) -> torch.Tensor:
        calls[0] += 1
        return real(*args) * (value if calls[0] == 12 else 1)

    monkeypatch.setattr(Objective, "loss", broken)
    error, said, states = ended_by(setup)
    assert "in epoch 3:" in error.problem
    best = max(event.epoch for event in said if isinstance(event, events.EpochEnded) and event.best)
    assert f"of epoch {best}, is kept and can be used." in error.problem
    kept = safetensors.torch.load_file(tmp_path / "run" / "checkpoints" / "best.safetensors")
    assert differing(states[best], kept) == []


def test_a_bad_validation_loss_is_a_gap_and_never_the_best(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", epochs=4)

    def spoil(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == 10:  # the last batch of epoch 2
            setup.network.head_linear.weight.data[0, 0] = math.nan

    said: list[events.Event] = []
    with pytest.raises(UserError, match="in epoch 2: the loss is no longer a number"):
        finish(setup, lambda event: (said.append(event), spoil(event)))
    last = said[-1]
    assert isinstance(last, events.EpochEnded)
    assert (last.epoch, last.validation_loss, last.best) == (2, None, False)
    assert events.decode(events.encode(last)) == last
    kept = safetensors.torch.load_file(tmp_path / "run" / "checkpoints" / "best.safetensors")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in kept.values())


def test_a_weight_that_is_no_number_is_noticed_though_the_answers_are_numbers(data: Path, tmp_path: Path) -> None:
    """A channel whose bias is minus infinity is always off: every answer is finite, and yet no such file may be kept."""
    setup = tiny_setup(data, tmp_path / "run", epochs=2)
    setup.network.model.get_submodule("norm3").bias.data[0] = -math.inf  # type: ignore[union-attr, operator]
    with pytest.raises(UserError, match="in epoch 1"):
        finish(setup)
    assert not (tmp_path / "run" / "checkpoints" / "best.safetensors").exists()
