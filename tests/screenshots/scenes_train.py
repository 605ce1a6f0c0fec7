"""Scenes of the train page in which a person unfreezes: the plan, the verdict, the way back, and what is said before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from helpers.fake_run import story
from scenes_table import Play, Scene

if TYPE_CHECKING:
    from stage import Stage

_PACE = 0.004


def scenes() -> tuple[Scene, ...]:
    """All of them; none needs that the program was here before."""
    return tuple(replace(scene, with_past=False) for scene in _scenes())


def _scenes() -> tuple[Scene, ...]:
    return (
        Scene("train", "first-answer", _first_answer, _engine(3, answer=0.87, chosen="fine-tune-top")),
        Scene("train", "plan", _trained(8), _engine(8, trial=3, answer=0.87), dialog=_plan),
        Scene("train", "plan-measuring", _trained(8), {"scenario": "train", "pace": 0.05, "epochs": 400, "plan": "mute"},
              dialog=_plan),
        Scene("train", "plan-slow", _trained(8), {"scenario": "train", "pace": 0.05, "epochs": 400, "plan": "mute"},
              dialog=_slow),
        Scene("train", "plan-failed", _trained(8), _engine(8), dialog=_failed),
        Scene("train", "rate", _trained(8), _engine(8), dialog=lambda stage: stage.window.page.open_rate("head")),
        Scene("train", "waiting", _trained(10, 8), _engine(10, trial=3)),
        Scene("train", "helped", _trained(14, 8), _engine(14, trial=3, answer=0.87)),
        Scene("train", "no-difference", _trained(14, 8, 2), _engine(14, trial=3)),
        Scene("train", "hurt", _trained(14, 8, 3), _engine(14, trial=3)),
        Scene("train", "taken-back", _taken_back, {"scenario": "train", "pace": _PACE, "trial": 3, "answer": 0.87}),
        Scene("train", "disk-full", _trained(6), {"scenario": "full", "pace": _PACE, "at": 6}),
        Scene("train", "coached", _coached, _engine(14)),
        Scene("train", "site-first", _adapting(0)),
        Scene("train", "site", _adapting(9)),
        Scene("train", "site-alarm", _adapting(9, alarm_at=9)),
    )  # fmt: skip


def _engine(at: int, **more: float | str) -> dict[str, Any]:
    """An engine that stands still after epoch `at`, but hears nothing any more; a run that is only looked at."""
    return {"scenario": "hang", "pace": _PACE, "at": at, **more}


def _trained(epochs: int, unfreeze_after: int | None = None, groups: int = 1) -> Play:
    def play(stage: Stage) -> None:
        from tlgui.core import commands

        stage.read(stage.material.demo)
        stage.bench.start_training()
        if unfreeze_after is not None:
            stage.until(lambda: stage.epochs() >= unfreeze_after)
            stage.bench.send(commands.Unfreeze(groups=groups))
        stage.until(lambda: stage.epochs() >= epochs)

    return play


def _first_answer(stage: Stage) -> None:
    _trained(3)(stage)
    stage.window.page.status_card.facts.why.click()


def _plan(stage: Stage) -> None:
    """The engine of the scene stands still, so its answer is played."""
    page = stage.window.page
    page.open_plan("unfreeze", 2)
    run = stage.bench.run
    assert run is not None
    if page.actions_of_run is not None and run.is_asked("plan") and stage.plays("hang"):
        run.apply(_answer())
        run.flush()


def _slow(stage: Stage) -> None:
    from tlgui.gui.pages.train import move_dialog

    move_dialog.SLOW_MS = 300
    _plan(stage)
    stage.rest(0.4)
    move_dialog.SLOW_MS = 10_000


def _failed(stage: Stage) -> None:
    from tlgui.core import events
    from tlgui.gui.pages.train.move_dialog import MoveDialog
    from tlgui.gui.run_model import RunModel

    run = RunModel(stage.window)
    for event in story(ending=False)[:300]:
        run.apply(event)
    dialog = MoveDialog(run, stage.window.page.actions_of_run, "unfreeze", 1, None, stage.window)
    dialog.open()
    run.apply(events.Crashed(cause="exit code 3", run="a"))
    run.flush()


def _answer() -> Any:
    from tlgui.core import events

    return events.MovePlanned(
        kind="unfreeze", groups=2, names=["top", "block 5"], parameters_now=3_843, parameters_then=2_674_083,
        seconds_now=6.9, seconds_then=15.1, memory_now_bytes=310_000_000, memory_then_bytes=690_000_000,
        learning_rates={"top": 0.00038, "block 5": 0.00015}, snapshot_bytes=38_000_000, judged_after=3, control_seconds=21.0,
    )  # fmt: skip


def _taken_back(stage: Stage) -> None:
    from tlgui.core import commands

    _trained(12, 8)(stage)
    stage.bench.send(commands.Undo())
    run = stage.bench.run
    assert run is not None
    stage.until(lambda: run.history.branches and stage.epochs() >= 10)
    stage.bench.send(commands.Pause())
    stage.until(lambda: run.state == "paused")


def _coached(stage: Stage) -> None:
    from tlgui.core.coach import Coaching

    _trained(14)(stage)
    said = Coaching(
        rule="overfitting", sentence="The network begins to learn the training images by heart.", button="stop",
        evidence="Over the last 6 epochs the validation loss rose from 0.213 to 0.268 while the training loss fell.",
    )  # fmt: skip
    page = stage.window.page
    page.coach_line.show_coaching(said)
    page.coach_line.show_coaching = lambda _said: None  # what is shown is to stay until it is pictured


def _adapting(epochs: int, alarm_at: int = 0) -> Play:
    """A run that adapts, played up to an epoch: the page shows it as one that goes on."""

    def play(stage: Stage) -> None:
        from helpers.train_bench import adaptation_story, adapting_spec

        from tlgui.gui.run_entry import Entry
        from tlgui.gui.run_model import RunModel

        stage.read(stage.material.demo)
        bench = stage.bench
        run = RunModel(bench.runs)
        for event in adaptation_story(epochs, alarm_at=alarm_at):
            run.apply(event)
        run.set_memory(910_000_000)
        entry = Entry(run, adapting_spec(), bench.draft.data, bench.draft.summary)
        bench.runs._training = entry
        bench.runs._show(entry)
        run.flush()
        stage.window.show_page("train")

    return play
