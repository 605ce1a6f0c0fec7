"""The form of all settings: words, defaults, decimal commas, refusals, and the way back to the default."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.wizard_bench import FakeBench, summary
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from tlgui.core.parameters import PARAMETERS
from tlgui.gui.widgets import IconButton, NumberField
from tlgui.gui.wizard.parameter_rows import ChoiceRow, FractionsRow, NumberRow
from tlgui.gui.wizard.strategy_page import StrategyPage


@pytest.fixture
def bench() -> FakeBench:
    bench = FakeBench()
    bench.draft.set_level("everything")
    return bench


@pytest.fixture
def page(qtbot: QtBot, bench: FakeBench) -> StrategyPage:
    page = StrategyPage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.show()
    return page


def number(page: StrategyPage, field: str) -> NumberField:
    row = page.form.rows[field]
    assert isinstance(row, NumberRow)
    return row.field


def reset(qtbot: QtBot, page: StrategyPage, field: str) -> None:
    button = page.form.rows[field].findChild(IconButton)
    assert button is not None and button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_every_setting_has_a_row_with_its_words(page: StrategyPage) -> None:
    for parameter in PARAMETERS:
        if parameter.field not in ("strategy", "similarity"):
            said = [label.text() for label in page.form.rows[parameter.field].findChildren(QLabel)]
            assert {parameter.label, parameter.help} <= set(said)
            assert page.form.rows[parameter.field].isVisible()


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("epochs", "15, from the strategy"),
        ("head_learning_rate", "0.0010, from the strategy"),
        ("views", "4, from the strategy"),
        ("top_groups", "1, from the strategy"),
    ],
)
def test_what_is_left_open_shows_what_the_strategy_gives(page: StrategyPage, field: str, words: str) -> None:
    assert (number(page, field).text(), number(page, field).placeholderText()) == ("", words)


def test_another_strategy_gives_other_values(bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.set_strategy("feature-extraction")

    assert number(page, "epochs").placeholderText() == "40, from the strategy"


@pytest.mark.parametrize("text", ["0,002", "0.002", "2e-3"])
def test_a_decimal_comma_is_a_decimal_point(bench: FakeBench, page: StrategyPage, text: str) -> None:
    number(page, "head_learning_rate").setText(text)

    assert bench.draft.training.head_learning_rate == 0.002
    assert number(page, "head_learning_rate").text() == text, "what is being typed stays as it is"


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("epochs", "0", "Allowed is 1 to 10000."),
        ("epochs", "2,5", "A whole number is needed here."),
        ("batch_size", "", "A number is missing here."),
        ("weight_decay", "1,5,0", "“1,5,0” is no number: write 0.001, 0,001 or 1e-3."),
        ("seed", "-1", "Allowed is 0 to 4294967295."),
    ],
)
def test_a_value_that_does_not_do_is_refused_beside_the_field(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage, field: str, text: str, said: str
) -> None:
    before = bench.draft.training

    number(page, field).setText(text)

    assert page.form.rows[field].problem == said and page.form.problem.endswith(said)
    assert bench.draft.training == before

    reset(qtbot, page, field)
    assert page.form.problem == ""
    assert bench.draft.training == before


@pytest.mark.parametrize(("field", "value", "default"), [("epochs", 3, None), ("batch_size", 8, 32)])
def test_a_changed_value_goes_back_to_its_default(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage, field: str, value: int, default: Any
) -> None:
    number(page, field).setText(str(value))
    assert getattr(bench.draft.training, field) == value

    reset(qtbot, page, field)

    assert getattr(bench.draft.training, field) == default
    assert number(page, field).text() == ("" if default is None else str(default))
    assert not page.form.rows[field].findChild(IconButton).isVisible()  # type: ignore[union-attr]


def test_a_choice_is_pressed(bench: FakeBench, page: StrategyPage) -> None:
    for field, key in (("augmentation", "no-flip"), ("best_by", "balanced_accuracy"), ("fit", "squash")):
        row = page.form.rows[field]
        assert isinstance(row, ChoiceRow)
        row.field.button(key).click()

    assert (bench.draft.training.augmentation, bench.draft.training.best_by) == ("no-flip", "balanced_accuracy")
    assert bench.draft.fit == "squash"


def test_the_three_shares_are_taken_when_they_are_100_together(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage
) -> None:
    row = page.form.rows["split_fractions"]
    assert isinstance(row, FractionsRow)
    assert [field.text() for field in row.fields] == ["70", "15", "15"]

    row.fields[0].setText("80")
    assert row.problem == "The three shares together must be 100 %."
    assert bench.draft.split_fractions == (0.7, 0.15, 0.15)

    row.fields[1].setText("12,5")
    row.fields[2].setText("7,5")
    assert row.problem == "" and bench.draft.split_fractions == (0.8, 0.125, 0.075)

    reset(qtbot, page, "split_fractions")
    assert bench.draft.split_fractions == (0.7, 0.15, 0.15)
    assert [field.text() for field in row.fields] == ["70", "15", "15"]


def test_a_split_that_the_folders_give_is_not_for_the_person_to_choose(qtbot: QtBot) -> None:
    found = summary({"a": (70, 15, 15), "b": (70, 15, 15)})
    bench = FakeBench(
        type(found)(
            name="x",
            layout="train/validation/test",
            given_parts=["train", "validation"],
            classes=found.classes,
            used=found.used,
        )
    )
    bench.draft.set_level("everything")
    page = StrategyPage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)

    row = page.form.rows["split_fractions"]
    assert isinstance(row, FractionsRow)
    assert not row.fields[0].isEnabled()
    assert "The folders give the split" in "".join(label.text() for label in row.findChildren(QLabel))


def test_groups_that_learn_are_shown_where_they_mean_something(bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.set_level("adjustable")
    assert page.form.rows["top_groups"].isVisible()

    bench.draft.set_strategy("full-fine-tuning")
    assert not page.form.rows["top_groups"].isVisible()


@pytest.mark.parametrize(
    ("field", "usual", "high"), [("head_learning_rate", "0.1", "0,2"), ("top_learning_rate", "1", "1.5")]
)
def test_a_rate_far_above_what_is_usual_is_taken_with_a_word_of_caution(
    bench: FakeBench, page: StrategyPage, field: str, usual: str, high: str
) -> None:
    row = page.form.rows[field]
    number(page, field).setText(usual)
    assert row.caution == ""
    number(page, field).setText(high)
    assert row.caution.startswith("Far above what is usual")
    assert getattr(bench.draft.training, field) == float(high.replace(",", "."))
    assert page.primary_action().isEnabled()  # type: ignore[union-attr]

    number(page, field).setText(high + "x")
    assert row.problem and not row.caution
    number(page, field).setText(high)
    assert row.caution and not row.problem
    number(page, field).setText("")
    assert not row.caution
