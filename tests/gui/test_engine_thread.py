"""The thread that owns the engine: every ending has its name, no flood stops the window, nothing is left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers.fake_engine import fake_engine_command, story
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.engine_process import EngineProcess
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.gui.engine_keeper import StartFailed
from tlgui.gui.engine_thread import EngineThread

TRAIN = commands.Train(run="/runs/a", data="/data")
WAIT_MS = 20_000  # a limit for a machine under load, never waited for in full

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no signals")


class Heard:
    """An engine thread with everything that it said."""

    def __init__(self, qtbot: QtBot, thread: EngineThread, engines: list[EngineProcess]) -> None:
        self.qtbot, self.thread, self.engines = qtbot, thread, engines
        self.events: list[Any] = []
        self.ready: list[events.EngineReady] = []
        self.errors: list[UserError] = []
        self.memory: list[int] = []
        self.busy: list[bool] = []
        thread.event_received.connect(self._on_event)
        thread.ready.connect(self.ready.append)
        thread.start_failed.connect(self.errors.append)
        thread.memory_changed.connect(self.memory.append)
        thread.busy_changed.connect(self.busy.append)

    def _on_event(self, event: Any) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.events.append(event)

    def until(self, enough: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(enough, timeout=WAIT_MS)

    def until_ended(self, times: int = 1) -> events.Ending:
        self.until(lambda: len(self.endings) >= times)
        return self.endings[times - 1]

    def until_event(self, kind: type[events.Event], times: int = 1) -> None:
        self.until(lambda: sum(isinstance(event, kind) for event in self.events) >= times)

    @property
    def endings(self) -> list[events.Ending]:
        return [event for event in self.events if isinstance(event, events.Ending)]

    @property
    def pid(self) -> int:
        return self.engines[-1].pid


Start = Callable[..., Heard]


@pytest.fixture
def start(qtbot: QtBot, tmp_path: Path) -> Iterator[Start]:
    """Starts a thread whose engines play scenarios, one after another; the last scenario goes on."""
    threads: list[EngineThread] = []

    def start(*scenarios: str, thread: dict[str, Any] | None = None, **options: Any) -> Heard:
        engines: list[EngineProcess] = []

        def make() -> EngineProcess:
            scenario = scenarios[min(len(engines), len(scenarios) - 1)]
            engines.append(EngineProcess(fake_engine_command(scenario, **options), tmp_path / "engine.log"))
            return engines[-1]

        threads.append(EngineThread(make=make, **(thread or {})))
        heard = Heard(qtbot, threads[-1], engines)
        if not (thread or {}).get("on_demand"):
            threads[-1].start()
        return heard

    yield start
    for thread in threads:
        thread.shut_down(5.0)


def test_a_warm_engine_says_that_it_is_ready_and_does_a_job(start: Start) -> None:
    engine = start("train", epochs=2)
    engine.until(lambda: len(engine.ready) == 1)
    assert engine.ready[0].device_sentence == "CPU, 2 cores"

    engine.thread.run_job(TRAIN)
    assert engine.thread.busy and engine.thread.job == TRAIN

    assert isinstance(engine.until_ended(), events.Completed)
    engine.until(lambda: not engine.thread.busy)
    assert engine.busy == [True, False]
    assert isinstance(engine.events[0], events.RunStarted)


def test_nothing_runs_in_the_window_while_the_engine_has_nothing_to_say(start: Start) -> None:
    engine = start("train", epochs=1)
    engine.thread.run_job(TRAIN)
    engine.until_ended()

    timers = [timer for timer in engine.thread.findChildren(QTimer) if isinstance(timer, QTimer)]
    assert len(timers) == 1
    engine.until(lambda: not timers[0].isActive())


def test_a_job_and_its_commands_may_come_before_the_engine_is_ready(start: Start) -> None:
    engine = start("slow start", delay=0.2, epochs=50, pace=0.5)

    engine.thread.run_job(TRAIN)
    engine.thread.send(commands.Stop())

    assert isinstance(engine.until_ended(), events.Stopped)
    # The stop follows the job in the same moment; an engine may have begun its first batch by then.
    assert sum(isinstance(event, events.BatchEnded) for event in engine.events) <= 1


def test_commands_reach_the_run_and_it_answers(start: Start) -> None:
    engine = start("train", pace=0.005, epochs=50)
    engine.thread.run_job(TRAIN)
    engine.until_event(events.BatchEnded)

    engine.thread.send(commands.Pause())
    engine.until_event(events.Paused)
    for command in (commands.Unfreeze(), commands.Extend(epochs=3), commands.Continue()):
        engine.thread.send(command)
    engine.until_event(events.Continued)
    engine.thread.send(commands.Stop())

    assert isinstance(engine.until_ended(), events.Stopped)
    order = [type(event).__name__ for event in engine.events if isinstance(event, events.Paused | events.Continued)]
    assert order == ["Paused", "Continued"]
    assert [event.reason for event in engine.events if isinstance(event, events.LayersChanged)] == ["start", "unfreeze"]
    assert [event.epochs for event in engine.events if isinstance(event, events.Extended)] == [53]


def test_jobs_come_one_after_another_and_a_command_is_for_the_one_that_runs(start: Start) -> None:
    engine = start("train", pace=0.005, epochs=50)
    engine.thread.run_job(TRAIN)
    engine.thread.run_job(commands.Survey())
    engine.until_event(events.BatchEnded)

    engine.thread.send(commands.Stop())

    assert isinstance(engine.until_ended(1), events.Stopped)
    assert isinstance(engine.until_ended(2), events.Completed)
    assert any(isinstance(event, events.Surveyed) for event in engine.events)


def test_whoever_hears_the_ending_may_give_the_next_job_at_once(start: Start) -> None:
    engine = start("train", epochs=1)
    engine.thread.event_received.connect(
        lambda event: (
            engine.thread.run_job(commands.Survey())
            if isinstance(event, events.Completed | events.Stopped) and event.run
            else None
        )
    )

    engine.thread.run_job(TRAIN)

    engine.until_ended(2)
    engine.until(lambda: engine.busy == [True, False])


@pytest.mark.slow
def test_two_hundred_thousand_batches_do_not_hold_up_the_window(start: Start, qtbot: QtBot) -> None:
    engine = start("flood")
    gaps: list[float] = []
    last = time.perf_counter()

    def beat() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append(now - last)
        last = now

    probe = QTimer()
    probe.timeout.connect(beat)
    probe.start(5)
    engine.thread.run_job(TRAIN)

    engine.until_ended()
    probe.stop()
    kinds = [type(event).__name__ for event in engine.events if not isinstance(event, events.BatchEnded)]
    assert kinds == [
        *("RunStarted", "Progress", "LayersChanged", "Progress", "EpochEnded"),
        *("Progress",) * 6,
        *("Evaluated", "Evaluated", "Completed"),
    ]
    batches = [event for event in engine.events if isinstance(event, events.BatchEnded)]
    assert batches[-1].step == 200_000, "the last value is the right one"
    assert [batch.step for batch in batches] == sorted({batch.step for batch in batches})
    assert len(batches) < 100_000
    assert sorted(gaps)[-1] < 1.0  # how smooth it is exactly is the benchmark's question


@posix
def test_an_engine_that_was_killed_is_named_noted_in_the_run_and_replaced(start: Start, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.spec_path.touch()
    job = commands.Train(run=str(run.path), data="/data")
    engine = start("train", pace=0.01, epochs=50)
    engine.thread.run_job(job)
    engine.until_event(events.EpochEnded)

    os.kill(engine.pid, signal.SIGKILL)

    ending = engine.until_ended()
    assert isinstance(ending, events.Crashed)
    assert (ending.cause, ending.run) == ("signal 9", str(run.path))
    assert "continue the run" in ending.sentence()
    noted = list(run.events())[-1]
    assert noted == events.Crashed(cause="signal 9", run="run")
    engine.until(lambda: len(engine.ready) == 2)

    engine.thread.run_job(job)
    engine.until_event(events.Resumed)


def test_a_crash_in_a_short_job_names_no_run_and_the_next_job_is_done_by_the_fresh_engine(start: Start) -> None:
    engine = start("crash", "train", epochs=2)
    engine.thread.run_job(TRAIN)
    engine.thread.run_job(commands.Survey())

    assert isinstance(engine.until_ended(1), events.Crashed)
    assert isinstance(engine.until_ended(2), events.Completed)


@posix
def test_an_idle_engine_that_dies_is_replaced_but_not_for_ever(start: Start) -> None:
    engine = start("train")
    for number in range(1, 4):
        engine.until(lambda number=number: len(engine.ready) == number)
        os.kill(engine.pid, signal.SIGKILL)

    engine.until(lambda: len(engine.errors) == 1)

    assert engine.errors[0].problem == "The engine ended 3 times with nothing to do (signal 9)."
    assert engine.events == []
    engine.thread.run_job(commands.Survey())
    engine.until_ended()


def test_lines_that_are_no_events_change_nothing(start: Start) -> None:
    engine = start("babble", epochs=2)

    engine.thread.run_job(TRAIN)

    assert isinstance(engine.until_ended(), events.Completed)


@pytest.mark.parametrize(
    ("scenario", "problem"),
    [
        ("wrong protocol", "The engine speaks version 99 of the protocol, this program version 1."),
        ("dies", "The engine could not start (exit code 3)."),
        ("cannot start", "A part is missing: torch."),
        ("mute", "The engine did not answer in time."),
    ],
)
def test_an_engine_that_cannot_start_is_an_error_with_a_remedy(start: Start, scenario: str, problem: str) -> None:
    engine = start(scenario, "train", thread={"ready_s": 0.5 if scenario == "mute" else 60.0})
    engine.thread.run_job(commands.Survey())

    engine.until(lambda: len(engine.errors) == 1)

    assert engine.errors[0].problem == problem and engine.errors[0].remedy
    assert not engine.thread.busy and engine.busy == [True, False]
    assert not engine.engines[0].alive
    engine.thread.run_job(commands.Survey())  # the next job tries again
    engine.until_ended()


def test_an_engine_that_cannot_be_made_is_an_error_with_a_remedy(qtbot: QtBot) -> None:
    def make() -> EngineProcess:
        raise FileNotFoundError(2, "No such file or directory")

    thread = EngineThread(make=make)
    with qtbot.waitSignal(thread.start_failed) as failed:
        thread.start()
    assert failed.args is not None
    assert failed.args[0].problem == "The engine could not start: No such file or directory."
    thread.shut_down()


def test_a_failed_start_does_not_end_a_job_that_was_given_after_it(qtbot: QtBot) -> None:
    """The keeper has given up, and a job is on its way to it: it will try again for that one."""
    thread = EngineThread(on_demand=True)
    heard: list[UserError] = []
    thread.start_failed.connect(heard.append)
    thread._jobs.append(TRAIN)
    thread._deliver(StartFailed(UserError("The engine ended 3 times.", "Look why."), 0))
    assert (heard, thread.busy) == ([], True)
    thread._deliver(StartFailed(UserError("The engine could not start.", "Look why."), 1))
    assert (len(heard), thread.busy) == (1, False)


def test_a_job_that_cannot_be_told_ends_and_the_next_one_begins(start: Start) -> None:
    engine = start("train")
    engine.thread.run_job(commands.Evaluate(run="/runs/\udcff", data="/data"))
    engine.thread.run_job(commands.Survey())

    ending = engine.until_ended(1)

    assert isinstance(ending, events.Failed) and "is not valid text" in ending.problem
    assert isinstance(engine.until_ended(2), events.Completed)


def test_an_engine_that_hangs_can_be_ended_by_hand(start: Start) -> None:
    engine = start("hang", "train", at=1)
    engine.thread.run_job(TRAIN)
    engine.until_event(events.EpochEnded)

    engine.thread.end_now()

    assert isinstance(engine.until_ended(), events.Crashed)
    engine.until(lambda: len(engine.ready) == 2)


def test_the_window_closes_although_the_engine_hangs(start: Start) -> None:
    engine = start("hang", at=1)
    engine.thread.run_job(TRAIN)
    engine.until_event(events.EpochEnded)
    pid = engine.pid

    began = time.monotonic()
    engine.thread.shut_down(0.2)

    assert time.monotonic() - began < 5
    assert not psutil.pid_exists(pid)
    assert engine.thread.isFinished()


@posix
def test_the_window_closes_although_the_engine_reads_nothing_any_more(start: Start) -> None:
    engine = start("train")
    engine.until(lambda: len(engine.ready) == 1)
    os.kill(engine.pid, signal.SIGSTOP)
    many = [(f"{number:0100}", f"/{number:0100}") for number in range(5_000)]
    engine.thread.run_job(commands.Predict(run="/runs/a", paths=many))

    engine.thread.shut_down(0.2)

    assert engine.thread.isFinished() and not psutil.pid_exists(engine.pid)


def test_closing_while_it_trains_lets_the_engine_save_and_waits_for_it(start: Start) -> None:
    engine = start("train", pace=0.01, epochs=50)
    engine.thread.run_job(TRAIN)
    engine.until_event(events.BatchEnded)

    engine.thread.shut_down(10.0)

    assert engine.engines[0].log.read_text().endswith("the owner is gone, saving\n")
    assert engine.engines[0].close() == 0
    assert engine.endings == []
    engine.thread.run_job(TRAIN)  # too late: nothing happens
    assert not engine.thread.isRunning()


def test_closing_while_the_engine_still_starts_does_not_wait_for_it(start: Start) -> None:
    engine = start("mute", stays=1)
    engine.until(lambda: len(engine.engines) == 1)

    began = time.monotonic()
    engine.thread.shut_down(30.0)

    assert time.monotonic() - began < 10


def test_the_window_can_close_without_standing_still(start: Start, qtbot: QtBot) -> None:
    engine = start("train")
    engine.until(lambda: len(engine.ready) == 1)

    with qtbot.waitSignal(engine.thread.finished):
        engine.thread.begin_shut_down()

    assert not engine.engines[0].alive


def test_a_thread_that_was_never_started_shuts_down() -> None:
    EngineThread().shut_down()


def test_an_engine_on_demand_starts_with_the_first_job_and_ends_when_idle(start: Start) -> None:
    engine = start("train", thread={"on_demand": True, "idle_s": 0.1})
    assert engine.engines == [] and not engine.thread.isRunning()

    for times in (1, 2):
        engine.thread.run_job(commands.Predict(run="/runs/a", paths=[("a.png", "/a.png")]))
        engine.until_ended(times)
        engine.until(lambda: not engine.engines[-1].alive)

    assert len(engine.engines) == 2


def test_the_memory_of_the_engine_is_told_while_it_works(start: Start) -> None:
    engine = start("train", pace=0.002, epochs=3)

    engine.thread.run_job(TRAIN)

    engine.until_ended()
    assert engine.memory and all(1_000_000 < value < 2**40 for value in engine.memory)


def test_the_story_for_replay_is_what_the_fake_engine_says(start: Start) -> None:
    engine = start("train")
    engine.thread.run_job(commands.Train(run="a", data="/data"))
    engine.until_ended()

    def told(said: list[Any]) -> list[Any]:
        # Where the window is behind, superseded batches are dropped.
        return [event for event in said if not isinstance(event, events.BatchEnded)]

    assert told(engine.events) == told(story(run="a", unfreeze_at=None))
