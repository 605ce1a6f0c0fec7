"""The start page: what a person drops, presses and reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench, epoch, make_run, run_started
from helpers.pictures import write_dataset
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import events, run_queue
from tlgui.core.errors import UserError
from tlgui.core.run_folder import remember_place
from tlgui.core.run_queue import Queued
from tlgui.core.runs import RunSummary, Score
from tlgui.gui import run_replay
from tlgui.gui.closing import shut_down
from tlgui.gui.continue_dialog import ContinueDialog
from tlgui.gui.pages.start.dropped import meaning_of
from tlgui.gui.pages.start.run_words import STATES, words_of
from tlgui.gui.pages.start_page import StartPage
from tlgui.gui.run_reading import read_run
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme
from tlgui.gui.widgets import Button, Chip, MiniStat

NOW = datetime.now()


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Iterator[Bench]:
    theme().install(qapp)
    settings = Settings(tmp_path / "settings.toml")
    settings.set(keep_awake=False)
    bench = Bench(settings)
    yield bench
    shut_down(bench)


@pytest.fixture
def page(bench: Bench, qtbot: QtBot) -> StartPage:
    page = StartPage(bench)
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    return page


def summary(name: str = "cells", state: Any = "complete", **fields: Any) -> RunSummary:
    known: dict[str, Any] = {
        "path": Path("/runs") / name, "dataset": name, "backbone": "efficientnet-lite0",
        "strategy": "feature-extraction", "begun": NOW - timedelta(days=1), "state": state, "epochs_done": 11,
        "epochs_planned": 20, "best_epoch": 3, "score": None, "images": 240, "samples": [],
    }  # fmt: skip
    return RunSummary(**(known | fields))


SCORED = summary("Blood smears", score=Score(value=0.957, low=0.92, high=0.977, n=209, split="test"))


def show_runs(bench: Bench, *rows: RunSummary) -> None:
    bench.recent.rows = list(rows)
    bench.recent.changed.emit()


def read(widget: QWidget) -> str:
    """All words that are shown; widgets that were just added to a layout come up with the next event."""
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def drop(page: StartPage, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    area = page.images
    area.dragEnterEvent(QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, buttons, keys))
    assert "Let go to read it" in read(area)
    area.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, keys))


# The first time


def test_the_very_first_start_speaks_of_three_ways_and_of_no_runs(page: StartPage) -> None:
    words = read(page)
    for title in ("Start with your images", "See it work in a minute", "Open a run"):
        assert title in words
    assert "Recent" not in words
    assert "For research and teaching. Not a medical device." in words


def test_the_computer_is_described_once_the_engine_has_said_it(bench: Bench, page: StartPage) -> None:
    bench.machine.set_device("cpu", "CPU, 2 cores")
    assert "This computer: CPU, 2 cores." in page.bottom.device.text()


def test_the_demo_begins_with_its_button(bench: Bench, page: StartPage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bench.page_asked) as asked:
        qtbot.mouseClick(page.demo_choice.button, Qt.MouseButton.LeftButton)
    assert asked.args == ["images"]
    assert bench.scans.drawing


# Dropping


def test_a_dropped_folder_is_read(bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path) -> None:
    images = write_dataset(tmp_path / "photos", {"a": 1})
    with qtbot.waitSignal(bench.page_asked):
        drop(page, images)
    assert bench.fake_imaging.scanned == [images]


def test_a_dropped_run_is_opened_and_not_read_as_images(bench: Bench, page: StartPage, qtbot: QtBot) -> None:
    run = make_run(heard=[epoch(1)])
    with qtbot.waitSignal(bench.page_asked):
        drop(page, run)
    assert bench.run_folder is not None
    assert bench.run_folder.path == run
    assert bench.fake_imaging.scanned == []


def test_a_dropped_file_is_answered_with_what_to_drop_instead(page: StartPage, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "<b>one.png").write_bytes(b"")
    drop(page, tmp_path / "<b>one.png")
    qtbot.waitUntil(page.banner.isVisible)
    words = read(page.banner)
    assert "'<b>one.png' is a single file, not a folder." in words
    assert "Drop the folder that holds one folder of images for each class." in words


def test_several_class_folders_are_answered_with_the_folder_that_holds_them(tmp_path: Path) -> None:
    images = write_dataset(tmp_path / "photos", {"a": 1, "b": 1})
    meaning = meaning_of([images / "a", images / "b"])
    assert (meaning.images, meaning.run) == (None, None)
    assert meaning.remedy == "Drop 'photos', the folder that holds them, if these are its classes."


@pytest.mark.parametrize("names", [["gone"], ["a.png", "b.png"], []])
def test_whatever_is_dropped_has_an_answer(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        if name != "gone":
            (tmp_path / name).write_bytes(b"")
    meaning = meaning_of([tmp_path / name for name in names])
    assert meaning.problem.endswith(".")
    assert meaning.remedy.endswith(".")


def test_run_toml_itself_opens_its_run() -> None:
    run = make_run()
    assert meaning_of([run / "run.toml"]).run == run


@pytest.mark.parametrize("up", [1, 2, 3], ids=["its runs", "a project", "all projects"])
def test_a_folder_of_runs_is_not_read_as_images_and_its_newest_run_is_offered(
    bench: Bench, page: StartPage, qtbot: QtBot, up: int
) -> None:
    run = make_run(heard=[epoch(1)])
    older = run.parent / "2026-11-02 09.00 vgg16 full-fine-tuning"
    older.mkdir()
    (older / "run.toml").write_bytes((run / "run.toml").read_bytes())
    drop(page, run.parents[up - 1])
    qtbot.waitUntil(page.banner.isVisible)
    assert "This folder holds runs of tlgui, not images." in read(page.banner)
    assert "Open one of its runs." in read(page.banner)
    assert bench.fake_imaging.scanned == []

    button = next(one for one in page.banner.findChildren(Button) if one.plain_text == "Open the newest run")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bench.run_folder is not None)
    assert bench.run_folder is not None and bench.run_folder.path == run


# Choosing


def test_choosing_a_folder_opens_a_dialog_that_does_not_stop_the_window(
    bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path
) -> None:
    qtbot.mouseClick(page.images.button, Qt.MouseButton.LeftButton)
    dialog = page.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.isVisible()
    with qtbot.waitSignal(bench.page_asked):
        dialog.fileSelected.emit(str(tmp_path))
        dialog.reject()
    assert bench.fake_imaging.scanned == [tmp_path]


def test_the_keys_of_the_window_stand_in_the_tooltips(page: StartPage) -> None:
    assert "Ctrl+O" in page.images.button.toolTip()
    assert "Ctrl+Shift+O" in page.open_choice.button.toolTip()
    assert page.primary_action() is page.choose


# Recent runs


def test_a_finished_run_shows_its_score_with_its_doubt_and_what_it_is_of(bench: Bench, page: StartPage) -> None:
    show_runs(bench, SCORED)
    card = page.recent.cards[0]
    assert card.accessibleName() == (
        "Blood smears. Feature extraction, EfficientNet-Lite0. yesterday, 11 epochs. "
        "accuracy 95.7 %, plausibly 92 to 98, of 209 test images"
    )
    assert "of 209 test images" in read(card)
    assert card.continue_button is None


def test_a_score_on_validation_images_says_so() -> None:
    score = Score(value=0.9, low=0.8, high=0.95, n=50, split="validation")
    assert words_of(summary(score=score)).of == "of 50 validation images"


def test_an_interrupted_run_says_how_far_it_came_and_offers_to_go_on(bench: Bench, page: StartPage) -> None:
    show_runs(bench, summary("Second scanner", "interrupted"))
    words = read(page.recent.cards[0])
    assert "yesterday, epoch 11 of 20" in words
    assert "interrupted" in words
    assert page.recent.cards[0].continue_button is not None


def test_beside_a_score_neither_the_state_nor_continue_is_cut_off(bench: Bench, page: StartPage, qtbot: QtBot) -> None:
    score = Score(value=0.957, low=0.92, high=0.977, n=209, split="test")
    show_runs(bench, *(summary(f"set {n}", "interrupted", score=score) for n in range(3)))
    page.resize(1024, 700)
    qtbot.waitUntil(lambda: all(card.width() > 0 and card.isVisible() for card in page.recent.cards))
    for widget in (*page.recent.cards[0].findChildren(Chip), *page.recent.cards[0].findChildren(MiniStat)):
        assert widget.width() >= widget.minimumSizeHint().width()
    button = page.recent.cards[0].continue_button
    assert button is not None and button.width() >= button.sizeHint().width()


@pytest.mark.parametrize("state", ["complete", "stopped", "interrupted", "failed", "crashed", "at work", "never began"])
def test_every_state_of_a_run_has_words(state: str) -> None:
    assert state in STATES
    assert words_of(summary(state=state)).chip or state == "complete"


def test_names_that_look_like_mark_up_are_shown_letter_by_letter(bench: Bench, page: StartPage) -> None:
    show_runs(bench, summary("<b>x</b><img src=y> & z"))
    labels = page.recent.cards[0].findChildren(QLabel)
    title = next(label for label in labels if label.text() == "<b>x</b><img src=y> & z")
    assert title.textFormat() == Qt.TextFormat.PlainText


def test_three_runs_stand_there_and_all_of_them_when_asked(bench: Bench, page: StartPage, qtbot: QtBot) -> None:
    show_runs(bench, *(summary(f"set {n}") for n in range(7)))
    assert len(page.recent.cards) == 3
    assert page.recent.more.plain_text == "Show all 7"
    kept = page.recent.cards[0]
    qtbot.mouseClick(page.recent.more, Qt.MouseButton.LeftButton)
    assert [card.run.dataset for card in page.recent.cards] == [f"set {n}" for n in range(7)]
    assert page.recent.cards[0] is kept


def test_a_run_is_opened_by_enter(bench: Bench, page: StartPage, qtbot: QtBot) -> None:
    run = make_run(heard=[run_started(Path("x")), epoch(1)])
    show_runs(bench, summary(path=run))
    with qtbot.waitSignal(bench.page_asked):
        qtbot.keyClick(page.recent.cards[0], Qt.Key.Key_Return)
    assert bench.run_folder is not None
    assert bench.run_folder.path == run


def test_continue_goes_on_with_the_run(bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path) -> None:
    run = make_run(heard=[run_started(Path("x")), epoch(1)])
    remember_place("f" * 64, tmp_path)
    show_runs(bench, summary(state="interrupted", path=run))
    button = page.recent.cards[0].continue_button
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bench.is_training)
    assert bench.fake_engine.jobs[-1].run == str(run)  # type: ignore[union-attr]


def test_continue_goes_on_with_the_run_that_is_shown_already(
    bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path
) -> None:
    run = make_run(heard=[run_started(Path("x")), epoch(1)])
    remember_place("f" * 64, tmp_path)
    bench.page_asked.connect(page.left)  # as the window does
    bench.open_run(run)
    qtbot.waitUntil(lambda: bench.run is not None)
    show_runs(bench, summary(state="interrupted", path=run))
    button = page.recent.cards[0].continue_button
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bench.is_training)


def test_the_dialog_for_runs_opens_although_their_folder_cannot_be_made(
    page: StartPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TLGUI_PROJECTS_DIR", str(tmp_path / "file" / "below"))
    page.open.trigger()
    dialog = page.findChild(QFileDialog)
    assert dialog is not None
    dialog.reject()


def test_pictures_of_a_run_come_when_its_images_are_there(
    bench: Bench, page: StartPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = make_run()
    remember_place("f" * 64, tmp_path)

    def answer(root: Path, path: str, side: int, rule: Any, receiver: Any, owner: Any, whole: bool = False) -> Any:
        receiver(QImage(side, side, QImage.Format.Format_RGB32), "")
        return bench.thumbnails

    monkeypatch.setattr(bench.thumbnails, "request", answer)
    show_runs(bench, summary(path=run, samples=["a/1.png", "b/1.png"]), summary("elsewhere", samples=["c.png"]))
    here, elsewhere = page.recent.cards
    qtbot.waitUntil(lambda: here.mosaic.shown == 2)
    assert elsewhere.mosaic.shown == 0


# While a run trains, and while one is opened


def test_the_card_of_the_run_that_trains_counts_its_epochs_and_opens_it_live(
    bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path
) -> None:
    run = bench.started(tmp_path)
    live = bench.run
    bench.open_folder(tmp_path / "another")
    show_runs(bench, summary(path=run, state="interrupted", epochs_done=0, score=SCORED.score), SCORED)
    card = page.recent.cards[0]
    assert "epoch 2 of 20" in read(card) and "at work" in read(card)
    assert card.continue_button is None
    card.setFocus()

    bench.fake_engine.say(epoch(2), epoch(3), epoch(4))
    qtbot.waitUntil(lambda: "epoch 5 of 20" in card.accessibleName())
    assert page.recent.cards[0] is card  # told in place: pictures and focus stay
    assert "epoch 5 of 20" in read(card)
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert bench.run is live and bench.run is bench.training_run


def test_no_other_run_can_be_gone_on_with_meanwhile(
    bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.started(tmp_path)
    show_runs(bench, summary("another", "interrupted"))
    button = page.recent.cards[0].continue_button
    assert button is not None and not button.isEnabled()
    assert button.toolTip() == "Another run trains now. Wait until it ends, or stop it there."

    bench.fake_engine.say(events.Completed(run="", best_epoch=1, message=""))
    bench.recent.rows = [summary("another", "interrupted")]
    page.entered()
    assert page.recent.cards[0].continue_button is not None
    assert page.recent.cards[0].continue_button.isEnabled()


def test_a_run_that_trains_is_known_by_whichever_way_its_folder_is_reached(
    bench: Bench, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk", target_is_directory=True)
    monkeypatch.setenv("TLGUI_PROJECTS_DIR", str(tmp_path / "link"))
    run = bench.started(tmp_path)
    live = bench.run
    bench.open_folder(tmp_path / "another")
    bench.open_run(run.resolve())  # as the list of runs has it
    assert bench.run is live


def test_a_pressed_card_says_at_once_that_it_opens_and_recovers_when_it_cannot(
    bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()  # the drive takes its time

    def slowly(path: Path) -> Any:
        assert answers.wait(5)
        return read_run(path)

    monkeypatch.setattr(run_replay, "read_run", slowly)
    show_runs(bench, summary(path=tmp_path / "gone", state="interrupted"), SCORED)
    card = page.recent.cards[0]
    card.setFocus()
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert "Opening…" in read(card) and not card.isEnabled()
    assert card.accessibleName().startswith("Opening…")
    assert page.open.isEnabled()

    answers.set()
    qtbot.waitUntil(lambda: bool(bench.problems))
    assert card.isEnabled() and "Opening…" not in read(card)
    assert card.continue_button is not None and card.continue_button.isVisibleTo(card)


def test_continue_says_at_once_that_the_run_opens(bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path) -> None:
    show_runs(bench, summary(path=make_run(heard=[epoch(1)]), state="interrupted"))
    card = page.recent.cards[0]
    assert card.continue_button is not None
    qtbot.mouseClick(card.continue_button, Qt.MouseButton.LeftButton)
    assert card.is_opening and not card.isEnabled()
    qtbot.waitUntil(lambda: bench.run is not None)
    assert not card.is_opening


def test_a_run_without_a_card_opens_with_a_word_on_the_button(bench: Bench, page: StartPage, qtbot: QtBot) -> None:
    bench.open_run(make_run(heard=[epoch(1)]))
    assert (page.open_choice.button.plain_text, page.open_choice.button.isEnabled()) == ("Opening…", False)
    qtbot.waitUntil(lambda: bench.run is not None)
    assert (page.open_choice.button.plain_text, page.open_choice.button.isEnabled()) == ("Open…", True)


def test_a_run_that_was_just_left_is_listed(bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path) -> None:
    bench.started(tmp_path)
    page.entered()
    qtbot.waitUntil(lambda: len(page.recent.cards) == 1)
    assert "at work" in read(page.recent.cards[0])


def test_a_run_is_listed_as_soon_as_its_folder_is_made(
    bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path
) -> None:
    bench.started(tmp_path)
    qtbot.waitUntil(lambda: len(page.recent.cards) == 1)


# The window's doings


def test_an_error_stands_above_the_ways_to_begin(page: StartPage) -> None:
    page.show_error(UserError("'x' is not a run folder.", "Give the folder that holds run.toml."))
    assert "'x' is not a run folder." in read(page.banner)
    page.left()
    assert not page.banner.isVisible()


@pytest.mark.parametrize("size", [(1280, 800), (1024, 700), (960, 540)])
def test_nothing_is_wider_than_the_window(bench: Bench, page: StartPage, size: tuple[int, int]) -> None:
    long = "a_very_long_name_of_a_folder_" * 4
    show_runs(bench, summary(long), SCORED, summary(long + "2", "interrupted"))
    page.resize(*size)
    content = page.area.widget()
    assert content is not None
    assert content.minimumSizeHint().width() <= page.area.viewport().width()
    assert page.minimumSizeHint().width() <= size[0]


def test_every_control_has_a_name_and_a_tooltip_and_can_be_reached_by_tab(bench: Bench, page: StartPage) -> None:
    from PySide6.QtWidgets import QAbstractButton

    show_runs(bench, SCORED, summary("b", "interrupted"), *(summary(f"set {n}") for n in range(3)))
    for button in page.findChildren(QAbstractButton):
        if button.isVisible():
            assert button.accessibleName()
            assert button.toolTip()
            assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


# Notes and the queue


def test_the_first_line_of_the_notes_stands_on_the_card_and_is_found(
    bench: Bench, page: StartPage, qtbot: QtBot
) -> None:
    noted = summary("Blood smears", note="Slide 7 is odd\nask Ada about it")
    others = [summary(f"Set {number}") for number in range(5)]
    show_runs(bench, *others, noted)
    assert "Slide 7" not in read(page), "it is further down"
    page.recent.search.setText("ada ODD")
    assert [card.run.path for card in page.recent.cards] == [noted.path]
    assert "Slide 7 is odd" in read(page) and "ask Ada" not in read(page)
    assert "note: Slide 7 is odd" in page.recent.cards[0].accessibleName()
    assert page.recent.more.isHidden()

    page.recent.search.setText("nowhere")
    assert page.recent.cards == [] and "No run here has 'nowhere' in its name, method or notes." in read(page)
    page.recent.search.setText("")
    assert page.recent.cards[0].run.path == others[0].path and page.recent.more.isVisible()


def test_a_few_runs_need_no_search(bench: Bench, page: StartPage) -> None:
    show_runs(bench, summary("One"), summary("Two"))
    assert page.recent.search.isHidden()


def test_a_run_that_waits_stands_in_the_queue_and_not_among_the_recent_ones(
    bench: Bench, page: StartPage, qtbot: QtBot
) -> None:
    show_runs(bench, summary("One"), summary("Two", state="never began"))
    assert page.queue.isHidden()
    waits = Queued(run=str(Path("/runs/Two")), data="/d", name="Two", method="Feature extraction, EfficientNet-Lite0")
    failed = Queued(run="/runs/Three", data="/d", name="Three", problem="The images are gone.")
    run_queue.change(lambda _: (waits, failed))
    bench.queue.read()
    qtbot.waitUntil(lambda: len(bench.queue.waiting) == 1)
    assert [card.run.dataset for card in page.recent.cards] == ["One"]
    words = read(page.queue)
    assert "1 run waits" in words and "It begins when you say so." in words
    assert "Three" in words and "The images are gone." in words and "failed" in words
    opened = []
    page.queue.opened.connect(opened.append)
    page.queue.rows[1].buttons["open"].click()
    assert opened == [Path("/runs/Three")]


def test_a_finished_run_offers_to_learn_on_from_it(bench: Bench, page: StartPage, qtbot: QtBot, tmp_path: Path) -> None:
    show_runs(bench, summary(path=tmp_path / "interrupted", state="interrupted"), SCORED)
    first, second = page.recent.cards
    assert first.learn_on_button is None and second.learn_on_button is not None
    assert second.learn_on_button.accessibleName() == f"Continue {second.words.title} on new images"
    qtbot.mouseClick(second.learn_on_button, Qt.MouseButton.LeftButton)
    (dialog,) = page.window().findChildren(ContinueDialog)
    qtbot.waitUntil(lambda: "cannot be continued" in dialog.knows.text())  # its folder is none
    assert bench.run is None and bench.draft.continues is None
    dialog.reject()


def test_a_card_says_which_run_it_continues(bench: Bench, page: StartPage, tmp_path: Path) -> None:
    show_runs(bench, summary(path=tmp_path / "on", continues="the run"))
    assert page.recent.cards[0].words.method.startswith("Continues 'the run'; ")
    assert "It continues the run 'the run'." in page.recent.cards[0].toolTip()
