"""The page Compare, "Finished runs": which can be ticked, why they cannot be compared, and what was found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock
from helpers.bench import Bench, make_run
from helpers.compared import answered
from PySide6.QtCore import QCoreApplication, QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from tlgui.core.paths import projects_dir
from tlgui.core.run_folder import RunFolder
from tlgui.core.split import Part
from tlgui.gui import side_by_side
from tlgui.gui.closing import shut_down
from tlgui.gui.pages.compare_page import ComparePage
from tlgui.gui.settings import Settings
from tlgui.gui.widgets import Label, Segmented, Table


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


def made(
    day: int, right: int, of: str = "cells", tests: int = 80, part: Part = "test", place: Path | None = None
) -> Path:
    """A finished run, tested (or validated) on images of its set."""
    held: dict[str, tuple[Part, bool]] = {f"{of} {number}.png": (part, number < right) for number in range(tests)}
    folder = place or projects_dir() / of / "runs"
    run = answered(
        folder / f"{datetime(2026, 11, day, 14, 3):%Y-%m-%d %H.%M} efficientnet-lite0 feature-extraction", held
    )
    spec = run.spec()
    assert spec.dataset is not None
    run.write_spec(msgspec.structs.replace(spec, dataset=msgspec.structs.replace(spec.dataset, name=of)))
    return run.path.resolve()


def shown(qtbot: QtBot, bench: Bench, width: int = 964, height: int = 700) -> ComparePage:
    page = ComparePage(bench)
    qtbot.addWidget(page)
    page.resize(width, height)
    page.show()
    page.ask("runs")
    qtbot.waitUntil(lambda: page.runs.desk.rows is not None)
    return page


def texts(table: Table) -> list[list[str]]:
    columns = range(len(table.cells.columns))
    return [[table.cell_text(row, column) for column in columns] for row in range(table.row_count())]


def against(page: ComparePage, reason: str) -> bool:
    return page.runs.compare.reason == reason == page.hint() and not page.primary.isEnabled()


def headings(page: ComparePage) -> list[str]:
    return [label.text() for label in page.runs.runs.findChildren(Label) if label.text().startswith("Of ")]


# -- the list


def test_without_runs_it_says_what_will_stand_there(qtbot: QtBot, bench: Bench) -> None:
    page = shown(qtbot, bench)
    assert page.runs.runs.none.text().startswith("No run has come to its end on this computer yet.")
    assert against(page, "Tick at least two runs.") and not page.runs.runs.search.isVisible()


def test_runs_without_scores_and_runs_at_work_are_not_offered(qtbot: QtBot, bench: Bench) -> None:
    done = made(20, 60)
    make_run()
    at_work = made(21, 60)
    with FileLock(RunFolder(at_work).lock_path):
        page = shown(qtbot, bench)
    assert list(page.runs.runs.boxes) == [done]


def test_those_of_the_images_at_hand_come_first(qtbot: QtBot, bench: Bench, images: Path) -> None:
    old, other, new = made(10, 60), made(12, 60, "bees"), made(11, 60)
    page = shown(qtbot, bench)
    assert list(page.runs.runs.boxes) == [other, new, old] and headings(page) == [], "the newest first"
    bench.found(images)  # they are called cells
    assert list(page.runs.runs.boxes) == [new, old, other]
    assert headings(page) == ["Of 'cells', the images at hand", "Of other images"]
    box = page.runs.runs.boxes[new]
    assert box.text() == "cells" and box.accessibleName().startswith("cells. Feature extraction, EfficientNet-Lite0.")
    assert box.toolTip() == new.name


def test_of_many_the_first_are_shown_and_all_can_be_found(qtbot: QtBot, bench: Bench) -> None:
    runs = [made(day, 60) for day in range(1, 13)]
    bees = made(13, 60, "bees")
    page = shown(qtbot, bench)
    card = page.runs.runs
    assert len(card.boxes) == 8 and card.more.isVisible() and card.more.text() == "Show all 13"
    card.boxes[bees].setChecked(True)
    card.search.setText("cells 2026-11-03")
    assert list(card.boxes) == [bees, runs[2]], "what is ticked is always shown"
    card.search.setText("no such run")
    assert list(card.boxes) == [bees]
    assert card.none.text() == "No run here has 'no such run' in its name, method or notes."
    card.search.clear()
    card.more.click()
    assert len(card.boxes) == 13 and card.more.text() == "Show fewer"
    assert card.boxes[bees].isChecked() and page.runs.desk.ticked == [bees]


def test_a_run_from_elsewhere_can_be_added_or_dropped(qtbot: QtBot, bench: Bench, tmp_path: Path) -> None:
    inside, outside = made(10, 60), made(11, 50, place=tmp_path / "stick")
    third = made(12, 55, place=tmp_path / "stick")
    page = shown(qtbot, bench)
    card, desk = page.runs.runs, page.runs.desk
    assert list(card.boxes) == [inside]
    desk.add(outside)
    qtbot.waitUntil(lambda: desk.ticked == [outside])
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(third))])
    card.dropEvent(
        QDropEvent(
            QPoint(5, 5).toPointF(), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip
    qtbot.waitUntil(lambda: desk.ticked == [outside, third])
    qtbot.waitUntil(lambda: list(card.boxes) == [third, outside, inside])
    assert page.primary.isEnabled() and page.hint() == "2 runs ticked"


@pytest.mark.parametrize("kind", ["no run", "no scores"])
def test_a_folder_that_cannot_be_added_is_refused_with_a_sentence(
    qtbot: QtBot, bench: Bench, tmp_path: Path, kind: str
) -> None:
    page = shown(qtbot, bench)
    folder = tmp_path / "holiday" if kind == "no run" else make_run()
    folder.mkdir(exist_ok=True)
    page.runs.desk.add(folder)
    qtbot.waitUntil(lambda: page.error_banner is not None)
    assert page.error_banner is not None
    said = "has no scores yet" if kind == "no scores" else "holiday"
    assert said in page.error_banner.accessibleName() and page.runs.desk.ticked == []


# -- comparing


def test_two_runs_are_compared_and_the_looks_at_the_test_are_counted(qtbot: QtBot, bench: Bench) -> None:
    worse, better = made(10, 40), made(11, 76)
    page = shown(qtbot, bench, 1400)
    for run in (worse, better):
        box = page.runs.runs.boxes[run]
        QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().center())  # beside its words
    page.primary.click()
    qtbot.waitUntil(page.runs.result.isVisible)
    rows = texts(page.runs.result.rows)
    # Wilson's interval of 76 and of 40 of 80, from its formula with z = 1.96.
    assert rows[0][:2] == [
        "efficientnet-lite0 feature-extraction\n2026-11-11 14.03, best and cheapest", "95.0 %\n87.8 to 98.0",
    ]  # fmt: skip
    assert rows[1][:2] == ["efficientnet-lite0 feature-extraction\n2026-11-10 14.03", "50.0 %\n39.3 to 60.7"]
    assert rows[0][3:] == ["5 s\n1 run", "1,000"]
    (pair,) = texts(page.runs.result.pairs)
    assert pair[3] == "the first is better\n36 and 0 right alone"
    assert page.runs.result.notes.text().startswith("The test images were looked at 2 times here.")
    assert page.runs.result.title() == f"The winner: {better.name}"
    assert page.primary_action() is None and not page.runs.runs.isVisible()
    page.another_button.click()
    assert page.runs.runs.isVisible() and page.runs.desk.ticked == [worse, better] and page.primary.isEnabled()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"of": "bees"}, "were not scored on the same test images: 0 are in both"),
        ({"tests": 60}, "were not scored on the same test images: 60 are in both"),
        ({"part": "validation"}, "so their scores are of different images"),
    ],
)
def test_runs_of_different_images_are_refused_in_the_words_of_the_refusal(
    qtbot: QtBot, bench: Bench, other: dict[str, object], said: str
) -> None:
    made(10, 40)
    made(11, 40, **other)  # type: ignore[arg-type]
    page = shown(qtbot, bench)
    for box in list(page.runs.runs.boxes.values()):
        box.click()
    page.primary.click()
    qtbot.waitUntil(lambda: page.error_banner is not None)
    assert page.error_banner is not None and said in page.error_banner.accessibleName()
    assert "tlgui" not in page.error_banner.accessibleName(), "the window has no command line"
    assert page.runs.runs.isVisible() and page.primary.isEnabled()
    next(iter(page.runs.runs.boxes.values())).click()
    assert page.error_banner is None and against(page, "Tick at least two runs.")


def test_too_many_are_refused(qtbot: QtBot, bench: Bench) -> None:
    for day in range(1, 14):
        made(day, 60)
    page = shown(qtbot, bench)
    page.runs.runs.more.click()
    for box in list(page.runs.runs.boxes.values()):
        box.click()
    assert against(page, "13 runs are too many to be told apart. Tick 12 at the most.")


def test_a_slow_comparison_shows_that_it_works_and_can_be_called_off(
    qtbot: QtBot, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, asked = threading.Event(), threading.Event()
    of_runs = side_by_side.of_runs

    def slow(runs: list[RunFolder]) -> object:
        asked.set()
        assert go.wait(10)
        return of_runs(runs)

    monkeypatch.setattr(side_by_side, "of_runs", slow)
    made(10, 40)
    made(11, 76)
    page = shown(qtbot, bench)
    for box in list(page.runs.runs.boxes.values()):
        box.click()
    try:
        page.primary.click()
        qtbot.waitUntil(asked.is_set)
        assert page.runs.row.text() == "Comparing 2 runs, image by image" and page.runs.progress.isVisible()
        assert against(page, "The runs are being compared.")
        page.runs.row.cancelled.emit()
        assert not page.runs.progress.isVisible() and page.primary.isEnabled()
    finally:
        go.set()
    qtbot.wait(50)
    assert page.runs.desk.result is None and page.runs.runs.isVisible()


def test_a_run_that_was_removed_meanwhile_is_no_longer_ticked(qtbot: QtBot, bench: Bench) -> None:
    gone, stays = made(10, 40), made(11, 76)
    page = shown(qtbot, bench)
    for box in list(page.runs.runs.boxes.values()):
        box.click()
    gone.rename(gone.with_name("away"))
    (gone.with_name("away") / "run.toml").unlink()
    page.runs.desk.refresh()
    qtbot.waitUntil(lambda: page.runs.desk.ticked == [stays])
    assert list(page.runs.runs.boxes) == [stays]


def test_ticks_by_keyboard_keep_their_place(qtbot: QtBot, bench: Bench) -> None:
    made(10, 40)
    run = made(11, 76)
    page = shown(qtbot, bench)
    box = page.runs.runs.boxes[run]
    page.activateWindow()
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    QTest.keyClick(box, Qt.Key.Key_Space)
    assert page.runs.desk.ticked == [run] and page.runs.runs.boxes[run] is box and box.hasFocus()


# -- room and access


def _many(bench: Bench, images: Path) -> None:
    for day in range(1, 13):
        made(day, 60, "a study with quite a long name, second clinic" if day % 2 else "cells")
    bench.found(images)


STATES: dict[str, Callable[[Bench, Path], None]] = {"none": lambda bench, images: None, "many": _many}


@pytest.mark.parametrize(("width", "height"), [(964, 700), (900, 540)])
@pytest.mark.parametrize("compares", [False, True])
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_and_every_button_explains_itself(
    qtbot: QtBot, bench: Bench, images: Path, state: str, compares: bool, width: int, height: int
) -> None:
    STATES[state](bench, images)
    page = shown(qtbot, bench, width, height)
    if compares and page.runs.runs.boxes:
        for box in list(page.runs.runs.boxes.values())[:2]:
            box.click()
        page.primary.click()
        qtbot.waitUntil(lambda: page.runs.desk.result is not None)
    QApplication.processEvents()
    assert page.window().width() == width and page.too_wide() == 0
    for button in page.findChildren(QAbstractButton):
        if button.isVisible():
            around = button.parentWidget()
            assert button.toolTip() or (isinstance(around, Segmented) and around.toolTip()), button.text()
