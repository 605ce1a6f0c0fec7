from __future__ import annotations

from typing import Any

import pytest
from helpers.bench import FakeEngine
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.gui.job_queue import JobQueue

DONE = events.Completed(message="Done.")


@pytest.fixture
def engine(qapp: QObject) -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def jobs(engine: FakeEngine) -> JobQueue:
    return JobQueue(engine)


def measure(name: str) -> commands.Measure:
    return commands.Measure(backbone=name)


def test_jobs_run_one_after_another_and_each_hears_its_own(engine: FakeEngine, jobs: JobQueue) -> None:
    heard: dict[str, list[Any]] = {"a": [], "b": []}
    jobs.submit(measure("a"), heard["a"].append)
    jobs.submit(measure("b"), heard["b"].append)
    assert engine.jobs == [measure("a")]

    progress = events.Progress(stage="x", done=1, total=2)
    engine.say(progress, DONE)
    assert engine.jobs == [measure("a"), measure("b")]
    engine.say(DONE)

    assert heard == {"a": [progress, DONE], "b": [DONE]}
    assert not jobs.busy


def test_what_is_urgent_comes_before_what_waits(engine: FakeEngine, jobs: JobQueue) -> None:
    for name in "ab":
        jobs.submit(measure(name), lambda event: None)
    jobs.submit(measure("urgent"), lambda event: None, first=True)

    engine.say(DONE)

    assert engine.jobs[-1] == measure("urgent")


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_runs_is_asked(engine: FakeEngine, jobs: JobQueue) -> None:
    heard: list[Any] = []
    running = jobs.submit(measure("a"), heard.append)
    waiting = jobs.submit(measure("b"), heard.append)

    waiting.cancel()
    running.cancel()

    assert heard == [events.Stopped()]
    assert engine.sent == [commands.Stop()]


def test_of_a_forgotten_job_nothing_arrives(engine: FakeEngine, jobs: JobQueue) -> None:
    heard: list[Any] = []
    jobs.submit(measure("a"), heard.append).forget()

    engine.say(events.Progress(stage="x", done=1, total=2), events.Stopped())

    assert heard == []
    assert not jobs.busy


def test_an_ending_may_ask_for_the_next_job(engine: FakeEngine, jobs: JobQueue) -> None:
    jobs.submit(measure("a"), lambda event: jobs.submit(measure("b"), lambda event: None))

    engine.say(DONE)

    assert engine.jobs == [measure("a"), measure("b")]


def test_without_an_engine_every_job_hears_why(engine: FakeEngine, jobs: JobQueue) -> None:
    heard: list[Any] = []
    jobs.submit(measure("a"), heard.append)
    jobs.submit(measure("b"), heard.append)

    engine.start_failed.emit(UserError("The engine could not start.", "Repair the installation."))

    assert [event.problem for event in heard] == ["The engine could not start."] * 2
    assert not jobs.busy


def test_an_engine_that_does_not_stop_when_it_is_asked_to_is_ended(engine: FakeEngine, qtbot: QtBot) -> None:
    jobs = JobQueue(engine, patience_s=0.02)
    heard: list[Any] = []
    work = jobs.submit(measure("vgg16"), heard.append)
    jobs.submit(measure("resnet50"), heard.append)
    work.cancel()
    qtbot.waitUntil(lambda: engine.calls == ["end_now"])
    engine.say(events.Crashed(cause="signal 9"))
    assert heard == [events.Stopped()]
    assert engine.jobs[-1] == measure("resnet50")
    engine.say(events.Crashed(cause="signal 9"))
    assert isinstance(heard[-1], events.Crashed)


def test_an_engine_that_stops_in_time_is_not_ended(engine: FakeEngine, qtbot: QtBot) -> None:
    jobs = JobQueue(engine, patience_s=0.02)
    work = jobs.submit(measure("vgg16"), lambda _: None)
    work.cancel()
    engine.say(events.Stopped())
    jobs.submit(measure("resnet50"), lambda _: None)
    qtbot.wait(60)
    assert engine.calls == []


def test_a_job_without_a_limit_may_take_its_time_to_stop(engine: FakeEngine, jobs: JobQueue, qtbot: QtBot) -> None:
    jobs.submit(measure("vgg16"), lambda _: None).cancel()
    qtbot.wait(60)
    assert engine.calls == []
