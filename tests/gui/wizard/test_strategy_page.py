"""The Strategy page: the lit row, the question, picks with and against the advice, the levels of detail."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from helpers.fake_answers import gap
from helpers.wizard_bench import FakeBench, summary
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QLabel, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.adaptation import ADAPTATIONS, Adaptation
from tlgui.core.advice_events import Advised, SimilarityMeasured, Way
from tlgui.core.events import Failed, GapMeasured, Progress, Stopped, StrategyChosen
from tlgui.core.planning import resolve
from tlgui.core.run_spec import Chosen, FirstAnswer, RunSpec, Target, Training
from tlgui.core.similarity import Band, MeasuredSimilarity
from tlgui.gui.continuing import Continuation
from tlgui.gui.run_model import RunModel
from tlgui.gui.widgets import Button, Dialog
from tlgui.gui.wizard import strategy_page
from tlgui.gui.wizard.rate import rate_dialog
from tlgui.gui.wizard.strategy.question import BY_ROW
from tlgui.gui.wizard.strategy_page import SET_BACK, StrategyPage

GAP = msgspec.convert(gap({"new_listing": "", "backbone": "efficientnet-lite0"}), GapMeasured)


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
        "Feature extraction\nOnly the last layer learns | not measured"
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


# -- images of a new site -----------------------------------------------------------------------------------------


def held(path: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    return data


def drag(page: StrategyPage, path: Path) -> bool:
    """Holds a folder over the card; whether it would be taken."""
    data = held(path)  # the event does not keep it
    event = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                            Qt.KeyboardModifier.NoModifier)  # fmt: skip
    event.ignore()
    page.site.dragEnterEvent(event)
    return event.isAccepted()


def drop(page: StrategyPage, path: Path) -> None:
    data = held(path)
    page.site.dropEvent(
        QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                   Qt.KeyboardModifier.NoModifier)
    )  # fmt: skip


def test_without_a_new_site_the_card_says_what_it_is_for_and_asks_nothing(bench: FakeBench, page: StrategyPage) -> None:
    assert page.site.isVisible() and bench.draft.level == "guided"
    said = read(page.site)
    assert "A model that was good at one hospital often fails at the next." in said
    assert "Unlabelled images from there can help; labels are never read." in said
    assert not page.site.way.isVisible() and not page.site.weight.isVisible() and not page.site.remove.isVisible()
    assert page.site.height() < 110, "it must not crowd a small window"


def test_a_folder_that_is_dropped_on_the_card_is_adapted_to(
    bench: FakeBench, page: StrategyPage, tmp_path: Path
) -> None:
    site = tmp_path / "clinic <b>"
    site.mkdir()
    (tmp_path / "a file").write_bytes(b"")
    assert not drag(page, tmp_path / "a file") and "Let go" not in read(page.site)
    assert drag(page, site) and "Let go to adapt to this folder." in read(page.site)
    drop(page, site)

    assert (bench.draft.target, bench.draft.training.adapt) == (site, "mmd")
    said = read(page.site)
    assert "clinic <b>" in said and "Its images are read when the run begins." in said and "Let go" not in said
    assert "The network is taught to give features of both sites the same distribution." in said
    assert page.site.way.currentText() == "Match the features (MMD)"
    assert page.primary_action().isEnabled() and page.site.weight.value() == 1.0


@pytest.mark.parametrize("row", ADAPTATIONS.values(), ids=lambda row: row.name)
def test_each_way_says_what_it_does_and_asks_for_a_weight_where_it_has_one(
    bench: FakeBench, page: StrategyPage, row: Adaptation
) -> None:
    bench.draft.set_target(Path("clinic b"))
    page.site.way.choose(row.name)
    assert bench.draft.training.adapt == row.name
    assert row.sentence in read(page.site)
    assert page.site.weight.isVisible() == row.during


def test_a_weight_that_is_none_is_said_and_cannot_go_on(bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.set_target(Path("clinic b"))
    page.site.weight.setText("0,5")
    assert bench.draft.training.adapt_weight == 0.5

    page.site.weight.setText("11")
    assert bench.draft.training.adapt_weight == 0.5
    assert "Allowed is 0.01 to 10." in read(page.site)
    assert page.hint() == "Weight of adapting: Allowed is 0.01 to 10." and not page.primary_action().isEnabled()

    page.site.way.choose("statistics")
    assert page.primary_action().isEnabled(), "it has no weight"


def test_the_weight_slides_over_powers_of_ten_and_can_still_be_typed(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage
) -> None:
    bench.draft.set_target(Path("clinic b"))
    slider, field = page.site.slider, page.site.weight
    assert slider.isVisible() and slider.number() == 1.0 and slider.toolTip()
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert (field.text(), bench.draft.training.adapt_weight) == ("10", 10.0)
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    assert (field.text(), bench.draft.training.adapt_weight) == ("0.01", 0.01)
    field.setText("0,1")
    assert slider.number() == 0.1 and bench.draft.training.adapt_weight == 0.1


def test_a_new_site_leaves_room_for_the_side_column(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    """At 1280 pixels the rail takes 216 of them; a row that is too wide would keep the columns from standing apart."""
    bench.draft.set_target(Path("clinic b"))
    bench.gap.say(found=GAP)
    page.resize(1280 - 216, 800)
    qtbot.waitUntil(lambda: page.gap.answer is not None and page.gap.answer.isVisible())
    assert page.too_wide() == 0


def test_the_card_asks_how_different_the_new_site_is(bench: FakeBench, page: StrategyPage) -> None:
    assert not page.gap.isVisible()
    bench.draft.set_target(Path("clinic b"))
    assert page.gap.isVisible() and page.site.isAncestorOf(page.gap)
    page.gap.ask.click()
    assert bench.asked[-1] == ("measure gap",)


def test_the_folder_can_be_removed_again_by_keyboard(qtbot: QtBot, bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.set_target(Path("clinic b"))
    page.site.remove.setFocus()
    qtbot.keyClick(page.site.remove, Qt.Key.Key_Space)
    assert (bench.draft.target, bench.draft.training.adapt) == (None, "none")
    assert page.focusWidget() is page.site.folder


def test_adapting_without_a_folder_says_so_at_the_card_and_beside_next(
    qtbot: QtBot, bench: FakeBench, page: StrategyPage
) -> None:
    bench.draft.set_training("adapt", "mcc")
    asks = "Adapting needs images of a new site. Choose their folder, or train without adapting."
    assert asks in read(page.site) and page.hint() == asks and not page.primary_action().isEnabled()
    press(qtbot, page.site, "Train without adapting")
    assert page.primary_action().isEnabled() and bench.draft.training.adapt == "none"


def test_a_row_of_domain_adaptation_trains_with_it_once_there_are_images(bench: FakeBench, page: StrategyPage) -> None:
    answer(page, "Another kind of picture")
    assert "no adaptation yet" in rows(page)[4] and "it trains without that term" in read(page.advice)

    bench.draft.set_target(Path("clinic b"))
    assert "Last layer, then group after group; adapts to the new site" in rows(page)[4]
    assert "Only the last layer learns; adapts to the new site" in rows(page)[2]
    assert "adapts" not in rows(page)[3], "the textbook has none there"
    said = read(page.advice)
    assert "it trains with it: it adapts to “clinic b”" in said and "without that term" not in said


def test_what_the_network_said_of_missing_images_yields_to_the_folder(bench: FakeBench, page: StrategyPage) -> None:
    way = Way(strategy="feature-extraction", reason="Little is left to gain.")
    found = Advised(
        images=1092, classes=3, images_per_class_min=348, similarity=None, similarity_sentence="", answer=None,
        textbook=Way(strategy="feature-extraction", adapt=True), recommended=way, runner_up=None, sure="sure",
        by="images", trial=False, trial_would_tell=False, difference="There are none, so it trains without.",
    )  # fmt: skip
    bench.advice.say(found=found)
    assert "There are none, so it trains without." in read(page.advice)
    bench.draft.set_target(Path("clinic b"))
    assert "There are none" not in read(page.advice) and "adapts to “clinic b”" in read(page.advice)


def test_a_run_that_adapted_shows_its_new_site_and_nothing_can_be_changed(bench: FakeBench, page: StrategyPage) -> None:
    site = Target(name="clinic b", fingerprint="b" * 64, images=40)
    bench.draft.load(RunSpec(target=site, training=Training(adapt="adversarial", adapt_weight=20)), None, summary({}))
    bench.begin()
    assert "clinic b" in read(page.site) and page.site.way.currentText() == "Confuse a judge (adversarial)"
    assert page.site.weight.text() == "20" and page.site.weight.isReadOnly() and not page.site.way.isEnabled()
    assert not page.site.folder.isVisible() and not page.site.remove.isVisible()
    assert not drag(page, Path.home())

    bench.draft.load(RunSpec(), None, summary({}))
    assert not page.site.isVisible(), "of a run that did not adapt there is nothing to show"


def test_every_part_of_the_card_has_a_name_and_says_what_a_press_does(bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.set_target(Path("clinic b"))
    parts = (page.site.folder, page.site.remove, page.site.way, page.site.slider, page.site.weight)
    assert all(part.accessibleName() for part in parts)
    assert all(part.toolTip() for part in parts[:4])
    assert [part.focusPolicy() & Qt.FocusPolicy.TabFocus for part in parts] == [Qt.FocusPolicy.TabFocus] * 5


# -- what it knows already ----------------------------------------------------------------------------------------


def test_what_the_published_weights_know_is_offered_folded(bench: FakeBench, page: StrategyPage) -> None:
    keep = page.keep
    assert keep.isVisible() and not keep.fold.is_open and not keep.way.isVisible()
    keep.fold.set_open(True)
    assert "That is no accuracy." in read(keep) and keep.way.currentText() == "Not at all"
    keep.way.choose("l2sp")
    assert bench.draft.training.keep == "l2sp" and "Every weight is held at where it began" in read(keep)
    assert keep.strength.value() == 10 and bench.draft.training.keep_strength is None
    assert page.primary_action().isEnabled()


def test_a_run_that_continues_one_asks_it_right_below_the_table(
    bench: FakeBench, page: StrategyPage, qtbot: QtBot
) -> None:
    bench.draft.continues = Continuation(Path("the run"), "cells", ("a", "b"), 40, Path("/data/old"))
    bench.draft.set_training("keep", "ewc")
    keep = page.keep
    qtbot.waitUntil(keep.way.isVisible)
    assert not keep.fold.isVisible() and "measured on 40 images" in read(keep)
    assert page._main.indexOf(keep) == page._main.indexOf(page.start) - 1
    keep.strength.slider.setValue(keep.strength.slider.maximum())
    assert bench.draft.training.keep_strength == 1000
    keep.strength.number.setText("0,25")
    assert bench.draft.training.keep_strength == 0.25
    keep.strength.number.setText("hard")
    assert not page.primary_action().isEnabled() and "Strength of keeping: " in page.primary_action().reason


def test_the_share_of_a_mix_is_chosen_on_validation_images_or_by_the_person(
    bench: FakeBench, page: StrategyPage, qtbot: QtBot
) -> None:
    bench.draft.continues = Continuation(Path("the run"), "cells", ("a", "b"))
    bench.draft.set_training("keep", "ewc")
    bench.draft.set_training("keep_strength", 300.0)
    keep = page.keep
    keep.way.choose("average")
    assert bench.draft.training.keep_strength is None, "what is a strength of one way is none of another"
    assert keep.by_itself.isChecked() and not keep.strength.isVisible()
    keep.by_itself.click()
    assert bench.draft.training.keep_strength == 0.5 and keep.strength.share.isVisible()
    keep.strength.share.setValue(80)
    assert bench.draft.training.keep_strength == 0.8
    keep.strength.share_number.setText("1.5")
    assert "Allowed is 0 to 1." in read(keep) and not page.primary_action().isEnabled()


def test_from_scratch_offers_no_keeping_and_takes_none(bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.set_strategy("from-scratch")
    assert not page.keep.isVisible()
    bench.draft.set_training("keep", "ewc")
    assert page.keep.isVisible() and "From scratch nothing is known before" in page.primary_action().reason


def test_of_a_run_that_began_it_can_be_read_alone(bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.continues = Continuation(Path("the run"), "cells", ("a", "b"))
    bench.draft.set_training("keep", "l2sp")
    bench.begin()
    keep = page.keep
    assert keep.isVisible() and not keep.way.isEnabled() and not keep.strength.slider.isEnabled()
    assert keep.strength.number.isReadOnly()


def test_the_form_leaves_what_the_run_settles(bench: FakeBench, page: StrategyPage) -> None:
    bench.draft.continues = Continuation(Path("the run"), "cells", ("a", "b"))
    bench.draft.set_level("everything")
    row = page.form.rows["head"]
    assert "as the run has it that is continued" in read(row) and not row.field.isEnabled()
    assert page.form.rows["epochs"].field.isEnabled()
