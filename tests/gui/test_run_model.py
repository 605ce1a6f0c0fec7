"""One model of a run, live or replayed: what follows from its events, and what may be pressed when."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from helpers.fake_run import DEFAULTS, FakeRun, story
from pytestqt.qtbot import QtBot

from tlgui.core import events
from tlgui.gui.run_model import RunModel
from tlgui.gui.run_reasons import ENDED, Action, State
from tlgui.gui.unfreezing import RISE, loss_may_rise

ACTIONS: tuple[Action, ...] = get_args(Action)
STATES = State.__args__  # type: ignore[attr-defined]
COMMANDS = {
    "unfreeze": {"type": "Unfreeze"},
    "freeze": {"type": "Freeze"},
    "undo": {"type": "Undo"},
    "plan": {"type": "PlanMove"},
    "rate": {"type": "SetLearningRate", "group": "head", "rate": 0.01},
    "pause": {"type": "Pause"},
    "continue": {"type": "Continue"},
    "stop": {"type": "Stop"},
    "extend": {"type": "Extend", "epochs": 2},
}


def state_of(run: RunModel) -> dict[str, Any]:
    """Everything that a page can read, except the engine's memory and the running clock."""
    names = (
        *("state", "run_path", "backbone", "strategy", "classes", "train_images", "validation_images", "test_images"),
        *("seed", "epochs_planned", "epochs", "batches", "marks", "best_epoch", "groups", "rates_now", "parameters"),
        *("trainable_parameters", "progress_stage", "progress_done", "progress_total", "seconds_left"),
        *(
            "images_per_second",
            "metrics",
            "ending",
            "log",
            "history",
            "first_answer",
            "chosen",
            "layers",
            "planned_move",
        ),
    )
    pressed = {action: run.reason_against(action) for action in ACTIONS}
    return {name: getattr(run, name) for name in names} | {"notices": list(run.notices), "pressed": pressed}


def live(said: list[Any]) -> RunModel:
    run = RunModel()
    for event in said:
        run.apply(event)
    return run


def upto(said: list[Any], enough: Callable[[Any], bool]) -> list[Any]:
    return said[: next(index for index, event in enumerate(said) if enough(event)) + 1]


def in_state(state: str) -> RunModel:
    """A run that has come to a state as a live one does."""
    said = story(stop_at=3.0 if state == "stopped" else None)
    run = RunModel()
    match state:
        case "starting":
            pass
        case "preparing":
            run = live(said[:3])
        case "training" | "paused" | "stopping":
            run = live(upto(said, lambda event: getattr(event, "epoch", 0) == 2))
            if state == "paused":
                run.apply(events.Paused(step=23))
            if state == "stopping":
                assert run.asked("stop")
        case "validating":
            run = live(upto(said, lambda event: getattr(event, "batch", 0) == 22))
        case "scoring":
            run = live(upto(said, lambda event: getattr(event, "epoch", 0) == 20 and hasattr(event, "best")))
        case "complete" | "stopped":
            run = live(said)
        case "failed":
            run = live([*said[:60], events.Failed(problem="The disk is full.", remedy="Free some space.")])
        case "crashed":
            run = live([*said[:60], events.Crashed(cause="signal 9", run="/runs/a")])
        case "interrupted":
            run = RunModel.replay(said[:60])
    assert run.state == state
    return run


# -- live and replayed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [{}, {"stop_at": 4.3}, {"unfreeze_at": None}, {"epochs": 1, "batches": 1},
     {"trial": 3, "answer": 0.91, "chosen": "fine-tune-top", "undo_at": 12.3}],
)  # fmt: skip
def test_a_replayed_run_is_what_the_live_one_was(more: dict[str, Any]) -> None:
    said = story(**more)
    written = [events.decode(events.encode(event)) for event in said if not isinstance(event, events.Progress)]

    assert state_of(RunModel.replay(written)) == state_of(live(said))


def test_a_whole_run_tells_what_a_page_shows() -> None:
    run = live(story(run="/runs/14.03"))

    assert run.state == "complete" and isinstance(run.ending, events.Completed)
    assert run.run_path == Path("/runs/14.03")
    assert (run.train_images, run.validation_images, run.test_images) == (673, 210, 209)
    assert [epoch.epoch for epoch in run.epochs] == list(range(1, 21))
    assert run.best_epoch == 16
    assert [(mark.x_epoch, mark.text, mark.kind) for mark in run.marks] == [(8.5, "top unfrozen", "unfreeze")]
    assert (run.next_group(), run.lowest_group()) == ("block 5", "top")
    assert set(run.rates_now) == {"top", "head"}
    assert set(run.metrics) == {"validation", "test"}
    assert run.batches[-1][0] == 20.0 and len(run.batches) == 440
    assert run.seconds_left is None and run.progress_stage == ""


def test_the_log_is_in_plain_words_with_the_time_so_far() -> None:
    log = live(story()).log

    assert log[0] == (
        "0 s · 673 images train, 210 images validate, 209 images test; efficientnet-lite0, feature-extraction."
    )
    assert log[1] == "0 s · 3,843 of 3,374,851 parameters train (<1 %)."
    assert log[2] == "7 s · Epoch 1 of 20: loss 0.804, validation 0.776, 74.3 % right; best so far."
    assert f"55 s · Top unfrozen. 1,021,443 of 3,374,851 parameters train (30 %). {RISE}" in log
    assert log[-2].startswith("3 min 7 s · Test images: 200 of 209 images are right")
    assert log[-1] == "3 min 7 s · Training is complete. The best state is that of epoch 16."


def test_a_story_that_breaks_off_was_interrupted() -> None:
    run = RunModel.replay(story(ending=False)[:200], run_path=Path("/runs/a"))

    assert run.state == "interrupted" and run.ending is None and run.run_path == Path("/runs/a")
    assert run.reason_against("continue") == "" and run.reason_against("export") == ""
    assert run.reason_against("results") == (
        "The best state of this run was not scored. Continue the run, then stop it or let it end."
    )
    assert run.seconds_so_far == pytest.approx(sum(epoch.seconds for epoch in run.epochs))


def test_values_that_are_no_numbers_stay_gaps() -> None:
    said = story(epochs=2)
    broken = [
        msgspec.structs.replace(event, loss=None, images_per_second=None)
        if isinstance(event, events.BatchEnded) and event.batch == 3
        else msgspec.structs.replace(event, train_loss=None, validation_loss=None, validation_accuracy=None)
        if isinstance(event, events.EpochEnded) and event.epoch == 2
        else event
        for event in said
    ]

    run = live(broken)

    assert [x for x, loss in run.batches if loss is None] == [pytest.approx(3 / 22), pytest.approx(1 + 3 / 22)]
    assert run.epochs[1].validation_loss is None
    assert any(
        line.endswith("Epoch 2 of 2: loss not a number, validation not a number; best so far.") for line in run.log
    )


def test_the_warm_start_is_epoch_nought_and_the_run_is_not_training_yet() -> None:
    said = story(epochs=2)
    first = next(event for event in said if isinstance(event, events.EpochEnded))
    warm = msgspec.structs.replace(first, epoch=0, step=0)
    run = live([*said[:3], events.Progress(stage="answers for the validation images", done=9, total=210), warm])

    assert run.state == "preparing" and run.best_epoch == 0 and [epoch.epoch for epoch in run.epochs] == [0]
    assert run.log[-1].split(" · ")[1].startswith("Before the first epoch: ")

    run.apply(said[3])
    assert run.state == "training"


@pytest.mark.slow
def test_two_hundred_thousand_batches_are_thinned_and_the_last_one_is_there() -> None:
    run = RunModel()
    batch = next(event for event in story() if isinstance(event, events.BatchEnded))
    for step in range(1, 200_001):
        run.apply(msgspec.structs.replace(batch, step=step, batch=step, batches=200_000, loss=1.0 / step))
        assert len(run.batches) <= 4_000
    assert run.batches[-1] == (1.0, 1.0 / 200_000)
    places = [x for x, _ in run.batches]
    assert places == sorted(places) and len(places) >= 2_000
    steps = [later - earlier for earlier, later in pairwise(places[:-1])]
    assert max(steps) < 2.1 * min(steps), "evenly"


# -- going on -----------------------------------------------------------------------------------------------------


def test_going_on_takes_back_what_came_after_the_checkpoint() -> None:
    said = story(ending=False)
    again = [
        said[0],
        events.Resumed(step=10 * 22 + 5, epoch=10),
        next(event for event in said if isinstance(event, events.LayersChanged) and event.reason == "unfreeze"),
    ]
    again[2] = msgspec.structs.replace(again[2], reason="resume", step=225)
    run = RunModel.replay(said)
    assert run.best_epoch == 16 and run.epochs[-1].epoch == 20

    for event in again:
        run.apply(event)

    assert run.state == "preparing"
    assert run.epochs[-1].epoch == 10 and run.best_epoch == 10
    assert run.batches[-1][0] == pytest.approx(10 + 5 / 22)
    assert [(mark.text, mark.x_epoch) for mark in run.marks] == [
        ("top unfrozen", 8.5),
        ("continued", pytest.approx(225 / 22)),
    ]


def test_going_on_from_before_the_unfreezing_takes_its_mark_away() -> None:
    run = RunModel.replay(story(ending=False))

    run.apply(events.Resumed(step=5 * 22, epoch=5))

    assert [mark.kind for mark in run.marks] == ["resume"]


def test_epochs_that_are_added_stand_in_the_plan_and_on_the_axis() -> None:
    run = live(story(epochs=2, ending=False))

    run.apply(events.Extended(step=44, epochs=7))
    run.apply(events.Extended(step=44, epochs=8))
    run.apply(events.Extended(step=44, epochs=5))

    assert run.epochs_planned == 5
    assert [mark.text for mark in run.marks] == ["5 epochs added", "1 epoch added", "5 epochs planned"]


def test_a_run_that_never_reached_a_checkpoint_begins_anew() -> None:
    run = RunModel.replay(story(ending=False)[:40])
    assert run.epochs

    for event in story()[:3]:
        run.apply(event)

    assert run.epochs == [] and run.batches == [] and run.best_epoch is None and run.marks == []


def test_a_run_that_ended_shows_at_once_that_it_goes_on(qtbot: QtBot) -> None:
    run = in_state("crashed")

    assert run.asked("continue")

    assert run.state == "starting" and run.ending is None
    run.apply(story()[0])
    assert run.state == "preparing"


def test_what_still_comes_from_a_run_that_has_ended_is_not_heard() -> None:
    run = live(story())
    before = state_of(run)

    for event in story()[1:30]:
        run.apply(event)

    assert state_of(run) == before


# -- pressing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_each_state_says_of_each_button_why_it_cannot_be_pressed(state: str) -> None:
    run = in_state(state)
    reasons = {action: run.reason_against(action) for action in ACTIONS}

    allowed = {action for action, reason in reasons.items() if not reason}
    assert (
        allowed
        == {
            "starting": {"stop"},
            "preparing": {"stop"},
            "training": {"stop", "pause", "unfreeze", "plan", "rate", "extend"},
            "validating": {"stop", "pause", "unfreeze", "plan", "rate", "extend"},
            "paused": {"stop", "continue", "unfreeze", "plan", "rate", "extend"},
            "stopping": set(),
            "scoring": set(),
            "complete": {"extend", "results", "export"},
            "stopped": {"continue", "extend", "results", "export"},
            "failed": {"continue", "export"},
            "crashed": {"continue", "export"},
            "interrupted": {"continue", "export"},
        }[state]
    )
    for reason in reasons.values():
        assert reason == "" or (reason.endswith(".") and reason[0].isupper() and "!" not in reason)


def test_stop_is_shown_at_once_and_until_the_scores_begin(qtbot: QtBot) -> None:
    run = in_state("training")
    with qtbot.waitSignal(run.state_changed) as said:
        assert run.asked("stop")
    assert said.args == ["stopping"]
    assert not run.asked("stop")

    for event in story(stop_at=1.2)[20:]:
        if isinstance(event, events.Progress) and "answers" in event.stage:
            break
        run.apply(event)
        assert run.state == "stopping"
    run.apply(event)
    assert run.state == "scoring"


def test_a_second_press_is_not_sent_before_the_engine_has_answered() -> None:
    run = in_state("training")

    assert run.asked("unfreeze") and not run.asked("unfreeze")
    assert run.is_asked("unfreeze") and run.reason_against("unfreeze") == "The layers are being unfrozen."
    unfrozen = next(
        event for event in story() if isinstance(event, events.LayersChanged) and event.reason == "unfreeze"
    )
    run.apply(unfrozen)

    assert run.asked("unfreeze")
    run.apply(events.Notice(code="nothing_to_move", message="Every layer group trains already."))
    assert run.reason_against("unfreeze") == "" and run.notices[-1].code == "nothing_to_move"


def test_in_the_last_validation_it_is_too_late_and_that_is_said() -> None:
    run = live(upto(story(epochs=1), lambda event: getattr(event, "batch", 0) == 22))

    assert run.state == "validating"
    for action in ("unfreeze", "pause", "extend"):
        assert run.reason_against(action) == (
            "The last epoch is being checked on the validation images. Training is over after that."
        )


def test_what_was_pressed_in_the_last_moment_is_answered_with_a_sentence() -> None:
    said = story(epochs=1)
    run = live(upto(said, lambda event: getattr(event, "batch", 0) == 21))
    assert run.asked("unfreeze")

    run.apply(next(event for event in said if isinstance(event, events.EpochEnded)))

    assert run.state == "scoring" and not run.is_asked("unfreeze")
    assert run.notices[-1].message.startswith("Training ended before the layers could be unfrozen.")


def test_when_all_layers_train_that_is_said() -> None:
    run = RunModel()
    fake = FakeRun({"run": "a"}, DEFAULTS | {"first": 0, "epochs": 2})
    for said in fake.events(lambda wait: None):
        run.apply(events.decode(json.dumps(said)))
        if run.state == "training":
            break

    assert run.next_group() is None and run.reason_against("freeze") == ""
    assert run.reason_against("unfreeze") == "Every layer group trains already."


@pytest.mark.parametrize("seed", range(8))
def test_five_hundred_random_presses_lead_to_no_illegal_state(seed: int) -> None:
    chance = random.Random(seed)
    run = RunModel()
    sent: list[dict[str, Any]] = []
    presses = refused = 0

    def press() -> None:
        nonlocal presses, refused
        action = chance.choice(ACTIONS)
        presses += 1
        may = run.reason_against(action) == ""
        before = run.state
        if action in COMMANDS and before not in ENDED:
            assert run.asked(action) == may
            if may:
                sent.append(COMMANDS[action])
        refused += not may
        assert run.state in STATES

    def take(wait: bool) -> dict[str, Any] | None:
        # The engine is behind now and then, so that presses pile up.
        if wait:
            while not sent:
                press()
        return sent.pop(0) if sent and (wait or chance.random() < 0.5) else None

    while presses < 500:
        sent.clear()
        options = DEFAULTS | {"epochs": chance.randint(1, 6), "batches": chance.randint(1, 5), "trial": 2}
        for said in FakeRun({"run": "/runs/a"}, options).events(take):
            event = events.decode(json.dumps(said))
            said_no = isinstance(event, events.Notice) and event.code.startswith("nothing_to_")
            assert not said_no, "sent what means nothing"
            run.apply(event)
            for _ in range(chance.randint(0, 2)):
                press()
            numbers = [epoch.epoch for epoch in run.epochs]
            assert numbers == sorted(set(numbers))
            assert run.state in STATES and (run.state in ENDED) == (run.ending is not None)
        assert run.state in ("complete", "stopped")
        assert not any(run.is_asked(action) for action in ACTIONS)
        assert run.asked("continue")
    assert refused > 100


# -- signals ------------------------------------------------------------------------------------------------------


def test_however_many_events_come_each_signal_comes_once(qtbot: QtBot) -> None:
    run = RunModel()
    told: list[str] = []
    run.changed.connect(lambda: told.append("changed"))
    run.epoch_added.connect(lambda: told.append("epoch"))
    run.layers_changed.connect(lambda: told.append("layers"))
    run.state_changed.connect(told.append)
    run.ended.connect(lambda ending: told.append("ended"))

    for event in story():
        run.apply(event)
    assert told == []

    qtbot.waitUntil(lambda: bool(told))
    assert told == ["layers", "epoch", "complete", "changed", "ended"]


def test_memory_is_shown_while_the_engine_works(qtbot: QtBot) -> None:
    run = in_state("training")
    run.set_memory(5_000_000_000)
    assert run.memory_bytes == 5_000_000_000

    run.apply(events.Stopped())
    assert run.memory_bytes is None


def test_the_time_so_far_runs_on_between_epochs_and_stands_still_in_a_pause(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("tlgui.gui.run_series.time.monotonic", lambda: now)
    run = in_state("training")
    now += 5
    assert run.seconds_so_far == 5
    run.apply(events.Paused(step=1))
    now += 100
    assert run.seconds_so_far == 5
    run.apply(events.Continued(step=1))
    now += 2
    run.apply(events.Stopped())
    now += 50
    assert run.seconds_so_far == 7


def test_what_was_pressed_as_the_training_ended_early_is_answered_too() -> None:
    said = story(epochs=5)
    run = live(upto(said, lambda event: isinstance(event, events.EpochEnded) and event.epoch == 2))
    assert run.asked("extend")

    run.apply(events.Notice(code="stopped_early", message="The validation images have not improved."))

    assert run.state == "scoring" and not run.is_asked("extend")
    assert run.notices[-1].message.startswith("Training ended before the epochs could be added.")


def layers(reason: str, trains: int, step: int = 0) -> events.LayersChanged:
    groups = [
        events.GroupState(name=name, parameters=10, trainable=index >= 3 - trains, learning_rate=None)
        for index, name in enumerate(("stem", "top", "head"))
    ]
    return events.LayersChanged(
        step=step, reason=reason, parameters=30, trainable_parameters=10 * trains, groups=groups
    )  # type: ignore[arg-type]


def epoch_of(number: int, best: bool = False) -> events.EpochEnded:
    return events.EpochEnded(
        epoch=number, epochs=20, step=10 * number, train_loss=1.0, validation_loss=1.0, validation_accuracy=0.5,
        validation_balanced_accuracy=0.5, learning_rates={}, best=best, seconds=1.0, seconds_left=None,
    )  # fmt: skip


def told_of_a_rise(run: RunModel) -> int:
    return sum(RISE in line for line in run.log)


def test_after_an_unfreezing_the_loss_may_rise_until_a_better_epoch_or_three_have_come() -> None:
    run = live([layers("start", 1), epoch_of(1, best=True)])
    assert not loss_may_rise(run)
    for event in (layers("unfreeze", 2, 10), layers("unfreeze", 3, 10), epoch_of(2), epoch_of(3)):
        run.apply(event)
        assert loss_may_rise(run)
    run.apply(epoch_of(4))
    assert not loss_may_rise(run) and told_of_a_rise(run) == 1

    run.apply(layers("unfreeze", 3, 40))
    assert loss_may_rise(run) and told_of_a_rise(run) == 2
    run.apply(epoch_of(5, best=True))
    assert not loss_may_rise(run)


@pytest.mark.parametrize(("trains", "rises"), [(1, False), (2, True), (3, True)])
def test_the_strategys_own_unfreezing_after_the_warm_start_counts_too(trains: int, rises: bool) -> None:
    run = live([layers("start", trains)])
    assert not loss_may_rise(run)
    run.apply(epoch_of(0, best=True))
    assert loss_may_rise(run) == rises and told_of_a_rise(run) == rises
    run.apply(epoch_of(1))
    run.apply(epoch_of(2))
    run.apply(epoch_of(3))
    assert not loss_may_rise(run)


# -- taken back ---------------------------------------------------------------------------------------------------


def unfrozen(step: int, trains: int = 2, reason: str = "unfreeze", **more: Any) -> events.LayersChanged:
    return msgspec.structs.replace(layers(reason, trains, step), undo_step=step, snapshot_bytes=10, **more)


def undone(to_step: int, from_step: int, best: int | None = None) -> events.Undone:
    return events.Undone(
        to_step=to_step, to_epoch=to_step // 10, from_step=from_step, from_epoch=from_step // 10, best_epoch=best
    )


def batch_of(step: int) -> events.BatchEnded:
    return events.BatchEnded(epoch=step // 10 + 1, step=step, batch=step % 10, batches=10, loss=1.0,
                             images_per_second=None, seconds_left=None)  # fmt: skip


def test_an_undo_takes_everything_since_the_move_into_a_branch() -> None:
    run = live([layers("start", 1), batch_of(1), epoch_of(1, best=True), unfrozen(15), epoch_of(2, best=True),
                events.Extended(step=25, epochs=30), epoch_of(3), undone(15, 30, best=1), layers("undo", 1, 15)])  # fmt: skip

    assert [epoch.epoch for epoch in run.epochs] == [1] and run.best_epoch == 1
    (branch,) = run.history.branches
    assert [epoch.epoch for epoch in branch.epochs] == [2, 3]
    assert branch.joint is not None and branch.joint.epoch == 1
    assert [(mark.x_epoch, mark.text) for mark in run.marks] == [(1.5, "top unfrozen, taken back")]
    assert run.epochs_planned == 20, "the extension went with it"
    assert run.history.taken_back is branch and run.history.moves == [] and run.undo_step is None

    for event in (epoch_of(2), epoch_of(3, best=True), unfrozen(35)):
        run.apply(event)
    assert [epoch.epoch for epoch in run.epochs] == [1, 2, 3] and run.best_epoch == 3
    assert run.history.taken_back is None and run.history.branches == [branch]


def test_two_moves_in_one_gap_are_taken_back_one_after_the_other() -> None:
    run = live([layers("start", 1), batch_of(1), epoch_of(1), unfrozen(10, 2), unfrozen(10, 3), epoch_of(2)])
    run.apply(undone(10, 20))
    run.apply(unfrozen(10, 2, "undo"))
    assert [mark.text for mark in run.marks] == ["top unfrozen", "stem unfrozen, taken back"]
    assert [move.names for move in run.history.moves] == [["top"]]
    run.apply(undone(10, 10))
    run.apply(layers("undo", 1, 10))
    assert [mark.text for mark in run.marks] == ["top unfrozen, taken back"]
    assert run.history.moves == [] and len(run.history.branches) == 2


def test_an_undo_that_was_said_but_not_saved_never_happened() -> None:
    said = [layers("start", 1), batch_of(1), epoch_of(1), unfrozen(15), epoch_of(2, best=True), epoch_of(3)]
    run = live([*said, undone(15, 35), layers("undo", 1, 15)])

    run.apply(events.Resumed(step=30, epoch=3))
    run.apply(unfrozen(30, 2, "resume"))

    assert [epoch.epoch for epoch in run.epochs] == [1, 2, 3] and run.best_epoch == 2
    assert run.history.branches == [] and run.history.taken_back is None
    assert [mark.text for mark in run.marks] == ["top unfrozen", "continued"]


def test_an_undo_that_was_saved_stays_taken_back_when_the_run_goes_on() -> None:
    said = [
        layers("start", 1),
        batch_of(1),
        epoch_of(1),
        unfrozen(15),
        epoch_of(2),
        undone(15, 25),
        layers("undo", 1, 15),
    ]
    run = live([*said, epoch_of(2), epoch_of(3)])

    run.apply(events.Resumed(step=20, epoch=2))

    assert [epoch.epoch for epoch in run.epochs] == [1, 2] and len(run.history.branches) == 1
    run = live([*said, events.Resumed(step=15, epoch=1)])
    assert [epoch.epoch for epoch in run.epochs] == [1] and len(run.history.branches) == 1


def test_a_move_that_was_said_but_not_saved_never_happened() -> None:
    run = live([layers("start", 1), batch_of(1), epoch_of(1), unfrozen(10)])

    run.apply(events.Resumed(step=10, epoch=1))
    run.apply(layers("resume", 1, 10))

    assert [mark.text for mark in run.marks] == ["continued"] and run.history.moves == []


def test_going_back_behind_an_undo_forgets_its_branch() -> None:
    run = live([layers("start", 1), batch_of(1), epoch_of(1), unfrozen(15), epoch_of(2), undone(15, 25),
                layers("undo", 1, 15), epoch_of(2)])  # fmt: skip

    run.apply(events.Resumed(step=10, epoch=1))

    assert run.history.branches == [] and run.history.taken_back is None


def test_a_verdict_goes_with_the_move_that_it_is_about() -> None:
    said = story(trial=3, unfreeze_at=8.5, ending=False)
    run = live(said)
    assert run.history.verdict is not None and run.marks[-1].kind == "verdict"
    again = run.history.verdict

    run.apply(again)
    assert [mark.kind for mark in run.marks] == ["unfreeze", "verdict"], "the same verdict of a continued run is one"

    run.apply(events.Undone(to_step=187, to_epoch=8, from_step=440, from_epoch=20, best_epoch=8))
    assert run.history.verdict is None and run.history.verdicts == []


def test_a_run_of_auto_becomes_what_was_chosen() -> None:
    run = live(story(answer=0.91, chosen="fine-tune-top", epochs=3))

    assert run.strategy == "fine-tune-top" and run.chosen is not None and run.first_answer is not None
    assert run.first_answer.accuracy == 0.91
    assert any(line.endswith("Guessing the largest class reaches 54 %.") for line in run.log)


def test_rates_that_are_set_together_are_one_mark() -> None:
    run = live([layers("start", 1), batch_of(1)])

    def rates(step: int, **values: float) -> events.LayersChanged:
        changed = layers("rates", 3, step)
        groups = [msgspec.structs.replace(group, learning_rate=values.get(group.name, 0.1)) for group in changed.groups]
        return msgspec.structs.replace(changed, groups=groups)

    for event in (rates(5), rates(9, head=0.2), rates(9, head=0.2, top=0.05)):
        run.apply(event)
    assert [mark.text for mark in run.marks] == ["learning rates set", "learning rates set"]
    run.apply(rates(12, head=0.3, top=0.05))
    assert run.marks[-1].text == "learning rate of head: 0.30"
    run.apply(unfrozen(20, 3))
    run.apply(rates(20, head=0.4, top=0.05))
    assert run.marks[-1].kind == "unfreeze", "set with the move itself"


def test_what_joins_in_by_itself_answers_no_press() -> None:
    run = in_state("training")
    assert run.asked("unfreeze")
    run.apply(msgspec.structs.replace(layers("unfreeze", 2, 30), by_itself=True))
    assert run.reason_against("undo") == run.reason_against("freeze") == "The layers are being unfrozen."
    run.apply(layers("unfreeze", 3, 31))
    assert run.reason_against("freeze") == ""


def test_a_move_that_the_disk_has_no_room_for_can_be_asked_for_again() -> None:
    run = in_state("training")
    assert run.asked("unfreeze")
    run.apply(events.Notice(code="move_not_done", message="The disk is full. So nothing was unfrozen."))
    assert run.reason_against("unfreeze") == "" and not run.waits_for_disk


def test_what_is_said_of_earlier_knowledge_breaks_no_replay(qtbot: QtBot) -> None:
    """A run that learned on, and one that was mixed after its end, with everything that either says."""
    seen = events.RetentionSeen(meter="accuracy", images=9, before=0.9, now=0.7, low=-0.4, high=0.0)
    mixes = events.MixesTried(mixes=[], chosen=0.5, by_itself=True, new_images=1, old_images=1, sentence="Mixed.")
    points = events.StrengthsTried(points=[], epochs=1, new_images=1, old_images=1, sentence="Tried.")
    left = events.RetentionMeasured(seen=seen, sentence="It has forgotten.")
    plain = story(epochs=3, unfreeze_at=None)
    told = [
        msgspec.structs.replace(one, retention=seen) if isinstance(one, events.EpochEnded) else one for one in plain
    ]
    ending = told.pop()
    run = live([*told, mixes, left, ending, mixes, left, points])
    assert state_of(run) == state_of(live([*told, ending]))
