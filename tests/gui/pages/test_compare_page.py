"""The page Compare: what can be compared and why not, how far it is, what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.bench import CELLS, Bench, epoch, make_run
from helpers.compare_bench import asked_of, begun, ended
from helpers.compared import comparison_of
from helpers.made_comparison import THREE, TWO, new_folder, share, whole
from helpers.wizard_bench import summary
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core import events
from tlgui.core.estimates import Speed
from tlgui.core.imaging_messages import Refused, ScanSummary
from tlgui.gui.closing import shut_down
from tlgui.gui.pages.compare_page import ComparePage
from tlgui.gui.settings import Settings
from tlgui.gui.widgets import Label, Segmented, Table

STOPPED = events.Stopped(best_epoch=1)
FAILED = events.Failed(problem="The disk is full.", remedy="Free some space.")
NO_WINNER = {"feature-extraction": share(73), "fine-tune-top:2": share(75), "full-fine-tuning": share(74)}
WINNER = {"feature-extraction": share(40), "fine-tune-top:2": share(60), "full-fine-tuning": share(80)}
LARGE = summary({"round": (700, 150, 150), "star": (700, 150, 150)})


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


def shown(qtbot: QtBot, bench: Bench, width: int = 964, height: int = 700) -> ComparePage:
    page = ComparePage(bench)
    qtbot.addWidget(page)
    page.resize(width, height)
    page.show()
    page.entered()
    return page


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(Label) if label.isVisible())


def texts(table: Table) -> list[list[str]]:
    columns = range(len(table.cells.columns))
    return [[table.cell_text(row, column) for column in columns] for row in range(table.row_count())]


def set_speed(bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float = 10.0) -> None:
    monkeypatch.setattr(
        type(bench.machine), "speeds", {"efficientnet-lite0": Speed(seconds_per_1000=seconds)}, raising=False
    )
    bench.machine.changed.emit()


# -- setting up


def against(page: ComparePage, reason: str) -> bool:
    """Whether the blue button is off, and says so."""
    return page.tournament.start.reason == reason == page.hint() and not page.primary.isEnabled()


def test_without_images_nothing_begins(qtbot: QtBot, bench: Bench) -> None:
    page = shown(qtbot, bench)
    assert against(page, "Choose a folder of images first.")
    assert (
        page.tournament.ways.isVisible()
        and not page.tournament.progress.isVisible()
        and not page.tournament.result.isVisible()
    )
    assert not page.tournament.earlier.isVisible(), "there are none"


def test_fewer_than_two_ways_are_no_comparison(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    assert [entrant.key for entrant in page.tournament.ways.entrants] == list(THREE)
    for box in page.tournament.ways.boxes[2:]:
        box.setChecked(False)
    assert against(page, "Tick at least two ways.")
    page.tournament.ways.boxes[5].setChecked(True)
    assert page.tournament.start.reason == ""


def test_without_a_number_of_epochs_nothing_begins(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    page.tournament.ways.epochs.setText("")
    assert against(page, "Epochs of each way: a number is missing here.")
    page.tournament.ways.epochs.setText("2000")
    assert against(page, "Epochs of each way: allowed is 1 to 1000.")
    page.tournament.on_start()
    assert bench.compare.state == "none"


def test_folds_cannot_be_where_the_folder_gives_parts(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images, summary({"round": (14, 3, 3), "star": (14, 3, 3)}, given_parts=["test", "train"]))
    assert page.tournament.start.reason == "" and "One split, the same for all." in page.tournament.ways.why.text()
    page.tournament.ways.folds.set_value("3")
    page.tournament.ways.folds.picked.emit("3")
    assert against(page, "The folders say what trains and what tests, so there are no folds. Choose one split.")


def test_a_run_that_is_shown_comes_first(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    bench.open_run(make_run(heard=[epoch(1)]))
    qtbot.waitUntil(lambda: bench.run is not None)
    assert against(page, "This page shows the images of a run. Set up a new one from it first.")


def test_a_network_without_pretrained_weights_has_one_way_alone(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    bench.draft.set_backbone("tiny-cnn")
    assert page.tournament.start.reason.endswith(" has no pretrained weights: it can only be trained from scratch.")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (CELLS, "The images are parted into 3 folds. Each way is trained 3 times, and each image is scored by the run "
         "that did not see it. Chosen by itself, since one split of so few images would tell little."),
        (LARGE, "One split, the same for all. Validation images compare the ways; test images, where there are any, are "
         "scored at the end of each run and choose nothing."),
    ],
    ids=["few", "many"],
)  # fmt: skip
def test_how_the_images_are_parted_is_said(
    qtbot: QtBot, bench: Bench, images: Path, found: ScanSummary, said: str
) -> None:
    page = shown(qtbot, bench)
    bench.found(images, found)
    assert page.tournament.ways.why.text() == said
    page.tournament.ways.folds.set_value("5")
    page.tournament.ways.folds.picked.emit("5")
    assert page.tournament.ways.why.text().startswith(
        "The images are parted into 5 folds. Each way is trained 5 times,"
    )
    assert "by itself" not in page.tournament.ways.why.text()


def test_times_stand_beside_the_ways_and_their_sum_beside_the_button(
    qtbot: QtBot, bench: Bench, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown(qtbot, bench)
    bench.found(images, LARGE)
    assert page.hint() == "" and [label.text() for label in page.tournament.ways._times] == [""] * 6, (
        "no speed is known"
    )
    set_speed(bench, monkeypatch)
    bench.draft.changed.emit()
    shown_times = [label.text() for label in page.tournament.ways._times]
    assert all(text.startswith("about ") for text in shown_times)
    assert page.hint().startswith("Takes about ") and page.hint().endswith(" on this computer")
    seconds = page.tournament.ways._seconds
    ticked = page.tournament.ways.entrants
    assert seconds(ticked) == pytest.approx(sum(seconds([one]) for one in ticked))
    one_split = seconds(ticked)
    page.tournament.ways.folds.set_value("3")
    assert seconds(ticked) == pytest.approx(3 * one_split)
    page.tournament.ways.epochs.set_value(30)
    assert seconds(ticked) > 3 * one_split


def test_start_asks_for_what_is_ticked(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    page.tournament.ways.boxes[2].setChecked(False)
    page.tournament.ways.epochs.set_value(7)
    page.primary.click()
    request = asked_of(bench)
    assert [one.key for one in request.comparison.entrants] == list(TWO)
    assert (request.comparison.epochs, request.folds, request.comparison.purpose) == (7, None, "strategies")
    assert (
        page.tournament.row.text() == "The images are parted the same way for all"
        and page.tournament.progress.isVisible()
    )
    assert against(page, "A comparison is at work. Wait until it has ended, or stop it.")


# -- running


def test_progress_is_told_for_each_way(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    runs = begun(bench, images, folds=2)
    qtbot.waitUntil(lambda: bench.training_folder is not None)
    ended(bench, runs[0])
    qtbot.waitUntil(lambda: bench.training_folder is not None and bench.compare.done == 1)
    assert page.tournament.row.text() == "Comparing 1 of 4 runs done"
    assert not page.tournament.ways.isVisible() and page.primary_action() is None and page.hint() == ""
    assert (
        page.tournament.now.text() == "Images: cells. Now: Full fine-tuning, fold 1. The page Train shows its curves."
    )
    assert texts(page.tournament.legs) == [["Feature extraction", "1 of 2"], ["Full fine-tuning", "0 of 2"]]
    assert [row[1].chip for row in page.tournament.legs.cells.rows] == ["", "trains now"]
    page.tournament.row.cancelled.emit()
    assert [type(one).__name__ for one in bench.fake_engine.sent] == ["Stop"]


def test_it_says_when_it_waits_for_another_training(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.started(images)
    bench.found(images)
    begun(bench, images)
    qtbot.waitUntil(lambda: bool(bench.compare.waiting))
    assert page.tournament.row.text() == "Comparing 0 of 2 runs done"
    assert (
        page.tournament.now.text() == "Images: cells. The next run begins when the training that is at work has ended."
    )


def interrupted(bench: Bench, images: Path, qtbot: QtBot) -> None:
    first, second = begun(bench, images)
    qtbot.waitUntil(lambda: bench.training_folder is not None)
    ended(bench, first)
    qtbot.waitUntil(lambda: bench.training_folder is not None and str(bench.training_folder.path) == second.run)
    bench.compare.cancel()
    ended(bench, second, STOPPED)
    qtbot.waitUntil(lambda: bench.compare.state == "interrupted" and bench.compare.done == 1)


def test_a_stopped_one_can_be_gone_on_with_or_left(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    interrupted(bench, images, qtbot)
    assert page.tournament.row.text() == "Stopped 1 of 2 runs done"
    assert page.tournament.now.text() == "Images: cells. What is whole stays; a run that was cut short begins anew."
    assert [row[1].chip for row in page.tournament.legs.cells.rows] == ["whole", ""]
    assert (
        page.primary_action() is page.tournament.resume and page.primary.isEnabled() and page.another_button.isVisible()
    )
    bench.cancel_scan()
    assert page.hint() == "Open the folder of these images first." and not page.primary.isEnabled()
    page.another_button.click()
    assert (
        page.tournament.ways.isVisible()
        and page.primary_action() is page.tournament.start
        and not page.another_button.isVisible()
    )


def test_a_problem_stands_on_top_until_it_is_tried_again(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    bench.found(images)
    for _ in range(2):
        page.primary.click()
        assert page.error_banner is None
        ticket = asked_of(bench).ticket
        refused = Refused(ticket=ticket, request="PrepareComparison", problem="Too few.", remedy="Fewer folds.")
        bench.fake_imaging.answered.emit(refused)
        assert page.error_banner is not None
        assert page.error_banner.accessibleName().startswith("Too few. Fewer folds.")
    assert page.tournament.ways.isVisible() and page.primary.isEnabled()


def test_a_run_that_failed_is_named(qtbot: QtBot, bench: Bench, images: Path) -> None:
    page = shown(qtbot, bench)
    first, _ = begun(bench, images)
    qtbot.waitUntil(lambda: bench.training_folder is not None)
    ended(bench, first, FAILED)
    qtbot.waitUntil(lambda: page.error_banner is not None)
    assert "Feature extraction: The disk is full." in page.error_banner.accessibleName()  # type: ignore[union-attr]


# -- room and access


def _preparing(bench: Bench, images: Path, qtbot: QtBot) -> None:
    bench.found(images)
    bench.compare.start(comparison_of(*THREE).entrants, 5, 0)


def _running(bench: Bench, images: Path, qtbot: QtBot) -> None:
    begun(bench, images, *THREE, folds=3)
    qtbot.waitUntil(lambda: bench.training_folder is not None)


def _failed(bench: Bench, images: Path, qtbot: QtBot) -> None:
    first, _ = begun(bench, images)
    qtbot.waitUntil(lambda: bench.training_folder is not None)
    ended(bench, first, FAILED)
    qtbot.waitUntil(lambda: bool(bench.compare.problem))


def _whole(right: dict[str, list[bool]]) -> Callable[[Bench, Path, QtBot], None]:
    def play(bench: Bench, images: Path, qtbot: QtBot) -> None:
        whole(new_folder(), comparison_of(*right), right, dataset="a study with quite a long name, second clinic")
        bench.compare.open(new_folder())
        qtbot.waitUntil(lambda: bench.compare.state == "complete" and bool(bench.compare.earlier))

    return play


STATES: dict[str, Callable[[Bench, Path, QtBot], None]] = {
    "nothing": lambda bench, images, qtbot: None,
    "setup": lambda bench, images, qtbot: bench.found(images),
    "preparing": _preparing,
    "running": _running,
    "stopped": interrupted,
    "problem": _failed,
    "no winner": _whole(NO_WINNER),
    "winner": _whole(WINNER),
}


@pytest.mark.parametrize(("width", "height"), [(964, 700), (900, 540)])
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_and_every_button_explains_itself(
    qtbot: QtBot, bench: Bench, images: Path, monkeypatch: pytest.MonkeyPatch, state: str, width: int, height: int
) -> None:
    set_speed(bench, monkeypatch)
    page = shown(qtbot, bench, width, height)
    STATES[state](bench, images, qtbot)
    QApplication.processEvents()
    assert page.window().width() == width and page.too_wide() == 0
    for button in page.findChildren(QAbstractButton):
        if button.isVisible():
            around = button.parentWidget()
            assert button.toolTip() or (isinstance(around, Segmented) and around.toolTip()), button.text()
            assert button.width() >= button.minimumSizeHint().width(), button.text()
