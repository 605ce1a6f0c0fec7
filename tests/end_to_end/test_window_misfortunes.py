"""Engines and windows that are killed, closed and started twice: nothing is lost, and no process stays behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers.command_line import strict_json
from helpers.pictures import write_dataset
from helpers.schemas import conforms_as_run
from helpers.window import Visit, fake
from helpers.window_program import Program
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tlgui.core.runs import list_runs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_level_fail("WARNING"),
    pytest.mark.qt_log_ignore("This plugin does not support"),
]
ENDINGS = ("Completed", "Stopped", "Failed", "Crashed")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "photos", {"across": 20, "down": 20}, 64)


def events_of(run: Path) -> list[dict[str, Any]]:
    return [strict_json(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def endings(run: Path) -> list[str]:
    return [event["type"] for event in events_of(run) if event["type"] in ENDINGS]


def alive(processes: list[psutil.Process], within_s: float = 30) -> list[psutil.Process]:
    left = psutil.wait_procs(processes, timeout=within_s)[1]
    return [one for one in left if one.status() != psutil.STATUS_ZOMBIE]


def goes_on_to_its_end(run: Path, told_before: int) -> None:
    """The run went on after its checkpoint, and every epoch counts once."""
    after = events_of(run)[told_before:]
    (resumed,) = [event for event in after if event["type"] == "Resumed"]
    assert resumed["step"] > 0
    assert [event["epoch"] for event in after if event["type"] == "EpochEnded"][-1] == 3
    assert min(event["step"] for event in after if event["type"] == "BatchEnded") > resumed["step"]
    assert after[-1]["type"] == "Completed"


def test_a_killed_engine_is_said_and_the_run_goes_on_from_its_checkpoint(qtbot: QtBot, photos: Path) -> None:
    with Visit(qtbot) as visit:
        visit.bench.draft.set_level("guided")
        visit.bench.open_folder(photos)
        visit.until(lambda: visit.bench.draft.summary is not None, "the end of the scan")
        visit.bench.draft.set_strategy("full-fine-tuning")
        visit.bench.draft.set_training("epochs", 3)
        visit.bench.draft.set_training("batch_size", 4)
        visit.window.show_page("review")
        visit.press_soon("Start training")
        visit.until(lambda: visit.bench.run is not None and visit.run.best_epoch == 1, "the first epoch")
        visit.press_soon("Pause")  # which saves; else a checkpoint is made every ten seconds
        visit.until_state("paused")
        visit.until((visit.bench.run_folder.path / "checkpoints" / "last.safetensors").is_file, "the checkpoint")
        visit.press_soon("Continue")
        visit.until_state("training")
        visit.engine_process().kill()
        visit.until_state("crashed")
        visit.until_reads("The engine ended unexpectedly")
        run = visit.bench.run_folder.path
        told = len(events_of(run))
        assert endings(run) == ["Crashed"]

        visit.press_soon("Details")
        visit.until_reads("Copy the details")
        visit.press_soon("Continue")
        visit.until_state("complete")

        goes_on_to_its_end(run, told)
        assert endings(run) == ["Crashed", "Completed"]
        assert not visit.reads("ended unexpectedly")
        assert [epoch.epoch for epoch in visit.run.epochs if epoch.epoch] == [1, 2, 3]
        visit.press_soon("Next: Results")
        visit.until(lambda: visit.page.findings is not None, "the results")
    assert visit.left_behind() == []


@pytest.mark.skipif(os.name != "posix", reason="processes are killed otherwise on this system")
def test_a_killed_window_leaves_no_process_and_the_next_one_goes_on(photos: Path) -> None:
    with Program("train", photos) as window:
        run = Path(window.until("run "))
        window.until("epoch 1")
        children = psutil.Process(window.process.pid).children(recursive=True)
        assert any("engine" in child.cmdline() for child in children)
        os.kill(window.process.pid, signal.SIGKILL)
        assert window.process.wait(30) == -signal.SIGKILL
        assert alive(children) == []
    assert endings(run) == []
    told = len(events_of(run))
    (summary,) = list_runs()
    assert (summary.state, summary.epochs_done >= 1) == ("interrupted", True)

    with Program("go on", photos.name) as window:
        assert Path(window.until("run ")) == run
        assert window.end() == (0, "")
        assert window.lines[-1] == "complete"
    goes_on_to_its_end(run, told)


def test_two_windows_on_the_same_images_are_two_runs_and_each_is_closed_as_asked(photos: Path) -> None:
    with Program("close", photos) as first, Program("stop", photos) as second:
        runs = [Path(window.until("run ")) for window in (first, second)]
        children = [
            child for one in (first, second) for child in psutil.Process(one.process.pid).children(recursive=True)
        ]
        first.until("stays")
        assert second.end() == (0, "")
        assert first.end() == (0, "")
        assert alive(children) == []
    assert runs[0] != runs[1]
    assert sorted(summary.path for summary in list_runs()) == sorted(path.resolve() for path in runs)
    gone_on, stopped = (events_of(run) for run in runs)
    assert endings(runs[0]) == []
    assert [event["epoch"] for event in gone_on if event["type"] == "EpochEnded"][-1] >= 1
    conforms_as_run(stopped, "Stopped")
    assert stopped[-1]["best_epoch"] is not None
    assert [event["split"] for event in stopped if event["type"] == "Evaluated"] == ["validation", "test"]
    assert (runs[1] / "results" / "metrics.json").is_file()
    assert {summary.state for summary in list_runs()} == {"interrupted", "stopped"}


def test_start_pressed_many_times_in_one_moment_is_one_run(qtbot: QtBot, photos: Path) -> None:
    jobs: list[Any] = []
    with Visit(qtbot, fake("train", pace=0.01, epochs=3)) as visit:
        run_job = visit.bench.engine.run_job
        visit.bench.engine.run_job = lambda job: (jobs.append(job), run_job(job))  # type: ignore[method-assign]
        visit.bench.open_folder(photos)
        visit.until(lambda: visit.bench.draft.summary is not None, "the end of the scan")
        visit.window.show_page("review")
        visit.until(lambda: visit.can_press("Start training"), "Start")
        start = visit.page.primary
        QTest.mouseClick(start, Qt.MouseButton.LeftButton)
        QTest.mouseClick(start, Qt.MouseButton.LeftButton)
        QTest.mouseDClick(start, Qt.MouseButton.LeftButton)
        start.setFocus()
        QTest.keyClick(start, Qt.Key.Key_Space)
        QTest.keyClick(start, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        visit.bench.start_training()
        visit.until_state("complete")
        trained = [job for job in jobs if type(job).__name__ == "Train"]
        assert len(trained) == 1
        (summary,) = list_runs()
        assert summary.path == Path(trained[0].run).resolve()
        conforms_as_run(events_of(summary.path), "Completed")
    assert visit.left_behind() == []


def test_without_any_stream_the_demo_is_drawn_read_and_trained_on() -> None:
    with Program("demo") as window:
        assert window.until("read ") == "240"
        assert window.until("training ") not in ("failed", "crashed")
        assert window.end() == (0, "")
    log = (Path(os.environ["TLGUI_STATE_DIR"]) / "logs" / "window.log").read_text(encoding="utf-8")
    assert "a library prints" in log
    assert "Traceback" not in log
