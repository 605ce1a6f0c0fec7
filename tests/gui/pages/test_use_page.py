from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.finished_run import finished_run
from helpers.model_bench import ModelBench
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import events
from tlgui.gui import background
from tlgui.gui.pages.use.answer_card import AnswerCard
from tlgui.gui.pages.use_page import UsePage
from tlgui.gui.run_model import RunModel
from tlgui.gui.viewer import ImageViewer
from tlgui.gui.widgets import Button, Label, ShareBar

CLASSES = ["ants", "bees"]


@pytest.fixture(autouse=True)
def nothing_in_the_background() -> Iterator[None]:
    yield
    background.shut_down()


@pytest.fixture
def bench(tmp_path: Path, qapp: object) -> ModelBench:
    return ModelBench(
        finished_run(tmp_path / "run", CLASSES, [("a/1.png", "ants", "ants", 0.9), ("b/1.png", "bees", "bees", 0.9)])
    )


def opened(qtbot: QtBot, bench: ModelBench) -> UsePage:
    page = UsePage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.resize(1100, 760)
    page.show()
    page.entered()
    return page


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(Label) if label.isVisible())


def answered(name: str, ants: float) -> events.Predicted:
    label = "ants" if ants >= 0.5 else "bees"
    return events.Predicted(path=name, label=label, probabilities={"ants": ants, "bees": 1 - ants})


def test_dropped_images_get_a_bar_for_each_class(qtbot: QtBot, bench: ModelBench) -> None:
    page = opened(qtbot, bench)
    page._drop.dropped.emit([Path("/new/one.png"), Path("/new/two.png")])
    assert bench.predicted == [[Path("/new/one.png"), Path("/new/two.png")]]
    assert page._progress.isVisible()
    bench.predict_event.emit(answered("one.png", 0.87))
    assert "1 of 2" in words(page._progress)
    bench.predict_event.emit(answered("two.png", 0.55))
    bench.predict_event.emit(events.Completed(message="2 images were answered."))
    assert not page._progress.isVisible()
    first, second = page.findChildren(AnswerCard)
    assert [bar.accessibleName() for bar in first.findChildren(ShareBar)] == ["ants: 87.0 %", "bees: 13.0 %"]
    assert "not sure" in words(second)
    assert "not sure" not in words(first)
    assert "2 images were answered." in words(page)


def test_a_file_without_an_answer_says_why_and_stops_nothing(qtbot: QtBot, bench: ModelBench) -> None:
    page = opened(qtbot, bench)
    page._drop.dropped.emit([Path("/new/notes.txt")])
    bench.predict_event.emit(events.Predicted(path="notes.txt", problem="This is a text file."))
    bench.predict_event.emit(events.Completed(message=""))
    assert "This is a text file." in words(page)
    assert "1 file could not be read." in words(page)


def test_cancel_is_asked_for_and_said(qtbot: QtBot, bench: ModelBench) -> None:
    page = opened(qtbot, bench)
    page._drop.dropped.emit([Path("/new/one.png"), Path("/new/two.png")])
    page._progress.cancelled.emit()
    assert bench.cancelled == ["predict"]
    bench.predict_event.emit(answered("one.png", 0.9))
    bench.predict_event.emit(events.Stopped())
    assert "You stopped it there." in words(page)


def test_answering_can_be_cancelled_by_a_button(qtbot: QtBot, bench: ModelBench) -> None:
    page = opened(qtbot, bench)
    page._drop.dropped.emit([Path("/new/one.png")])
    next(button for button in page.findChildren(Button) if button.isVisible() and button.text() == "Cancel").click()
    assert bench.cancelled == ["predict"]


def test_an_engine_that_dies_is_said_and_the_page_can_be_used_again(qtbot: QtBot, bench: ModelBench) -> None:
    page = opened(qtbot, bench)
    page._drop.dropped.emit([Path("/new/one.png")])
    bench.predict_event.emit(events.Crashed(cause="signal 9"))
    assert "ended unexpectedly" in words(page)
    page._drop.dropped.emit([Path("/new/one.png")])
    assert page.error_banner is None


def test_the_table_holds_every_answer_with_a_point_as_decimal_mark(
    qtbot: QtBot, bench: ModelBench, tmp_path: Path
) -> None:
    page = opened(qtbot, bench)
    assert page._save.reason == "There are no answers to save yet."
    assert not page._save_button.isVisible()
    page._drop.dropped.emit([Path("/new/one.png")])
    bench.run = RunModel.replay([])
    bench.run.classes = CLASSES
    page._run = bench.run
    bench.predict_event.emit(answered("one.png", 0.875))
    bench.predict_event.emit(events.Predicted(path="bad.png", problem="cut off"))
    bench.predict_event.emit(events.Completed(message=""))
    assert page._save.reason == ""
    assert page._save_button.isVisible()
    target = tmp_path / "answers.csv"
    page.save_table(target)
    qtbot.waitUntil(target.exists, timeout=5000)
    with target.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["path", "predicted", "p_ants", "p_bees", "problem"],
        ["one.png", "ants", "0.875", "0.125", ""],
        ["bad.png", "", "", "", "cut off"],
    ]


def test_a_table_that_cannot_be_written_is_said(qtbot: QtBot, bench: ModelBench, tmp_path: Path) -> None:
    page = opened(qtbot, bench)
    bench.predict_event.emit(answered("one.png", 0.875))
    page.save_table(tmp_path / "no such folder" / "answers.csv")
    qtbot.waitUntil(lambda: page.error_banner is not None, timeout=5000)
    assert "'answers.csv' cannot be written" in words(page)


def test_a_press_on_the_picture_shows_it_large(qtbot: QtBot, bench: ModelBench) -> None:
    page = opened(qtbot, bench)
    page._drop.dropped.emit([Path("/new/one.png"), Path("/new/two.png")])
    bench.predict_event.emit(answered("one.png", 0.87))
    bench.predict_event.emit(answered("two.png", 0.2))
    page.findChildren(AnswerCard)[1].picture_pressed.emit()
    (viewer,) = page.findChildren(ImageViewer)
    assert viewer.at == 1
    assert "80.0 % sure" in words(viewer)
    viewer.close()


def test_thousands_of_answers_show_as_many_cards_as_the_window_can_hold(qtbot: QtBot, bench: ModelBench) -> None:
    page = opened(qtbot, bench)
    for number in range(300):
        bench.predict_event.emit(answered(f"{number}.png", 0.9))
    bench.predict_event.emit(events.Completed(message=""))
    assert len(page.findChildren(AnswerCard)) == 60
    assert len(page.answers) == 300
    assert "The first 60 are shown here" in words(page)


def test_before_the_first_epoch_there_is_nothing_to_try(qtbot: QtBot) -> None:
    page = opened(qtbot, ModelBench())
    assert "It comes with the first epoch that has ended." in words(page)
    assert not page._drop.isVisible()


def test_another_run_forgets_the_answers_of_the_first(qtbot: QtBot, bench: ModelBench) -> None:
    page = opened(qtbot, bench)
    bench.predict_event.emit(answered("one.png", 0.87))
    bench.run = RunModel()
    bench.run_changed.emit()
    assert page.answers == []


@pytest.mark.parametrize("width", [744, 900])
def test_the_page_is_never_wider_than_its_window(qtbot: QtBot, bench: ModelBench, width: int) -> None:
    page = opened(qtbot, bench)
    bench.predict_event.emit(answered("a very long name of a file that goes on and on and on and on.png", 0.87))
    page.resize(width, 600)
    qtbot.wait(20)
    assert page.too_wide() == 0
