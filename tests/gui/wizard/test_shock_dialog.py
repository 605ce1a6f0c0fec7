"""The shock number: measured by the engine while one waits, cancelled, failed, kept while it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench
from helpers.images_page import found, images_bench, journal, read, refused, scanned
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import ListingWritten, WriteListing
from tlgui.core.intake import KeepTogether
from tlgui.core.records import PixelRule
from tlgui.gui.wizard.images.shock_dialog import ShockButton, ShockDialog, basis_words

RULE = PixelRule(low=0, high=4095)
COMPARED = events.SplitsCompared(
    naive=0.912, naive_low=0.89, naive_high=0.93, safe=0.71, safe_low=0.66, safe_high=0.76, difference=0.2, low=0.15,
    high=0.25, images=1500, groups=300, repeats=10, sentence="Split without regard to patients: 91 %; safe: 71 %.",
)  # fmt: skip
Open = Callable[[], ShockDialog]


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    with images_bench(qapp, tmp_path) as bench:
        bench.found(tmp_path, found(groups=10, pixel_rule=RULE))
        # Whatever the warm engine does as the window opens is over.
        while bench.jobs.busy:
            bench.fake_engine.say(events.Completed(message=""))
        yield bench


@pytest.fixture
def opened(bench: Bench, qtbot: QtBot) -> Open:
    window = QWidget()
    qtbot.addWidget(window)

    def open_it() -> ShockDialog:
        dialog = ShockDialog(bench.shock, window)
        dialog.open()
        return dialog

    return open_it


def written(bench: Bench) -> None:
    """The child has listed the images."""
    bench.fake_imaging.answered.emit(ListingWritten(ticket=bench.scan_ticket or 0, path="/cache/1.csv", data="/data"))


def button(dialog: ShockDialog, words: str) -> QPushButton:
    return next(one for one in dialog.findChildren(QPushButton) if one.text() == words)


def test_it_measures_as_it_opens_and_shows_both_scores(opened: Open, bench: Bench) -> None:
    dialog = opened()
    assert bench.fake_imaging.asked[-1] == WriteListing(ticket=bench.scan_ticket or 0)
    assert "Waiting for the engine" in read(dialog)
    written(bench)
    assert bench.fake_engine.jobs[-1] == commands.CompareSplits(listing="/cache/1.csv", data="/data", rule=RULE)
    bench.fake_engine.say(events.Progress(stage="looking at the images", done=300, total=1500, seconds_left=12))
    assert "Looking at the images 300 of 1,500, about 12 s left" in dialog.progress.text()
    bench.fake_engine.say(COMPARED, events.Completed(message=""))
    shown = read(dialog)
    assert COMPARED.sentence in shown and "1,500 images in 300 groups, 10 splits of each kind" in shown
    assert "91.2 percent (89.0 to 93.0)" in dialog.bars.accessibleName()
    assert "71.0 percent (66.0 to 76.0)" in dialog.bars.accessibleName()
    assert not dialog.progress.isVisible()


def test_what_was_measured_is_shown_again_until_the_groups_are_others(opened: Open, bench: Bench) -> None:
    dialog = opened()
    written(bench)
    bench.fake_engine.say(COMPARED, events.Completed(message=""))
    dialog.close()
    listings = len(bench.fake_imaging.asked)
    again = opened()
    assert COMPARED.sentence in read(again) and len(bench.fake_imaging.asked) == listings
    again.close()
    changes = journal(KeepTogether(groups=[["a", "b"]]))
    scanned(bench, found(groups=10, pixel_rule=RULE, changes=changes))
    assert bench.shock.found is None
    assert COMPARED.sentence not in read(opened())


def test_cancel_stops_it_and_it_can_be_measured_again(opened: Open, bench: Bench) -> None:
    dialog = opened()
    written(bench)
    dialog.progress.cancelled.emit()
    assert bench.fake_engine.sent == [commands.Stop()]
    bench.fake_engine.say(events.Stopped())
    assert "It was stopped, so nothing was measured." in read(dialog)
    dialog.again.click()
    written(bench)
    assert len([job for job in bench.fake_engine.jobs if isinstance(job, commands.CompareSplits)]) == 2


def test_cancel_while_the_images_are_being_listed(opened: Open, bench: Bench) -> None:
    dialog = opened()
    dialog.progress.cancelled.emit()
    written(bench)
    assert "It was stopped" in read(dialog)
    assert not any(isinstance(job, commands.CompareSplits) for job in bench.fake_engine.jobs)


def test_closing_ends_the_measurement(opened: Open, bench: Bench) -> None:
    dialog = opened()
    written(bench)
    dialog.close()
    assert bench.fake_engine.sent == [commands.Stop()] and not bench.shock.busy


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (events.Failed(problem="There are too few images.", remedy="Use more."), "There are too few images."),
        (events.Crashed(cause="signal 9"), "The engine ended unexpectedly (signal 9)."),
    ],
)
def test_a_measurement_that_fails_is_answered_in_words(opened: Open, bench: Bench, ending: Any, words: str) -> None:
    dialog = opened()
    written(bench)
    bench.fake_engine.say(ending)
    assert words in read(dialog) and button(dialog, "Measure again").isEnabled()


def test_without_an_engine_the_reason_is_shown(opened: Open, bench: Bench) -> None:
    dialog = opened()
    written(bench)
    bench.fake_engine.start_failed.emit(UserError("The engine cannot start.", "Install the program anew."))
    assert "The engine cannot start." in read(dialog)


def test_a_listing_that_cannot_be_written_is_answered(opened: Open, bench: Bench) -> None:
    dialog = opened()
    refused(bench, "WriteListing", "The disk is full.", "Free some space.")
    assert "The disk is full." in read(dialog) and "Free some space." in read(dialog)


def test_beside_other_work_the_second_engine_measures(opened: Open, bench: Bench) -> None:
    bench.jobs.submit(commands.Measure(backbone="resnet50"), lambda _event: None)
    opened()
    written(bench)
    assert isinstance(bench.fake_side.jobs[-1], commands.CompareSplits)


def test_the_button_says_why_it_cannot_be_pressed(bench: Bench, qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    ask = ShockButton(bench, window)
    assert ask.isEnabled() and "safe one" in ask.toolTip()
    scanned(bench, found(groups=0))
    assert not ask.isEnabled() and ask.toolTip() == "Nothing is kept together yet, so there is nothing to measure."


def test_what_the_numbers_rest_on_says_what_they_are_not() -> None:
    assert "not the score of your network" in basis_words(COMPARED)
