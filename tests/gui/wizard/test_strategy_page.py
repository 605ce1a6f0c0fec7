"""The Strategy page: the lit row, the question, picks with and against the advice, the levels of detail."""

from __future__ import annotations

import pytest
from helpers.wizard_bench import FakeBench, summary
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.advice_events import Advised, SimilarityMeasured, Way
from tlgui.core.events import Failed, Progress, Stopped, StrategyChosen
from tlgui.core.planning import resolve
from tlgui.core.run_spec import Chosen, FirstAnswer, RunSpec, Training
from tlgui.core.similarity import Band, MeasuredSimilarity
from tlgui.gui.run_model import RunModel
from tlgui.gui.widgets import Button, Dialog
from tlgui.gui.wizard import strategy_page
from tlgui.gui.wizard.rate import rate_dialog
from tlgui.gui.wizard.strategy.question import BY_ROW
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


def test_the_fitting_row_is_lit_and_the_decision_is_left_open(page: StrategyPage) -> None:
    assert len(rows(page)) == 7
    assert page.table.picked_row() == 0 and rows(page)[0].startswith(
        "any | any | As advised\nDecided after the network"
    )
    assert page.table.cells.lit == 3
    assert rows(page)[3].startswith("1,000 to 10,000\nyours: 1,092 | photograph-like\nnot answered | Fine-tune the top")
    assert sum("yours" in row for row in rows(page)) == 1
    said = read(page)
    assert "Not answered: counted as like everyday photographs." in said
    assert "Our advice: let the network look first" in said
    assert "a short trial on some of them decides how deep to train" in said
    assert "The table says: 1,092 images are between 1,000 and 10,000" in said
    assert "1,092 images; at least 348 a class" in said
    assert all("about " in row for row in rows(page))
    assert page.hint().startswith("Takes about ")


def test_the_answer_moves_the_lit_row(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    answer(page, "Another kind of picture")

    assert bench.draft.similarity == "different" and bench.draft.strategy == "auto"
    assert page.table.cells.lit == 4 and page.table.picked_row() == 0
    assert "another kind\nyour answer | Progressive unfreezing + domain adaptation" in rows(page)[4]
    assert "you said that they are another kind of picture" in read(page)
    assert "There are none, so it trains without that term." in read(page.advice)

    press(qtbot, page.question, "Take the answer back")
    assert bench.draft.similarity is None and page.table.cells.lit == 3
    assert "without that term" not in read(page.advice)


def test_few_images_light_feature_extraction(qtbot: QtBot) -> None:
    bench = FakeBench(summary({"a": (70, 15, 15), "b": (70, 15, 15)}))
    page = StrategyPage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)

    assert page.table.cells.lit == 1
    assert (
        rows(page)[1] == "below 1,000\nyours: 200 | photograph-like\nnot answered | "
        "Feature extraction\nOnly a new last layer learns | not measured"
    )


def test_a_pick_against_the_advice_says_what_to_expect(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    pick(qtbot, page, 5)

    assert bench.draft.strategy == "full-fine-tuning"
    assert page.table.picked_row() == 5 and page.table.cells.lit == 3
    assert "the network may learn these images by heart" in read(page)
    assert "The table's advice: fine-tune the top layers" in read(page)

    press(qtbot, page.advice, "As advised")
    assert bench.draft.strategy == "auto" and page.table.picked_row() == 0
    assert "by heart. Then" not in read(page)


@pytest.mark.parametrize(
    ("row", "strategy", "similarity"),
    [
        (0, "auto", None),
        (1, "feature-extraction", None),
        (2, "feature-extraction", "different"),
        (3, "fine-tune-top", None),
        (4, "progressive-unfreezing", "different"),
        (5, "full-fine-tuning", None),
        (6, "full-fine-tuning", None),
    ],
)
def test_every_row_can_be_picked(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage, row: int, strategy: str, similarity: str | None
) -> None:
    pick(qtbot, page, 3)
    pick(qtbot, page, row)

    assert (bench.draft.strategy, bench.draft.similarity) == (strategy, similarity)
    assert page.table.picked_row() == row
    assert (BY_ROW in read(page.question)) == (similarity is not None)
    adaptation = "trains without that term" in read(page.advice)
    assert adaptation == (row in (2, 4))


def test_the_row_of_the_other_kind_takes_the_answer_with_it_and_back(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage
) -> None:
    pick(qtbot, page, 2)
    pick(qtbot, page, 1)

    assert (bench.draft.strategy, bench.draft.similarity) == ("feature-extraction", "similar")
    assert page.table.picked_row() == 1 and BY_ROW in read(page.question)

    answer(page, "Another kind of picture")
    assert page.table.picked_row() == 2 and BY_ROW not in read(page.question)


def test_from_scratch_is_the_second_choice_of_the_last_row(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    assert not page.start.isVisible()
    pick(qtbot, page, 6)
    assert page.start.isVisible() and page.start.field.value == "full-fine-tuning"

    page.start.field.button("from-scratch").click()

    assert bench.draft.strategy == "from-scratch" and page.table.picked_row() == 6
    assert "1,092 images must teach everything" in read(page.advice)
    pick(qtbot, page, 5)
    assert bench.draft.strategy == "full-fine-tuning" and page.table.picked_row() == 5


def test_a_network_without_pretrained_weights_trains_from_scratch(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage
) -> None:
    bench.draft.set_backbone("tiny-cnn")
    assert bench.draft.resolved()[0].strategy == "from-scratch" and page.primary.isEnabled()
    assert "Our advice: from scratch" in read(page) and page.table.cells.lit == -1

    pick(qtbot, page, 1)
    wanted = "has no pretrained weights: it can only train from scratch."
    assert page.hint().endswith(wanted) and not page.primary.isEnabled()

    press(qtbot, page, "Train from scratch")
    assert bench.draft.strategy == "from-scratch" and page.primary.isEnabled()
    assert not page.start.field.button("full-fine-tuning").isEnabled()


def test_a_recipe_fills_the_settings_says_what_was_changed_and_is_left_again(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage
) -> None:
    page.recipe.list.choose("tutorial-pipeline")

    training = bench.draft.training
    assert (training.head, training.epochs, training.augmentation) == ("hidden", 20, "tutorial")
    assert page.table.picked_row() == 3 and "20 epochs" in read(page.recipe) and "change" not in read(page.recipe)
    page.recipe.deviations.set_open(True)
    assert read(page.recipe).count(".\n") >= 3 and "no weight decay" in read(page.recipe)

    bench.draft.set_training("epochs", 5)
    bench.draft.set_training("seed", 9)
    assert "The tutorial's pipeline + 1 change: epochs." in read(page.recipe)

    press(qtbot, page.recipe, "Leave the recipe")
    training = bench.draft.training
    assert (training.preset, training.head, training.augmentation) == ("", "linear", "photos")
    assert (training.strategy, training.epochs, training.seed) == ("auto", 5, 9), "as before the recipe"


def test_what_was_chosen_by_measurement_is_said_of_a_run(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    chosen = Chosen(strategy="fine-tune-top", top_groups=2, by="trial", sentence="On 80 images it was 4 points better.")
    asked, _ = resolve(Training(strategy="fine-tune-top", top_groups=2), 1_092)
    bench.draft.load(RunSpec(training=asked, chosen=chosen), bench.draft.data, bench.draft.summary)
    bench.begin()

    said = read(page.advice)
    assert "Chosen by measurement: fine-tune the top layers" in said
    assert "Decided by a short trial. On 80 images it was 4 points better." in said
    assert page.table.picked_row() == 3


def test_what_a_run_has_just_chosen_is_said_while_it_trains(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    bench.run = RunModel()
    bench.begin()
    assert "The network had not seen the images yet" in read(page.advice)
    said = StrategyChosen(strategy="fine-tune-top", top_groups=2, by="trial", sentence="It was better.", epochs=15)
    bench.run.apply(said)
    bench.run_changed.emit()
    assert "Chosen by measurement: fine-tune the top layers" in read(page.advice)


def test_the_buttons_beside_settings_open_their_dialogs(
    bench: FakeBench, page: StrategyPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    class Recorded(Dialog):
        def __init__(self, _bench: object, parent: QWidget) -> None:
            super().__init__("Rate", parent=parent)
            opened.append("rate")

    monkeypatch.setattr(rate_dialog, "RateDialog", Recorded)
    monkeypatch.setattr(strategy_page, "open_augmentation_preview", lambda bench, parent: opened.append("preview"))
    bench.draft.set_level("everything")

    for field, text in (("augmentation", "Preview…"), ("head_learning_rate", "Find one…")):
        button = next(b for b in page.form.rows[field].findChildren(Button) if b.plain_text == text)
        button.click()

    assert opened == ["preview", "rate"]


def test_settings_that_contradict_each_other_stand_beside_the_button(bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.set_training("unfreeze_at", [3, 6])
    bench.draft.set_training("unfreezing", "plateau")

    assert not page.primary.isEnabled()
    assert page.hint().startswith("Two settings do not go together: “Unfreeze after epochs” is a schedule")


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
    assert "any can be picked" not in read(page)

    pick(qtbot, page, 3)
    answer(page, "Another kind of picture")

    assert bench.draft.strategy == "auto" and page.table.picked_row() == 0 and bench.draft.similarity is None
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

    pick(qtbot, page, 5)
    assert bench.draft.strategy == "full-fine-tuning"
    assert bench.draft.training.head_learning_rate is None
    assert SET_BACK in read(page)

    press(qtbot, page, "Undo")
    assert (bench.draft.strategy, bench.draft.training.head_learning_rate) == ("full-fine-tuning", 0.02)
    assert SET_BACK not in read(page)


def test_nothing_is_said_where_no_value_was_ones_own(qtbot: QtBot, page: StrategyPage) -> None:
    pick(qtbot, page, 3)
    assert SET_BACK not in read(page)


def measured(band: Band | None, value: float = 0.9, sure: bool = True) -> SimilarityMeasured:
    found = MeasuredSimilarity(
        value=value, low=value - 0.01, high=value + 0.01, spread=0.1, band=band, sure=sure,
        doubt="" if band else "mixture", images=200, backbone="efficientnet-lite0",
    )  # fmt: skip
    return SimilarityMeasured(measured=found, sentence=f"It is {band}.")


ADVISED = Advised(
    images=1_092,
    classes=3,
    images_per_class_min=348,
    similarity=None,
    similarity_sentence="",
    answer=FirstAnswer(accuracy=0.6, low=0.55, high=0.65, images=700, folds=5),
    textbook=Way(strategy="progressive-unfreezing", adapt=True),
    recommended=Way(strategy="fine-tune-top", top_groups=2, reason="There is something to gain."),
    runner_up=Way(strategy="feature-extraction"),
    sure="unsure",
    by="headroom",
    trial=False,
    trial_would_tell=True,
    difference="The table goes by number and kind.",
)


def test_the_network_looks_when_the_page_is_entered_but_not_for_a_run_that_began(
    bench: FakeBench, page: StrategyPage
) -> None:
    assert ("look by itself",) in bench.asked
    bench.asked.clear()
    bench.begin()
    page.entered()
    assert ("look by itself",) not in bench.asked


def test_the_measured_kind_lights_the_row_until_the_person_answers(bench: FakeBench, page: StrategyPage) -> None:
    assert "Not measured yet" in read(page.similarity)
    bench.advice.say(similarity=measured("far"))
    assert page.table.cells.lit == 4 and "another kind of picture" in read(page.question)
    assert "measured" in rows(page)[4] and "your answer" not in " ".join(rows(page))
    assert "Another kind of picture" in read(page.similarity) and "It is far." in read(page.similarity)
    assert page.similarity.scale.isVisibleTo(page)
    assert "similarity 0.900" in page.similarity.scale.accessibleName()

    answer(page, "Like everyday photographs")
    assert page.table.cells.lit == 3, "the person's own answer goes first"
    assert "It is far." in read(page.similarity), "what was measured is still told"


def test_an_unsure_band_and_what_cannot_be_said_are_told(bench: FakeBench, page: StrategyPage) -> None:
    bench.advice.say(similarity=measured("middle", 0.97, sure=False))
    assert "Between photographs and another kind, unsure" in read(page.similarity)
    assert page.table.cells.lit == 3
    bench.advice.say(similarity=measured(None))
    assert "Of more than one kind" in read(page.similarity) and not page.similarity.scale.isVisibleTo(page)
    bench.advice.say(similarity=SimilarityMeasured(measured=None, sentence="49 images are too few."))
    assert "Cannot be said" in read(page.similarity) and "49 images are too few." in read(page.similarity)
    assert "not answered: counted as like everyday photographs" in read(page.question).lower()


def test_what_was_measured_is_our_advice_and_a_trial_is_one_press_away(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage
) -> None:
    bench.advice.say(found=ADVISED, similarity=measured("far"))
    said = read(page.advice)
    assert "Our advice: fine-tune the top layers (unsure)" in said
    assert "There is something to gain." in said and "The table goes by number and kind." in said
    assert "A short trial on your own images would tell more." in said
    press(qtbot, page.advice, "Try both")
    assert bench.asked[-1] == ("look", True)
    bench.advice.say(progress=Progress(stage="a short trial of deeper training", done=30, total=100))
    said = read(page.advice)
    assert "Both ways are tried on some of your images: a short trial of deeper training, 30 %." in said
    assert "would tell more" not in said
    press(qtbot, page.advice, "Stop")
    assert bench.asked[-1] == ("cancel look",)


def test_while_it_looks_and_when_it_fails_that_is_said(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    bench.advice.say(busy=True)
    assert "The network is looking at your images." in read(page.similarity)
    assert "The network looks at your images…" in read(page.advice)
    bench.advice.say(busy=False, ended=Failed(problem="The drive is gone.", remedy="Connect it."))
    assert "The drive is gone. Connect it." in read(page.similarity)
    assert "The drive is gone. Connect it." in read(page.advice)
    press(qtbot, page.similarity, "Measure")
    assert bench.asked[-1] == ("look", False)


def test_after_a_stop_the_advice_can_be_asked_for(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    bench.advice.say(similarity=measured("far"), ended=Stopped())
    assert "The network has not looked at these images yet." in read(page.advice)
    press(qtbot, page.advice, "Ask")
    assert bench.asked[-1] == ("look", False)


def test_a_change_asks_anew_once_the_person_has_paused(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page._asks.setInterval(20)
    bench.asked.clear()
    bench.draft.set_training("seed", 1)
    bench.draft.set_training("seed", 12)
    assert bench.asked == []
    qtbot.waitUntil(lambda: bench.asked == [("look by itself",)])


def test_a_pick_against_what_was_measured_says_what_to_expect(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage
) -> None:
    bench.advice.say(found=ADVISED)
    pick(qtbot, page, 5)
    assert "Our advice: fine-tune the top layers" in read(page.advice)
    assert "As advised" in [b.plain_text for b in page.advice.findChildren(Button) if b.isVisibleTo(page)]


def test_a_run_that_began_shows_what_was_measured_then(bench: FakeBench, page: StrategyPage) -> None:
    kept = measured("far").measured
    asked, _ = resolve(Training(strategy="feature-extraction"), 1_092)
    bench.draft.load(RunSpec(training=asked, similarity=kept), bench.draft.data, bench.draft.summary)
    bench.begin()
    assert "Another kind of picture" in read(page.similarity)
    assert not page.similarity.again.isVisibleTo(page)
    assert "Try both" not in [b.plain_text for b in page.advice.findChildren(Button) if b.isVisibleTo(page)]
