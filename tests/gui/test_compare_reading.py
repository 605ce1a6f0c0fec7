"""Comparisons that are read from the disk: the one in hand, earlier ones, and what the result is good for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench
from helpers.compare_bench import begun
from helpers.compared import comparison_of
from helpers.made_comparison import THREE, TWO, end, make, new_folder, share, whole
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from tlgui.core.comparison import FOLDER, Entrant
from tlgui.gui import compare_desk
from tlgui.gui.closing import shut_down
from tlgui.gui.settings import Settings


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


# -- reading


class SlowDisk:
    """Reading a folder takes until a test lets it go on."""

    def __init__(self, slow: Path) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self._slow, self._read = slow, compare_desk.read_comparison

    def read(self, folder: Path) -> Any:
        found = self._read(folder)
        if folder == self._slow and not self.asked.is_set():
            self.asked.set()
            assert self.go.wait(10)
        return found


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], SlowDisk]]:
    made: list[SlowDisk] = []

    def make_slow(folder: Path) -> SlowDisk:
        made.append(SlowDisk(folder))
        monkeypatch.setattr(compare_desk, "read_comparison", made[-1].read)
        return made[-1]

    yield make_slow
    for one in made:
        one.go.set()


def test_one_that_is_opened_later_is_the_one_that_is_shown(
    bench: Bench, qtbot: QtBot, slow_disk: Callable[[Path], SlowDisk]
) -> None:
    one, other = new_folder("one"), new_folder("other")
    whole(one, comparison_of(*TWO), {key: share(30) for key in TWO})
    make(other, comparison_of(*THREE))
    disk = slow_disk(one)
    bench.compare.open(one)
    qtbot.waitUntil(disk.asked.is_set)
    assert bench.compare.state == "none", "nothing is known of it yet"
    bench.compare.open(other)
    qtbot.waitUntil(lambda: bench.compare.asked is not None)
    disk.go.set()
    qtbot.wait(50)
    assert bench.compare.folder == other and bench.compare.result is None
    assert bench.compare.state == "interrupted" and len(bench.compare.runs) == 3


def test_of_two_readings_the_later_one_counts(
    bench: Bench, qtbot: QtBot, slow_disk: Callable[[Path], SlowDisk]
) -> None:
    folder, asked = new_folder(), comparison_of(*TWO)
    make(folder, asked)
    disk = slow_disk(folder)
    bench.compare.open(folder)
    qtbot.waitUntil(disk.asked.is_set)
    for leg in asked.legs():
        end(folder, leg)
    bench.compare.refresh()
    qtbot.waitUntil(lambda: bench.compare.state == "complete")
    disk.go.set()
    qtbot.wait(50)
    assert bench.compare.state == "complete"


def test_a_damaged_one_is_told_and_another_one_can_be_set_up(bench: Bench, images: Path, qtbot: QtBot) -> None:
    folder = new_folder()
    make(folder, comparison_of(*TWO))
    (folder / "comparison.toml").write_text("backbone =")
    bench.found(images)
    bench.compare.open(folder)
    qtbot.waitUntil(lambda: bool(bench.compare.problem))
    assert bench.compare.problem == f"The comparison '{folder.name}' cannot be read."
    assert bench.compare.state == "none" and bench.compare.reason_against_start() == ""


def test_earlier_ones_are_listed_with_what_is_left(bench: Bench, qtbot: QtBot) -> None:
    asked = comparison_of(*THREE)
    make(new_folder("1"), asked, dataset="smears")
    whole(new_folder("2"), comparison_of(*TWO), {key: share(30) for key in TWO})
    damaged = new_folder("3")
    make(damaged, asked)
    (damaged / "comparison.toml").write_text("backbone =")
    for number in (1, 2):
        os.utime(new_folder(str(number)) / "comparison.toml", (1_000_000 * number, 1_000_000 * number))
    bench.compare.refresh()
    qtbot.waitUntil(lambda: len(bench.compare.earlier) == 2)
    assert [(one.folder.name, one.name, one.left) for one in bench.compare.earlier] == [
        ("2", "cells", 0),
        ("1", "smears", 3),
    ]


def test_the_one_in_hand_is_known_among_them_also_behind_a_link(
    bench: Bench, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(new_folder(), comparison_of(*TWO))
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "projects", target_is_directory=True)
    monkeypatch.setenv("TLGUI_PROJECTS_DIR", str(link))
    bench.compare.refresh()
    qtbot.waitUntil(lambda: bool(bench.compare.earlier))
    real = tmp_path.resolve() / "projects" / "cells" / FOLDER / new_folder().name  # as the imaging child names it
    assert bench.compare.earlier[0].folder == real


# -- what it is good for


def test_the_cheapest_way_is_set_up_and_reviewed(bench: Bench, images: Path, qtbot: QtBot) -> None:
    pages: list[str] = []
    bench.page_asked.connect(pages.append)
    desk = bench.compare
    right = {"feature-extraction": share(40), "fine-tune-top:2": share(74), "full-fine-tuning": share(75)}
    whole(new_folder(), comparison_of(*THREE), right)
    desk.open(new_folder())
    qtbot.waitUntil(lambda: desk.state == "complete")
    assert desk.cheapest == Entrant(strategy="fine-tune-top", top_groups=2)
    assert desk.reason_against_use() == "Open the folder of these images first."
    desk.use()
    assert pages == []

    bench.found(images)
    bench.draft.set_strategy("from-scratch")
    assert desk.reason_against_use() == ""
    desk.use()
    training = bench.draft.training
    assert (training.strategy, training.top_groups) == ("fine-tune-top", 2)
    assert pages[-1] == "review"


def test_a_way_without_groups_leaves_them_open(bench: Bench, images: Path, qtbot: QtBot) -> None:
    whole(new_folder(), comparison_of(*TWO), {key: share(60) for key in TWO})
    bench.found(images)
    bench.draft.set_strategy("fine-tune-top")
    bench.draft.set_training("top_groups", 3)
    bench.compare.open(new_folder())
    qtbot.waitUntil(lambda: bench.compare.state == "complete")
    bench.compare.use()
    training = bench.draft.training
    assert (training.strategy, training.top_groups) == ("feature-extraction", None)


def test_nothing_is_used_of_one_that_is_not_whole(bench: Bench, images: Path, qtbot: QtBot) -> None:
    make(new_folder(), comparison_of(*TWO))
    bench.found(images)
    bench.compare.open(new_folder())
    qtbot.waitUntil(lambda: bench.compare.state == "interrupted")
    assert bench.compare.cheapest is None and bench.compare.reason_against_use() == "There is no result yet."
    before = bench.draft.training
    bench.compare.use()
    assert bench.draft.training == before


def test_forgetting_shows_none_and_keeps_the_folder(bench: Bench, qtbot: QtBot) -> None:
    whole(new_folder(), comparison_of(*TWO), {key: share(30) for key in TWO})
    bench.compare.open(new_folder())
    qtbot.waitUntil(lambda: bench.compare.state == "complete")
    bench.compare.forget()
    assert (bench.compare.state, bench.compare.result, bench.compare.runs) == ("none", None, [])
    assert (new_folder() / "comparison.toml").is_file()


def test_runs_that_wait_from_before_a_restart_can_be_gone_on_with(
    bench: Bench, images: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue waits until it is told to begin: "running" would be a dead end."""
    folder = new_folder()
    runs = begun(bench, images, folder=folder)
    # The first run is taken out of the queue, and begins a moment later.
    qtbot.waitUntil(lambda: bool(bench.queue.waiting) and not bench.compare._begins)
    monkeypatch.setattr(bench.queue, "goes_on", False)
    monkeypatch.setattr(type(bench), "is_training", property(lambda _: False))
    monkeypatch.setattr(type(bench.compare), "training", property(lambda _: None))
    bench.compare._enters = False
    assert runs and bench.compare.state == "interrupted" and bench.compare.reason_against_resume() == ""
    monkeypatch.setattr(bench.queue, "goes_on", True)
    assert bench.compare.state == "running"


def test_a_run_that_was_taken_out_while_it_was_about_to_begin_does_not(
    bench: Bench, images: Path, qtbot: QtBot
) -> None:
    folder = new_folder()
    runs = begun(bench, images, folder=folder)
    bench.compare.cancel()
    qtbot.wait(300)
    assert bench.compare.state == "interrupted" and not bench.queue.waiting
    assert bench.compare.training is None and runs
