"""What the wizard's pages say, before any widget: the table, the expectations, the plan, the speeds."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from helpers.wizard_bench import CELLS, summary

from tlgui.core.backbones import BACKBONES
from tlgui.core.estimates import Speed
from tlgui.core.planning import resolve
from tlgui.core.run_spec import Training
from tlgui.core.strategies import LARGE, MEDIUM, STRATEGIES, Similarity, recommend
from tlgui.gui.wizard.backbone import words
from tlgui.gui.wizard.review import plan
from tlgui.gui.wizard.review.notices import notices
from tlgui.gui.wizard.strategy.expectation import expectation
from tlgui.gui.wizard.strategy.how_many import place
from tlgui.gui.wizard.strategy.table_rows import chosen_row, fitting_row, table_rows

ROWS = table_rows()
SIZES = (2, MEDIUM - 1, MEDIUM, 5_000, LARGE, LARGE + 1, 1_000_000)
ANSWERS: tuple[Similarity | None, ...] = ("similar", "different", None)


@pytest.mark.parametrize(("images", "answer"), [*itertools.product(SIZES, ANSWERS)])
def test_the_lit_row_is_what_recommend_says(images: int, answer: Similarity | None) -> None:
    row, advice = ROWS[fitting_row(ROWS, images, answer)], recommend(images, answer)

    assert (row.strategy, row.top_groups) == (advice.strategy, advice.top_groups)
    low, high = {"below 1,000": (0, 999), "1,000 to 10,000": (1_000, 10_000), "above 10,000": (10_001, 10**9)}[row.size]
    assert low <= images <= high
    assert row.kind in ("any", "another kind" if answer == "different" else "photograph-like")


def test_every_strategy_that_runs_stands_in_the_table() -> None:
    assert {row.strategy.name for row in ROWS} == set(STRATEGIES)
    assert [(row.size, row.kind) for row in ROWS] == [
        ("below 1,000", "any"),
        ("1,000 to 10,000", "photograph-like"),
        ("1,000 to 10,000", "another kind"),
        ("above 10,000", "any"),
    ]
    assert len({row.title for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_a_picked_row_runs_as_that_row(row) -> None:
    typed = Training(epochs=3, head_learning_rate=0.5, batch_size=8, seed=7, similarity="different")

    asked = row.asks(typed)

    resolved, advice = resolve(asked, 50)
    assert advice is None
    assert (resolved.strategy, resolved.batch_size, resolved.seed) == (row.strategy.name, 8, 7)
    assert resolved.epochs == row.strategy.epochs and resolved.head_learning_rate == row.strategy.head_learning_rate
    assert ROWS[chosen_row(ROWS, resolved)] == row


def test_a_number_of_groups_typed_by_hand_picks_the_nearest_row() -> None:
    resolved, _ = resolve(Training(strategy="fine-tune-top", top_groups=4), 50)

    assert ROWS[chosen_row(ROWS, resolved)].top_groups == 2
    assert chosen_row(ROWS, msgspec.structs.replace(resolved, strategy="of a later version")) == -1


@pytest.mark.parametrize(("images", "answer"), [*itertools.product(SIZES, ANSWERS)])
def test_against_the_advice_there_is_something_to_expect(images: int, answer: Similarity | None) -> None:
    advised = ROWS[fitting_row(ROWS, images, answer)]
    for row in ROWS:
        said = expectation(row, advised, images)
        assert (said == "") == (row == advised)
        assert said == "" or (said.endswith(".") and "!" not in said)


def test_full_fine_tuning_of_few_images_warns_of_learning_by_heart() -> None:
    said = expectation(ROWS[-1], ROWS[0], 320)

    assert said.startswith("Every layer learns, which is what more than 10,000 images usually carry: with 320")
    assert "validation error rises" in said


@pytest.mark.parametrize(
    ("images", "words_"),
    [
        (40, "Few: below 1,000."),
        (980, "Few, just below the border of 1,000."),
        (1_000, "Medium, at the border."),
        (1_092, "Medium, just above the border of 1,000."),
        (5_000, "Medium: between 1,000 and 10,000."),
        (9_500, "Medium, just below the border of 10,000."),
        (10_001, "Many, just above the border of 10,000."),
        (90_000, "Many: above 10,000."),
    ],
)
def test_the_place_among_the_borders_in_words(images: int, words_: str) -> None:
    assert place(images) == words_


def test_the_ladder_tells_shares_and_the_rates_of_what_learns() -> None:
    training, _ = resolve(Training(strategy="fine-tune-top", top_groups=2), 1_092)

    rungs = plan.ladder(BACKBONES["efficientnet-lite0"], training, classes=3)

    assert [rung.name for rung in rungs] == ["stem", "blocks 1-2", "block 3", "block 4", "block 5", "top", "head"]
    assert [rung.learning_rate for rung in rungs][:4] == [None] * 4
    assert [rung.learning_rate for rung in rungs][5:] == [training.top_learning_rate, training.head_learning_rate]
    assert plan.learning(rungs) == (3 * 1281 + 1_017_600 + 1_652_640, 3_371_008 + 3 * 1281)


def test_everything_learns_more_slowly_towards_the_stem() -> None:
    training, _ = resolve(Training(strategy="full-fine-tuning"), 20_000)

    rates = [rung.learning_rate or 0 for rung in plan.ladder(BACKBONES["resnet50"], training, classes=2)]

    assert rates[:-1] == sorted(rates[:-1]) and rates[0] > 0
    assert rates[0] == pytest.approx(0.01 * rates[-2])


def facts(training: Training, **changes: object) -> plan.Facts:
    resolved, _ = resolve(training, 1_092)
    known: dict[str, object] = {
        "backbone": BACKBONES["efficientnet-lite0"],
        "training": resolved,
        "classes": ["ants", "bees"],
        "train": 764,
        "validation": 165,
        "test": 163,
    }
    return plan.Facts(**{**known, **changes})  # type: ignore[arg-type]


def test_the_paragraph_says_what_is_learned_how_and_what_is_kept() -> None:
    said = plan.paragraph(facts(Training(strategy="feature-extraction")))

    assert said == (
        "EfficientNet-Lite0 will learn to tell “ants” and “bees” apart from 764 training images. "
        "The pretrained network stays as it is; only a new last layer learns your classes. "
        "There are up to 40 passes over the training images (epochs); after each, 165 validation images "
        "that the network does not learn from say how good it is. "
        "The epoch with the smallest error on the validation images is kept, and "
        "training stops by itself when 10 epochs in a row bring nothing better. "
        "163 test images are read once, at the very end, for the score. "
        "The model, all settings, the list of images and everything that the run says are kept in the run folder."
    )


def test_the_paragraph_follows_the_settings() -> None:
    asked = Training(strategy="fine-tune-top", top_groups=2, epochs=1, patience=0, best_by="balanced_accuracy")

    said = plan.paragraph(facts(asked, test=0, classes=list("abcdef"), train=1))

    assert "to tell 6 classes apart from 1 training image." in said
    assert "A new last layer and the 2 layer groups below it learn" in said
    assert "There is one pass" in said and "best balanced accuracy" in said and "stops by itself" not in said
    assert "There are no test images" in said


@pytest.mark.parametrize(
    ("strategy", "passes"), [("fine-tune-top", "up to 15 passes"), ("full-fine-tuning", "10 passes")]
)
def test_it_says_up_to_where_it_may_stop_early(strategy: str, passes: str) -> None:
    said = plan.paragraph(facts(Training(strategy=strategy)))

    assert f"There are {passes} over the training images" in said


def test_speeds_are_measured_or_in_proportion_to_the_measured_ones() -> None:
    assert words.speeds({}) == {}

    one = words.speeds({"efficientnet-lite0": Speed(seconds_per_1000=5.1)})
    assert one["efficientnet-lite0"].text == "5.1 s" and one["efficientnet-lite0"].measured
    ratio = BACKBONES["resnet50"].relative_seconds / BACKBONES["efficientnet-lite0"].relative_seconds
    assert one["resnet50"].seconds == pytest.approx(5.1 * ratio) and one["resnet50"].text.startswith("≈ ")

    long = words.speeds({"efficientnet-lite0": Speed(seconds_per_1000=12.4)})
    assert [speed.text for speed in long.values()] == ["12 s", "≈ 89 s", "≈ 17 s", "≈ 6 min"]


def test_what_review_tells_before_the_start() -> None:
    assert notices(CELLS) == []

    few = notices(summary({"a": (8, 2, 1), "b": (90, 20, 20)}, left_out_count=3))

    assert [one.title for one in few] == [
        "“a” has 8 training images",
        "21 test images, 1 of “a”",
        "3 files are left out",
    ]
    assert "no test images" in notices(summary({"a": (80, 20, 0), "b": (80, 20, 0)}))[0].title
