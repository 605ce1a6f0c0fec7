"""Ctrl-C, a terminal that closes, and processes that are killed: nothing is lost and no process stays behind.

The tests wait for events and send a signal; nothing here sleeps.
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
from pathlib import Path

import psutil
import pytest
from helpers.command_line import Running, Typed, gone, strict_json, type_in
from helpers.pictures import write_dataset
from helpers.schemas import conforms_as_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals are sent otherwise on this system"),
]
STOPPING = "Stopping after this batch and keeping the best state; press Ctrl-C again to leave at once."


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "photos", {"across": 20, "down": 20}, 64)


def begin(photos: Path, run: Path, *more: object) -> Running:
    typed = ("--strategy", "full-fine-tuning", "--epochs", 3, "--batch-size", 4, "--run-dir", run, "--json", *more)
    return Running("train", photos, *typed)


def go_on(run: Path, *more: object) -> Running:
    return Running("continue", run, "--json", *more)


def engine_of(running: Running) -> psutil.Process:
    # A reader of images may be warm still.
    (engine,) = (child for child in running.children() if "imaging-reader" not in child.cmdline())
    return engine


def steps_of(running: Running) -> list[int]:
    return [event["step"] for event in running.events if event["type"] in ("BatchEnded", "Resumed")]


def stopped_well(running: Running, said: Typed) -> None:
    assert said.code == 130
    assert said.err.strip().endswith(STOPPING)
    conforms_as_run(running.events, "Stopped")


def test_a_run_that_is_stopped_killed_and_hung_up_still_completes(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    # Ctrl-C that reaches the command line alone, in the second epoch: the best state is kept and scored.
    with begin(photos, run) as running:
        running.until("EpochEnded", 2)  # the warm start, and the first epoch
        running.until("BatchEnded")
        engine = engine_of(running)
        running.send(signal.SIGINT)
        said = running.end()
    stopped_well(running, said)
    assert gone(engine)
    best = [event["epoch"] for event in running.events if event["type"] == "EpochEnded" and event["best"]][-1]
    assert running.events[-1]["best_epoch"] == best
    assert [event["split"] for event in running.events if event["type"] == "Evaluated"] == ["validation", "test"]
    metrics = strict_json((run / "results/metrics.json").read_text(encoding="utf-8"))
    assert metrics["best_epoch"] == best
    assert (run / "results/predictions.csv").is_file()
    assert (run / "checkpoints/best.safetensors").is_file()
    stopped_at = steps_of(running)[-1]

    # The engine is killed: the ending says so, and what was saved stays.
    with go_on(run) as running:
        assert running.until("Resumed")["step"] >= stopped_at
        running.until("BatchEnded")
        engine_of(running).kill()
        said = running.end()
    assert said.code == 1
    conforms_as_run(running.events, "Crashed")
    assert running.events[-1]["cause"] == "signal 9"
    assert said.err.startswith("The engine ended unexpectedly (signal 9).")
    assert "continue the run to go on." in said.err

    # The command line is ended by another program, as when a terminal closes: the engine saves and leaves.
    for number in (signal.SIGTERM, signal.SIGKILL):
        with go_on(run) as running:
            resumed = running.until("Resumed")["step"]
            seen = running.until("BatchEnded")["step"]
            engine = engine_of(running)
            running.send(number)
            assert running.end().code == -number
            assert gone(engine)
        assert seen > resumed >= stopped_at
        stopped_at = seen

    # Then it goes on from there to its end.
    with go_on(run) as running:
        said = running.end()
    assert said.code == 0, said.err
    conforms_as_run(running.events, "Completed")
    assert next(event["step"] for event in running.events if event["type"] == "Resumed") >= stopped_at
    assert [event["epoch"] for event in running.events if event["type"] == "EpochEnded"][-1] == 3
    journal = [strict_json(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    endings = [event["type"] for event in journal if event["type"] in ("Stopped", "Crashed", "Failed", "Completed")]
    assert endings == ["Stopped", "Crashed", "Completed"]


def test_ctrl_c_in_a_terminal_before_the_first_epoch_and_twice(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    # A terminal sends it to the whole group; the engine has its own and hears of it from the command line alone.
    with begin(photos, run) as running:
        running.until("RunStarted")
        engine = engine_of(running)
        running.send(signal.SIGINT, group=True)
        said = running.end()
    stopped_well(running, said)
    assert gone(engine)
    assert running.events[-1]["best_epoch"] is None
    assert not (run / "results/metrics.json").exists()
    said = type_in("predict", run, photos, "--json")
    assert said.code == 1
    assert said.err.startswith("The run 'run' has no model yet: no epoch has ended. Continue the run")

    # The second Ctrl-C does not wait for the scores.
    with go_on(run) as running:
        running.until("BatchEnded", 2)
        engine = engine_of(running)
        running.send(signal.SIGINT, group=True)
        assert running.process.stderr is not None
        assert running.process.stderr.readline() == b"\n"
        assert running.process.stderr.readline().decode().strip() == STOPPING
        running.send(signal.SIGINT, group=True)
        said = running.end(timeout_s=15)
    assert said.code == 130
    assert said.err == "Stopped at once, as you asked. A run that had begun can be continued.\n"
    assert gone(engine, within_s=1)

    # Ctrl-C while the engine still loads its libraries.
    with Running("predict", run, photos, "--json") as running:
        process = psutil.Process(running.process.pid)
        while not process.children():
            assert process.is_running()
        engine = engine_of(running)
        running.send(signal.SIGINT, group=True)
        said = running.end(timeout_s=15)
    assert said.code == 130
    assert gone(engine)


def test_d42_an_image_that_is_deleted_is_skipped_and_a_folder_that_is_renamed_ends_the_run(
    photos: Path, tmp_path: Path
) -> None:
    images = shutil.copytree(photos, tmp_path / "photos")
    run = tmp_path / "run"
    with begin(images, run) as running:
        running.until("EpochEnded", 2)  # the warm start, and the first epoch
        with (run / "manifest.csv").open(encoding="utf-8", newline="") as stream:
            lost = next(row["path"] for row in csv.DictReader(stream) if row["split"] == "train")
        (images / lost).unlink()
        notice = running.until("Notice")
        running.until("EpochEnded")
        images.rename(tmp_path / "elsewhere")
        said = running.end()
    assert notice["code"] == "image_skipped" and f"The training image '{lost}' is gone" in notice["message"]
    assert said.code == 1
    conforms_as_run(running.events, "Failed")
    assert running.events[-1]["code"] == "drive_gone"
    with go_on(run, "--data", tmp_path / "elsewhere") as running:
        said = running.end()
    assert said.code == 0, said.err
    conforms_as_run(running.events, "Completed")
    assert [lost in event["message"] for event in running.events if event["type"] == "Notice"] == [True]
    predictions = (run / "results/predictions.csv").read_text(encoding="utf-8")
    assert lost not in predictions
