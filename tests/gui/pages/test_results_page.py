from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from helpers.finished_run import Given, finished_run
from helpers.model_bench import ModelBench
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.run_spec import Adapt, Target, Training
from tlgui.gui import background
from tlgui.gui.pages.results.findings import read_findings
from tlgui.gui.pages.results.score_strip import notes, sentence
from tlgui.gui.pages.results_page import ResultsPage
from tlgui.gui.viewer import ImageViewer
from tlgui.gui.widgets import Label, Tile

CLASSES = ["<b>ants</b>", "bees & co", "wasps"]
ANTS, BEES, WASPS = CLASSES
ANSWERS: list[Given] = [
    *((f"a/{n}.png", ANTS, ANTS, 0.9) for n in range(20)),
    ("a/20.png", ANTS, BEES, 0.55),
    *((f"b/{n}.png", BEES, BEES, 0.8) for n in range(15)),
    ("b/15.png", BEES, ANTS, 0.97),
    ("b/16.png", BEES, ANTS, 0.71),
    *((f"w/{n}.png", WASPS, WASPS, 0.99) for n in range(10)),
]


@pytest.fixture(autouse=True)
def nothing_in_the_background() -> Iterator[None]:
    yield
    background.shut_down()


def opened(qtbot: QtBot, bench: ModelBench, width: int = 1280, height: int = 800) -> ResultsPage:
    page = ResultsPage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.resize(width, height)
    page.show()
    page.entered()
    return page


def filled(qtbot: QtBot, tmp_path: Path, answers: list[Given] | None = None, **more: object) -> ResultsPage:
    run = finished_run(tmp_path / "run", CLASSES, ANSWERS if answers is None else answers, **more)  # type: ignore[arg-type]
    page = opened(qtbot, ModelBench(run))
    qtbot.waitUntil(lambda: page.findings is not None, timeout=5000)
    return page


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(Label) if label.isVisible())


def test_every_score_stands_with_its_range_and_what_one_would_reach_without_looking(
    qtbot: QtBot, tmp_path: Path
) -> None:
    page = filled(qtbot, tmp_path)
    read = words(page)
    assert page.findings is not None
    accuracy = page.findings.shown.accuracy
    assert accuracy.value == pytest.approx(45 / 48)
    assert "93.8 %" in read
    assert f"{100 * (accuracy.low or 0):.1f} to {100 * (accuracy.high or 0):.1f}" in read
    assert "45 of 48 test images are right" in read
    assert "The test images were read once" in read


def test_names_that_look_like_markup_are_shown_letter_by_letter(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path)
    shown = [label for label in page.findChildren(Label) if label.text() == ANTS]
    assert shown
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in shown)
    cell = page._matrix.cell(ANTS, BEES)
    assert "<b>" not in cell.toolTip().replace("<qt>", "") or "&lt;b&gt;" in cell.toolTip()


def test_pressing_a_cell_shows_its_images_the_surest_first(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path)
    page._matrix.cell(BEES, ANTS).click()
    (viewer,) = page.findChildren(ImageViewer)
    assert viewer.windowTitle() == f"Really {BEES}, taken for {ANTS}"
    assert "1 of 2" in words(viewer)
    assert "97 % sure" in words(viewer)
    qtbot.keyClick(viewer, Qt.Key.Key_Right)
    assert viewer.at == 1
    assert "71 % sure" in words(viewer)
    qtbot.keyClick(viewer, Qt.Key.Key_Right)
    assert viewer.at == 1  # the last one
    qtbot.keyClick(viewer, Qt.Key.Key_Home)
    assert viewer.at == 0
    viewer.close()


def test_an_empty_cell_opens_with_a_sentence(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path)
    page._matrix.cell(WASPS, BEES).click()
    (viewer,) = page.findChildren(ImageViewer)
    assert viewer.canvas.image is None
    viewer.close()


def test_arrows_walk_over_the_matrix_which_is_one_tab_stop(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path)
    cells = [page._matrix.cell(true, said) for true in CLASSES for said in CLASSES]
    assert [cell.focusPolicy() == Qt.FocusPolicy.StrongFocus for cell in cells] == [True] + [False] * 8
    cells[0].setFocus()
    qtbot.keyClick(cells[0], Qt.Key.Key_Right)
    assert cells[1].focusPolicy() == Qt.FocusPolicy.StrongFocus
    qtbot.keyClick(cells[1], Qt.Key.Key_Down)
    qtbot.keyClick(cells[4], Qt.Key.Key_Return)
    (viewer,) = page.findChildren(ImageViewer)
    assert BEES in viewer.windowTitle()
    viewer.close()


def test_cells_say_themselves(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path)
    assert page._matrix.cell(BEES, ANTS).accessibleName() == (
        f"Really {BEES}, taken for {ANTS}: 2 images, 12 % of this class"
    )
    assert page._matrix.cell(WASPS, WASPS).accessibleName().endswith("right: 10 images, 100 % of this class")


def test_the_worst_mistake_comes_first_and_opens_large(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path)
    tiles = page._mistakes.findChildren(Tile)
    assert [tile.accessibleName().split("said ")[1].split(",")[0] for tile in tiles] == [ANTS, ANTS, BEES]
    tiles[1].click()
    (viewer,) = page.findChildren(ImageViewer)
    assert viewer.at == 1
    viewer.close()


def test_the_table_holds_the_engines_numbers_with_ranges(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path)
    table = page._table.table
    assert table.cell_text(0, 0) == f"{ANTS}\n21 images"
    assert table.cell_text(0, 1).startswith("95 %\n")
    assert page.findings is not None
    auc = page.findings.shown.per_class[WASPS].auc
    assert auc is not None
    assert table.cell_text(2, 5).startswith(f"{auc.value:.3f}\n")


def test_without_test_images_the_score_is_called_optimistic(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path, [], validation=ANSWERS)
    assert "There are no test images. Validation chose the epoch" in words(page)
    assert "validation images are right" in words(page)


def test_a_model_that_may_be_no_better_than_the_largest_class_is_said_to_be_that(tmp_path: Path) -> None:
    answers: list[Given] = [(f"a/{n}", ANTS, ANTS, 0.9) for n in range(7)] + [
        (f"b/{n}", BEES, ANTS, 0.6) for n in range(3)
    ]
    findings = read_findings(finished_run(tmp_path / "run", CLASSES, answers))
    assert "it is not shown that the model is better" in " ".join(notes(findings))
    assert "That is a wide range" in sentence(findings.shown, "test")


def test_no_mistake_is_no_reason_to_be_sure(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path, [answer for answer in ANSWERS if answer[1] == answer[2]])
    assert "With few images that can be luck" in words(page)


def test_images_that_were_moved_leave_the_answers_and_a_way_to_find_them(qtbot: QtBot, tmp_path: Path) -> None:
    bench = ModelBench(finished_run(tmp_path / "run", CLASSES, ANSWERS), data=None)
    page = opened(qtbot, bench)
    qtbot.waitUntil(lambda: page.findings is not None, timeout=5000)
    assert "not where they were" in words(page)
    assert page._find_button.isVisible()
    bench.data = Path("/elsewhere")
    bench.images_found.emit()
    assert not page._find_button.isVisible()
    assert "b/15.png" in bench.thumbnails.asked


def test_before_there_is_a_run_the_page_says_what_will_be_here(qtbot: QtBot) -> None:
    page = opened(qtbot, ModelBench())
    assert "Results come after the last epoch" in words(page)
    assert page.hint() == "There is no run yet."
    assert not page.primary.isEnabled()


def test_damaged_results_are_said_and_nothing_is_shown(qtbot: QtBot, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", CLASSES, ANSWERS)
    (run.results / "metrics.json").write_text('{"best_epoch": 1')
    page = opened(qtbot, ModelBench(run))
    qtbot.waitUntil(lambda: page.error_banner is not None, timeout=5000)
    assert "a file in its folder is damaged" in words(page)
    assert page.findings is None


def test_results_that_were_still_being_read_do_not_come_up_over_another_run(qtbot: QtBot, tmp_path: Path) -> None:
    bench = ModelBench(finished_run(tmp_path / "run", CLASSES, ANSWERS))
    page = opened(qtbot, bench)
    bench.run, bench.run_folder = None, None
    bench.run_changed.emit()
    background.shut_down()
    qtbot.wait(20)
    assert page.findings is None
    assert "%" not in words(page)


def test_numbers_of_another_run_go_before_those_of_this_one_are_read(qtbot: QtBot, tmp_path: Path) -> None:
    bench = ModelBench(finished_run(tmp_path / "run", CLASSES, ANSWERS))
    page = opened(qtbot, bench)
    qtbot.waitUntil(lambda: page.findings is not None)
    bench.run_folder = finished_run(tmp_path / "other", CLASSES, ANSWERS[20:])
    bench.run_changed.emit()
    assert page.findings is None
    assert "%" not in words(page)
    qtbot.waitUntil(lambda: page.findings is not None)
    assert page.findings is not None and page.findings.run_name == "other"


@pytest.mark.parametrize("width", [744, 900, 1064])
def test_the_page_is_never_wider_than_its_window(qtbot: QtBot, tmp_path: Path, width: int) -> None:
    page = filled(qtbot, tmp_path)
    page.resize(width, 600)
    qtbot.wait(20)
    assert page.too_wide() == 0


def test_the_table_stands_above_the_mistakes_and_below_them_where_it_needs_the_width(
    qtbot: QtBot, tmp_path: Path
) -> None:
    page = filled(qtbot, tmp_path)
    for width, above in ((1280, True), (1020, False), (1300, True)):
        page.resize(width, 800)
        qtbot.wait(30)
        tops = [part.mapTo(page, part.rect().topLeft()).y() for part in (page._table, page._mistakes)]
        assert (tops[0] < tops[1]) == above


def test_many_classes_fit_with_the_matrix_on_its_own(qtbot: QtBot, tmp_path: Path) -> None:
    classes = [f"class {n}" for n in range(12)]
    answers: list[Given] = [(f"{name}/{n}", name, name, 0.9) for name in classes for n in range(3)]
    page = opened(qtbot, ModelBench(finished_run(tmp_path / "run", classes, answers)))
    qtbot.waitUntil(lambda: page.findings is not None, timeout=5000)
    page.resize(900, 600)
    qtbot.wait(20)
    assert page.too_wide() == 0
    assert page._matrix.cell("class 11", "class 11").isVisible()


@pytest.mark.parametrize(("best", "words_of_it"), [(13, "that of epoch 13"), (0, "the one before the first epoch")])
def test_the_head_says_which_state_was_scored(qtbot: QtBot, tmp_path: Path, best: int, words_of_it: str) -> None:
    run = finished_run(tmp_path / "run", CLASSES, ANSWERS)
    scores = run.results / "metrics.json"
    scores.write_text(json.dumps(json.loads(scores.read_text()) | {"best_epoch": best}))
    page = opened(qtbot, ModelBench(run))
    qtbot.waitUntil(lambda: page.findings is not None, timeout=5000)
    assert f"The best state is {words_of_it}, chosen on validation." in words(page)


@pytest.mark.parametrize("way", ["mmd", "statistics"])
def test_scores_of_a_run_that_adapted_are_said_to_be_of_the_known_site(
    qtbot: QtBot, tmp_path: Path, way: Adapt
) -> None:
    run = finished_run(tmp_path / "run", CLASSES, ANSWERS)
    bench = ModelBench(run)
    site = Target(name="clinic <b>", fingerprint="b" * 64, images=40)
    bench.run_spec = msgspec.structs.replace(run.spec(), target=site, training=Training(adapt=way))
    page = opened(qtbot, bench)
    qtbot.waitUntil(lambda: page.findings is not None, timeout=5000)
    read = words(page)
    assert "These scores are of the known site." in read
    assert "How good it is at the new site “clinic <b>” only labelled images of it tell" in read
    assert "it does worse here than the curve on the page Train showed" in read
    assert "score them below" in read and "The page Try it shows its answers" in read
    chosen = "chosen without a label of the new site: by balanced accuracy on the known site's validation images"
    assert (chosen in read) == (way == "mmd"), "statistics are aligned after validation has chosen the epoch"
    assert page.before_after.isVisible()


def test_of_a_run_that_did_not_adapt_nothing_is_said_of_another_site(qtbot: QtBot, tmp_path: Path) -> None:
    page = filled(qtbot, tmp_path)
    assert "known site" not in words(page) and not page.site.isVisible() and not page.before_after.isVisible()
