"""The speed that is said is that of the executor that a training would use, and nothing random stays on the disk."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from helpers.tiny import ROW, tiny_network

from tlgui.core import commands, events
from tlgui.core.backbones import BACKBONES
from tlgui.core.errors import UserError
from tlgui.core.paths import cache_dir
from tlgui.engine import weights
from tlgui.engine.control import Control
from tlgui.engine.jobs import measure as measure_job
from tlgui.engine.jobs.measure import measure

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLGUI_DEVICE", "cpu")
    monkeypatch.setitem(BACKBONES, "tiny", ROW)
    monkeypatch.setattr(measure_job, "build", lambda row, classes, state: tiny_network(classes))
    monkeypatch.setattr(weights, "pretrained", lambda row: {})
    monkeypatch.setattr(measure_job, "_TIMED_S", 0.05)


def missing(row: object) -> None:
    raise UserError("They are not here.", "Fetch them.")


def measured(events_: list[events.Event]) -> events.Measured:
    (found,) = (event for event in events_ if isinstance(event, events.Measured))
    return found


def test_where_nothing_can_be_compiled_torch_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(measure_job, "compiled_trunk", full)
    said = list(measure(commands.Measure(backbone="tiny"), Control()))

    found = measured(said)
    assert (found.backbone, found.device, found.executor) == ("tiny", "cpu", "torch")
    assert 0 < found.images <= 800 and 0 < found.seconds_per_1000 < 60
    assert isinstance(said[-1], events.Completed)
    steps = [event for event in said if isinstance(event, events.Progress)]
    assert steps[0].stage == "preparing the frozen layers" and steps[-1].done == steps[-1].total == 100


@pytest.mark.slow
def test_weights_that_are_not_here_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "pretrained", missing)
    (cache_dir() / "measuring-999999999-x").mkdir()
    (cache_dir() / "measuring-999999999-x" / "random.onnx").write_bytes(b"an engine was killed here")

    said = list(measure(commands.Measure(backbone="tiny"), Control()))

    assert measured(said).executor == "onnxruntime"
    assert list(cache_dir().iterdir()) == []


@pytest.mark.slow
def test_what_was_compiled_for_weights_that_are_here_serves_the_training_too() -> None:
    said = list(measure(commands.Measure(backbone="tiny"), Control()))

    assert measured(said).executor == "onnxruntime"
    assert [path.suffix for path in (cache_dir() / "trunks").iterdir()] == [".onnx"]


@pytest.mark.parametrize("after", [0, 1])
def test_stop_is_heard_between_the_steps(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure_job, "executor_for", lambda *_: "torch")
    control = Control()
    said: list[events.Event] = []
    for event in measure(commands.Measure(backbone="tiny"), control):
        said.append(event)
        if len(said) == after + 1:
            control.put(commands.Stop())

    assert isinstance(said[-1], events.Stopped)
    assert not any(isinstance(event, events.Measured) for event in said)
    assert len(said) <= after + 2


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(UserError, match="There is no backbone named 'x'"):
        list(measure(commands.Measure(backbone="x"), Control()))
