"""Back to before an unfreezing or freezing: bit for bit, and what follows is what would have followed without it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from helpers.pictures import write_dataset
from helpers.tiny import Script, drive, fingerprint, finish, measured, of, sending, tiny_setup, until

from tlgui.core import events
from tlgui.core.commands import Continue, Freeze, Pause, SetLearningRate, Undo, Unfreeze
from tlgui.core.run_folder import RunFolder
from tlgui.engine.checkpoints import Checkpoints, State
from tlgui.engine.live import Live
from tlgui.engine.setup import Setup

pytestmark = pytest.mark.usefixtures("one_thread")

RUNS: dict[str, dict[str, Any]] = {
    "head": {"strategy": "feature-extraction"},
    "top, averaged, mixed": {"strategy": "fine-tune-top", "ema": 0.9, "mixup": 0.3, "label_smoothing": 0.1},
    "full, balanced": {"strategy": "full-fine-tuning", "imbalance": "balanced-sampling", "clip_norm": 1.0},
    "scratch": {"strategy": "from-scratch", "patience": 0},
}
OPTIONS: dict[str, Any] = {"batch_size": 9, "epochs": 5, "top_learning_rate": 0.01, "views": 2, "trial_epochs": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("undo") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


@pytest.fixture(autouse=True)
def _no_power_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power cut is tested here, and there are many saves."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize(("moved_at", "undone_at"), [(7, 8), (7, 19), (10, 21)])
def test_what_follows_an_undo_is_what_follows_without_the_move(
    name: str, moved_at: int, undone_at: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5 batches an epoch: within the epoch of the move, after its verdict, and moved between two epochs."""
    training = RUNS[name] | OPTIONS
    plain, plain_live = drive(tiny_setup(data, tmp_path / "plain", **training), lambda event, live: None)
    setup = tiny_setup(data, tmp_path / "run", **training)
    back: dict[str, str] = {}

    move = Unfreeze() if name in ("head", "top, averaged, mixed") else Freeze(groups=2)
    send = sending(setup, {moved_at: [move], undone_at: [SetLearningRate(group="head", rate=0.5), Undo()]})

    def on_event(event: events.Event, live: Live) -> None:
        if isinstance(event, events.Undone):
            back["found"] = fingerprint(live)
        send(event)

    real = Checkpoints.save_snapshot

    def noted(checkpoints: Checkpoints, name: str, state: State) -> int:
        back["expected"] = fingerprint(state)
        return real(checkpoints, name, state)

    monkeypatch.setattr(Checkpoints, "save_snapshot", noted)
    said, live = drive(setup, on_event)
    assert back["found"] == back["expected"]
    (undone,) = of(said, events.Undone)
    assert (undone.to_step, undone.from_step) == (moved_at, undone_at)
    assert (undone.to_epoch, undone.from_epoch) == (moved_at // 5, undone_at // 5)
    after = said[said.index(undone) :]
    assert measured(after) == measured(plain, moved_at, undone.to_epoch)
    assert fingerprint(live) == fingerprint(plain_live)
    best = [RunFolder(tmp_path / folder).best_path.read_bytes() for folder in ("plain", "run")]
    assert best[0] == best[1]
    changed = of(after, events.LayersChanged)[0]
    assert (changed.reason, changed.undo_step, changed.snapshot_bytes) == ("undo", None, 0)
    assert not list((tmp_path / "run" / "checkpoints").glob("undo-*"))


class Killed(BaseException):
    """The process is gone."""


def go_on_and_undo(setup: Setup) -> list[events.Event]:
    """Continues; takes the move back where that had not reached the disk. What was said on the branch is left out."""
    setup.resume = True

    def on_event(event: events.Event) -> None:
        if isinstance(event, events.LayersChanged) and event.reason == "resume" and event.undo_step is not None:
            setup.control.put(Undo())

    said, _ = finish(setup, on_event)
    return said[said.index(of(said, events.Undone)[0]) :] if of(said, events.Undone) else said


@pytest.mark.parametrize("operation", range(1, 5))
@pytest.mark.parametrize("undone_at", [9, 16])
def test_a_run_that_is_killed_in_the_middle_of_an_undo_has_neither_lost_nor_mixed_up_its_best_state(
    operation: int, undone_at: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Death at each file that gets its name: what is on disk then is all of before or all of after."""
    training = RUNS["top, averaged, mixed"] | OPTIONS
    plain = finish(tiny_setup(data, tmp_path / "plain", **training))[0]
    setup = tiny_setup(data, tmp_path / "run", interval_s=1e9, **training)
    counted = [0]
    real = Path.replace

    def replace(path: Path, target: Path) -> Path:
        if "checkpoints" in str(target) and counted[0]:
            counted[0] += 1
            if counted[0] == operation + 1:
                raise Killed
        return real(path, target)

    def dying(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded) and event.step == undone_at:
            counted[0] = 1

    monkeypatch.setattr(Path, "replace", replace)
    send = sending(setup, {7: [Unfreeze()], undone_at: [Undo(), Pause(), Continue(), Pause(), Continue()]}, dying)
    with pytest.raises(Killed):
        finish(setup, send)
    monkeypatch.setattr(Path, "replace", real)
    said = go_on_and_undo(tiny_setup(data, tmp_path / "run", **training))
    begun = next(event for event in said if isinstance(event, events.Undone | events.Resumed))
    step, epoch = (begun.to_step, begun.to_epoch) if isinstance(begun, events.Undone) else (begun.step, begun.epoch)
    assert measured(said, step, epoch) == measured(plain, step, epoch)
    best = [RunFolder(tmp_path / folder).best_path.read_bytes() for folder in ("plain", "run")]
    assert best[0] == best[1]


def test_a_run_that_is_killed_at_any_event_around_an_undo_keeps_its_word(data: Path, tmp_path: Path) -> None:
    """What was said to be taken back is taken back, also after the kill."""
    training = RUNS["head"] | OPTIONS
    plain = finish(tiny_setup(data, tmp_path / "plain", **training))[0]

    def run(name: str, last: int) -> list[events.Event]:
        setup = tiny_setup(data, tmp_path / name, interval_s=1e9, **training)
        send, heard = sending(setup, {7: [Unfreeze()], 9: [Undo()]}), [0]

        def enough(event: events.Event) -> bool:
            send(event)
            heard[0] += 1
            return heard[0] == last

        return until(setup, enough)

    whole = run("whole", 0)
    around = whole.index(of(whole, events.Undone)[0])
    for last in range(around - 2, around + 4):
        said = run(f"run {last}", last)
        resumed = go_on_and_undo(tiny_setup(data, tmp_path / f"run {last}", **training))
        if of(said, events.Undone):
            assert isinstance(resumed[0], events.Resumed) and resumed[0].step == 7
        assert measured(resumed, 7, 1) == measured(plain, 7, 1)


def test_undoing_twice_goes_back_twice_and_a_third_time_says_why_not(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    hashes: dict[int, str] = {}
    script: Script = {3: [Unfreeze()], 6: [Unfreeze()], 8: [Pause(), Undo(), Undo(), Undo(), Continue()]}
    send = sending(setup, script)

    def on_event(event: events.Event, live: Live) -> None:
        if isinstance(event, events.BatchEnded):
            hashes.setdefault(event.step, fingerprint(live))
        send(event)
        if isinstance(event, events.Undone) and event.to_step == 3:
            hashes[0] = fingerprint(live)

    said, _ = drive(setup, on_event)
    assert [(e.from_step, e.to_step) for e in of(said, events.Undone)] == [(8, 6), (6, 3)]
    assert hashes[0] == hashes[3]
    changes = [(e.undo_step, e.trainable_parameters) for e in of(said, events.LayersChanged) if e.reason == "undo"]
    assert changes == [(3, 1827), (None, 51)]
    kinds = [type(e).__name__ for e in said]
    assert kinds.index("Paused") < kinds.index("Undone") < kinds.index("Continued")
    (notice,) = [e for e in of(said, events.Notice) if e.code == "nothing_to_undo"]
    assert notice.message.startswith("There is nothing to take back: no layer was unfrozen or frozen")


def test_two_moves_in_one_gap_are_two_that_can_be_taken_back(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    said, _ = finish(setup, sending(setup, {3: [Unfreeze(), Unfreeze()], 4: [Undo()], 6: [Undo()]}))
    counts = [e.trainable_parameters for e in of(said, events.LayersChanged)]
    assert counts == [51, 1827, 2727, 1827, 51]
    assert [e.to_step for e in of(said, events.Undone)] == [3, 3]


def test_the_last_three_moves_can_be_taken_back_and_no_more_is_kept_on_disk(data: Path, tmp_path: Path) -> None:
    """P11: best, last, and three to go back to."""
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    seen: list[int] = []
    script: Script = {step: [Freeze() if step % 2 else Unfreeze()] for step in range(2, 8)}
    script[9] = [Undo(), Undo(), Undo(), Undo()]

    def count(event: events.Event) -> None:
        if isinstance(event, events.LayersChanged):
            names = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()}
            seen.append(len([name for name in names if name.startswith("undo-") and "-best" not in name]))
            assert names <= {"best.safetensors", "last.safetensors"} | {n for n in names if n.startswith("undo-")}

    said, _ = finish(setup, sending(setup, script, count))
    assert seen == [0, 1, 2, 3, 3, 3, 3, 2, 1, 0]
    assert [e.to_step for e in of(said, events.Undone)] == [7, 6, 5]
    stated = [e.snapshot_bytes for e in of(said, events.LayersChanged)]
    assert stated[0] == 0 < stated[1] < stated[2] < stated[3] and stated[-1] == 0


def test_a_snapshot_that_is_damaged_is_said_and_the_one_before_it_still_works(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))

    def spoil(event: events.Event) -> None:
        if isinstance(event, events.LayersChanged) and event.undo_step == 4:
            (tmp_path / "run" / "checkpoints" / "undo-4.safetensors").write_bytes(b"half")

    said, outcome = finish(setup, sending(setup, {3: [Unfreeze()], 4: [Unfreeze()], 6: [Undo()], 8: [Undo()]}, spoil))
    (notice,) = [e for e in of(said, events.Notice) if e.code == "nothing_to_undo"]
    assert notice.message == (
        "The unfreezing of middle cannot be taken back: the file that was kept for that is damaged."
    )
    assert [e.to_step for e in of(said, events.Undone)] == [3]
    assert not outcome.stopped


def test_snapshots_of_an_engine_that_was_killed_are_removed(data: Path, tmp_path: Path) -> None:
    training = RUNS["head"] | OPTIONS
    setup = tiny_setup(data, tmp_path / "run", **training)
    until(setup, lambda event: sending(setup, {})(event) or (isinstance(event, events.BatchEnded) and event.step == 4))
    for name in ("undo-4", "undo-4-best", "next-best-4-1"):
        (tmp_path / "run" / "checkpoints" / f"{name}.safetensors").write_bytes(b"left over")
    again = tiny_setup(data, tmp_path / "run", **training)
    again.resume = True
    finish(again)
    assert {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()} == {
        "best.safetensors",
        "last.safetensors",
    }
