"""What the command line does while a job goes on: a full disk, and the lines that people read."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from helpers.command_line import PlayedEngine

from tlgui.cli.drive import drive, finish
from tlgui.cli.terminal import LiveRun, console
from tlgui.core import commands, events
from tlgui.core.engine_process import EngineProcess

FULL = events.Notice(code="disk_full", message="The disk is full. Free some space, then continue: nothing is lost.")
TRAIN = commands.Train(run="/r", data="/d")


class FullDisk(PlayedEngine):
    """A run that waits on a full disk until it is told what to do."""

    def __init__(self, times: int = 1) -> None:
        super().__init__()
        self.times = times
        self.sent: list[commands.Command] = []
        self._came = threading.Semaphore(0)

    def send(self, message: commands.Command) -> None:
        self.sent.append(message)
        self._came.release()

    def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
        for _ in range(self.times):
            yield FULL
            yield events.Paused(step=3)
            assert self._came.acquire(timeout=20), "nobody answered"
            if isinstance(self.sent[-1], commands.Stop):
                yield events.Failed(problem="The disk is full.", remedy="Free some space.", code="disk_full")
                return
            yield events.Continued(step=3)
        yield events.Completed(message="Training is complete.")


class Keyboard(io.StringIO):
    def __init__(self, text: str, terminal: bool) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def driven(engine: PlayedEngine) -> tuple[events.Ending, list[events.AnyEvent]]:
    heard: list[events.AnyEvent] = []
    return drive(cast(EngineProcess, engine), TRAIN, heard.append), heard


def test_at_a_terminal_enter_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", Keyboard("\n\n", True))
    engine = FullDisk(times=2)
    ending, _ = driven(engine)
    assert isinstance(ending, events.Completed)
    assert engine.sent == [commands.Continue(), commands.Continue()]
    assert capsys.readouterr().err.count("Free some space, then press Enter to go on") == 2


@pytest.mark.parametrize("terminal", [False, True])
def test_where_nobody_answers_the_run_ends_with_the_sentence(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal at once; at one whose input is closed too."""
    monkeypatch.setattr(sys, "stdin", Keyboard("", terminal))
    engine = FullDisk()
    ending, _ = driven(engine)
    assert engine.sent == [commands.Stop()]
    assert finish(ending) == 1
    assert "The disk is full. Free some space." in capsys.readouterr().err


def test_without_any_input_it_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    engine = FullDisk()
    assert isinstance(driven(engine)[0], events.Failed) and engine.sent == [commands.Stop()]


def test_a_pause_for_another_reason_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Keyboard("", False))

    class Paused(FullDisk):
        def run(self, job: commands.Job) -> Iterator[events.AnyEvent]:
            yield events.Paused(step=1)
            yield events.Continued(step=1)
            yield events.Completed(message="")

    engine = Paused()
    driven(engine)
    assert engine.sent == []


def told(*said: events.AnyEvent) -> list[str]:
    out = console()
    out.file = io.StringIO()
    with LiveRun(out) as live:
        for event in said:
            live.on_event(event)
    return cast(Any, out.file).getvalue().splitlines()


def test_the_new_events_are_said_to_people() -> None:
    answer = events.FirstAnswered(
        accuracy=0.91, low=0.86, high=0.95, images=200, folds=5, largest_class=0.54, seconds=2.0
    )
    chosen = events.StrategyChosen(
        strategy="fine-tune-top", top_groups=2, by="trial", sentence="The trial gained 4 points.", epochs=15
    )
    verdict = events.MoveJudged(
        kind="unfreeze", names=["top"], step=9, epoch=4, verdict="helped", difference=0.02, low=0.01, high=0.03,
        with_it=0.9, without_it=0.88, better=9, worse=3, images=300, epochs=3, sentence="Unfreezing 'top' helped.",
    )  # fmt: skip
    undone = events.Undone(to_step=9, to_epoch=1, from_step=20, from_epoch=3, best_epoch=1)
    assert told(answer, chosen, verdict, undone) == [
        "The network as it is already recognises about 91 % of your training images (86 to 95 %). Guessing reaches 54 %.",
        "The trial gained 4 points.",
        "Unfreezing 'top' helped.",
        "The run is again as it was after 1 epoch.",
    ]


def test_layers_that_stay_as_they_are_are_said_once() -> None:
    groups = [events.GroupState(name="head", parameters=9, trainable=True, learning_rate=1e-3)]
    changed = [
        events.LayersChanged(step=0, reason=reason, parameters=90, trainable_parameters=9, groups=groups)
        for reason in ("start", "chosen")
    ]
    assert told(*changed) == ["9 of 90 parameters train (10.0 %): head."]


def test_the_plan_of_what_auto_became_is_shown() -> None:
    chosen = events.StrategyChosen(strategy="x", top_groups=1, by="images", sentence="So.", epochs=15)
    batch = events.BatchEnded(
        epoch=1, step=1, batches=4, batch=1, loss=0.1, images_per_second=None, seconds_left=None, learning_rates={}
    )
    out = console()
    out.file = io.StringIO()
    with LiveRun(out) as live:
        live.on_event(chosen)
        live.on_event(batch)
        assert live._epochs == 15
