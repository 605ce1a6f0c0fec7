"""Layers that are unfrozen by themselves: after a plateau of the validation loss, or by a written schedule."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from helpers.pictures import write_dataset
from helpers.tiny import Script, codes, finish, measured, of, sending, tiny_setup, until

from tlgui.core import events
from tlgui.core.commands import Freeze, Undo, Unfreeze
from tlgui.core.errors import UserError
from tlgui.engine import fit
from tlgui.engine.calibration import Calibration
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.live import Live
from tlgui.engine.validation import Validation

pytestmark = pytest.mark.usefixtures("one_thread")

# Rates at which nothing gets better, so that each epoch counts as one without improvement.
STILL: dict[str, Any] = {
    "head_learning_rate": 1e-12,
    "top_learning_rate": 1e-12,
    "batch_size": 9,
    "views": 2,
    "warm_start": True,
}
PLATEAU: dict[str, Any] = {"strategy": "progressive-unfreezing", "plateau": 2, "patience": 3, "epochs": 20} | STILL
SCHEDULE: dict[str, Any] = {"strategy": "feature-extraction", "unfreeze_at": [1, 3], "epochs": 5, "patience": 2} | STILL


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("itself") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


def moves(said: list[events.Event]) -> list[tuple[int, int, bool]]:
    """Step, parameters that train, and whether it came by itself."""
    changes = of(said, events.LayersChanged)
    return [(e.step, e.trainable_parameters, e.by_itself) for e in changes if e.reason in ("unfreeze", "freeze")]


def test_after_each_plateau_one_more_group_joins_in_and_patience_waits_for_the_last_one(
    data: Path, tmp_path: Path
) -> None:
    """The epoch after a move is what the next two are measured by: 0 > 2, 3 > 5, 6 > 8; then patience: 3 more."""
    said, outcome = finish(tiny_setup(data, tmp_path / "run", **PLATEAU))
    assert moves(said) == [(10, 1827, True), (25, 2727, True), (40, 2967, True)]
    changed = [event for event in of(said, events.LayersChanged) if event.by_itself]
    assert all(event.undo_step == event.step and event.judged_after is None for event in changed)
    assert not of(said, events.MoveJudged)
    ended = of(said, events.EpochEnded)
    assert ended[-1].epoch == 8 + 3 and "stopped_early" in codes(said)
    assert not outcome.stopped
    # A move lies between the end of an epoch and the first batch of the next one.
    for event in changed:
        before = said[: said.index(event)]
        assert of(before, events.EpochEnded)[-1].step == event.step


@pytest.mark.parametrize(
    ("losses", "moved"),
    [
        ([1.0, 0.998, 0.996, 0.994, 0.992, 0.99, 0.988], []),  # 0.2 % better each time
        ([1.0, 0.9991, 0.9985, 0.998, 0.998, 0.998, 0.998], [20]),  # less than 0.1 %; then more; then nothing
        ([1.0, 1.1, 1.2, 0.5, 0.6, 0.7, 0.8], [10, 25]),  # from a move on it is measured anew
    ],
)
def test_a_plateau_is_no_gain_of_more_than_a_thousandth(
    losses: list[float], moved: list[int], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, real = iter(losses), fit.seen_by

    def forced(live: Live, slow: bool) -> Generator[events.Event, None, Validation]:
        seen = yield from real(live, slow)
        return dataclasses.replace(seen, calibration=Calibration(1.0, next(left)))

    monkeypatch.setattr(fit, "seen_by", forced)
    said, _ = finish(tiny_setup(data, tmp_path / "run", **(PLATEAU | {"epochs": 6, "patience": 0})))
    assert [step for step, _, _ in moves(said)] == moved


def test_the_written_schedule_is_followed_and_patience_waits_for_it(data: Path, tmp_path: Path) -> None:
    said, _ = finish(tiny_setup(data, tmp_path / "run", **SCHEDULE))
    assert moves(said) == [(5, 1827, True), (15, 2727, True)]
    assert of(said, events.EpochEnded)[-1].epoch == 5


def test_nothing_joins_in_after_the_last_epoch(data: Path, tmp_path: Path) -> None:
    training = PLATEAU | {"epochs": 2}
    assert moves(finish(tiny_setup(data, tmp_path / "run", **training))[0]) == []


@pytest.mark.parametrize("training", [PLATEAU, SCHEDULE], ids=["plateau", "schedule"])
def test_who_takes_such_a_move_back_unfreezes_by_hand_from_then_on(
    training: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    training = training | {"epochs": 6, "patience": 0}
    never = training | {"unfreezing": "never", "unfreeze_at": []}
    alone, _ = finish(tiny_setup(data, tmp_path / "alone", **never))
    setup = tiny_setup(data, tmp_path / "run", **training)
    moved = 10 if training["strategy"] == "progressive-unfreezing" else 5
    said, _ = finish(setup, sending(setup, {moved + 3: [Undo()]}))
    assert moves(said) == [(moved, 1827, True)]
    (undone,) = of(said, events.Undone)
    assert undone.to_step == moved
    (notice,) = [event for event in of(said, events.Notice) if event.code == "no_more_by_itself"]
    assert notice.message == (
        "Layers are no longer unfrozen by themselves, since you took one of these moves back. "
        "The button still unfreezes them."
    )
    assert measured(said[said.index(undone) :]) == measured(alone, moved, moved // 5)


def test_who_freezes_layers_is_not_contradicted_after_the_next_plateau(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(PLATEAU | {"epochs": 8, "patience": 0, "trial_epochs": 1}))
    said, _ = finish(setup, sending(setup, {12: [Freeze()]}))
    assert moves(said) == [(10, 1827, True), (12, 51, False)]
    assert "since you froze some" in next(e.message for e in of(said, events.Notice) if e.code == "no_more_by_itself")


def test_who_takes_a_press_back_is_not_contradicted_after_the_next_plateau(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(PLATEAU | {"epochs": 8, "patience": 0}))
    said, _ = finish(setup, sending(setup, {3: [Unfreeze()], 4: [Undo()]}))
    assert moves(said) == [(3, 1827, False)]
    assert "since you took one" in next(e.message for e in of(said, events.Notice) if e.code == "no_more_by_itself")


def test_a_press_is_judged_before_more_layers_join_in_by_themselves(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(PLATEAU | {"epochs": 9, "trial_epochs": 4}))
    said, _ = finish(setup, sending(setup, {3: [Unfreeze()]}))
    (judged,) = of(said, events.MoveJudged)
    assert judged.epoch == 5
    assert [step for step, _, by_itself in moves(said) if by_itself] == [25, 40]
    kinds = [type(event).__name__ for event in said]
    assert kinds.index("MoveJudged") < said.index(next(e for e in of(said, events.LayersChanged) if e.by_itself))


def test_a_full_disk_delays_the_move_by_an_epoch(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, full = Checkpoints.save_snapshot, [True]

    def save_snapshot(checkpoints: Checkpoints, name: str, state: Any) -> int:
        if full.pop() if full else False:
            raise UserError(
                "The run folder could not be written: the disk may be full.", "Free some.", code="disk_full"
            )
        return real(checkpoints, name, state)

    monkeypatch.setattr(Checkpoints, "save_snapshot", save_snapshot)
    said, _ = finish(tiny_setup(data, tmp_path / "run", **SCHEDULE))
    assert moves(said) == [(10, 1827, True), (15, 2727, True)]
    (notice,) = [event for event in of(said, events.Notice) if event.code == "move_not_done"]
    assert notice.message == (
        "The run folder could not be written: the disk may be full. So nothing was unfrozen: it could not be taken back. "
        "Free some space there, then it is tried again after the next epoch."
    )


@pytest.mark.parametrize("training", [PLATEAU | {"epochs": 9}, SCHEDULE], ids=["plateau", "schedule"])
def test_killed_around_such_a_move_the_run_makes_it_once(training: dict[str, Any], data: Path, tmp_path: Path) -> None:
    whole, _ = finish(tiny_setup(data, tmp_path / "whole", **training))
    first = next(event for event in of(whole, events.LayersChanged) if event.by_itself)
    around = whole.index(first)
    for last in range(around - 1, around + 3):
        setup = tiny_setup(data, tmp_path / f"run {last}", interval_s=0, **training)
        heard = [0]

        def enough(event: events.Event, heard: list[int] = heard, last: int = last) -> bool:
            heard[0] += 1
            return heard[0] == last

        said = until(setup, enough)
        again = tiny_setup(data, tmp_path / f"run {last}", **training)
        again.resume = True
        resumed, _ = finish(again)
        begun = resumed[0]
        assert isinstance(begun, events.Resumed)
        assert measured(resumed, begun.step, begun.epoch) == measured(whole, begun.step, begun.epoch)
        trained = {(e.step, e.trainable_parameters) for e in of([*said, *resumed], events.LayersChanged)}
        expected = {(e.step, e.trainable_parameters) for e in of(whole, events.LayersChanged)}
        assert trained - {(begun.step, count) for _, count in trained} <= expected


def test_the_schedule_goes_on_where_it_was(data: Path, tmp_path: Path) -> None:
    script: Script = {}
    setup = tiny_setup(data, tmp_path / "run", interval_s=0, **SCHEDULE)
    sent = sending(setup, script)
    until(setup, lambda event: sent(event) or (isinstance(event, events.BatchEnded) and event.step == 12))
    assert setup.checkpoints.place().scheduled == 1
    again = tiny_setup(data, tmp_path / "run", **SCHEDULE)
    again.resume = True
    assert moves(finish(again)[0]) == [(15, 2727, True)]
