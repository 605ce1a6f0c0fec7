"""What a move would cost is measured on a copy: the run does not notice it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from helpers.pictures import write_dataset
from helpers.tiny import Script, finish, of, sending, tiny_setup, without_times

from tlgui.core import commands, events
from tlgui.core.commands import Continue, Pause, PlanMove, SetLearningRate, Stop, Unfreeze
from tlgui.engine import move_plan
from tlgui.engine.kept_memory import SAFETY, update_bytes

pytestmark = pytest.mark.usefixtures("one_thread")

OPTIONS: dict[str, Any] = {"batch_size": 9, "epochs": 3, "views": 2}
RUNS: dict[str, dict[str, Any]] = {
    "head": {"strategy": "feature-extraction"},
    "top, averaged, mixed": {"strategy": "fine-tune-top", "ema": 0.9, "mixup": 0.3},
    "full": {"strategy": "full-fine-tuning"},
    "scratch": {"strategy": "from-scratch"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("plan") / "d", {"a": 20, "b": 20, "c": 16}, size=24)


def planned(said: list[events.Event]) -> list[events.MovePlanned]:
    return of(said, events.MovePlanned)


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("name", RUNS)
def test_opening_a_plan_changes_no_later_event(name: str, data: Path, tmp_path: Path) -> None:
    training = RUNS[name] | OPTIONS
    plain, _ = finish(tiny_setup(data, tmp_path / "plain", **training))
    setup = tiny_setup(data, tmp_path / "run", **training)
    script: Script = {
        1: [PlanMove(), PlanMove(kind="freeze")],
        7: [Pause(), PlanMove(groups=9), Continue()],
        10: [PlanMove(kind="freeze", groups=2)],
    }
    generators: list[bytes] = []
    files: list[dict[str, str]] = []
    cache = Path(os.environ["TLGUI_CACHE_DIR"])

    def look(event: events.Event) -> None:
        if isinstance(event, events.BatchEnded | events.MovePlanned):
            generators.append(torch.get_rng_state().numpy().tobytes())
            files.append(contents(cache) | contents(tmp_path / "run"))
        if isinstance(event, events.MovePlanned):
            assert generators[-1] == generators[-2]
            assert {k: v for k, v in files[-1].items() if "checkpoints" not in k} == {
                k: v for k, v in files[-2].items() if "checkpoints" not in k
            }

    said, _ = finish(setup, sending(setup, script, look))
    assert len(planned(said)) == 4
    left_out = events.MovePlanned | events.Paused | events.Continued
    assert without_times([e for e in said if not isinstance(e, left_out)]) == without_times(plain)


def test_what_a_plan_says(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    script: Script = {1: [SetLearningRate(group="top", rate=0.007), PlanMove(groups=2)], 7: [PlanMove(groups=9)]}
    said, _ = finish(setup, sending(setup, script))
    two, all_of_them = planned(said)
    assert (two.kind, two.groups, two.names, two.reason) == ("unfreeze", 2, ["top", "middle"], "")
    assert (two.parameters_now, two.parameters_then) == (51, 2727)
    assert list(two.learning_rates) == ["middle", "top", "head"] or set(two.learning_rates) == {"middle", "top", "head"}
    assert two.learning_rates["top"] == 0.007  # set by hand before
    assert two.judged_after == 2  # the epoch that runs does not count
    for seconds in (two.seconds_now, two.seconds_then, two.control_seconds):
        assert seconds is not None and 0 < seconds < 60
    assert two.control_seconds == pytest.approx(2 * two.seconds_now)  # type: ignore[operator]
    assert (all_of_them.groups, all_of_them.names) == (3, ["top", "middle", "stem"])
    assert all_of_them.judged_after == 1
    # More layers keep more for going backward, and more for the optimizer: 4 + 4 + 8 bytes a weight, at least.
    assert two.memory_now_bytes is not None and two.memory_then_bytes is not None
    assert two.memory_then_bytes - two.memory_now_bytes > 12 * (2727 - 51)


def test_the_snapshot_takes_about_what_the_plan_says(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["full"] | OPTIONS))
    said, _ = finish(setup, sending(setup, {7: [PlanMove(kind="freeze"), commands.Freeze()]}))
    (plan,) = planned(said)
    taken = of(said, events.LayersChanged)[-1].snapshot_bytes
    assert plan.snapshot_bytes <= taken <= plan.snapshot_bytes + 20_000  # the headers of two files


def test_the_memory_is_that_of_a_batch_and_the_optimizer(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_plan, "kept_per_image", lambda *_: 1000)
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    (plan,) = planned(finish(setup, sending(setup, {1: [PlanMove()]}))[0])
    assert plan.memory_now_bytes == 9 * 1000 + 12 * 51
    assert plan.memory_then_bytes == 9 * 1000 + 12 * 1827 == 9000 + update_bytes(setup.network, 2)


def test_a_run_that_adapts_counts_the_new_sites_images_of_a_batch_too(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_plan, "kept_per_image", lambda *_: 1000)
    site = write_dataset(tmp_path / "site", {"x": 12}, size=24)
    training = RUNS["full"] | OPTIONS | {"adapt": "mmd"}
    setup = tiny_setup(data, tmp_path / "run", target=site, **training)
    seen: list[int] = []
    really = move_plan.learn
    monkeypatch.setattr(
        move_plan, "learn", lambda twin, lesson: seen.append(len(lesson.target)) or really(twin, lesson)
    )
    (plan,) = planned(finish(setup, sending(setup, {1: [PlanMove(kind="freeze")]}))[0])
    assert plan.memory_now_bytes == 2 * 9 * 1000 + update_bytes(setup.network, 0)
    assert seen and min(seen) >= 2


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("full", "unfreeze", "Every layer group trains already."),
        ("head", "freeze", "Only the head trains; it cannot be frozen."),
    ],
)
def test_a_plan_for_nothing_says_why(name: str, kind: Any, reason: str, data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS[name] | OPTIONS))
    (plan,) = planned(finish(setup, sending(setup, {1: [PlanMove(kind=kind)]}))[0])
    assert (plan.groups, plan.names, plan.reason) == (0, [], reason)
    assert plan.seconds_now is None and plan.memory_then_bytes is None
    assert plan.parameters_now == plan.parameters_then


def test_an_image_that_vanished_is_left_for_the_run_to_find(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", caching=False, **(RUNS["head"] | OPTIONS))
    seen: list[set[int]] = []

    def look(event: events.Event) -> None:
        if isinstance(event, events.Paused):
            setup.train.skipped.add(3)  # what the run knows, the copy knows too
        if isinstance(event, events.MovePlanned):
            seen.append(set(setup.train.skipped))

    said, _ = finish(setup, sending(setup, {2: [Pause(), PlanMove(), Continue()]}, look))
    assert seen == [{3}] and planned(said)[0].seconds_then is not None


def test_a_stop_cuts_the_measuring_short(data: Path, tmp_path: Path) -> None:
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    said, outcome = finish(setup, sending(setup, {2: [PlanMove(), Stop()]}))
    (plan,) = planned(said)
    assert outcome.stopped and plan.seconds_now is not None and plan.seconds_then is None


def test_too_little_memory_for_measuring_leaves_the_figures_out(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(move_plan, "learn", failing)
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    said, outcome = finish(setup, sending(setup, {2: [PlanMove()], 3: [Unfreeze()]}))
    (plan,) = planned(said)
    assert plan.seconds_now is None and plan.memory_now_bytes is None and plan.names == ["top"]
    assert not outcome.stopped and len(of(said, events.LayersChanged)) == 2


@pytest.mark.parametrize(("fits", "tried"), [(1.9, set()), (3.0, {2, 3})])
def test_opening_a_plan_takes_no_more_memory_than_there_is(
    fits: float, tried: set[int], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor's system ends a program that takes more: what a batch needs is said all the same."""
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["full"] | OPTIONS))
    room = update_bytes(setup.network, 0) + int(fits * SAFETY * 1000) + 1
    monkeypatch.setattr(move_plan, "kept_per_image", lambda *_: 1000)
    monkeypatch.setattr(move_plan, "free_memory", SimpleNamespace(available_bytes=lambda: room))
    steps: list[int] = []
    real = move_plan.learn
    monkeypatch.setattr(move_plan, "learn", lambda twin, lesson: steps.append(len(lesson.labels)) or real(twin, lesson))
    # Frozen layers need no update, so that there is more room beyond the move.
    (plan,) = planned(finish(setup, sending(setup, {1: [PlanMove(kind="freeze")]}))[0])
    now = set(steps[: len(steps) // 2] if tried else [])
    assert now == tried and (plan.seconds_now is None) == (not tried)
    assert plan.memory_now_bytes == 9 * 1000 + update_bytes(setup.network, 0)


def test_a_card_is_timed_with_a_whole_piece_after_a_step_that_does_not_count(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few images take as long there as a batch: on a real card, epochs were foreseen fifteen times too long."""
    monkeypatch.setattr(move_plan, "_on_card", lambda _: True)
    real, sizes = move_plan.learn, list[int]()
    clock = [0.0]

    def learn(twin: Any, lesson: Any) -> float:
        """The first step of each border loads what it computes with; each one takes .09 s however many images there are."""
        sizes.append(len(lesson.labels))
        clock[0] += 0.09 if len(sizes) % (1 + move_plan._STEPS) != 1 else 60.0
        return real(twin, lesson)

    monkeypatch.setattr(move_plan, "learn", learn)
    monkeypatch.setattr(move_plan, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS | {"batch_size": 18}))
    (plan,) = planned(finish(setup, sending(setup, {2: [PlanMove()]}))[0])
    assert set(sizes) == {18} and len(sizes) == 2 * (1 + move_plan._STEPS)
    expected = len(setup.train) * 0.09 / 18
    assert plan.seconds_now == plan.seconds_then == pytest.approx(expected)


def test_a_card_without_room_for_a_step_leaves_the_seconds_out_and_says_the_memory(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(move_plan, "_on_card", lambda _: True)
    monkeypatch.setattr(move_plan, "learn", full)
    setup = tiny_setup(data, tmp_path / "run", **(RUNS["head"] | OPTIONS))
    said, outcome = finish(setup, sending(setup, {2: [PlanMove()]}))
    (plan,) = planned(said)
    assert plan.seconds_now is None and plan.memory_now_bytes and plan.memory_then_bytes and not outcome.stopped
