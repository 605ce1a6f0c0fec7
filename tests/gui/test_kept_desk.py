"""Mixes and strengths of a finished run: begun once, watched, called off, heard by the run alone that they are of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.bench import Bench, epoch, make_run, run_started
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events, run_folder
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings

MIXES = events.MixesTried(mixes=[], chosen=0.7, by_itself=False, new_images=9, old_images=0, sentence="The mix.")


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


def finished(bench: Bench, qtbot: QtBot, images: Path | None) -> Path:
    """A finished run is shown."""
    said = [run_started(Path("r")), epoch(1), events.Completed(run="r", best_epoch=1, message="Done.")]
    path = make_run(heard=said)
    if images is not None:
        run_folder.remember_place("f" * 64, images)
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)
    return path


def test_a_mix_is_made_in_the_engine_beside_and_heard_by_its_run(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    path = finished(bench, qtbot, tmp_path)
    mixed: list[Path] = []
    bench.kept.mixed.connect(mixed.append)
    assert bench.kept.reason_against() == ""
    bench.kept.mix(0.7)
    bench.kept.mix(0.2)  # a second press does nothing
    assert bench.fake_side.jobs == [commands.MixWeights(run=str(path), data=str(tmp_path), share=0.7)]
    assert bench.kept.doing == "mix" and bench.kept.reason_against() == "It is at work."
    bench.fake_side.say(events.Progress(stage="mixing", done=1, total=11), MIXES)
    assert bench.kept.progress is not None and bench.run is not None and bench.run.kept.mixes == MIXES
    again = {"sentence": "31 of 40 right.", "accuracy": {"value": 0.775}}
    bench.fake_side.say(events.Evaluated(split="test", metrics=again))
    assert bench.run.metrics["test"] == again and bench.run.log[-1].endswith("Test images: 31 of 40 right.")
    assert bench.run.state == "complete", "it was scored again, and not begun again"
    bench.fake_side.say(events.Completed(run=str(path), message="Done."))
    assert mixed == [path] and bench.kept.doing == "" and bench.kept.ended("mix") is None


def test_called_off_it_is_said_and_can_be_begun_again(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    finished(bench, qtbot, tmp_path)
    bench.kept.try_strengths()
    bench.kept.cancel()
    assert bench.kept.stopping and bench.fake_side.sent == [commands.Stop()]
    bench.fake_side.say(events.Stopped())
    assert isinstance(bench.kept.ended("strengths"), events.Stopped) and bench.kept.ended("mix") is None
    bench.kept.try_strengths()
    assert bench.kept.ended("strengths") is None and len(bench.fake_side.jobs) == 2


def test_another_run_hears_nothing_of_it(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    finished(bench, qtbot, tmp_path)
    bench.kept.mix(0.7)
    other = make_run(heard=[run_started(Path("r")), epoch(1), events.Completed(run="r", best_epoch=1, message="Done.")])
    bench.open_run(other)
    qtbot.waitUntil(lambda: bench.run_folder is not None and bench.run_folder.path == other)
    assert bench.kept.doing == "" and "another run" in bench.kept.reason_against()
    bench.fake_side.say(MIXES, events.Failed(problem="No.", remedy=""))
    assert bench.run is not None and bench.run.kept.mixes is None and bench.kept.ended("mix") is None


@pytest.mark.parametrize("what", ["nothing", "no images"])
def test_what_stands_against_it_is_said(bench: Bench, qtbot: QtBot, what: str) -> None:
    if what == "nothing":
        assert bench.kept.reason_against() == "There is no run yet."
    else:
        finished(bench, qtbot, None)
        assert bench.kept.reason_against() == "The images of this run are not where they were."
    bench.kept.mix(0.5)
    assert bench.fake_side.jobs == []


def test_a_run_that_trains_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    bench.started(tmp_path)
    assert "is at work" in bench.kept.reason_against()
    bench.kept.try_strengths()
    assert bench.fake_side.jobs == []


def test_a_window_that_closes_hears_nothing_any_more(bench: Bench, qtbot: QtBot, tmp_path: Path) -> None:
    finished(bench, qtbot, tmp_path)
    bench.kept.mix(0.7)
    bench.kept.forget()
    bench.fake_side.say(MIXES)
    assert bench.run is not None and bench.run.kept.mixes is None
