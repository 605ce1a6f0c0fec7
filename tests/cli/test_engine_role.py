"""`tlgui engine`, spoken to by hand: JSON lines in, JSON lines out, nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers.command_line import strict_json

from tlgui import __version__
from tlgui.core import commands, events
from tlgui.core.engine_process import EngineProcess, engine_command

pytestmark = pytest.mark.slow

# An engine whose libraries are noisy in every way there is, before and while it does a job.
NOISY = """
import os, subprocess, sys
from tlgui.engine import worker
quiet = worker.serve
def serve(job, control, wire):
    print("a library says hello")
    sys.__stdout__.flush()
    os.write(1, b"so does C code\\n")
    subprocess.run(["echo", "and a child"], check=True)
    quiet(job, control, wire)
worker.serve = serve
sys.exit(worker.main())
"""


class Engine:
    """An engine and a pipe to either side of it; what it logs goes to a file."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream)

    def write(self, *lines: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(lines))
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        event = strict_json(self.process.stdout.readline().decode())
        assert isinstance(event, dict)
        return event

    def to_the_ending(self) -> list[dict[str, Any]]:
        events = [self.read()]
        while events[-1]["type"] not in ("Completed", "Failed", "Stopped"):
            events.append(self.read())
        return events

    def job(self, job: commands.Job) -> list[dict[str, Any]]:
        self.write(commands.encode(job))
        return self.to_the_ending()


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine([sys.executable, "-c", NOISY], tmp_path_factory.mktemp("noisy") / "log")
    with engine.process as process:
        yield engine
        if process.poll() is None:
            process.kill()


def test_it_speaks_in_events_alone_does_job_after_job_and_leaves_with_its_owner(
    noisy: Engine, trained: Path, photos: Path, tmp_path: Path
) -> None:
    first = noisy.read()
    assert first["type"] == "EngineReady"
    assert first["protocol"] == 1
    assert first["tlgui"] == __version__
    assert first["device"] and first["device_sentence"]

    for line in (b"hello", b"", b'{"type":"Dance"}', b'{"type":"Stop","now":true}', b"\xff\xfe", b"[" * 5000):
        noisy.write(line, b"\n")
        notice = noisy.read()
        assert (notice["type"], notice["code"]) == ("Notice", "not_understood")

    # A stop that came too late for the job before does not reach the next one.
    noisy.write(commands.encode(commands.Stop()))
    (failed,) = noisy.job(commands.Predict(run=str(tmp_path), paths=[]))
    assert failed["problem"] == f"'{tmp_path.name}' is not a run folder: it has no run.toml."
    picture = photos / "down/000.png"
    predicted, done = noisy.job(commands.Predict(run=str(trained), paths=[("one", str(picture))]))
    assert (predicted["type"], predicted["path"], done["type"]) == ("Predicted", "one", "Completed")

    evaluation = commands.encode(commands.Evaluate(run=str(trained), data=str(photos)))
    noisy.write(evaluation, commands.encode(commands.Stop()))
    ending = noisy.to_the_ending()[-1]["type"]

    out, _ = noisy.process.communicate(timeout=60)  # closes its input first
    assert noisy.process.returncode == 0
    assert out == b""
    log = noisy.log.read_bytes()
    for noise in (b"a library says hello", b"so does C code", b"and a child"):
        assert log.count(noise) == 3
    assert ending == "Stopped"


def test_no_module_of_the_working_folder_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("queue", "random", "torch"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w').close()\nraise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    with EngineProcess() as engine:
        assert engine.wait_until_ready(120).tlgui == __version__
    assert not (tmp_path / "marker").exists()


def test_the_engine_for_beside_a_training_takes_one_thread_and_gives_way(tmp_path: Path) -> None:
    """It is on the processor, so that it needs no room on a card that trains."""
    with EngineProcess(engine_command(side=True)) as engine:
        assert engine.wait_until_ready(120).device == "cpu"
        process = psutil.Process(engine.pid)
        if os.name == "posix":
            assert process.nice() == min(19, psutil.Process().nice() + 15)
        *_, surveyed, ending = engine.run(commands.Survey())
        assert isinstance(surveyed, events.Surveyed) and isinstance(ending, events.Completed)

        failed = list(engine.run(commands.CheckWeights(backbone="resnet50", file=str(tmp_path / "mine.pth"))))[-1]
        assert isinstance(failed, events.Failed) and failed.code == "weights_unfit" and not failed.is_fault
        assert failed.problem == "There is no weights file 'mine.pth'."
