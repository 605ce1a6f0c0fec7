"""The program as a whole: its start, its end, and what it must not load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from helpers.pictures import write_dataset

from tlgui.core.runs import list_runs

CHECKOUT = Path(__file__).resolve().parents[2]
IMPORTS = """
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
print(*sorted({{"torch", "torchvision", "timm", "scipy", "sklearn", "onnx", "onnxruntime", "rich"}} & set(sys.modules)))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    folders = {f"TLGUI_{name}_DIR": str(tmp_path / name.lower()) for name in ("STATE", "PROJECTS", "CACHE")}
    return os.environ | folders | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(CHECKOUT / "tests")}


def ran(environment: dict[str, str], *arguments: str, limit_s: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


def played(environment: dict[str, str], play: str, data: Path) -> subprocess.CompletedProcess[str]:
    answer = ran(
        environment, "-c", f"import sys; from helpers.window_child import main; sys.exit(main({play!r}))", str(data)
    )
    # What the offscreen platform cannot do, and says each time.
    lines = [line for line in answer.stderr.splitlines() if not line.startswith("This plugin does not support")]
    return subprocess.CompletedProcess(answer.args, answer.returncode, answer.stdout, "\n".join(lines))


def test_no_module_of_the_window_loads_what_only_the_engine_needs(environment: dict[str, str]) -> None:
    paths = (CHECKOUT / "tlgui" / "gui").rglob("*.py")
    names = sorted(
        ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__") for path in paths
    )
    assert len(names) > 20

    answer = ran(environment, "-c", IMPORTS.format(names=names))

    assert (answer.returncode, answer.stdout.strip()) == (0, ""), answer.stderr


def test_a_call_that_returns_nothing_does_not_take_none_away() -> None:
    """PySide6 6.12.0 on Python 3.11 does, and Python ends after some thousand calls."""
    from PySide6.QtCore import QObject

    item = QObject()
    before = sys.getrefcount(None)
    for _ in range(200):
        item.setObjectName("x")

    assert sys.getrefcount(None) > before - 100


def test_the_start_is_measured_and_loads_no_plots(environment: dict[str, str]) -> None:
    answer = ran(environment, "-X", "importtime", "-m", "tlgui", "--measure-start")

    assert answer.returncode == 0, answer.stderr[-2000:]
    assert 0.05 < float(answer.stdout) < 60
    loaded = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines() if line.startswith("import time:")}
    assert {"PySide6.QtWidgets", "tlgui.gui.main_window"} <= loaded
    assert not {"pyqtgraph", "numpy", "PIL", "torch", "wakepy"} & loaded


def test_a_window_that_does_nothing_closes_without_a_word(environment: dict[str, str], tmp_path: Path) -> None:
    answer = played(environment, "idle", tmp_path)

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(("play", "state"), [("close", "interrupted"), ("stop", "stopped")])
def test_closing_in_mid_training_ends_cleanly_and_loses_nothing(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, play: str, state: str
) -> None:
    data = write_dataset(tmp_path / "images", {"a": 8, "b": 8})
    started = time.monotonic()

    answer = played(environment, play, data)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert time.monotonic() - started < 40
    monkeypatch.setenv("TLGUI_PROJECTS_DIR", environment["TLGUI_PROJECTS_DIR"])
    monkeypatch.setenv("TLGUI_STATE_DIR", environment["TLGUI_STATE_DIR"])
    (run,) = list_runs()
    assert (run.state, run.epochs_done >= 1) == (state, True)


@pytest.mark.slow
def test_a_fault_in_a_slot_opens_the_dialog_and_the_window_stays(environment: dict[str, str], tmp_path: Path) -> None:
    answer = played(environment, "fault", tmp_path)

    assert answer.returncode == 0
    assert "RuntimeError: this slot is broken" in answer.stderr
    assert (
        "RuntimeError: this slot is broken"
        in (Path(environment["TLGUI_STATE_DIR"]) / "logs" / "window.log").read_text()
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_a_polite_end_by_the_system_leaves_no_process(environment: dict[str, str], tmp_path: Path) -> None:
    code = "import sys; from helpers.window_child import main; sys.exit(main('terminate'))"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
    ) as window:
        assert window.stdout is not None
        assert window.stdout.readline() == "open\n"
        children = psutil.Process(window.pid).children(recursive=True)
        window.send_signal(signal.SIGTERM)
        assert window.wait(30) == 0
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


HANGING = """
import threading
from tlgui.gui import app, background

background.shut_down.__defaults__ = (0.1,)
make_bench = app.make_bench

def make_hanging_bench(settings):
    bench = make_bench(settings)
    background.run_in_background(bench, threading.Event().wait, print)
    return bench

app.make_bench = make_hanging_bench
raise SystemExit(app.main(["tlgui"], measure_start=True))
"""


def test_a_drive_that_never_answers_does_not_keep_the_program_in_memory(environment: dict[str, str]) -> None:
    result = ran(environment, "-c", HANGING)
    assert (result.returncode, result.stderr) == (0, "")
    log = Path(environment["TLGUI_STATE_DIR"], "logs", "window.log").read_text(encoding="utf-8")
    assert "something still waits for a drive" in log
