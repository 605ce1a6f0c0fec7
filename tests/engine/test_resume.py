"""An interrupted run that goes on is the same run; the best state is one epoch's own, however the run ended."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch
from helpers.pictures import write_dataset
from helpers.tiny import differing, finish, snapshot, tiny_setup, until, without_times

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.engine import samples, validation
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import OwnerGoneError
from tlgui.engine.fit import fit
from tlgui.engine.setup import Outcome, Setup

Script = dict[int, list[commands.AnyCommand]]
RUNS: dict[str, tuple[dict[str, Any], Script]] = {
    "head": ({"strategy": "feature-extraction"}, {}),
    "head then deeper": ({"strategy": "feature-extraction"}, {3: [commands.Unfreeze()], 9: [commands.Unfreeze()]}),
    "top": ({"strategy": "fine-tune-top"}, {}),
    "top, deeper, frozen again": ({"strategy": "fine-tune-top"}, {2: [commands.Unfreeze()], 6: [commands.Freeze()]}),
    "full": ({"strategy": "full-fine-tuning"}, {}),
    "full, frozen, longer": (
        {"strategy": "full-fine-tuning"},
        {2: [commands.Freeze()], 3: [commands.Extend(epochs=1)]},
    ),
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("resume") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


def following(setup: Setup, script: Script, then: Callable[[events.Event], object] = bool) -> Callable[..., bool]:
    """Sends the script's commands at their steps; true when `then` is."""

    def on_event(event: events.Event) -> bool:
        if isinstance(event, events.BatchEnded):
            for command in script.get(event.step, []):
                setup.control.put(command)
        return then(event) is True

    return on_event


def measured_after(said: list[events.Event], step: int, epoch: int) -> list[dict[str, Any]]:
    """Batches after a step and epochs after an epoch, without times."""
    chosen = [
        event
        for event in said
        if (isinstance(event, events.BatchEnded) and event.step > step)
        or (isinstance(event, events.EpochEnded) and event.epoch > epoch)
        or (isinstance(event, events.LayersChanged) and event.reason != "resume" and event.step > step)
    ]
    return without_times(chosen)


@dataclass
class Whole:
    """What an uninterrupted run said, and what it left."""

    said: list[events.Event]
    outcome: Outcome
    last: dict[str, torch.Tensor]
    best: bytes


OPTIONS: dict[str, Any] = {"batch_size": 9, "top_learning_rate": 0.01, "views": 2}


@pytest.fixture(scope="module")
def uninterrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    """Each run of the table, once."""
    done: dict[str, Whole] = {}

    def whole(name: str) -> Whole:
        if name not in done:
            training, script = RUNS[name]
            folder = tmp_path_factory.mktemp("whole")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("TLGUI_CACHE_DIR", str(folder / "cache"))
                setup = tiny_setup(data, folder / "run", **training, **OPTIONS)
                said, outcome = finish(setup, following(setup, script))
            best = RunFolder(folder / "run").best_path.read_bytes()
            done[name] = Whole(said, outcome, snapshot(setup.network), best)
        return done[name]

    return whole


@pytest.mark.parametrize(
    ("run", "stop_at", "how"),
    [(run, stop_at, "killed") for run in RUNS for stop_at in (4, 11)]  # within epochs 1 and 3
    + [(run, 5, "killed") for run in ("head", "full")]  # the last batch of epoch 1, before its validation
    + [(run, 8, how) for run in RUNS for how in ("owner gone", "image changed")],
)
def test_a_run_that_goes_on_says_what_the_uninterrupted_run_says(
    run: str,
    stop_at: int,
    how: str,
    uninterrupted: Callable[[str], Whole],
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training, script = RUNS[run]
    whole = uninterrupted(run)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no power cut is tested here, and there are many saves
    if (
        how == "killed"
    ):  # saved after each batch; an owner that goes or an image that is another has it saved in that moment
        monkeypatch.setattr(Checkpoints, "due", property(lambda self: True))
    broken = tiny_setup(data, tmp_path / "run", interval_s=1e9, **training, **OPTIONS)

    def changed(*_: object) -> None:
        raise UserError("An image was changed.", "Put it back.", code="images_changed")

    def enough(event: events.Event) -> bool:
        reached = isinstance(event, events.BatchEnded) and event.step == stop_at
        if reached and how == "owner gone":
            broken.control.owner_gone()
        if reached and how == "image changed":
            monkeypatch.setattr(broken.frozen, "activations", changed)
        return reached and how == "killed"

    if how == "killed":
        until(broken, following(broken, script, enough))
    else:
        with pytest.raises(OwnerGoneError if how == "owner gone" else UserError):
            finish(broken, following(broken, script, enough))

    again = tiny_setup(data, tmp_path / "run", interval_s=1e9, **training, **OPTIONS)
    again.resume = True
    said, outcome = finish(again, following(again, script))
    resumed = said[0]
    assert isinstance(resumed, events.Resumed)
    assert resumed.step == (stop_at - 1 if how == "killed" else stop_at)
    expected = measured_after(whole.said, resumed.step, resumed.epoch)
    assert measured_after(said, resumed.step, resumed.epoch) == expected
    assert outcome == whole.outcome
    assert differing(whole.last, snapshot(again.network)) == []
    assert RunFolder(tmp_path / "run").best_path.read_bytes() == whole.best


@pytest.mark.parametrize(
    ("strategy", "stop_at"),
    [("feature-extraction", 7), ("feature-extraction", 11), ("full-fine-tuning", 4), ("full-fine-tuning", 11)],
)
def test_d42_a_run_that_goes_on_without_its_lost_images_says_what_the_uninterrupted_run_says(
    strategy: str, stop_at: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "_SETTLES_S", 0)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(Checkpoints, "due", property(lambda self: True))
    images, away = shutil.copytree(data, tmp_path / "d"), tmp_path / "away"
    away.mkdir()

    def begin(name: str) -> tuple[Setup, list[str]]:
        for path in away.iterdir():  # a test's setup looks at the folder, a run's does not
            path.rename(images / path.name.replace(" ", "/"))
        setup = tiny_setup(images, tmp_path / name, strategy=strategy, **OPTIONS)
        return setup, [setup.train.paths[3], setup.validation.paths[1]]

    def take_away(lost: list[str]) -> None:
        for path in lost:
            (images / path).rename(away / path.replace("/", " "))

    def loses(lost: list[str], last: int = 0) -> Callable[[events.Event], bool]:
        def on_event(event: events.Event) -> bool:
            if isinstance(event, events.BatchEnded) and event.step == 2:
                take_away(lost)
            return isinstance(event, events.BatchEnded) and event.step == last

        return on_event

    whole, lost = begin("whole")
    said, outcome = finish(whole, loses(lost))
    skipped = [event for event in said if isinstance(event, events.Notice) and event.code == "image_skipped"]
    assert len(skipped) == 2 and all(any(path in notice.message for notice in skipped) for path in lost)
    monkeypatch.setenv("TLGUI_CACHE_DIR", str(tmp_path / "cache of another computer"))
    until(begin("run")[0], loses(lost, stop_at))
    again, _ = begin("run")
    take_away(lost)
    again.resume = True
    resumed, outcome_again = finish(again)
    assert isinstance(resumed[0], events.Resumed)
    step, epoch = resumed[0].step, resumed[0].epoch
    assert measured_after(resumed, step, epoch) == measured_after(said, step, epoch)
    assert outcome_again == outcome
    assert differing(snapshot(whole.network), snapshot(again.network)) == []


def test_unfreezing_after_going_on_adds_nothing_twice(data: Path, tmp_path: Path) -> None:
    """T06: unfreeze, go on, unfreeze again."""
    first = tiny_setup(data, tmp_path / "run", epochs=2)
    until(
        first,
        following(first, {1: [commands.Unfreeze()]}, lambda e: isinstance(e, events.BatchEnded) and e.step == 4),
    )
    again = tiny_setup(data, tmp_path / "run", epochs=2)
    again.resume = True
    script: Script = {5: [commands.Unfreeze(groups=2)], 6: [commands.Unfreeze()]}
    said, _ = finish(again, following(again, script))
    changes = [event for event in said if isinstance(event, events.LayersChanged)]
    assert [(change.reason, change.trainable_parameters) for change in changes] == [
        ("resume", 1827),
        ("unfreeze", 2967),
    ]


def test_more_epochs_go_on_after_the_end(data: Path, tmp_path: Path) -> None:
    finish(tiny_setup(data, tmp_path / "run", epochs=2))
    again = tiny_setup(data, tmp_path / "run", epochs=2)
    again.resume, again.more_epochs = True, 2
    said, outcome = finish(again)
    assert [type(event).__name__ for event in said[:3]] == ["Resumed", "Extended", "LayersChanged"]
    assert [event.epoch for event in said if isinstance(event, events.EpochEnded)] == [3, 4]
    assert outcome.best_epoch is not None


def test_more_epochs_are_remembered_by_a_run_that_is_killed_at_once(data: Path, tmp_path: Path) -> None:
    finish(tiny_setup(data, tmp_path / "run", epochs=2))
    again = tiny_setup(data, tmp_path / "run", epochs=2, interval_s=1e9)
    again.resume, again.more_epochs = True, 2
    running = fit(again)
    assert [type(next(running)).__name__ for _ in range(3)] == ["Resumed", "Extended", "LayersChanged"]
    running.close()  # as a kill: nothing is saved from now on
    last = tiny_setup(data, tmp_path / "run", epochs=2)
    last.resume = True
    said, _ = finish(last)
    assert [event.epoch for event in said if isinstance(event, events.EpochEnded)] == [3, 4]


def test_a_run_that_patience_ended_goes_on_with_more_epochs(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 9, "patience": 1, "head_learning_rate": 1e-12}
    finish(tiny_setup(data, tmp_path / "run", **options))
    again = tiny_setup(data, tmp_path / "run", **options)
    again.resume, again.more_epochs = True, 3
    said, _ = finish(again)
    (extended,) = (event for event in said if isinstance(event, events.Extended))
    assert extended.epochs == 2 + 3
    assert [event.epoch for event in said if isinstance(event, events.EpochEnded)] == [3]  # patience again


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "no place", "unknown field", "missing"])
def test_a_damaged_checkpoint_is_an_error_and_never_a_fresh_start(damage: str, data: Path, tmp_path: Path) -> None:
    finish(tiny_setup(data, tmp_path / "run", epochs=1))
    path = tmp_path / "run" / "checkpoints" / "last.safetensors"
    content = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(content[:-10])
        case "garbage":
            path.write_bytes(bytes(range(256)) * 40)
        case "empty":
            path.write_bytes(b"")
        case "no place":
            safetensors.torch.save_file({"model|x": torch.ones(1)}, path)
        case "unknown field":
            safetensors.torch.save_file({"model|x": torch.ones(1)}, path, metadata={"place": '{"no": 1}'})
        case "missing":
            path.unlink()
    again = tiny_setup(data, tmp_path / "run", epochs=1)
    again.resume = True
    with pytest.raises(UserError, match=r"The last checkpoint of the run 'run' is damaged\. Take the run folder"):
        finish(again)
    assert not path.exists() or path.read_bytes() != content


def forced(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> None:
    """Validation accuracies in turn, whatever the network answers."""
    left = iter(values)

    def accuracies(*_: object) -> tuple[float, float]:
        value = next(left)
        return value, value

    monkeypatch.setattr(validation, "_accuracies", accuracies)


@pytest.mark.parametrize("ending", ["natural", "early", "stop", "owner gone"])
def test_the_best_state_is_that_of_its_epoch_however_the_run_ends(
    ending: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T31, T32: .9 in epoch 1, less later: bit-equal to epoch 1, after the end, early stopping, Stop, a lost owner."""
    forced(monkeypatch, [0.5, 0.9, 0.3, 0.1, 0.1])
    setup = tiny_setup(
        data,
        tmp_path / "run",
        strategy="fine-tune-top",
        epochs=4,
        best_by="balanced_accuracy",
        patience=2 if ending == "early" else 0,
        top_learning_rate=0.01,
    )
    states: dict[int, dict[str, torch.Tensor]] = {}

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.EpochEnded):
            states[event.epoch] = snapshot(setup.network)
            assert event.best == (event.epoch <= 1)
        if isinstance(event, events.BatchEnded) and event.step == 12:
            if ending == "stop":
                setup.control.put(commands.Stop())
            if ending == "owner gone":
                setup.control.owner_gone()

    try:
        _, outcome = finish(setup, on_event)
    except OwnerGoneError:
        assert ending == "owner gone"
    else:
        assert (outcome.best_epoch, outcome.stopped) == (1, ending == "stop")
    assert max(states) == {"natural": 4, "early": 3, "stop": 2, "owner gone": 2}[ending]
    path = RunFolder(tmp_path / "run").best_path
    kept = safetensors.torch.load_file(path)
    assert differing(states[1], kept) == []
    assert "conv3.weight" in differing(states[max(states)], kept)
    with safetensors.safe_open(path, "pt") as stream:
        assert '"epoch":1' in stream.metadata()["tlgui"]


def test_of_equal_epochs_the_first_is_kept(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced(monkeypatch, [0.7, 0.7, 0.7])
    said, outcome = finish(tiny_setup(data, tmp_path / "run", best_by="balanced_accuracy"))
    assert [event.best for event in said if isinstance(event, events.EpochEnded)] == [True, False, False]
    assert outcome.best_epoch == 1
