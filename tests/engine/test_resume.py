"""An interrupted run that goes on is the same run; the best state is one epoch's own, however the run ended."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Generator
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
from tlgui.engine import fit, samples
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import OwnerGoneError
from tlgui.engine.live import Live
from tlgui.engine.setup import Outcome, Setup
from tlgui.engine.validation import Validation

Script = dict[int, list[commands.AnyCommand]]
RUNS: dict[str, tuple[dict[str, Any], Script]] = {
    "head": ({"strategy": "feature-extraction"}, {}),
    "head then deeper": ({"strategy": "feature-extraction"}, {3: [commands.Unfreeze()], 9: [commands.Unfreeze()]}),
    "top": ({"strategy": "fine-tune-top", "warm_start": True}, {}),
    "top, deeper, frozen again": ({"strategy": "fine-tune-top"}, {2: [commands.Unfreeze()], 6: [commands.Freeze()]}),
    "full": ({"strategy": "full-fine-tuning"}, {}),
    "full, frozen, longer": (
        {"strategy": "full-fine-tuning", "warm_start": True},
        {2: [commands.Freeze()], 3: [commands.Extend(epochs=1)]},
    ),
    "by itself": ({"strategy": "progressive-unfreezing", "plateau": 1, "head_learning_rate": 1e-9}, {}),
    "scratch, averaged, mixed, clipped": (
        {"strategy": "from-scratch", "ema": 0.9, "mixup": 0.3, "clip_norm": 1.0, "label_smoothing": 0.1},
        {7: [commands.SetLearningRate(group="middle", rate=0.005)]},
    ),
    "balanced, judged": (
        {
            "strategy": "fine-tune-top",
            "imbalance": "balanced-sampling",
            "ema": 0.9,
            "trial_epochs": 1,
            "warm_start": True,
        },
        {2: [commands.Unfreeze()]},
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
        or (isinstance(event, events.MoveJudged) and event.epoch > epoch)
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
            monkeypatch.setattr(broken.frozen, "mixed", changed)
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


@pytest.mark.parametrize("stop_at", [0, 4, 11])
def test_what_auto_became_goes_on_and_is_decided_anew_where_it_was_not_kept(
    stop_at: int, data: Path, tmp_path: Path
) -> None:
    """Killed in the middle of the decision, within an epoch, and in a later one."""
    options = OPTIONS | {"strategy": "auto", "epochs": 3}
    whole, _ = finish(tiny_setup(data, tmp_path / "whole", **options))
    broken = tiny_setup(data, tmp_path / "run", interval_s=0, **options)
    until(
        broken,
        lambda event: (
            isinstance(event, events.FirstAnswered)
            if not stop_at
            else isinstance(event, events.BatchEnded) and event.step == stop_at
        ),
    )
    again = tiny_setup(data, tmp_path / "run", **options)
    again.resume = again.checkpoints.exists
    assert (again.training.strategy == "auto") == (stop_at == 0)
    said, _ = finish(again)
    chosen = [event for event in said if isinstance(event, events.StrategyChosen)]
    assert len(chosen) == (stop_at == 0)
    begun = said[0]
    step, epoch = (begun.step, begun.epoch) if isinstance(begun, events.Resumed) else (0, 0)
    assert measured_after(said, step, epoch) == measured_after(whole, step, epoch)


def test_t09_going_on_has_the_groups_and_rates_of_the_stop(data: Path, tmp_path: Path) -> None:
    """Unfrozen in epoch 2, stopped in epoch 3: the ladder is the same, and the network learns on at the same rates."""
    setup = tiny_setup(data, tmp_path / "run", epochs=5, batch_size=9, top_learning_rate=0.01)
    said, _ = finish(setup, following(setup, {7: [commands.Unfreeze(groups=2)], 12: [commands.Stop()]}))
    stopped = [event for event in said if isinstance(event, events.LayersChanged)][-1]
    again = tiny_setup(data, tmp_path / "run", epochs=5, batch_size=9, top_learning_rate=0.01)
    again.resume = True
    start = snapshot(again.network)
    resumed, _ = finish(again)
    ladder = next(event for event in resumed if isinstance(event, events.LayersChanged))
    assert (ladder.reason, ladder.groups) == ("resume", stopped.groups)
    assert (ladder.undo_step, ladder.judged_after) == (7, stopped.judged_after)
    first = next(event for event in resumed if isinstance(event, events.BatchEnded))
    assert first.step == 13 and set(first.learning_rates) == {"middle", "top", "head"}
    assert {"conv2.weight", "conv3.weight", "fc.weight"} <= set(differing(start, snapshot(again.network)))


def test_t10_five_epochs_stopped_at_three_then_eight_with_layers_unfrozen_at_two(data: Path, tmp_path: Path) -> None:
    """Never a step too many, and each group's cycle ends with the last step of the new plan."""
    options: dict[str, Any] = {"epochs": 5, "batch_size": 9, "top_learning_rate": 0.01, "patience": 0}
    setup = tiny_setup(data, tmp_path / "run", **options)
    finish(setup, following(setup, {10: [commands.Unfreeze()], 15: [commands.Stop()]}))
    again = tiny_setup(data, tmp_path / "run", **options)
    again.resume, again.more_epochs = True, 3
    said, outcome = finish(again)
    batches = [event for event in said if isinstance(event, events.BatchEnded)]
    assert [event.step for event in batches] == list(range(16, 41)) and not outcome.stopped
    peaks = {"top": 0.01, "head": again.training.head_learning_rate or 0.0}
    for group, peak in peaks.items():
        rates = [event.learning_rates[group] for event in batches]
        assert rates[0] == pytest.approx(peak / 25)
        assert rates[-1] == pytest.approx(peak / 250_000)
        assert max(rates) == pytest.approx(peak, rel=0.02)


def test_t38_a_checkpoint_of_other_weights_is_refused_by_name_and_never_half_loaded(data: Path, tmp_path: Path) -> None:
    finish(tiny_setup(data, tmp_path / "run", epochs=1))
    path = tmp_path / "run" / "checkpoints" / "last.safetensors"
    with safetensors.safe_open(path, "pt") as stream:
        header, names = stream.metadata(), list(stream.keys())
        tensors = {name.replace("model|", "model|module."): stream.get_tensor(name).clone() for name in names}
    safetensors.torch.save_file(tensors, path, metadata=header)
    again = tiny_setup(data, tmp_path / "run", epochs=1)
    again.resume = True
    with pytest.raises(UserError, match="are not those of its network") as caught:
        finish(again)
    assert caught.value.code == "run_damaged"
    assert 'Missing key(s) in state_dict: "conv1.weight"' in caught.value.details


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
    running = fit.fit(again)
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
    left, real = iter(values), fit.seen_by

    def forced_seen(live: Live, slow: bool) -> Generator[events.Event, None, Validation]:
        seen = yield from real(live, slow)
        value = next(left)
        every = seen.every._replace(accuracy=value, balanced=value)
        return dataclasses.replace(seen, accuracy=value, balanced=value, every=every)

    monkeypatch.setattr(fit, "seen_by", forced_seen)


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
        warm_start=True,
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
