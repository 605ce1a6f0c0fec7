"""The two checkpoints on disk: whole or not there, a copy and no reference, saved when it is time (P10, T31)."""

from __future__ import annotations

import copy
import errno
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import safetensors.torch
import torch

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import RunSpec
from tlgui.engine import checkpoints as module
from tlgui.engine.checkpoints import Checkpoints, Place, State, weights_are_finite
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


def weights(value: float = 1.0) -> dict[str, torch.Tensor]:
    return {"w": torch.full((2, 3), value), "n": torch.tensor(7)}


def state(value: float = 1.0, place: Place = PLACE) -> State:
    return State(weights(value), {}, {}, copy.deepcopy(place))


def test_what_is_saved_comes_back_bit_for_bit(run: RunFolder) -> None:
    tricky = {"w": torch.tensor([0.1, -0.0, 1e-45, torch.finfo(torch.float32).max]), "n": torch.tensor(7)}
    optimizer = {"w|exp_avg": torch.randn(4), "w|step": torch.tensor(9.0)}
    average = {"w": torch.randn(4), "steps": torch.tensor(3)}
    Checkpoints(run).save(State(tricky, optimizer, average, copy.deepcopy(PLACE)))
    back = Checkpoints(run).load()
    assert back.place == PLACE
    for saved, loaded in ((tricky, back.model), (optimizer, back.optimizer), (average, back.average)):
        assert saved.keys() == loaded.keys()
        assert all(saved[name].numpy().tobytes() == loaded[name].numpy().tobytes() for name in saved)


def test_the_best_state_is_a_copy_that_later_steps_cannot_change(run: RunFolder) -> None:
    checkpoints, live = Checkpoints(run), weights(1.0)
    checkpoints.keep_best(live, CARD)
    live["w"].fill_(9.0)
    checkpoints.save(State(live, {}, {}, copy.deepcopy(PLACE)))
    assert torch.equal(safetensors.torch.load_file(run.best_path)["w"], torch.ones(2, 3))
    assert torch.equal(checkpoints.load().model["w"], torch.full((2, 3), 9.0))


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
    checkpoints.save(state())
    clock[0] += 59.9
    assert not checkpoints.due
    clock[0] += 0.2
    assert checkpoints.due
    monkeypatch.setattr(module.safetensors.torch, "save_file", real)
    checkpoints.save(state())  # a fast one: back to the shortest interval
    clock[0] += 10
    assert checkpoints.due


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), safetensors.SafetensorError("io")])
def test_a_full_disk_is_told_and_the_earlier_checkpoint_is_whole(
    error: Exception, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P10."""
    checkpoints = Checkpoints(run)
    checkpoints.keep_best(weights(1.0), CARD)
    checkpoints.save(state(1.0))
    before = {path.name: path.read_bytes() for path in run.checkpoints.iterdir()}

    def half(tensors: object, path: Path, metadata: object = None) -> None:
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(module.safetensors.torch, "save_file", half)
    checkpoints.keep_best(weights(2.0), CARD)
    with pytest.raises(UserError, match=r"the disk may be full\. Free some space there, then continue the run"):
        checkpoints.save(state(2.0))
    assert {path.name: path.read_bytes() for path in run.checkpoints.iterdir()} == before
    monkeypatch.undo()
    checkpoints.save(state(2.0))  # the best state was not forgotten
    assert float(safetensors.torch.load_file(run.best_path)["w"][0, 0]) == 2.0


def test_a_death_in_the_middle_of_a_save_leaves_the_earlier_file(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P10: what was written so far lies under another name, and the name is renamed as the last thing."""
    checkpoints = Checkpoints(run)
    checkpoints.save(state(1.0))

    def die(path: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.Path, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(state(2.0))
    assert float(checkpoints.load().model["w"][0, 0]) == 1.0


def best_of(run: RunFolder) -> float | None:
    return float(safetensors.torch.load_file(run.best_path)["w"][0, 0]) if run.best_path.is_file() else None


@pytest.mark.parametrize("operation", [1, 2, 3])
def test_best_and_last_change_as_one_whenever_death_comes(
    operation: int, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P10, T31: after each of the three names that a save gives, what `load` finds belongs together."""
    checkpoints = Checkpoints(run)
    checkpoints.keep_best(weights(1.0), CARD)
    checkpoints.save(state(1.0, placed(best_epoch=1)))
    real, left = Path.replace, [operation]

    def dying(path: Path, target: Path) -> Path:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", dying)
    checkpoints.keep_best(weights(2.0), CARD)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(state(2.0, placed(best_epoch=2)))
    monkeypatch.undo()
    found = Checkpoints(run).load().place
    assert (found.best_epoch, best_of(run)) in ((1, 1.0), (2, 2.0))
    assert found.best_from == ""
    assert {path.name for path in run.checkpoints.iterdir()} == {"best.safetensors", "last.safetensors"}


def placed(**changes: Any) -> Place:
    return msgspec.structs.replace(copy.deepcopy(PLACE), **changes)


@pytest.mark.parametrize("links", [True, False])
def test_a_snapshot_keeps_the_best_state_of_its_moment(
    links: bool, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on disks that know no second name for a file."""
    if not links:

        def refused(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(module.os, "link", refused)
    checkpoints = Checkpoints(run)
    checkpoints.keep_best(weights(1.0), CARD)
    checkpoints.save(state(1.0, placed(best_epoch=1)))
    name = checkpoints.new_snapshot_name(13)
    assert name == "undo-13"
    size = checkpoints.save_snapshot(name, state(1.0, placed(best_epoch=1)))
    files = [run.checkpoints / "undo-13.safetensors", run.checkpoints / "undo-13-best.safetensors"]
    assert size == sum(path.stat().st_size for path in files)
    assert checkpoints.new_snapshot_name(13) == "undo-13-2"
    checkpoints.keep_best(weights(5.0), CARD)
    checkpoints.save(state(5.0, placed(best_epoch=5)))
    assert best_of(run) == 5.0
    back = checkpoints.load_snapshot(name)
    assert float(back.model["w"][0, 0]) == 1.0 and back.place.best_epoch == 1
    assert best_of(run) == 5.0, "not before the place that knows of it is on disk"
    checkpoints.save(back)
    assert best_of(run) == 1.0
    checkpoints.drop_other_snapshots([])
    assert {path.name for path in run.checkpoints.iterdir()} == {"best.safetensors", "last.safetensors"}


def test_a_snapshot_without_a_best_state_takes_the_later_one_away(run: RunFolder) -> None:
    checkpoints = Checkpoints(run)
    checkpoints.save_snapshot("undo-1", state(0.0, placed(best_epoch=None)))
    checkpoints.keep_best(weights(5.0), CARD)
    checkpoints.save(state(5.0, placed(best_epoch=5)))
    checkpoints.save(checkpoints.load_snapshot("undo-1"))
    assert best_of(run) is None


def test_a_best_state_that_is_not_on_disk_yet_goes_into_the_snapshot(run: RunFolder) -> None:
    checkpoints = Checkpoints(run)
    checkpoints.keep_best(weights(3.0), CARD)
    checkpoints.save_snapshot("undo-1", state(0.0, placed(best_epoch=3)))
    assert best_of(run) is None
    kept = safetensors.torch.load_file(run.checkpoints / "undo-1-best.safetensors")
    assert float(kept["w"][0, 0]) == 3.0


def test_what_a_killed_engine_had_begun_to_write_is_removed(run: RunFolder) -> None:
    """Under our own temporary names and those of safetensors."""
    for name in (".last.safetensors.123-4.tmp", ".tmphcegix"):
        (run.checkpoints / name).write_bytes(b"half")
    Checkpoints(run)
    assert not list(run.checkpoints.iterdir())


def test_finite_weights() -> None:
    assert weights_are_finite(weights())
    assert not weights_are_finite(weights(float("nan")))
    assert not weights_are_finite(weights(float("-inf")))
