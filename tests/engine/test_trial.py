"""The verdict on an unfreezing or freezing: against the run that would have been without it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import Script, codes, drive, finish, measured, of, sending, tiny_setup, until

from tlgui.core import commands, events
from tlgui.core.commands import Continue, Extend, Freeze, Pause, PlanMove, SetLearningRate, Stop, Undo, Unfreeze
from tlgui.core.errors import UserError
from tlgui.engine import control_run, unfreezing
from tlgui.engine.live import Live
from tlgui.engine.optimizer_step import NotFiniteError
from tlgui.engine.trunk import Trunk
from tlgui.engine.unfreezing import Unfreezing
from tlgui.engine.validation import Validation

pytestmark = pytest.mark.usefixtures("one_thread")

OPTIONS: dict[str, Any] = {"batch_size": 9, "epochs": 5, "top_learning_rate": 0.05, "views": 2, "trial_epochs": 2}
RUNS: dict[str, dict[str, Any]] = {
    "head": {"strategy": "feature-extraction"},
    "top, averaged, mixed": {"strategy": "fine-tune-top", "ema": 0.9, "mixup": 0.3},
    "full, balanced": {"strategy": "full-fine-tuning", "imbalance": "balanced-sampling"},
}
STAGE = "the same epochs without it, to compare"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("trial") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


def notes(said: list[events.Event], code: str) -> list[str]:
    return [event.message for event in of(said, events.Notice) if event.code == code]


def accuracies(said: list[events.Event]) -> dict[int, float | None]:
    return {event.epoch: event.validation_accuracy for event in of(said, events.EpochEnded)}


@pytest.mark.parametrize(
    ("name", "move", "step", "due"),
    [
        ("head", Unfreeze(groups=2), 5, 3),  # at the end of an epoch: two whole ones after it
        ("head", Unfreeze(groups=2), 7, 4),  # within the second epoch: the rest of it, and two whole ones
        ("top, averaged, mixed", Unfreeze(), 5, 3),
        ("full, balanced", Freeze(groups=2), 7, 4),
        ("head", Unfreeze(), 16, 5),  # one whole epoch is left
    ],
)
def test_the_control_is_the_run_that_would_have_been(
    name: str, move: commands.AnyCommand, step: int, due: int, data: Path, tmp_path: Path
) -> None:
    """Both accuracies of the verdict are those of two real runs: this one, and one in which nothing was pressed."""
    training = RUNS[name] | OPTIONS
    plain = finish(tiny_setup(data, tmp_path / "plain", **training))[0]
    setup = tiny_setup(data, tmp_path / "run", **training)
    said, _ = finish(setup, sending(setup, {step: [move]}))
    (judged,) = of(said, events.MoveJudged)
    assert (judged.epoch, judged.step) == (due, step)
    assert judged.with_it == accuracies(said)[due]
    assert judged.without_it == accuracies(plain)[due]
    assert judged.images == len(setup.validation)
    assert (judged.better - judged.worse) / judged.images == pytest.approx(judged.with_it - judged.without_it)
    assert judged.low <= judged.difference <= judged.high
    assert judged.epochs == min(2, 5 - step // 5 - (step % 5 > 0))
    changed = next(e for e in of(said, events.LayersChanged) if e.reason in ("unfreeze", "freeze"))
    assert changed.judged_after == due and changed.undo_step == step
    # It is judged right after its epoch.
    before = said[: said.index(judged)]
    assert of(before, events.EpochEnded)[-1].epoch == due


@pytest.mark.parametrize(("step", "epochs"), [(5, (2, 3, 4)), (7, (3, 4, 5))])
def test_a_verdict_counts_what_most_epochs_told(
    step: int, epochs: tuple[int, ...], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One epoch against one other would judge how training swings; an epoch that had begun is none of those that count."""
    rights: list[dict[int, dict[int, bool]]] = []
    real = Unfreezing.seen

    def seen(self: Unfreezing, what: Validation) -> None:
        rights[-1][self._live.place.epoch] = what.right
        real(self, what)

    monkeypatch.setattr(Unfreezing, "seen", seen)
    training = RUNS["head"] | OPTIONS | {"trial_epochs": 3}
    rights.append({})
    finish(tiny_setup(data, tmp_path / "plain", **training))
    rights.append({})
    setup = tiny_setup(data, tmp_path / "run", **training)
    (judged,) = of(finish(setup, sending(setup, {step: [Unfreeze(groups=2)]}))[0], events.MoveJudged)
    without, with_it = (
        {n: sum(run[epoch][n] for epoch in epochs) >= 2 for n in range(len(setup.validation))} for run in rights
    )
    assert judged.epochs == 3
    assert (judged.without_it, judged.with_it) == (
        sum(without.values()) / len(without),
        sum(with_it.values()) / len(with_it),
    )
    assert judged.better == sum(with_it[n] and not without[n] for n in without)
    assert judged.worse == sum(without[n] and not with_it[n] for n in without)


def test_the_control_touches_nothing_of_the_run(data: Path, tmp_path: Path) -> None:
    """Weights, random numbers, what is cached and all later events are those of a run that is not judged yet."""
    training = RUNS["head"] | OPTIONS
    late = tiny_setup(data, tmp_path / "late", **(training | {"trial_epochs": 4}))
    later, _ = finish(late, sending(late, {6: [Unfreeze()]}))
    setup = tiny_setup(data, tmp_path / "run", **training)
    states: list[tuple[str, bytes]] = []
    send = sending(setup, {6: [Unfreeze()]})

    def look(event: events.Event, live: Live) -> None:
        send(event)
        if isinstance(event, events.Progress) and event.stage == STAGE:
            tensors = torch.cat([p.detach().ravel() for p in live.network.model.state_dict().values()])
            states.append(
                (hashlib.sha256(tensors.numpy().tobytes()).hexdigest(), torch.get_rng_state().numpy().tobytes())
            )

    said, _ = drive(setup, look)
    assert len(states) > 5 and len(set(states)) == 1
    not_judged = [event for event in measured(said) if event["type"] != "MoveJudged"]
    assert not_judged == [event for event in measured(later) if event["type"] != "MoveJudged"]
    progress = [event for event in of(said, events.Progress) if event.stage == STAGE]
    assert progress[-1].done == progress[-1].total == len(progress) == 14  # 4 batches of epoch 2, and two epochs


def test_stop_during_the_comparison_ends_at_once_and_the_verdict_comes_when_the_run_goes_on(
    data: Path, tmp_path: Path
) -> None:
    training = RUNS["head"] | OPTIONS
    whole = tiny_setup(data, tmp_path / "whole", **training)
    expected, _ = finish(whole, sending(whole, {6: [Unfreeze()]}))
    setup = tiny_setup(data, tmp_path / "run", **training)

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Progress) and event.stage == STAGE and event.done == 3:
            setup.control.put(Stop())
            setup.control.put(Unfreeze())  # too late

    said, outcome = finish(setup, sending(setup, {6: [Unfreeze()]}, stop))
    assert outcome.stopped and not of(said, events.MoveJudged)
    assert [event.done for event in of(said, events.Progress) if event.stage == STAGE] == [1, 2, 3]
    assert notes(said, "not_judged") == [
        "The unfreezing of top is not judged yet: that is done after epoch 4, if you continue the run."
    ]
    assert notes(said, "too_late") == ["Training had ended before your last change came, so it was not made."]
    again = tiny_setup(data, tmp_path / "run", **training)
    again.resume = True
    resumed, _ = finish(again)
    assert isinstance(resumed[0], events.Resumed) and resumed[0].epoch == 4
    kinds = [type(event).__name__ for event in resumed]
    assert kinds.index("MoveJudged") < kinds.index("EpochEnded")
    assert measured(resumed) == measured(expected, 20, 4) or measured(resumed)[1:] == measured(expected, 20, 4)
    assert of(resumed, events.MoveJudged) == of(expected, events.MoveJudged)


def test_a_pause_holds_the_comparison_where_it_is_and_changes_nothing(data: Path, tmp_path: Path) -> None:
    training = RUNS["head"] | OPTIONS
    whole = tiny_setup(data, tmp_path / "whole", **training)
    expected, _ = finish(whole, sending(whole, {6: [Unfreeze()]}))
    setup = tiny_setup(data, tmp_path / "run", **training)

    def pause(event: events.Event) -> None:
        if isinstance(event, events.Progress) and event.stage == STAGE and event.done == 3:
            setup.control.put(Pause())
            setup.control.put(Pause())
        elif isinstance(event, events.Paused):
            setup.control.put(Continue())

    said, _ = finish(setup, sending(setup, {6: [Unfreeze()]}, pause))
    kinds = [type(event).__name__ for event in said]
    assert kinds.count("Paused") == kinds.count("Continued") == 1
    held = said[: kinds.index("Paused")]
    assert [event.done for event in of(held, events.Progress) if event.stage == STAGE] == [1, 2, 3]
    assert kinds.index("Continued") < kinds.index("MoveJudged")
    others = [event for event in measured(said) if event["type"] not in ("Paused", "Continued")]
    assert others == measured(expected)


def test_a_plan_that_is_asked_for_in_a_held_comparison_is_answered_there(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))

    def press(event: events.Event) -> None:
        if isinstance(event, events.Progress) and event.stage == STAGE and event.done == 3:
            setup.control.put(Pause())
        elif isinstance(event, events.Paused):
            setup.control.put(PlanMove())
        elif isinstance(event, events.MovePlanned):
            setup.control.put(Continue())

    said, _ = finish(setup, sending(setup, {6: [Unfreeze()]}, press))
    kinds = [type(event).__name__ for event in said]
    assert kinds.index("Paused") < kinds.index("MovePlanned") < kinds.index("Continued") < kinds.index("MoveJudged")


def test_stop_ends_a_comparison_that_is_paused(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))

    def press(event: events.Event) -> None:
        if isinstance(event, events.Progress) and event.stage == STAGE and event.done == 3:
            setup.control.put(Pause())
        elif isinstance(event, events.Paused):
            setup.control.put(Freeze())
            setup.control.put(Stop())

    said, outcome = finish(setup, sending(setup, {6: [Unfreeze()]}, press))
    assert outcome.stopped and not of(said, events.MoveJudged) and len(of(said, events.Paused)) == 1


def test_more_epochs_after_a_stop_in_the_comparison_do_not_cost_the_verdict(data: Path, tmp_path: Path) -> None:
    training = RUNS["head"] | OPTIONS
    whole = tiny_setup(data, tmp_path / "whole", **training)
    expected, _ = finish(whole, sending(whole, {6: [Unfreeze()]}))
    setup = tiny_setup(data, tmp_path / "run", **training)

    def stop(event: events.Event) -> None:
        if isinstance(event, events.Progress) and event.stage == STAGE:
            setup.control.put(Stop())

    finish(setup, sending(setup, {6: [Unfreeze()]}, stop))
    again = tiny_setup(data, tmp_path / "run", **training)
    again.resume, again.more_epochs = True, 1
    resumed, _ = finish(again)
    assert of(resumed, events.MoveJudged) == of(expected, events.MoveJudged)
    assert of(resumed, events.EpochEnded)[-1].epoch == 6


@pytest.mark.parametrize("ending", ["during the comparison", "before the verdict is said", "as it is said"])
def test_killed_around_the_verdict_the_run_says_it_when_it_goes_on(ending: str, data: Path, tmp_path: Path) -> None:
    training = RUNS["top, averaged, mixed"] | OPTIONS
    whole = tiny_setup(data, tmp_path / "whole", **training)
    expected, _ = finish(whole, sending(whole, {6: [Unfreeze()]}))
    setup = tiny_setup(data, tmp_path / "run", interval_s=1e9, **training)
    send = sending(setup, {6: [Unfreeze()]})

    def enough(event: events.Event) -> bool:
        send(event)
        match ending:
            case "during the comparison":
                return isinstance(event, events.Progress) and event.stage == STAGE and event.done == 5
            case "before the verdict is said":
                return isinstance(event, events.EpochEnded) and event.epoch == 4
            case _:
                return isinstance(event, events.MoveJudged)

    until(setup, enough)
    again = tiny_setup(data, tmp_path / "run", **training)
    again.resume = True
    resumed, outcome = finish(again)
    assert of(resumed, events.MoveJudged) == of(expected, events.MoveJudged)
    begun = resumed[0]
    assert isinstance(begun, events.Resumed)
    later = [event for event in measured(resumed, begun.step, begun.epoch) if event["type"] != "MoveJudged"]
    assert later == [event for event in measured(expected, begun.step, begun.epoch) if event["type"] != "MoveJudged"]
    assert outcome.best_epoch is not None


def test_other_commands_wait_for_the_end_of_the_comparison(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))

    def press(event: events.Event) -> None:
        if isinstance(event, events.Progress) and event.stage == STAGE and event.done == 2:
            setup.control.put(Freeze())

    said, _ = finish(setup, sending(setup, {6: [Unfreeze()]}, press))
    kinds = [type(event).__name__ for event in said]
    (frozen,) = [event for event in of(said, events.LayersChanged) if event.reason == "freeze"]
    assert kinds.index("MoveJudged") < said.index(frozen) and frozen.step == 20


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (Unfreeze(), "another move came before its verdict"),
        (Freeze(), "another move came before its verdict"),
        (Extend(epochs=2), "the plan and with it the learning rates changed before its verdict"),
        (
            SetLearningRate(group="head", rate=0.01),
            "the learning rate of 'head' was changed, which the comparison cannot tell apart",
        ),
    ],
)
def test_what_makes_a_comparison_worthless_ends_it_with_a_sentence(
    second: commands.AnyCommand, why: str, data: Path, tmp_path: Path
) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    said, _ = finish(setup, sending(setup, {6: [Unfreeze()], 8: [second]}))
    assert notes(said, "not_judged")[0] == f"The unfreezing of top is not judged: {why}."
    judged = of(said, events.MoveJudged)
    assert [event.step for event in judged] == ([8] if isinstance(second, Unfreeze | Freeze) else [])
    assert of(said, events.LayersChanged)[-1].judged_after == (4 if judged else None)


def test_a_rate_for_the_new_layers_is_part_of_the_move_and_a_pause_changes_nothing(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    script: Script = {6: [Unfreeze(), SetLearningRate(group="top", rate=0.001), Pause(), commands.Continue()]}
    said, _ = finish(setup, sending(setup, script))
    assert len(of(said, events.MoveJudged)) == 1 and "not_judged" not in codes(said)


def test_the_first_move_is_judged_after_all_where_the_second_was_taken_back(data: Path, tmp_path: Path) -> None:
    training = RUNS["head"] | OPTIONS
    alone = tiny_setup(data, tmp_path / "alone", **training)
    expected, _ = finish(alone, sending(alone, {6: [Unfreeze()]}))
    setup = tiny_setup(data, tmp_path / "run", **training)
    said, _ = finish(setup, sending(setup, {6: [Unfreeze()], 8: [Unfreeze()], 11: [Undo()]}))
    assert of(said, events.MoveJudged) == of(expected, events.MoveJudged)
    assert [event.judged_after for event in of(said, events.LayersChanged)] == [None, 4, 4, 4]


def test_a_move_without_a_whole_epoch_left_is_not_judged_and_says_so(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    said, _ = finish(setup, sending(setup, {22: [Unfreeze()]}))
    assert not of(said, events.MoveJudged)
    assert of(said, events.LayersChanged)[-1].judged_after is None
    assert notes(said, "not_judged") == [
        "The unfreezing of top is not judged: no whole epoch is left; plan more epochs first to have it judged."
    ]


def test_training_that_stops_by_itself_before_the_verdict_says_so(data: Path, tmp_path: Path) -> None:
    training = RUNS["head"] | OPTIONS | {"epochs": 9, "trial_epochs": 5, "patience": 2, "head_learning_rate": 1e-12}
    setup = tiny_setup(data, tmp_path / "run", **(training | {"top_learning_rate": 1e-12}))
    said, _ = finish(setup, sending(setup, {6: [Unfreeze()]}))
    assert "stopped_early" in codes(said) and not of(said, events.MoveJudged)
    assert notes(said, "not_judged") == ["The unfreezing of top is not judged: training ends before it can be."]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (UserError("An image was changed.", "Put it back."), "it could not be compared. An image was changed"),
        (NotFiniteError(3), "the comparison's loss was no longer a number"),
        (RuntimeError("CUDA out of memory."), "there was not enough memory for the comparison"),
    ],
)
def test_a_comparison_that_fails_costs_the_verdict_and_not_the_run(
    error: Exception, why: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(control_run, "optimizer_step", failing)
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    said, outcome = finish(setup, sending(setup, {6: [Unfreeze()]}))
    assert notes(said, "not_judged") == [f"The unfreezing of top is not judged: {why}."]
    assert not outcome.stopped and len(of(said, events.EpochEnded)) == 5


def test_a_fault_of_the_program_in_a_comparison_is_not_hidden(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(unfreezing, "control", failing)
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    with pytest.raises(RuntimeError, match="shapes"):
        finish(setup, sending(setup, {6: [Unfreeze()]}))


def test_images_that_belong_together_widen_the_interval(data: Path, tmp_path: Path) -> None:
    def judged(name: str, groups: bool) -> events.MoveJudged:
        setup = tiny_setup(data, tmp_path / name, **(RUNS["head"] | OPTIONS))
        if groups:
            setup.validation_groups = [str(number % 2) for number in range(len(setup.validation))]
        said, _ = finish(setup, sending(setup, {6: [Unfreeze(groups=2)]}))
        return of(said, events.MoveJudged)[0]

    alone, together = judged("alone", False), judged("together", True)
    assert (alone.better, alone.worse) == (together.better, together.worse)
    assert together.high - together.low > alone.high - alone.low


def test_the_cache_serves_the_comparison_what_it_served_the_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head's features of both views are there: the comparison computes none of them."""
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    computed: list[int] = []

    real = Trunk.__call__

    def called(trunk: Trunk, inputs: torch.Tensor, cut: int) -> torch.Tensor:
        if trunk._network is not setup.network:
            computed.append(len(inputs))
        return real(trunk, inputs, cut)

    monkeypatch.setattr(Trunk, "__call__", called)
    said, _ = finish(setup, sending(setup, {11: [Unfreeze()]}))
    assert len(of(said, events.MoveJudged)) == 1 and computed == []
