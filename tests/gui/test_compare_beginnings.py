"""Comparisons that begin with an earlier run: which ways take its weights, and that it must be set up to go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from helpers.bench import Bench
from helpers.compare_bench import asked_of
from helpers.compared import comparison_of
from helpers.made_comparison import TWO, compared, make, new_folder
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from tlgui.core import transfer
from tlgui.core.comparison import Comparison, Entrant, with_and_without
from tlgui.core.imaging_messages import ComparisonPrepared
from tlgui.core.run_spec import Source
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings

SOURCE = Source(run="2026-11-20 10.00 first", dataset="smears", images=500, sha256="a" * 64)
WEIGHTS = "/projects/smears/runs/2026-11-20 10.00 first/checkpoints/best.safetensors"
WAYS = [Entrant(strategy="feature-extraction"), Entrant(strategy="from-scratch")]


@pytest.fixture
def bench(qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


def begins_with_run(bench: Bench) -> None:
    bench.draft.set_backbone("efficientnet-lite0", weights_file=WEIGHTS, source=SOURCE)


def source_comparison() -> Comparison:
    ways = with_and_without(comparison_of(*TWO).entrants[:1])
    return msgspec.structs.replace(comparison_of(*TWO), entrants=ways, purpose="source", source=SOURCE)


def test_ways_that_begin_with_weights_take_those_of_the_run(bench: Bench, images: Path) -> None:
    bench.found(images)
    begins_with_run(bench)
    bench.compare.start(WAYS, 3, 0)
    request = asked_of(bench)
    assert [one.from_run for one in request.comparison.entrants] == [True, False]
    assert (request.comparison.source, request.comparison.weights) == (SOURCE, "")
    assert request.run == "/projects/smears/runs/2026-11-20 10.00 first"


def test_with_and_without_is_asked_as_each_way_twice(bench: Bench, images: Path) -> None:
    bench.found(images)
    bench.compare.start_with_and_without()
    assert bench.compare.state == "none", "there is no earlier run"
    begins_with_run(bench)
    bench.compare.start_with_and_without()
    asked = asked_of(bench).comparison
    assert asked.purpose == "source"
    assert [one.from_run for one in asked.entrants] == [False, True, False, True]


def test_whether_pretraining_helps_is_not_asked_of_an_earlier_run(bench: Bench, images: Path) -> None:
    bench.found(images)
    assert bench.compare.reason_against_transfer() == ""
    begins_with_run(bench)
    assert "yours are those of an earlier run" in bench.compare.reason_against_transfer()
    assert bench.compare.reason_against_start() == ""
    bench.compare.start(transfer.ENTRANTS, 3, 0, "transfer")
    assert bench.compare.state == "none"


def test_only_the_ways_with_it_train_from_its_weights(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.started(images)  # another training keeps the queue from going on
    bench.found(images)
    begins_with_run(bench)
    asked, folder = source_comparison(), new_folder()
    make(folder, asked)
    bench.compare.start(asked.entrants, 3, 0, "source")
    runs = [
        msgspec.structs.replace(compared(folder, leg), from_run=leg.entrant.from_run) for leg in asked.legs()
    ]  # fmt: skip
    ticket = asked_of(bench).ticket
    bench.fake_imaging.answered.emit(ComparisonPrepared(ticket=ticket, folder=str(folder), comparison=asked, runs=runs))
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == 2)
    assert [one.weights_file for one in bench.queue.waiting] == ["", WEIGHTS]


def test_it_goes_on_once_the_same_run_is_set_up(bench: Bench, images: Path, qtbot: QtBot) -> None:
    make(new_folder(), source_comparison(), dataset="cells")
    bench.compare.open(new_folder())
    qtbot.waitUntil(lambda: bench.compare.state == "interrupted")
    bench.found(images)
    reason = bench.compare.reason_against_resume()
    assert reason == f"It began with the earlier run '{SOURCE.run}'. Begin with that one on the page Backbone first."
    assert [run.from_run for run in bench.compare.runs] == [False, True]
    begins_with_run(bench)
    assert bench.compare.reason_against_resume() == ""
    bench.compare.resume()
    assert asked_of(bench).run.endswith("2026-11-20 10.00 first")
