"""The Review page: the run in words, its layers, its price, what to know, and the one press that starts it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from helpers.images_page import journal
from helpers.wizard_bench import CELLS, FakeBench, summary
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.adaptation import ADAPTATIONS, Adaptation
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import ScanSummary
from tlgui.core.intake import CropBorder, CutTest, GroupBy, SetColour, UseFold
from tlgui.core.planning import prepared, resolve
from tlgui.core.records import DatasetWarning, Grouping, PixelRule
from tlgui.core.run_spec import Chosen, Dataset, RunSpec, Target, Training
from tlgui.gui.widgets import Button
from tlgui.gui.wizard.review.decided import decided_of_run
from tlgui.gui.wizard.review.rates_dialog import RatesDialog
from tlgui.gui.wizard.review_page import ReviewPage

HOSTILE = summary(
    {"a & <b>b</b>": (14, 3, 3), "b" * 200: (80, 20, 20)},
    warnings=[DatasetWarning(code="imbalance", message="The classes are of very different size.")],
)


@pytest.fixture(autouse=True)
def projects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TLGUI_PROJECTS_DIR", str(tmp_path / "tlgui"))
    return tmp_path / "tlgui"


def shown(qtbot: QtBot, found: ScanSummary | None = CELLS) -> tuple[FakeBench, ReviewPage]:
    bench = FakeBench(found)
    bench.backbones.measured("efficientnet-lite0", 5.0)
    page = ReviewPage(bench)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.resize(1064, 800)
    page.show()
    page.entered()
    return bench, page


def read(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def press(qtbot: QtBot, widget: QWidget, text: str) -> None:
    found = [b for b in widget.findChildren(Button) if b.plain_text == text and b.isVisibleTo(widget)]
    assert len(found) == 1, text
    qtbot.mouseClick(found[0], Qt.MouseButton.LeftButton)


def test_the_run_is_said_in_plain_words(qtbot: QtBot, projects: Path) -> None:
    _, page = shown(qtbot)

    said = read(page)
    assert "will learn to tell “basophil”, “eosinophil” and “lymphocyte” apart from 764 training images" in said
    assert "163 test images are read once" in said
    assert "What learns is decided when the network has seen your images" in said
    assert "The table alone would say: fine-tune the top layers." in said
    assert "From the speed measured here" in said
    assert "If it becomes “Feature extraction”: about " in said and "“Fine-tune the top layers”: about " in said
    assert said.count("about ") >= 3 and str(projects) in said
    assert re.fullmatch("Takes about .+ to .+ minutes on this computer", page.hint())


def test_an_estimate_by_another_networks_speed_says_so(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)

    bench.draft.set_backbone("efficientnet-b0")
    bench.draft.set_strategy("full-fine-tuning")

    assert page.hint().endswith(", estimated from another network's speed")
    said = read(page.numbers)
    assert "Estimated from another network's speed here." in said
    assert "For the best and the last state of the model alone" in said and "frozen layers saw" not in said
    assert "If it becomes" not in said


def test_the_ladder_shows_what_learns_from_the_start(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)
    assert "the head; more is decided" in read(page)
    assert [rung.state for rung in page.ladder.ladder.rungs] == ["learning"] + ["frozen"] * 6
    bench.draft.set_strategy("fine-tune-top")

    rungs = {rung.layer_group: rung for rung in page.ladder.ladder.rungs}
    assert rungs["head"].accessibleName() == "Head, under 1 % of the parameters, learns at 0.0030"
    assert rungs["top"].accessibleName() == "Top, 30 % of the parameters, learns at 0.0010"
    assert rungs["stem"].state == "frozen"
    assert "1.02 M of 3.37 M learn" in read(page)
    assert all(rung.focusPolicy() == Qt.FocusPolicy.NoFocus for rung in rungs.values())

    bench.draft.set_backbone("efficientnet-b0")
    bench.draft.set_strategy("full-fine-tuning")
    assert {rung.state for rung in page.ladder.ladder.rungs} == {"learning"}
    assert "Frozen layers can be freed" not in read(page)


def test_the_page_follows_the_steps_before(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)

    bench.draft.set_strategy("fine-tune-top")
    bench.draft.set_training("epochs", 3)

    assert "There are 3 passes" in read(page)


def test_start_is_one_press(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)

    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)

    assert page.primary.plain_text == "Start training"
    assert bench.asked == [("start",)]


@pytest.mark.parametrize("found", [CELLS, None])
def test_what_is_missing_stands_beside_start(qtbot: QtBot, found: ScanSummary | None) -> None:
    bench, page = shown(qtbot, found)
    if found is not None:
        bench.draft.set_backbone("vgg16")

    assert not page.primary.isEnabled()
    wanted = "The weights of VGG16 are not on this computer. Download them, or choose a file."
    assert page.hint() == (wanted if found else "Choose a folder of images first.")


def test_a_training_at_work_is_the_reason_against_another(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)
    bench.against_start = "A training is at work. Wait until it has ended, or stop it."
    bench.run_changed.emit()

    assert page.hint() == bench.against_start and not page.primary.isEnabled()


def test_while_a_training_is_at_work_the_run_is_queued(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)
    bench.is_training, bench.queue.sentence = True, "1 run waits."
    bench.queue.changed.emit()

    assert page.primary.plain_text == "Queue this run" and page.hint() == "1 run waits."
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    assert bench.asked == [("queue",)]

    bench.against_queue = "This run waits already."
    bench.queue.changed.emit()
    assert page.hint() == "This run waits already." and not page.primary.isEnabled()


def test_unequal_classes_are_said_with_what_is_done_and_one_press_switches_it(qtbot: QtBot) -> None:
    bench, page = shown(qtbot, summary({"a": (250, 50, 50), "b": (50, 20, 20)}))
    said = read(page.notices)
    assert "“a” has 5 times the training images of “b”\n250 and 50; corrected by logit adjustment" in said

    press(qtbot, page, "Switch off")
    qtbot.waitUntil(lambda: bench.draft.training.imbalance == "off")
    qtbot.waitUntil(lambda: "not corrected" in read(page.notices))

    press(qtbot, page, "Correct it")
    qtbot.waitUntil(lambda: bench.draft.training.imbalance == "auto")


def test_rates_of_layer_groups_are_given_before_the_run(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)
    assert not page.ladder.rates.isVisible()
    bench.draft.set_level("adjustable")
    bench.draft.set_strategy("fine-tune-top")

    press(qtbot, page, "Rates…")
    dialog = page.window().findChild(RatesDialog)
    assert dialog is not None and list(dialog.fields) == [
        "head", "top", "block 5", "block 4", "block 3", "blocks 1-2", "stem"
    ]  # fmt: skip
    assert dialog.fields["block 5"].placeholderText() == "0.00038, by itself", "1e-3 / 2.6"
    dialog.fields["top"].setText("x")
    assert not dialog.accept_button.isEnabled() and "is no number" in dialog.problem.text()
    dialog.fields["top"].setText("0,0005")
    dialog.fields["head"].setText("5")
    assert dialog.problem.text().startswith("Head: Far above what is usual")
    dialog.fields["head"].setText("0.002")
    qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)

    assert bench.draft.training.group_learning_rates == {"top": 0.0005, "head": 0.002}
    rungs = {rung.layer_group: rung.state_text for rung in page.ladder.ladder.rungs}
    assert (rungs["head"], rungs["top"]) == ("0.0020", "0.00050")
    assert "2 groups have a rate of their own." in read(page.ladder)

    bench.draft.set_backbone("resnet50")
    assert bench.draft.training.group_learning_rates == {"head": 0.002}, "this one has no group 'top'"
    press(qtbot, page, "Rates…")
    dialog = page.window().findChildren(RatesDialog)[-1]
    qtbot.mouseClick(dialog.clear, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    assert bench.draft.training.group_learning_rates == {}


def test_what_auto_became_is_said_of_a_run(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)
    asked, _ = resolve(Training(strategy="feature-extraction"), 1_092)
    chosen = Chosen(strategy="feature-extraction", top_groups=1, by="headroom", sentence="It recognises 97 % already.")
    bench.draft.load(RunSpec(training=asked, chosen=chosen), bench.draft.data, CELLS)
    bench.begin()

    assert page.paragraph.text().endswith("Chosen by measurement: It recognises 97 % already.")


def test_an_error_stands_on_the_page_and_goes_with_the_next_press(qtbot: QtBot) -> None:
    _, page = shown(qtbot)
    page.show_error(UserError("The disk is full.", "Free some space, then try again."))
    assert "The disk is full.\nFree some space, then try again." in read(page)

    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    assert "The disk is full." not in read(page)


def test_few_images_and_warnings_are_said_letter_by_letter(qtbot: QtBot) -> None:
    _, page = shown(qtbot, HOSTILE)

    said = read(page.notices)
    assert "“a & <b>b</b>” has 14 training images" in said
    assert "1 warning about the images\nThe classes are of very different size." in said
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in page.findChildren(QLabel))


def test_what_was_decided_about_the_images_is_said(qtbot: QtBot) -> None:
    _, page = shown(qtbot)
    assert not page.decided.isVisible()
    changes = journal(CutTest(), UseFold(number=1, of=5), CropBorder(share=0.1), UseFold(number=2, of=5))
    key = Grouping(key="column:slide", sentence="the column 'slide' of the label table", groups=9, largest=4)
    decided = msgspec.structs.replace(CELLS, changes=changes, grouping=key, pixel_rule=PixelRule(border=0.1))
    _, page = shown(qtbot, decided)
    assert page.decided.text() == (
        "About the images: Images are kept together by the column 'slide' of the label table. 10 % is cut off on each "
        "side of every image. A test part is cut from the training images. Fold 2 of 5 tests; the other folds train and "
        "validate."
    )


def test_of_a_run_that_began_the_same_is_said_by_its_file(qtbot: QtBot) -> None:
    key = "pattern:^person(\\d+)"
    sentences = [GroupBy(key=key).sentence(), SetColour(colour="grey").sentence(), CutTest().sentence()]
    dataset = Dataset(
        name="cells", fingerprint="f", layout="class folders", classes=["a", "b"], images=9, grouped_by=key, groups=4,
        changes=sentences,
    )  # fmt: skip
    spec = RunSpec(dataset=dataset, pixel_rule=PixelRule(colour="grey"))
    bench, page = shown(qtbot)
    bench.run_spec = spec
    bench.begin()
    assert page.decided.text() == (
        "About the images: Images are kept together by the number after 'person' in the file name. Colour is taken out "
        "of every image. A test part is cut from the training images."
    )
    deep = msgspec.structs.replace(spec, pixel_rule=PixelRule(low=0, high=4095))
    assert "Stored values from 0 to 4095 become 0 to 255." in decided_of_run(deep)
    assert decided_of_run(RunSpec()) == ""


def test_that_no_image_tests_is_said_once(qtbot: QtBot) -> None:
    warning = DatasetWarning(code="no_test_part", message="There are no test images, so every score is too good.")
    _, page = shown(qtbot, summary({"a": (40, 9, 0), "b": (40, 9, 0)}, warnings=[warning]))
    assert "There are no test images" in read(page.notices) and "1 warning" not in read(page.notices)


def test_after_the_run_began_it_is_read_and_a_new_one_can_be_set_up(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)
    bench.begin("2026-11-25 14.03 lite0")

    assert "How this run was set up." in read(page) and "2026-11-25 14.03 lite0" in read(page)
    assert page.primary.plain_text == "New run from here"

    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    assert bench.asked == [("new_run",)]


@pytest.mark.parametrize("width", [1064, 964, 900])
@pytest.mark.parametrize("found", [CELLS, HOSTILE, None])
def test_it_fits(qtbot: QtBot, found: ScanSummary | None, width: int) -> None:
    bench, page = shown(qtbot, found)
    bench.draft.set_level("everything")
    bench.draft.set_preset("tutorial-pipeline")
    page.resize(width, 540)

    assert page.too_wide() == 0


@pytest.mark.parametrize("row", ADAPTATIONS.values(), ids=lambda row: row.name)
def test_a_run_that_adapts_says_how_and_to_what_and_names_no_place(qtbot: QtBot, row: Adaptation) -> None:
    bench, page = shown(qtbot)
    bench.draft.set_strategy("fine-tune-top")
    bench.draft.set_target(Path("/secret/place/clinic b"))
    bench.draft.set_training("adapt", row.name)

    said = page.paragraph.text()
    assert f"It adapts to the images in “clinic b” by “{row.label}”: " in said
    assert f"{row.sentence[0].lower()}{row.sentence[1:]}" in said
    assert "Labels of these images are never read, so the scores are of the known site." in said
    assert "/secret" not in read(page)
    assert ("the best score over both sites" in said) == row.during, "the epoch is chosen by both"
    assert "is put before the last one" not in said, "more than the head learns"


@pytest.mark.parametrize("name", ["auto", "feature-extraction", "progressive-unfreezing"])
def test_where_the_head_alone_learns_a_layer_is_added_that_adapting_can_move(qtbot: QtBot, name: str) -> None:
    bench, page = shown(qtbot)
    bench.draft.set_strategy(name)
    before = page._groups[-1].parameters
    bench.draft.set_target(Path("clinic b"))

    assert "A layer of 256 units is put before the last one, since adapting could move nothing" in page.paragraph.text()
    assert "Before the last layer stands a hidden one of 256 units" in page.details.text()
    assert page._groups[-1].parameters > before, "the ladder counts it"
    assert prepared(bench.draft.training).head_units == 256, "and so it will be made"

    bench.draft.set_training("adapt", "statistics")
    assert "is put before the last one" not in page.paragraph.text() and page._groups[-1].parameters == before


def test_a_row_of_domain_adaptation_does_not_say_that_images_are_missing_where_it_adapts(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)
    bench.draft.set_similarity("different")
    bench.draft.set_strategy("feature-extraction")
    assert "it trains without that term" in page.details.text()
    bench.draft.set_target(Path("clinic b"))
    assert "without that term" not in read(page)


def test_the_review_of_a_run_that_adapted_says_to_what(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)
    site = Target(name="clinic <b>", fingerprint="b" * 64, images=40)
    training = Training(strategy="feature-extraction", adapt="mcc", head="hidden", head_units=256)
    bench.draft.load(RunSpec(target=site, training=training), None, CELLS)
    bench.begin()
    assert "It adapts to the images in “clinic <b>” by “Sharpen the answers (MCC)”: " in page.paragraph.text()


def test_a_way_without_its_folder_cannot_be_started(qtbot: QtBot) -> None:
    bench, page = shown(qtbot)
    bench.draft.set_training("adapt", "mmd")
    assert page.hint().startswith("Adapting needs images of a new site.") and not page.primary_action().isEnabled()
