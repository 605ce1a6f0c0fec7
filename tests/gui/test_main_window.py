"""The shell with small pages of its own: rail, keys, titles, empty states, closing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from helpers.bench import CELLS, Bench, epoch, make_run, run_started
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import Refused, Scanned
from tlgui.core.run_queue import Queued
from tlgui.gui.closing import shut_down
from tlgui.gui.help_dialog import HelpDialog, shortcut_rows
from tlgui.gui.main_window import MainWindow
from tlgui.gui.places import KEYS, PLACES, Place
from tlgui.gui.rail_entries import StepEntry
from tlgui.gui.settings import Settings
from tlgui.gui.settings_dialog import SettingsDialog
from tlgui.gui.widgets import Action, Button, Dialog, Label, Page


class SmallPage(Page):
    """A page that counts what the window does with it."""

    def __init__(self, bench: Any, parent: QWidget | None = None) -> None:
        super().__init__("Small")
        self.bench, self.pressed, self.visits = bench, 0, 0
        self.field = QLineEdit()
        self.body.addWidget(self.field)
        self.set_primary(Action("Next", self._on_next, parent=self))

    def entered(self) -> None:
        self.visits += 1

    def _on_next(self) -> None:
        self.pressed += 1


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name in ("STATE", "PROJECTS", "CACHE"):
        monkeypatch.setenv(f"TLGUI_{name}_DIR", str(tmp_path / name.lower()))
    return Bench(Settings(tmp_path / "settings.toml"))


@pytest.fixture
def window(bench: Bench, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    module = ModuleType("small_pages")
    module.SmallPage = SmallPage  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "small_pages", module)
    window = MainWindow(bench, [small(row) for row in PLACES])
    window.setGeometry(0, 0, 1280, 800)
    window.show()
    yield window
    window.closing.close_anyway()
    window.close()
    shut_down(bench)
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def small(place: Place) -> Place:
    return replace(place, path="small_pages:SmallPage")


def words(window: MainWindow) -> str:
    return " | ".join(label.text() for label in window.page.findChildren(Label) if label.isVisibleTo(window.page))


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    held = Qt.KeyboardModifier.NoModifier
    for modifier in modifiers:
        held |= modifier
    qtbot.keyClick(window, key, held)


CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def test_it_opens_on_the_start_page_without_the_rail(window: MainWindow) -> None:
    assert (window.page_name, window.rail.isVisible(), window.windowTitle()) == ("start", False, "tlgui")


def test_a_page_is_made_on_its_first_visit_and_kept(window: MainWindow) -> None:
    window.show_page("train")
    page = window.page
    window.show_page("results")
    window.show_page("train")

    assert window.page is page
    assert page.visits == 2


def test_a_step_that_cannot_be_opened_yet_says_what_it_waits_for(
    window: MainWindow, bench: Bench, qtbot: QtBot
) -> None:
    window.show_page("strategy")
    assert "Strategy opens after Images" in words(window)
    assert "Choose a folder of images first." in words(window)

    press(qtbot, window, Qt.Key.Key_Return, CTRL)
    assert window.page_name == "images"

    window.show_page("strategy")
    bench.found(Path("cells"))
    window.show_page("strategy")
    assert isinstance(window.page, SmallPage)


def test_a_step_opens_by_itself_when_what_it_waited_for_is_there(window: MainWindow, bench: Bench) -> None:
    bench.open_folder(Path("cells"))
    window.show_page("backbone")
    assert "The images are still being read." in words(window)

    ticket = bench.scan_ticket
    assert ticket is not None
    bench.fake_imaging.answered.emit(Scanned(ticket=ticket, summary=CELLS))

    assert isinstance(window.page, SmallPage)


def test_the_rail_hears_a_run_once_however_often_it_is_shown(
    window: MainWindow, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.started(tmp_path)
    for _ in range(5):
        bench.open_folder(tmp_path / "another")
        bench.open_run(path)
    assert bench.run is not None
    bench.run.flush()
    told: list[int] = []
    monkeypatch.setattr(window.rail, "refresh", lambda: told.append(1))
    bench.run.set_memory(1)
    bench.run.flush()
    assert told == [1]


def test_the_rail_says_what_was_chosen(window: MainWindow, bench: Bench) -> None:
    bench.found(Path("cells"))
    window.show_page("backbone")

    said = window.rail.words
    assert said["images"] == "Images, step 1 of 4, done: 40 in 2 classes"
    assert said["backbone"] == "Backbone, step 2 of 4, shown now: EfficientNet-Lite0"
    assert said["strategy"] == "Strategy, step 3 of 4, not done yet: As advised"
    assert said["review"] == "Review, step 4 of 4, not done yet"
    assert window.windowTitle() == "cells - tlgui"

    bench.draft.set_strategy("fine-tune-top")
    assert window.rail.words["strategy"].endswith(": Top layers")
    bench.draft.set_training("top_groups", 2)
    assert window.rail.words["strategy"].endswith(": Top 2 groups")


def test_the_longest_usual_caption_is_not_cut_in_a_wide_font(window: MainWindow, bench: Bench) -> None:
    bench.found(Path("cells"), msgspec.structs.replace(CELLS, used=12_092))
    window.show_page("images")
    entry = window.rail.entries["images"]
    assert isinstance(entry, StepEntry)
    assert entry.caption == "12,092 in 2 classes"
    wide = QFont("DejaVu Sans")
    wide.setPixelSize(12)
    assert QFontMetrics(wide).horizontalAdvance(entry.caption) <= entry.width() - 52


def test_the_rail_leads_back_to_a_training_that_is_not_shown(
    window: MainWindow, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.started(tmp_path)
    running, entry = bench.run, window.rail.training
    assert not entry.isVisible()

    bench.open_folder(tmp_path / "another")
    assert window.page_name == "images"
    qtbot.waitUntil(entry.isVisible)
    assert entry.accessibleName() == "Training: cells, epoch 2 of 20"
    bench.fake_engine.say(epoch(2), epoch(3), epoch(4))
    qtbot.waitUntil(lambda: entry.accessibleName() == "Training: cells, epoch 5 of 20")
    assert entry.fraction == pytest.approx(0.2)

    window.resize(1024, 700)
    assert window.rail.is_narrow and entry.isVisible()
    assert "Training: cells, epoch 5 of 20" in entry.toolTip()
    qtbot.mouseClick(entry, Qt.MouseButton.LeftButton)
    assert window.page_name == "train"
    assert bench.run is running
    assert not entry.isVisible()


def test_the_way_back_goes_when_the_training_ends(window: MainWindow, bench: Bench, tmp_path: Path) -> None:
    bench.started(tmp_path)
    bench.open_folder(tmp_path / "another")
    assert window.rail.training.isVisible()

    bench.fake_engine.say(events.Completed(run="", best_epoch=1, message=""))

    assert not window.rail.training.isVisible()


def test_the_way_back_takes_no_room_that_a_low_window_has_not(window: MainWindow, bench: Bench, tmp_path: Path) -> None:
    window.setMinimumSize(0, 0)
    bench.started(tmp_path)
    window.resize(1280, 610)
    assert not window.rail.is_narrow
    bench.open_folder(tmp_path / "another")
    assert window.rail.is_narrow
    assert window.rail.minimumSizeHint().height() <= 540


def test_neither_does_the_queue(window: MainWindow, bench: Bench, tmp_path: Path, qtbot: QtBot) -> None:
    bench.started(tmp_path)
    bench.open_folder(tmp_path / "another")
    bench.queue.add_made([Queued(run=str(make_run()), data=str(tmp_path))])
    qtbot.waitUntil(lambda: not window.rail.queue.isHidden())
    assert window.rail.training.isVisible()
    window.setMinimumSize(0, 0)
    window.resize(960, 540)
    assert window.rail.minimumSizeHint().height() <= 540


def test_the_page_compare_is_the_ninth_and_has_a_key(window: MainWindow, qtbot: QtBot) -> None:
    assert list(window.rail.entries)[-1] == "compare"
    assert window.rail.entries["compare"].toolTip() == (
        "<qt>Compare: Several ways of training side by side (Ctrl+9)</qt>"
    )
    press(qtbot, window, Qt.Key.Key_9, CTRL)
    assert window.page_name == "compare"


def test_a_run_is_said_to_be_opened_until_it_is_there_or_refused(
    window: MainWindow, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    told: list[Path | None] = []
    bench.opening_changed.connect(lambda: told.append(bench.opening))
    run = make_run(heard=[epoch(1)])
    bench.open_run(run)
    qtbot.waitUntil(lambda: bench.run is not None)
    bench.open_run(tmp_path)
    qtbot.waitUntil(lambda: bool(bench.problems))
    assert told == [run, None, tmp_path, None]


def test_a_folder_of_runs_that_is_chosen_by_key_is_not_read_as_images(
    window: MainWindow, bench: Bench, qtbot: QtBot
) -> None:
    run = make_run(heard=[epoch(1)])
    window.show_page("images")
    press(qtbot, window, Qt.Key.Key_O, CTRL)
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(run.parent.parent))
    dialog.reject()
    qtbot.waitUntil(lambda: window.page.error_banner is not None)
    assert window.page.error_banner.accessibleName().startswith("This folder holds runs of tlgui, not images.")
    assert bench.fake_imaging.scanned == []


def test_the_rail_counts_epochs_while_a_run_trains(
    window: MainWindow, bench: Bench, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.started(tmp_path)
    assert window.page_name == "train"

    qtbot.waitUntil(lambda: "1 of 20 epochs done" in window.rail.words["train"])
    assert window.rail.words["review"] == "Review, step 4 of 4, done: Started 14:03"
    bench.fake_engine.say(events.Completed(run="", best_epoch=1, message=""))
    qtbot.waitUntil(lambda: "complete after 1 epoch" in window.rail.words["train"])
    assert window.rail.entries["train"].is_done


def test_pages_of_a_run_can_be_opened_before_there_is_one(window: MainWindow) -> None:
    for name in ("train", "results", "use", "export"):
        window.show_page(name)
        assert isinstance(window.page, SmallPage)


@pytest.mark.parametrize(
    ("size", "narrow"), [((1280, 800), False), ((1100, 700), False), ((1024, 700), True), ((1280, 560), True)]
)
def test_the_rail_yields_where_there_is_no_room(window: MainWindow, size: tuple[int, int], narrow: bool) -> None:
    window.setMinimumSize(0, 0)
    window.show_page("images")
    window.resize(*size)

    assert window.rail.is_narrow == narrow
    assert window.rail.width() == (60 if narrow else 216)
    assert window.rail.minimumSizeHint().height() <= size[1]
    for name, entry in window.rail.entries.items():
        assert entry.isVisible(), name
        assert entry.toolTip() and entry.accessibleName(), name


def test_every_key_does_what_the_help_says(window: MainWindow, bench: Bench, qtbot: QtBot) -> None:
    bench.found(Path("cells"))
    for number, name in enumerate(("images", "backbone", "strategy", "review", "train", "results", "use", "export")):
        press(qtbot, window, Qt.Key(Qt.Key.Key_1 + number), CTRL)
        assert window.page_name == name

    press(qtbot, window, Qt.Key.Key_Left, ALT)
    assert window.page_name == "use"
    press(qtbot, window, Qt.Key.Key_Return, CTRL)
    assert window.page.pressed == 1
    for key, held, kind in ((Qt.Key.Key_F1, (), HelpDialog), (Qt.Key.Key_Comma, (CTRL,), SettingsDialog)):
        press(qtbot, window, key, *held)
        dialog = window.findChild(kind)
        assert dialog.isVisible()
        dialog.close()

    listed = [text for _, text in shortcut_rows()]
    assert {key.text for key in KEYS} <= set(listed)
    assert all(hasattr(window, key.does.partition(":")[0]) for key in KEYS if not key.does.startswith("go:"))


def test_a_button_of_the_page_that_knows_the_key_itself_is_pressed_once(
    window: MainWindow, bench: Bench, qtbot: QtBot
) -> None:
    window.show_page("train")
    window.page.set_primary(Action("Start", window.page._on_next, "Ctrl+Return", parent=window.page))
    window.show_page("results")
    window.show_page("train")

    press(qtbot, window, Qt.Key.Key_Return, CTRL)
    press(qtbot, window, Qt.Key.Key_Return, CTRL)

    assert window.page.pressed == 2


def test_f6_goes_round_rail_page_and_foot(window: MainWindow, bench: Bench, qtbot: QtBot) -> None:
    window.activateWindow()
    window.show_page("train")
    places = []
    for _ in range(4):
        press(qtbot, window, Qt.Key.Key_F6)
        widget = QApplication.focusWidget()
        assert widget is not None
        page = window.page
        places.append(
            "rail" if window.rail.isAncestorOf(widget) else "foot" if page.foot.isAncestorOf(widget) else "page"
        )

    assert sorted(places[:3]) == ["foot", "page", "rail"]
    assert places[3] == places[0]


def test_an_error_stands_on_the_page_that_it_is_about(window: MainWindow, bench: Bench) -> None:
    bench.problem_raised.emit(UserError("The disk is full.", "Free some space."), "export")

    assert window.page_name == "export"
    assert window.page.error_banner.accessibleName() == "The disk is full. Free some space."


def test_images_that_moved_can_be_found_again(window: MainWindow, bench: Bench, qtbot: QtBot) -> None:
    path = make_run(heard=[run_started(Path("x")), epoch(1), events.Stopped(best_epoch=1)])
    bench.open_run(path)
    qtbot.waitUntil(lambda: bench.run is not None)
    bench.continue_run()

    assert "The images of 'cells' are not where they were." in window.page.error_banner.accessibleName()
    assert "Find the images…" in {button.plain_text for button in window.page.error_banner.findChildren(Button)}


def test_a_name_with_markup_is_shown_as_it_is(window: MainWindow, bench: Bench) -> None:
    bench.found(Path("cells"), msgspec.structs.replace(CELLS, name="<b>bold</b> & co"))

    assert window.windowTitle() == "<b>bold</b> & co - tlgui"
    tips = [widget.toolTip() for widget in window.rail.findChildren(QWidget)]
    assert not any("<b>" in tip for tip in tips if not tip.startswith("<b>"))


def test_every_control_of_the_shell_has_a_name_and_can_be_reached(window: MainWindow) -> None:
    window.show_page("images")
    for button in window.rail.findChildren(QAbstractButton):
        assert button.accessibleName()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_closing_in_mid_training_asks_once_and_keeps_training(window: MainWindow, bench: Bench, tmp_path: Path) -> None:
    bench.started(tmp_path)
    assert not window.close()
    assert not window.close()
    dialogs = [dialog for dialog in window.findChildren(Dialog) if dialog.isVisible()]
    (dialog,) = dialogs

    said = " ".join(label.text() for label in dialog.findChildren(Label))
    assert "Training is at epoch 2 of 20. The best state so far is kept; go on next time." in said
    {button.plain_text: button for button in dialog.findChildren(Button)}["Keep training"].click()

    assert window.isVisible() and bench.is_training
    assert bench.fake_engine.sent == []


def test_stop_keep_the_best_and_close_waits_for_the_best(window: MainWindow, bench: Bench, tmp_path: Path) -> None:
    bench.started(tmp_path)
    window.close()
    dialog = window.closing.dialog
    assert dialog is not None
    {button.plain_text: button for button in dialog.findChildren(Button)}["Stop, keep the best and close"].click()

    assert bench.fake_engine.sent == [commands.Stop()]
    assert window.isVisible()
    bench.fake_engine.say(events.Stopped(best_epoch=1))
    assert not window.isVisible()


def test_close_and_go_on_next_time_closes_at_once(window: MainWindow, bench: Bench, tmp_path: Path) -> None:
    bench.started(tmp_path)
    window.close()
    dialog = window.closing.dialog
    assert dialog is not None
    {button.plain_text: button for button in dialog.findChildren(Button)}["Close and go on next time"].click()

    assert not window.isVisible()
    assert bench.fake_engine.sent == []


def test_a_training_that_fails_while_it_asks_is_seen_first(window: MainWindow, bench: Bench, tmp_path: Path) -> None:
    bench.started(tmp_path)
    window.close()
    bench.fake_engine.say(events.Failed(problem="The disk is full.", remedy="Free some space."))

    assert window.isVisible()
    assert window.closing.dialog is None


def test_the_window_comes_back_where_it_was(window: MainWindow, bench: Bench) -> None:
    window.setGeometry(30, 40, 1100, 710)
    window.close()

    assert bench.settings.values.geometry == (30, 40, 1100, 710)


def test_images_that_cannot_be_used_are_said_in_the_rail(window: MainWindow, bench: Bench) -> None:
    bench.open_folder(Path("empty"))
    ticket = bench.scan_ticket
    assert ticket is not None
    refused = Refused(
        ticket=ticket, request="ScanFolder", problem="No image was found.", remedy="Choose another folder."
    )
    bench.fake_imaging.answered.emit(refused)

    assert window.rail.words["images"].endswith(": cannot be used")
    assert bench.draft.missing("images") == "These images cannot be used as they are."
