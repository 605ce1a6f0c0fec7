"""The Strategy page: the lit row, the question, picks with and against the advice, the levels of detail."""

from __future__ import annotations

import pytest
from helpers.wizard_bench import FakeBench, summary
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from tlgui.gui.widgets import Button
from tlgui.gui.wizard.strategy_page import SET_BACK, StrategyPage


@pytest.fixture
def bench() -> FakeBench:
    bench = FakeBench()
    bench.backbones.measured("efficientnet-lite0", 5.0)
    return bench


@pytest.fixture
def page(qtbot: QtBot, bench: FakeBench) -> StrategyPage:
    page = StrategyPage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.resize(1064, 800)
    page.show()
    page.entered()
    return page


def read(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def press(qtbot: QtBot, widget: QWidget, text: str) -> None:
    found = [b for b in widget.findChildren(Button) if b.plain_text == text and b.isVisibleTo(widget)]
    assert len(found) == 1, text
    qtbot.mouseClick(found[0], Qt.MouseButton.LeftButton)


def pick(qtbot: QtBot, page: StrategyPage, row: int) -> None:
    index = page.table.model().index(row, 2)
    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=page.table.visualRect(index).center())


def answer(page: StrategyPage, text: str) -> None:
    next(b for b in page.findChildren(QRadioButton) if b.text() == text).click()


def rows(page: StrategyPage) -> list[str]:
    return [" | ".join(page.table.cell_text(i, c) for c in range(4)) for i in range(page.table.row_count())]


def test_the_fitting_row_is_lit_by_the_number_of_images(page: StrategyPage) -> None:
    assert page.table.cells.lit == page.table.picked_row() == 1
    assert rows(page)[1].startswith("1,000 to 10,000\nyours: 1,092 | photograph-like\nnot answered | Fine-tune the top")
    assert "yours" not in rows(page)[0]
    assert "Not answered: counted as like everyday photographs." in read(page)
    assert "Our advice: fine-tune the top layers" in read(page)
    assert "1,092 images; at least 348 a class" in read(page)
    assert all("about " in row for row in rows(page))
    assert page.hint().startswith("Takes about ")


def test_the_answer_moves_the_advice(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    answer(page, "Another kind of picture")

    assert bench.draft.similarity == "different" and bench.draft.strategy == "auto"
    assert page.table.cells.lit == page.table.picked_row() == 2
    assert "another kind\nyour answer" in rows(page)[2]
    assert bench.draft.resolved()[0].top_groups == 2
    assert "you said that they are another kind of picture" in read(page)

    press(qtbot, page, "Take the answer back")
    assert bench.draft.similarity is None and page.table.cells.lit == 1


def test_few_images_light_feature_extraction(qtbot: QtBot) -> None:
    bench = FakeBench(summary({"a": (70, 15, 15), "b": (70, 15, 15)}))
    page = StrategyPage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)

    assert page.table.cells.lit == 0
    assert (
        rows(page)[0]
        == "below 1,000\nyours: 200 | any | Feature extraction\nOnly a new last layer learns | not measured"
    )


def test_a_pick_against_the_advice_says_what_to_expect(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    pick(qtbot, page, 3)

    assert bench.draft.strategy == "full-fine-tuning"
    assert page.table.picked_row() == 3 and page.table.cells.lit == 1
    assert "the network may learn these images by heart" in read(page)

    press(qtbot, page, "Follow the advice")
    assert bench.draft.strategy == "auto" and page.table.picked_row() == 1
    assert "by heart. Then" not in read(page)


def test_the_row_with_two_groups_can_be_picked(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    pick(qtbot, page, 2)
    assert (bench.draft.strategy, bench.draft.training.top_groups) == ("fine-tune-top", 2)
    assert page.table.picked_row() == 2

    pick(qtbot, page, 1)
    assert (bench.draft.strategy, bench.draft.training.top_groups) == ("auto", None)


def test_the_levels_show_more_settings(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    assert not page.form.isVisible()

    page.level.button("adjustable").click()
    assert bench.draft.level == "adjustable"
    assert page.form.isVisible() and page.form.rows["epochs"].isVisible()
    assert not page.form.rows["weight_decay"].isVisible()

    page.level.button("everything").click()
    assert page.form.rows["weight_decay"].isVisible()


def test_a_refused_value_blocks_the_next_step_and_is_named(bench: FakeBench, page: StrategyPage) -> None:
    page.level.button("adjustable").click()
    page.form.rows["epochs"].field.setText("many")  # type: ignore[attr-defined]

    assert not page.primary.isEnabled()
    assert page.hint() == "Epochs: “many” is no number: write 0.001, 0,001 or 1e-3."
    assert bench.draft.training.epochs is None

    page.form.rows["epochs"].field.setText("12")  # type: ignore[attr-defined]
    assert page.primary.isEnabled() and bench.draft.training.epochs == 12


def test_what_is_missing_before_stands_beside_the_button(qtbot: QtBot) -> None:
    page = StrategyPage(FakeBench(None))  # type: ignore[arg-type]
    qtbot.addWidget(page)

    assert page.hint() == "Choose a folder of images first." and not page.primary.isEnabled()
    assert "The advice comes when the images have been read." in read(page)


def test_after_the_run_began_it_can_only_be_read(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    page.level.button("everything").click()
    bench.begin()
    assert "any other can be picked" not in read(page)

    pick(qtbot, page, 3)
    answer(page, "Another kind of picture")

    assert bench.draft.strategy == "auto" and page.table.picked_row() == 1 and bench.draft.similarity is None
    assert page.form.rows["epochs"].field.isReadOnly()  # type: ignore[attr-defined]
    assert page.form.rows["epochs"].field.text() == "15"  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [1064, 964, 900])
@pytest.mark.parametrize("level", ["guided", "everything"])
def test_it_fits(page: StrategyPage, width: int, level: str) -> None:
    page.level.button(level).click()
    page.resize(width, 540)

    assert page.too_wide() == 0


def test_own_values_that_another_row_sets_back_are_said_and_come_back(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage
) -> None:
    bench.draft.set_training("head_learning_rate", 0.02)
    assert SET_BACK not in read(page)

    pick(qtbot, page, 3)
    assert bench.draft.strategy == "full-fine-tuning"
    assert bench.draft.training.head_learning_rate is None
    assert SET_BACK in read(page)

    press(qtbot, page, "Undo")
    assert (bench.draft.strategy, bench.draft.training.head_learning_rate) == ("full-fine-tuning", 0.02)
    assert SET_BACK not in read(page)


def test_nothing_is_said_where_no_value_was_ones_own(qtbot: QtBot, page: StrategyPage) -> None:
    pick(qtbot, page, 3)
    assert SET_BACK not in read(page)
