"""How different the new site is, on the card of its folder: asked, watched, stopped, shown, and gone with what it was of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from helpers.fake_answers import gap
from helpers.wizard_bench import FakeBench
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import events
from tlgui.core.gap_events import Gap, SiteLook
from tlgui.gui import background
from tlgui.gui.viewer import ImageViewer
from tlgui.gui.widgets import Label, Tile
from tlgui.gui.wizard.strategy.brightness_plot import steps
from tlgui.gui.wizard.strategy.gap_panel import GapPanel
from tlgui.gui.wizard.strategy.gap_words import CHIPS, facts, mean_brightness, probability, value_of

FOUND = msgspec.convert(gap({"new_listing": "", "backbone": "efficientnet-lite0"}), events.GapMeasured)


@pytest.fixture
def bench(qtbot: QtBot) -> FakeBench:
    return FakeBench()


@pytest.fixture
def panel(qtbot: QtBot, bench: FakeBench) -> Iterator[GapPanel]:
    bench.draft.set_target(Path("/data/clinic b"))
    made = GapPanel(bench)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    made.refresh()
    yield made
    background.shut_down()


def read(widget: QWidget) -> str:
    return "\n".join(one.text() for one in widget.findChildren(Label) if one.isVisible())


def found(bench: FakeBench, panel: GapPanel, **changes: object) -> str:
    bench.gap.say(found=msgspec.structs.replace(FOUND, **changes), busy=False)
    return read(panel)


def test_before_it_is_asked_it_says_what_a_press_does(bench: FakeBench, panel: GapPanel) -> None:
    assert panel.ask.plain_text == "How different is it?" and "No label is read." in panel.ask.toolTip()
    assert "up to 400 images of each site with EfficientNet-Lite0; no label is read." in read(panel)
    assert panel.answer is None and not panel.progress.isVisible() and not panel.problem.isVisible()


def test_what_keeps_it_from_being_asked_stands_beside_the_button(bench: FakeBench, panel: GapPanel) -> None:
    bench.gap.say(against="The weights of ResNet-18 are not on this computer yet.")
    assert not panel.ask.isEnabled() and "not on this computer yet" in panel.ask.toolTip()
    assert "The weights of ResNet-18 are not on this computer yet." in read(panel)


def test_it_is_watched_and_can_be_stopped(bench: FakeBench, panel: GapPanel) -> None:
    panel.ask.click()
    assert bench.asked[-1] == ("measure gap",) and panel.progress.isVisible() and not panel.ask.isVisible()
    bench.gap.say(progress=events.Progress(stage="reading the images", done=7, total=31, seconds_left=20.0))
    assert panel.progress.text() == "Reading the images 7 of 31, about 20 s left"

    panel.progress.cancelled.emit()
    assert bench.asked[-1] == ("cancel gap",) and "Stopping…" in panel.progress.text()
    bench.gap.say(busy=False, progress=None, problem=events.Stopped())
    assert "Stopped. Nothing was measured." in read(panel) and not panel.progress.isVisible()
    assert not panel.problem.isVisible() and panel.ask.isEnabled()


def test_a_failure_says_what_to_do_and_is_gone_with_the_next_try(bench: FakeBench, panel: GapPanel) -> None:
    failed = events.Failed(problem="Only 3 images of the new site can be used.", remedy="Add images of the new site.")
    bench.gap.say(problem=failed)
    assert "Only 3 images of the new site can be used." in read(panel) and "Add images of the new site." in read(panel)
    panel.ask.click()
    assert not panel.problem.isVisible()
    bench.gap.say(busy=False, problem=events.Crashed(cause="killed"))
    assert panel.problem.isVisible() and panel.problem.tone == "bad"


def test_all_that_was_measured_stands_together(bench: FakeBench, panel: GapPanel) -> None:
    said = found(bench, panel)
    answer = panel.answer
    assert answer is not None and answer.chip.text() == "clearly different"
    assert "0.87" in said and "0.82 to 0.92" in said
    track = answer.gauge.track
    assert (track.lowest, track.highest, track.low, track.value, track.high) == (0.5, 1.0, 0.82, 0.87, 0.92)
    assert "Told apart most of the time" in said
    assert "0.310, where 0 is alike (p = 0.002 by 500 permutations: seldom so far apart by chance)." in said
    assert "240 files: 232 can be compared, 8 take no part. 200 of each site were looked at." in said
    assert "took no part: a/1.png, b/<b>.png." in said
    assert "Known site, mean brightness" in said and "red 190, green 160, blue 178" in said
    assert "known site" in answer.brightness.accessibleName() and panel.ask.plain_text == "Measure again"


def test_a_gap_that_is_not_there_shows_no_images_and_no_number(bench: FakeBench, panel: GapPanel) -> None:
    none = {"auc": None, "low": None, "high": None, "mmd": None, "mmd_p": None}
    said = found(bench, panel, **none, gap="unknown", least_alike=[], sentence="It cannot say how different they are.")
    answer = panel.answer
    assert answer is not None and answer.chip.text() == "not known" and "It cannot say" in said
    assert answer.gauge.track.value is None and "Least alike" not in said and "MMD" not in said


def test_what_is_of_something_else_is_gone(bench: FakeBench, panel: GapPanel) -> None:
    found(bench, panel)
    bench.gap.say(found=None)
    assert panel.answer is not None and not panel.answer.isVisible()
    found(bench, panel, auc=0.55)
    bench.draft.set_target(None)
    panel.refresh()
    assert not panel.isVisible()


def test_a_press_on_an_image_shows_it_large(bench: FakeBench, panel: GapPanel) -> None:
    found(bench, panel)
    tiles = panel.findChildren(Tile)
    assert [tile.accessibleName() for tile in tiles] == [
        "c/<b>.png: over 99.9 % likely from the new site. Shows it large",
        "c/2.png: 90.0 % likely from the new site. Shows it large",
    ]
    assert all(tile.toolTip() for tile in tiles) and bench.thumbnails.asked[:2] == ["c/<b>.png", "c/2.png"]
    tiles[1].click()
    (viewer,) = panel.findChildren(ImageViewer)
    assert viewer.at == 1 and "90.0 % likely from the new site" in read(viewer)
    viewer.close()


def test_a_run_that_began_asks_nothing(bench: FakeBench, panel: GapPanel) -> None:
    bench.begin()
    panel.refresh()
    assert not panel.isVisible()


# -- words and outlines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Gap.__args__)
def test_every_gap_has_a_word_and_a_tone(kind: Gap) -> None:
    words, tone = CHIPS[kind]
    assert words and tone in ("good", "info", "warn", "neutral")


def test_no_image_is_said_to_be_surer_than_it_is() -> None:
    assert [probability(value) for value in (0.5, 0.9991, 0.99999, 1.0)] == [
        "50.0 %", "over 99.9 %", "over 99.9 %", "over 99.9 %"
    ]  # fmt: skip


def test_a_distance_by_chance_is_called_so_and_files_add_up() -> None:
    rows = dict(facts(msgspec.structs.replace(FOUND, mmd_p=0.4, left_out={}, files=232)))
    assert "as far apart by chance" in rows["Distance of the features (MMD²)"]
    assert rows["Files of the new site"] == "232 files: 232 can be compared. 200 of each site were looked at."
    assert value_of(FOUND) == ("0.87", "0.82 to 0.92")


def test_mean_brightness_is_that_of_the_middles_of_the_steps() -> None:
    look = SiteLook(brightness=[0.5, *[0.0] * 30, 0.5], red=0, green=0, blue=0)
    assert mean_brightness(look) == pytest.approx(127.5)
    assert mean_brightness(SiteLook(brightness=[1.0, *[0.0] * 31], red=0, green=0, blue=0)) == pytest.approx(255 / 64)


def test_an_outline_begins_and_ends_on_the_axis_and_is_as_high_as_its_share() -> None:
    path = steps([0.25, 0.5], QRectF(0, 0, 100, 40), 0.5)
    assert path is not None
    points = [(path.elementAt(i).x, path.elementAt(i).y) for i in range(path.elementCount())]
    assert points == [(0, 40), (0, 20), (50, 20), (50, 0), (100, 0), (100, 40)]
    assert steps([], QRectF(0, 0, 100, 40), 1.0) is None
