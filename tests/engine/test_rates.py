"""Learning rates set by hand, and presses at any moment (G22): the right thing is done, or a sentence says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import Script, codes, finish, measured, of, sending, tiny_setup

from tlgui.core import commands, events
from tlgui.core.commands import Extend, Freeze, Pause, PlanMove, SetLearningRate, Stop, Undo, Unfreeze
from tlgui.engine.precision import Mixed
from tlgui.engine.schedule import one_cycle

pytestmark = pytest.mark.usefixtures("one_thread")

OPTIONS: dict[str, Any] = {"strategy": "fine-tune-top", "batch_size": 9, "epochs": 3, "views": 2, "patience": 0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("rates") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, float]]:
    """The rates of each step, as the optimizer had them, by group index."""
    rates: list[dict[int, float]] = []
    step = Mixed.step

    def noted(mixed: Mixed, optimizer: torch.optim.Optimizer, parameters: Any) -> None:
        rates.append({group["layer"]: group["lr"] for group in optimizer.param_groups})
        step(mixed, optimizer, parameters)

    monkeypatch.setattr(Mixed, "step", noted)
    return rates


@pytest.mark.parametrize(("group", "index"), [("head", 3), ("top", 2)])
def test_a_new_peak_is_used_from_the_next_step_on_and_its_schedule_goes_on(
    group: str, index: int, used: list[dict[int, float]], data: Path, tmp_path: Path
) -> None:
    setup = tiny_setup(data, tmp_path / "run", **OPTIONS)
    said, _ = finish(setup, sending(setup, {6: [SetLearningRate(group=group, rate=0.0123)]}))
    changed = of(said, events.LayersChanged)[-1]
    assert (changed.reason, changed.step) == ("rates", 6)
    assert next(g.learning_rate for g in changed.groups if g.name == group) == 0.0123
    # Step 7 is number 6 of 15: its share of the peak in closed form.
    assert used[6][index] == pytest.approx(0.0123 * one_cycle(6 / 14))
    other = 5 - index
    assert used[6][other] == pytest.approx(used[5][other] / one_cycle(5 / 14) * one_cycle(6 / 14))
    for event in of(said, events.BatchEnded):
        assert event.learning_rates == {
            ["stem", "middle", "top", "head"][i]: r for i, r in used[event.step - 1].items()
        }


def test_a_rate_for_a_frozen_group_is_kept_for_when_it_trains(
    used: list[dict[int, float]], data: Path, tmp_path: Path
) -> None:
    setup = tiny_setup(data, tmp_path / "run", **OPTIONS)
    script: Script = {3: [SetLearningRate(group="middle", rate=0.0077)], 6: [Unfreeze()]}
    said, _ = finish(setup, sending(setup, script))
    notices = [event for event in of(said, events.Notice) if event.code == "rate_kept"]
    assert [n.message for n in notices] == [
        "'middle' does not train now; it gets this learning rate as soon as it does."
    ]
    unfrozen = of(said, events.LayersChanged)[-1]
    assert next(g.learning_rate for g in unfrozen.groups if g.name == "middle") == 0.0077
    assert used[6][1] == pytest.approx(0.0077 / 25)
    assert setup.checkpoints.place().peaks == {1: 0.0077}


def test_a_group_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **OPTIONS)
    said, _ = finish(setup, sending(setup, {3: [SetLearningRate(group="block 9", rate=0.1)]}))
    (notice,) = of(said, events.Notice)
    assert (notice.code, notice.message) == ("rate_not_set", "There is no layer group 'block 9' in this network.")


PRESSES: list[commands.AnyCommand] = [
    Unfreeze(),
    Freeze(),
    Undo(),
    SetLearningRate(group="top", rate=0.01),
    PlanMove(),
    Extend(epochs=1),
]


@pytest.mark.parametrize("press", PRESSES, ids=lambda press: type(press).__name__)
def test_g22_pressed_before_the_first_batch_it_waits_for_the_head(
    press: commands.AnyCommand, data: Path, tmp_path: Path
) -> None:
    setup = tiny_setup(data, tmp_path / "run", **OPTIONS | {"warm_start": True})
    setup.control.put(press)
    said, outcome = finish(setup)
    answers = (events.MovePlanned, events.Extended, events.Notice)
    answered = [
        e for e in said if isinstance(e, answers) or (isinstance(e, events.LayersChanged) and e.reason != "start")
    ]
    assert answered and not outcome.stopped
    warm = next(event for event in said if isinstance(event, events.EpochEnded))
    assert warm.epoch == 0 and said.index(warm) < said.index(answered[0]) < said.index(of(said, events.BatchEnded)[0])
    if isinstance(press, Undo):
        assert codes(said) == ["nothing_to_undo"]


@pytest.mark.parametrize("press", PRESSES, ids=lambda press: type(press).__name__)
def test_g22_pressed_while_stopping_nothing_is_done(press: commands.AnyCommand, data: Path, tmp_path: Path) -> None:
    alone = tiny_setup(data, tmp_path / "alone", **OPTIONS)
    expected, _ = finish(alone, sending(alone, {6: [Stop()]}))
    setup = tiny_setup(data, tmp_path / "run", **OPTIONS)
    said, outcome = finish(setup, sending(setup, {6: [Stop(), press]}))
    assert outcome.stopped and measured(said) == measured(expected)
    assert not of(said, events.MovePlanned) and len(of(said, events.LayersChanged)) == 1


@pytest.mark.parametrize("press", PRESSES, ids=lambda press: type(press).__name__)
def test_g22_pressed_in_validation_it_waits_for_its_end(press: commands.AnyCommand, data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **OPTIONS)
    inner, sent = setup.frozen.activations, [False]

    def validating(part: Any, indices: Any, view: int, cut: int) -> torch.Tensor:
        if part is setup.validation and not sent[0] and warm[0]:
            sent[0] = True
            setup.control.put(press)
        return inner(part, indices, view, cut)

    warm = [False]
    setup.frozen.activations = validating  # type: ignore[method-assign]

    def look(event: events.Event) -> None:
        warm[0] = warm[0] or isinstance(event, events.BatchEnded)

    said, _ = finish(setup, look)
    assert sent[0]
    kinds = (events.MovePlanned, events.Extended, events.Notice)
    answer = next(
        e for e in said if isinstance(e, kinds) or (isinstance(e, events.LayersChanged) and e.reason != "start")
    )
    first = next(event for event in of(said, events.EpochEnded) if event.epoch == 1)
    assert (
        said.index(first)
        < said.index(answer)
        < said.index(next(e for e in of(said, events.BatchEnded) if e.epoch == 2))
    )


def test_g22_pressed_twice_in_one_gap_and_after_the_last_batch(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **OPTIONS)
    said, outcome = finish(setup, sending(setup, {4: [Unfreeze(), Unfreeze(), Unfreeze()], 15: [Unfreeze()]}))
    assert [e.trainable_parameters for e in of(said, events.LayersChanged)] == [1827, 2727, 2967]
    assert codes(said).count("nothing_to_move") == 1 and not outcome.stopped
    assert of(said, events.LayersChanged)[-1].step == 4


def test_a_pause_that_nothing_ends_waits_and_a_stop_ends_it(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **OPTIONS)
    script: Script = {4: [Pause(), Unfreeze(), PlanMove(kind="freeze"), Undo(), Stop()]}
    said, outcome = finish(setup, sending(setup, script))
    kinds = [type(event).__name__ for event in said if not isinstance(event, events.Progress)]
    at = kinds.index("Paused")
    assert kinds[at:] == ["Paused", "LayersChanged", "MovePlanned", "Undone", "LayersChanged"]
    assert outcome.stopped and setup.checkpoints.place().moves == []
