"""The two checkpoints on disk: whole or not there, a copy and no reference, saved when it is time (P10, T31)."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import RunSpec
from tlgui.engine import checkpoints as module
from tlgui.engine.checkpoints import Checkpoints, Place, weights_are_finite
from tlgui.engine.trained_model import Card

CARD = Card(backbone="tiny", classes=["a", "b"], fit="crop", pixel_rule=PixelRule(), epoch=3)
PLACE = Place(epochs=5, first=1, lowest=0, epoch=2, batch=3, step=13, cycles={1: (0, 25), 2: (4, 25)}, best_value=0.1)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path / "run", RunSpec())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    yield now


def state(value: float = 1.0) -> dict[str, torch.Tensor]:
    return {"w": torch.full((2, 3), value), "n": torch.tensor(7)}


def test_what_is_saved_comes_back_bit_for_bit(run: RunFolder) -> None:
    tricky = {"w": torch.tensor([0.1, -0.0, 1e-45, torch.finfo(torch.float32).max]), "n": torch.tensor(7)}
    optimizer = {"w|exp_avg": torch.randn(4), "w|step": torch.tensor(9.0)}
    Checkpoints(run).save(tricky, optimizer, PLACE)
    model, moments, place = Checkpoints(run).load()
    assert place == PLACE
    for saved, loaded in ((tricky, model), (optimizer, moments)):
        assert saved.keys() == loaded.keys()
        assert all(saved[name].numpy().tobytes() == loaded[name].numpy().tobytes() for name in saved)


def test_the_best_state_is_a_copy_that_later_steps_cannot_change(run: RunFolder) -> None:
    checkpoints, live = Checkpoints(run), state(1.0)
    checkpoints.keep_best(live, CARD)
    live["w"].fill_(9.0)
    checkpoints.save(live, {}, PLACE)
    assert torch.equal(safetensors.torch.load_file(run.best_path)["w"], torch.ones(2, 3))
    assert torch.equal(checkpoints.load()[0]["w"], torch.full((2, 3), 9.0))


def test_it_is_due_after_the_interval_and_saving_costs_a_twentieth_at_most(
    run: RunFolder, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(run, interval_s=10)
    assert not checkpoints.due
    clock[0] += 9.9
    assert not checkpoints.due
    clock[0] += 0.1
    assert checkpoints.due
    real = safetensors.torch.save_file

    def slow(*args: object, **named: object) -> None:
        clock[0] += 3.0
        real(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(module.safetensors.torch, "save_file", slow)
    checkpoints.save(state(), {}, PLACE)
    clock[0] += 59.9
    assert not checkpoints.due
    clock[0] += 0.2
    assert checkpoints.due
    monkeypatch.setattr(module.safetensors.torch, "save_file", real)
    checkpoints.save(state(), {}, PLACE)  # a fast one: back to the shortest interval
    clock[0] += 10
    assert checkpoints.due


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), safetensors.SafetensorError("io")])
def test_a_full_disk_is_told_and_the_earlier_checkpoint_is_whole(
    error: Exception, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P10."""
    checkpoints = Checkpoints(run)
    checkpoints.keep_best(state(1.0), CARD)
    checkpoints.save(state(1.0), {}, PLACE)
    before = {path.name: path.read_bytes() for path in run.checkpoints.iterdir()}

    def half(tensors: object, path: Path, metadata: object = None) -> None:
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(module.safetensors.torch, "save_file", half)
    checkpoints.keep_best(state(2.0), CARD)
    with pytest.raises(UserError, match=r"the disk may be full\. Free some space there, then continue the run"):
        checkpoints.save(state(2.0), {}, PLACE)
    assert {path.name: path.read_bytes() for path in run.checkpoints.iterdir()} == before
    monkeypatch.undo()
    checkpoints.save(state(2.0), {}, PLACE)  # the best state was not forgotten
    assert float(safetensors.torch.load_file(run.best_path)["w"][0, 0]) == 2.0


def test_a_death_in_the_middle_of_a_save_leaves_the_earlier_file(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P10: what was written so far lies under another name, and the name is renamed as the last thing."""
    checkpoints = Checkpoints(run)
    checkpoints.save(state(1.0), {}, PLACE)

    def die(path: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.Path, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(state(2.0), {}, PLACE)
    assert float(checkpoints.load()[0]["w"][0, 0]) == 1.0


def test_finite_weights() -> None:
    assert weights_are_finite(state())
    assert not weights_are_finite(state(float("nan")))
    assert not weights_are_finite(state(float("-inf")))
