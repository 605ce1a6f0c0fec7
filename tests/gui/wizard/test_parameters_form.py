"""The form of all settings: words, defaults, decimal commas, refusals, and the way back to the default."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.wizard_bench import FakeBench, summary
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from tlgui.core.parameters import PARAMETERS
from tlgui.gui.widgets import IconButton, NumberField
from tlgui.gui.wizard.choice_list import ChoiceList
from tlgui.gui.wizard.parameter_fields import EpochsRow, FractionsRow, NumberOrAutoRow, epochs_in
from tlgui.gui.wizard.parameter_rows import ChoiceRow, NumberRow
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
        if parameter.place == "form":
            said = [label.text() for label in page.form.rows[parameter.field].findChildren(QLabel)]
            assert {parameter.label, parameter.help} <= set(said)
            assert page.form.rows[parameter.field].isVisible()


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("epochs", "15, from the strategy"),
        ("head_learning_rate", "0.0030, from the strategy"),
        ("views", "6, from the strategy"),
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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("augmentation", "microscopy"),
        ("best_by", "balanced_accuracy"),
        ("imbalance", "class-weights"),
        ("mirror", False),
        ("warm_start", True),
        ("cycle_momentum", True),
        ("precision", "float32"),
        ("unfreezing", "plateau"),
    ],
)
def test_a_choice_is_pressed(bench: FakeBench, page: StrategyPage, field: str, value: Any) -> None:
    row = page.form.rows[field]
    assert isinstance(row, ChoiceRow)
    row.choose(value)

    assert getattr(bench.draft.training, field) == value
    assert row.field.value == row.key(value)


def test_how_long_images_fit_is_pressed(bench: FakeBench, page: StrategyPage) -> None:
    row = page.form.rows["fit"]
    assert isinstance(row, ChoiceRow)
    row.choose("squash")

    assert bench.draft.fit == "squash"


def test_the_wheel_over_a_list_scrolls_the_page_and_changes_nothing(bench: FakeBench, page: StrategyPage) -> None:
    row = page.form.rows["augmentation"]
    assert isinstance(row, ChoiceRow) and isinstance(row.field, ChoiceList)
    before = row.field.currentIndex()
    where = QPointF(5, 5)
    no, down = Qt.MouseButton.NoButton, QPoint(0, -120)
    event = QWheelEvent(
        where, where, QPoint(), down, no, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False
    )

    row.field.wheelEvent(event)

    assert not event.isAccepted() and row.field.currentIndex() == before


def test_the_batch_size_can_be_left_to_the_program(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    row = page.form.rows["batch_size"]
    assert isinstance(row, NumberOrAutoRow)
    row.field.setText("x")
    assert row.problem

    row.auto.click()
    assert bench.draft.training.batch_size == "auto" and not row.field.isEnabled()
    assert row.problem == "" and row.field.text() == ""

    row.auto.click()
    assert bench.draft.training.batch_size == 32 and row.field.text() == "32" and row.field.isEnabled()


@pytest.mark.parametrize(
    ("text", "epochs", "problem"),
    [
        ("3, 6, 9", [3, 6, 9], ""),
        ("9 3;6", [3, 6, 9], ""),
        ("3,3", [3], ""),
        ("", [], ""),
        ("3, x", [], "Write whole numbers with commas between them: 3, 6, 9."),
        ("2.5", [], "Write whole numbers with commas between them: 3, 6, 9."),
        ("-1", [], "Write whole numbers with commas between them: 3, 6, 9."),
        ("0, 3", [], "Epochs count from 1."),
    ],
)
def test_epochs_are_read_as_people_write_them(text: str, epochs: list[int], problem: str) -> None:
    assert epochs_in(text) == (epochs, problem)


def test_a_plan_of_unfreezing_is_typed(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    row = page.form.rows["unfreeze_at"]
    assert isinstance(row, EpochsRow)

    row.field.setText("3, 6")
    assert bench.draft.training.unfreeze_at == [3, 6] and bench.draft.resolved()[0].unfreezing == "schedule"
    row.field.setText("3, 6, ")
    assert row.problem and bench.draft.training.unfreeze_at == [3, 6]
    row.field.setText("3, 20000")
    assert row.problem == "Allowed is 1 to 10000."

    reset(qtbot, page, "unfreeze_at")
    assert bench.draft.training.unfreeze_at == [] and row.field.text() == "" and row.problem == ""


def test_what_changes_nothing_is_hidden_or_says_why(bench: FakeBench, page: StrategyPage) -> None:
    row = page.form.rows["head_units"]
    assert "Without effect now: there is no hidden layer." in [label.text() for label in row.findChildren(QLabel)]
    bench.draft.set_training("head", "hidden")
    assert all(
        not label.text() or label.isHidden() or "Without" not in label.text() for label in row.findChildren(QLabel)
    )

    bench.draft.set_level("adjustable")
    assert page.form.rows["mirror"].isVisible()
    bench.draft.set_training("augmentation", "off")
    assert not page.form.rows["mirror"].isVisible()


def test_with_a_recipe_a_value_goes_back_to_the_recipes_own(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.set_preset("tutorial-pipeline")
    number(page, "epochs").setText("3")
    assert bench.draft.preset_changes == ["epochs"]

    reset(qtbot, page, "epochs")
    assert bench.draft.training.epochs == 20 and bench.draft.preset_changes == []


def test_sections_have_headings_where_they_have_rows(bench: FakeBench, page: StrategyPage) -> None:
    assert all(heading.isVisible() for heading in page.form._headings.values())

    bench.draft.set_level("adjustable")
    seen = {section for section, heading in page.form._headings.items() if heading.isVisible()}
    assert seen == {row.parameter.section for row in page.form.rows.values() if row.isVisible()}
    assert "Last layer" not in seen


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
    found = summary({"a": (60, 15, 25), "b": (65, 15, 20)})
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
    assert [field.value() for field in row.fields] == [62.5, 15, 22.5], "the shares that are in use"
    assert bench.draft.split_fractions == (0.7, 0.15, 0.15) and not row.problem
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
