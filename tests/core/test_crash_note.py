"""An engine that died could not write its ending: its owner notes it."""

from __future__ import annotations

from pathlib import Path

from tlgui.core import commands, events
from tlgui.core.crash_note import crash_of
from tlgui.core.run_folder import RunFolder

CRASHED = events.Crashed(cause="signal 9", last_lines="/home/someone/photos/a.png")


def test_a_training_names_its_run_and_the_run_keeps_no_last_lines(tmp_path: Path) -> None:
    ending = crash_of(CRASHED, commands.Train(run=str(tmp_path), data="/data"))

    assert ending == events.Crashed(cause="signal 9", last_lines=CRASHED.last_lines, run=str(tmp_path))
    assert list(RunFolder(tmp_path).events()) == [events.Crashed(cause="signal 9", run=tmp_path.name)]


def test_any_other_job_leaves_its_run_alone(tmp_path: Path) -> None:
    job = commands.Export(run=str(tmp_path), data="/data", format="onnx", to="/to")

    assert crash_of(CRASHED, job) is CRASHED
    assert list(tmp_path.iterdir()) == []


def test_a_run_folder_that_is_gone_is_said_and_is_no_error(tmp_path: Path) -> None:
    said: list[str] = []

    ending = crash_of(CRASHED, commands.Train(run=str(tmp_path / "gone"), data="/data"), said.append)

    assert ending.run == str(tmp_path / "gone")
    assert said == ["The ending could not be noted in the run folder: No such file or directory."]
