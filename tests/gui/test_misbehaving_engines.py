"""The real window on engines that hang, crash, babble, flood, answer late and fail: it answers meanwhile, and says what is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import strict_json
from helpers.pictures import write_dataset
from helpers.schemas import conforms_as_run
from helpers.window import Make, Visit, fake
from PySide6.QtCore import QTimer
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from tlgui.core import commands
from tlgui.core.paths import logs_dir
from tlgui.gui import app, logs
from tlgui.gui.background import run_in_background
from tlgui.gui.crash import CrashReporter
from tlgui.gui.crash_dialog import CrashDialog

pytestmark = pytest.mark.slow
FAULT = "Something in tlgui went wrong"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("Mueller Anna") / "photos", {"across": 6, "down": 6}, 32)


Open = Callable[..., Visit]


@pytest.fixture
def opened(qtbot: QtBot) -> Iterator[Open]:
    """Opens the window on such an engine, with no attempt to keep the test computer awake."""
    visits: list[Visit] = []

    def open(engine: Make, side: Make | None = None) -> Visit:
        visit = Visit(qtbot, engine, side)
        visit.settings.set(keep_awake=False)
        visits.append(visit.__enter__())
        return visit

    yield open
    for visit in visits:
        visit.end()


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Visit], CrashReporter]]:
    """Catches faults as the program does: with the log, and without a console."""
    monkeypatch.setattr(sys, "__stderr__", None)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    reporters: list[CrashReporter] = []

    def report(visit: Visit) -> CrashReporter:
        reporter = app.make_reporter(visit.bench, visit.window)
        reporter.install()
        reporters.append(reporter)
        return reporter

    with logs.logging_to_file():
        yield report
        for reporter in reporters:
            reporter.uninstall()


def events_of(run: Path) -> list[dict[str, Any]]:
    return [strict_json(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def the_log() -> str:
    return (logs_dir() / "window.log").read_text(encoding="utf-8")


# Engines


def test_a_window_with_an_engine_that_hangs_answers_and_closes_in_time(opened: Open, photos: Path) -> None:
    visit = opened(fake("hang", at=1))
    visit.start(photos)
    visit.until_reads("Epoch 2 of 20")
    visit.press("Stop and keep the best")
    visit.until_reads("Stopping after this batch")
    visit.window.show_page("images")
    visit.until_reads("photos")
    engine = visit.engine_process()

    # What the program gives an engine is long; a test need not wait for all of it.
    visit.bench.engine.begin_shut_down(0.5)
    visit.end()

    assert not engine.is_running()
    assert visit.left_behind() == []


def test_an_engine_that_dies_before_its_first_word_fails_the_run_and_says_why(opened: Open, photos: Path) -> None:
    visit = opened(fake("dies"))
    visit.start(photos)
    visit.until_state("failed")
    visit.press_soon("Details")
    visit.until_reads("ImportError: no such library")
    assert visit.can_press("Continue")


def test_an_engine_that_cannot_start_names_the_reason(opened: Open, photos: Path) -> None:
    visit = opened(fake("cannot start"))
    visit.start(photos)
    visit.until_state("failed")
    assert visit.reads("A part is missing: torch.")
    assert visit.reads("Install it again.")


def test_an_engine_of_another_version_is_refused_in_words(opened: Open, photos: Path) -> None:
    visit = opened(fake("wrong protocol"))
    visit.start(photos)
    visit.until_state("failed")
    assert visit.reads("The engine speaks version 99 of the protocol, this program version 1.")
    assert visit.reads("Install the same version of tlgui on both sides.")


def test_a_crash_in_mid_run_is_said_with_details_and_the_run_goes_on(opened: Open, photos: Path) -> None:
    made: list[str] = []

    def make() -> Any:
        made.append("engine")
        return fake("crash", at=2)() if len(made) == 1 else fake("train", epochs=4)()

    visit = opened(make, fake())
    visit.start(photos)
    visit.until_state("crashed")
    assert visit.reads("The engine ended unexpectedly (exit code 3).")
    visit.press_soon("Details")
    visit.until_reads("the last line of its log")
    visit.press("Continue")
    visit.until_state("complete")
    run = visit.bench.run_folder.path
    told = events_of(run)
    assert [event["type"] for event in told if event["type"] in ("Crashed", "Completed")] == ["Crashed", "Completed"]
    assert visit.find("Details") is None
    assert visit.can_press("Next: Results")


def test_babble_between_the_lines_changes_nothing(opened: Open, photos: Path) -> None:
    visit = opened(fake("babble", epochs=3))
    visit.start(photos)
    visit.until_state("complete")
    assert [epoch.epoch for epoch in visit.run.epochs] == [1, 2, 3]
    assert visit.reads("Complete after 3 epochs")
    conforms_as_run(events_of(visit.bench.run_folder.path), "Completed")


def test_a_flood_of_events_leaves_the_window_its_time_and_ends_with_the_last_values(opened: Open, photos: Path) -> None:
    visit = opened(fake("flood"))
    turns: list[int] = []
    timer = QTimer(visit.window)
    timer.timeout.connect(lambda: turns.append(len(turns)))
    timer.start(10)
    visit.start(photos)
    visit.until(lambda: visit.bench.run is not None and visit.run.batches, "the first batch")
    begun = len(turns)
    visit.window.show_page("images")  # the window does other things meanwhile
    visit.until_reads("photos")
    visit.window.show_page("train")
    visit.until_state("complete")
    timer.stop()

    assert len(turns) > begun
    assert len(visit.run.batches) <= 4_000
    assert [epoch.epoch for epoch in visit.run.epochs] == [1]
    last = visit.run._last_batch
    assert (last.step, last.batch, last.batches) == (200_000, 200_000, 200_000)
    assert visit.run.batches[-1][0] == pytest.approx(1.0, abs=0.001)
    assert len(visit.bench.engine._mailbox) == 0


def test_late_answers_keep_what_was_pressed_in_sight_and_arrive_once(opened: Open, photos: Path) -> None:
    visit = opened(fake("late", pace=0.02, delay=0.4, epochs=500))
    visit.start(photos)
    visit.until_state("training")
    visit.press_soon("Unfreeze next layers")
    visit.until(visit.dialogs, "the plan")
    visit.press_soon("Unfreeze")
    visit.until(lambda: not visit.can_press("Unfreeze next layers"), "the end of the press")
    assert "being unfrozen" in visit.find("Unfreeze next layers").toolTip()
    visit.press_soon("Pause")
    visit.until(lambda: not visit.can_press("Pause"), "the end of the press")
    visit.until_state("paused")
    assert [mark.kind for mark in visit.run.marks] == ["unfreeze"]
    visit.press_soon("Stop and keep the best")
    visit.until_reads("Stopping after this batch")
    visit.until_state("stopped")
    told = [event["type"] for event in events_of(visit.bench.run_folder.path)]
    assert told.count("Paused") == 1
    assert told[-1] == "Stopped"


def test_what_arrives_late_of_another_run_arrives_nowhere(opened: Open, photos: Path) -> None:
    visit = opened(fake("late", pace=0.02, delay=0.4, epochs=500))
    visit.start(photos)
    visit.until_state("training")
    first = visit.run
    visit.press_soon("Pause")
    visit.bench.open_folder(photos)  # another project is begun meanwhile
    visit.until(lambda: visit.bench.draft.summary is not None, "the end of the scan")
    assert visit.bench.run is None
    visit.until(lambda: first.state == "paused", "the pause")
    assert visit.bench.training_run is first
    assert not visit.reads("Paused")
    visit.window.show_page("review")
    visit.until_reads("Queue this run")
    assert not visit.can_press("Start training")


def test_a_problem_stands_on_the_page_with_its_remedy(opened: Open, photos: Path) -> None:
    visit = opened(fake("fails", at=1))
    visit.start(photos)
    visit.until_state("failed")
    assert visit.reads("The disk is full.")
    assert visit.reads("Free some space, then continue the run.")
    assert visit.can_press("Continue")
    assert visit.dialogs() == []


# Faults


def press_all_of(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> str:
    """The dialog in plain words; its folder, its report, its end. The report."""
    folders: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: folders.append(url.toLocalFile()))
    visit.until_reads(FAULT)
    (dialog,) = visit.dialogs()
    assert isinstance(dialog, CrashDialog)
    visit.press("Open the log folder")
    assert folders == [str(logs_dir())]
    visit.press("Copy the report")
    visit.until_reads("The report is copied.")
    report = QGuiApplication.clipboard().text()
    assert dialog.findChild(QPlainTextEdit).toPlainText() == report
    visit.press("Close")
    visit.until(lambda: visit.dialogs() == [], "the end of the dialog")
    return report


def test_a_fault_of_the_engine_opens_the_crash_dialog_and_tells_no_place(
    opened: Open, photos: Path, reported: Callable[[Visit], CrashReporter], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = opened(fake("fault", at=1))
    reported(visit)
    visit.start(photos)
    visit.until_state("failed")
    report = press_all_of(visit, monkeypatch)

    assert report.startswith("tlgui ")
    assert "KeyError: 'head'" in report
    for text in (report, the_log()):
        for secret in (str(photos), "Mueller", str(Path.home()) + "/"):
            assert secret not in text
    # The page says it too, where the run is.
    assert visit.reads("The program made a mistake: KeyError.")


def raise_in_a_slot(visit: Visit) -> None:
    def broken() -> None:
        raise RuntimeError("fault in a slot")

    QTimer.singleShot(0, visit.window, broken)


def raise_in_a_thread(visit: Visit) -> None:
    def broken() -> None:
        raise RuntimeError("fault in a thread")

    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()


def raise_in_background(visit: Visit) -> None:
    def broken() -> None:
        raise RuntimeError("fault in the background")

    run_in_background(visit.window, broken, lambda _: None)


def raise_where_nobody_can_catch(visit: Visit) -> None:
    class Broken:
        def __del__(self) -> None:
            raise RuntimeError("fault in a destructor")

    Broken()


FAULTS = {
    "fault in a slot": raise_in_a_slot,
    "fault in a thread": raise_in_a_thread,
    "fault in the background": raise_in_background,
    "fault in a destructor": raise_where_nobody_can_catch,
}


@pytest.mark.qt_no_exception_capture
def test_faults_from_everywhere_reach_the_log_and_one_dialog(
    opened: Open, reported: Callable[[Visit], CrashReporter], monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = opened(fake())
    reported(visit)
    for words, broken in FAULTS.items():
        broken(visit)
        visit.until(lambda words=words: f"RuntimeError: {words}" in the_log(), words)
    report = press_all_of(visit, monkeypatch)
    assert "RuntimeError: fault in a slot" in report
    assert visit.window.isVisible()

    # The next fault is heard of again.
    raise_in_a_slot(visit)
    visit.until_reads(FAULT)
    (dialog,) = visit.dialogs()
    dialog.close()
    visit.press_soon("Settings")
    visit.until_reads("Settings")


# Presses


def test_three_hundred_presses_at_random_leave_a_run_that_is_in_order(opened: Open, photos: Path) -> None:
    """Case G22: whatever is pressed whenever, each button either does what it says or cannot be pressed."""
    import random

    chance = random.Random(22)
    visit = opened(fake("train", pace=0.002, epochs=400, batches=8))
    sent: list[str] = []
    send = visit.bench.engine.send
    visit.bench.engine.send = lambda command: (sent.append(type(command).__name__), send(command))  # type: ignore
    visit.start(photos)
    keys = (*("Ctrl+U", "Ctrl+Shift+U", "Ctrl+P", "Ctrl+Z") * 30, "Ctrl+.")
    buttons = ("Unfreeze", "Freeze", "Pause", "Continue", "Stop and keep the best", "Extend…", "Next: Results")
    weights = (60, 50, 60, 60, 3, 10, 5)
    for _ in range(300):
        if visit.dialogs():
            visit.press(chance.choice([words for words in visit.buttons() if visit.can_press(words)]))
        elif visit.window.page_name != "train":
            visit.window.show_page("train")
        elif chance.random() < 0.3:
            visit.key(chance.choice(keys))
        else:
            words = chance.choices(buttons, weights)[0]
            button = visit.find(words)
            if button is not None and button.isEnabled():
                visit.press(words)
            elif button is not None:
                assert len(button.toolTip().splitlines()) > 1, f"{words} does not say why it cannot be pressed"
        visit.qtbot.wait(chance.choice((0, 0, 1, 5, 20)))
        assert visit.run.state in STATES

    for dialog in visit.dialogs():
        dialog.close()
    visit.window.show_page("train")
    if visit.bench.is_training:
        visit.until(lambda: visit.run.state not in ("starting", "preparing"), "the training")
        if not visit.run.reason_against("stop"):
            visit.bench.send(commands.Stop())
        visit.until_state("stopped", "complete")
    told = events_of(visit.bench.run_folder.path)
    is_in_order(told)
    assert sent.count("Unfreeze") > 3 and sent.count("Pause") > 3, sent


STATES = ("starting", "preparing", "training", "validating", "paused", "stopping", "scoring", "complete", "stopped")


def is_in_order(told: list[dict[str, Any]]) -> None:
    """Paused and continued take turns, nothing happens in a pause, and nothing was asked that means nothing."""
    paused = False
    for event in told:
        match event["type"]:
            case "RunStarted":
                paused = False
            case "Paused":
                assert not paused
                paused = True
            case "Continued":
                assert paused
                paused = False
            case "BatchEnded" | "EpochEnded":
                assert not paused
            case "Notice":
                assert not event["code"].startswith("nothing_to_")
            case "LayersChanged":
                states = [group["trainable"] for group in event["groups"]]
                assert states == sorted(states)


def test_a_run_that_is_stopped_before_it_has_a_folder_can_be_gone_on_with(opened: Open, photos: Path) -> None:
    visit = opened(fake("train", epochs=2))
    visit.start(photos)
    assert visit.bench.run_folder is None
    visit.press_soon("Stop and keep the best")
    visit.until_state("stopped")
    assert not visit.bench.is_training
    visit.press_soon("Continue")
    visit.until_state("complete")
    conforms_as_run(events_of(visit.bench.run_folder.path), "Completed")


def test_another_folder_opened_before_the_run_has_a_folder_lets_the_next_one_begin(opened: Open, photos: Path) -> None:
    visit = opened(fake("train", epochs=2))
    visit.start(photos)
    visit.start(photos)
    visit.until_state("complete")
    assert visit.bench.run_folder is not None


def test_closing_while_everything_begins_waits_for_all_of_it(opened: Open, photos: Path) -> None:
    """Engine, scan, pictures and survey have just been asked for."""
    visit = opened(fake("slow start", delay=0.5))
    visit.bench.open_folder(photos)
    visit.end()
    assert visit.left_behind() == []
