"""What the wizard's pages say, before any widget: the table, the expectations, the plan, the speeds."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from helpers.wizard_bench import CELLS, summary

from tlgui.core.backbones import BACKBONES
from tlgui.core.estimates import Speed
from tlgui.core.planning import resolve
from tlgui.core.presets import with_preset
from tlgui.core.run_spec import Training
from tlgui.core.strategies import LARGE, MEDIUM, SMALL, STRATEGIES, Similarity, recommend
from tlgui.gui.wizard.backbone import words
from tlgui.gui.wizard.review import plan
from tlgui.gui.wizard.review.balance import balance
from tlgui.gui.wizard.review.details import details
from tlgui.gui.wizard.review.notices import notices
from tlgui.gui.wizard.strategy.expectation import expectation
from tlgui.gui.wizard.strategy.how_many import place
from tlgui.gui.wizard.strategy.recipe_card import changes_words
from tlgui.gui.wizard.strategy.table_rows import chosen_row, fitting_row, table_rows

ROWS = table_rows()
CELLS_OF_TABLE = ROWS[1:]
SIZES = (2, SMALL - 1, SMALL, 5_000, MEDIUM, MEDIUM + 1, LARGE, LARGE + 1, 1_000_000)
ANSWERS: tuple[Similarity | None, ...] = ("similar", "different", None)
BOUNDS = {
    "below 1,000": (0, 999),
    "1,000 to 10,000": (1_000, 10_000),
    "above 10,000": (10_001, 100_000),
    "above 100,000": (100_001, 10**9),
}


@pytest.mark.parametrize(("images", "answer"), [*itertools.product(SIZES, ANSWERS)])
def test_the_lit_row_is_what_recommend_says(images: int, answer: Similarity | None) -> None:
    row, advice = ROWS[fitting_row(ROWS, images, answer)], recommend(images, answer)

    assert row.strategy == advice.strategy
    assert row.cell is not None and row.cell.adaptation == advice.adaptation
    low, high = BOUNDS[row.size]
    assert low <= images <= high
    assert row.kind in ("any", "another kind" if answer == "different" else "photograph-like")


def test_the_table_has_the_textbooks_six_rows_after_the_open_one() -> None:
    assert [(row.size, row.kind, row.title) for row in ROWS] == [
        ("any", "any", "As advised"),
        ("below 1,000", "photograph-like", "Feature extraction"),
        ("below 1,000", "another kind", "Feature extraction + domain adaptation"),
        ("1,000 to 10,000", "photograph-like", "Fine-tune the top layers"),
        ("1,000 to 10,000", "another kind", "Progressive unfreezing + domain adaptation"),
        ("above 10,000", "any", "Full fine-tuning"),
        ("above 100,000", "any", "Full fine-tuning, perhaps from scratch"),
    ]
    assert {name for row in ROWS for name in row.names()} == {"auto", *STRATEGIES}, "every strategy can be reached"
    assert all(row.sentence() for row in ROWS)


@pytest.mark.parametrize("row", CELLS_OF_TABLE, ids=lambda row: row.title)
def test_a_picked_row_runs_as_that_row(row) -> None:
    typed = Training(epochs=3, head_learning_rate=0.5, batch_size=8, seed=7, similarity="different")

    asked = row.asks(typed)

    resolved, advice = resolve(asked, 50)
    assert advice is None
    assert (resolved.strategy, resolved.batch_size, resolved.seed) == (row.strategy.name, 8, 7)
    assert resolved.epochs == row.strategy.epochs and resolved.head_learning_rate == row.strategy.head_learning_rate
    index = ROWS.index(row)
    assert chosen_row(ROWS, asked, 50, index) == index
    assert ROWS[chosen_row(ROWS, resolved, 50)].strategy == row.strategy


@pytest.mark.parametrize(
    ("strategy", "similarity", "images", "pressed", "row"),
    [
        ("auto", "different", 50, 3, 0),
        ("feature-extraction", None, 50, -1, 1),
        ("feature-extraction", "similar", 50_000, -1, 1),
        ("feature-extraction", "different", 50, 1, 2),
        ("fine-tune-top", "different", 50, -1, 3),
        ("progressive-unfreezing", None, 50, -1, 4),
        ("full-fine-tuning", None, LARGE, -1, 5),
        ("full-fine-tuning", None, LARGE + 1, -1, 6),
        ("full-fine-tuning", None, 50, 6, 6),
        ("full-fine-tuning", None, LARGE + 1, 5, 5),
        ("from-scratch", None, 50, 5, 6),
    ],
)
def test_the_row_that_a_training_stands_for(
    strategy: str, similarity: Similarity | None, images: int, pressed: int, row: int
) -> None:
    asked = Training(strategy=strategy, similarity=similarity, top_groups=4)

    assert chosen_row(ROWS, asked, images, pressed) == row
    assert chosen_row(ROWS, msgspec.structs.replace(asked, strategy="of a later version"), images) == -1


@pytest.mark.parametrize(("images", "answer"), [*itertools.product(SIZES, ANSWERS)])
def test_against_the_advice_there_is_something_to_expect(images: int, answer: Similarity | None) -> None:
    advised = recommend(images, answer).strategy.name
    for name in ("auto", *STRATEGIES):
        said = expectation(name, advised, images)
        assert (said == "") == (name in (advised, "auto"))
        assert said == "" or (said.endswith(".") and "!" not in said)


def test_full_fine_tuning_of_few_images_warns_of_learning_by_heart() -> None:
    said = expectation("full-fine-tuning", "feature-extraction", 320)

    assert said.startswith("Every layer learns, which is what more than 10,000 images usually carry: with 320")
    assert "validation error rises" in said


@pytest.mark.parametrize(("images", "few"), [(320, True), (LARGE, True), (LARGE + 1, False)])
def test_from_scratch_says_what_it_takes(images: int, few: bool) -> None:
    said = expectation("from-scratch", "full-fine-tuning", images)

    assert f"{images:,} images must teach everything" in said and ("from 100,000 images on" in said) == few


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
        (50_000, "Many: between 10,000 and 100,000."),
        (90_000, "Many, just below the border of 100,000."),
        (1_000_000, "Very many: above 100,000."),
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
    assert rates[0] == pytest.approx(0.1 * rates[-2])


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
        "The pretrained network stays as it is; only the last layer learns your classes. "
        "There are up to 40 passes over the training images (epochs); after each, 165 validation images "
        "that the network does not learn from say how good it is. "
        "The epoch with the smallest calibrated error on the validation images is kept, and "
        "training stops by itself when 10 epochs in a row bring nothing better. "
        "163 test images are read once, at the very end, for the score. "
        "The best and the last state of the model, all settings, the list of images and everything that the run says are "
        "kept in the run folder."
    )


def test_patience_waits_for_the_layers_that_join_by_themselves_and_the_paragraph_says_so() -> None:
    joins = "training stops by itself when no more layers will join in and 10 epochs in a row bring nothing better"
    assert joins in plan.paragraph(facts(Training(strategy="progressive-unfreezing")))
    by_hand = plan.paragraph(facts(Training(strategy="progressive-unfreezing", unfreezing="never")))
    assert "training stops by itself when 10 epochs in a row bring nothing better" in by_hand


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


@pytest.mark.parametrize(
    ("asked", "words_"),
    [
        (
            Training(strategy="progressive-unfreezing"),
            "That is when 3 epochs in a row bring no better validation loss.",
        ),
        (
            Training(strategy="progressive-unfreezing", unfreezing="never"),
            "First the last layer learns. No layer group joins in by itself, by these settings;",
        ),
        (
            Training(strategy="feature-extraction", unfreeze_at=[3, 6, 9]),
            "One more layer group from the top joins in after epochs 3, 6 and 9.",
        ),
        (
            Training(strategy="progressive-unfreezing", unfreeze_at=[4]),
            "First the last layer learns. One more layer group from the top joins in after epoch 4.",
        ),
        (Training(strategy="fine-tune-top", unfreeze_at=[4]), "joins in after epoch 4."),
        (
            Training(strategy="fine-tune-top", unfreezing="plateau", plateau=1),
            "One more layer group from the top joins in when 1 epoch brings no better validation loss.",
        ),
        (Training(strategy="from-scratch"), "Nothing pretrained is used: every layer begins at random"),
    ],
)
def test_the_paragraph_says_when_more_layers_learn(asked: Training, words_: str) -> None:
    assert words_ in plan.paragraph(facts(asked))


def test_what_is_left_open_is_said_to_be_decided_later() -> None:
    said = plan.paragraph(facts(Training(), open=True))

    assert "What learns is decided when the network has seen your images" in said
    assert "The table alone would say: fine-tune the top layers." in said
    assert "passes" not in said, "how many follows from what it becomes"


def test_a_hidden_layer_counts_among_the_heads_parameters() -> None:
    row = BACKBONES["efficientnet-lite0"]
    training, _ = resolve(Training(strategy="feature-extraction", head="hidden", head_units=10), 50)

    assert plan.ladder(row, training, classes=3)[-1].parameters == 1_281 * 10 + 11 * 3


def lines(asked: Training, is_open: bool = False, changes: tuple[str, ...] = ()) -> str:
    resolved, _ = resolve(asked, 500)
    return "\n".join(details(resolved, None, is_open, changes))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Training(strategy="fine-tune-top"), "BatchNorm layers that learn keep their pretrained averages."),
        (
            Training(strategy="fine-tune-top", norm_statistics="auto"),
            "BatchNorm layers that learn take their averages from the batches",
        ),
        (
            Training(strategy="fine-tune-top", batch_size=29, norm_statistics="auto"),
            "keep their pretrained averages, since a batch holds fewer",
        ),
        (
            Training(strategy="fine-tune-top", batch_size="auto", norm_statistics="auto"),
            "below 30 images in a batch, and take",
        ),
        (Training(strategy="fine-tune-top", norm_statistics="frozen"), "learn keep their pretrained averages."),
        (Training(strategy="fine-tune-top", warm_start=True), "The last layer is fitted first"),
        (Training(strategy="fine-tune-top", head="hidden"), "a hidden one of 512 units, of which 30 %"),
        (Training(strategy="fine-tune-top", mixup=0.2), "mixed with one another (mixup), so nothing of the frozen"),
        (Training(strategy="fine-tune-top", mixup=0.2, cutmix=1.0), "(mixup and cutmix)"),
        (Training(strategy="fine-tune-top", label_smoothing=0.1), "10 % is spread over all classes"),
        (Training(strategy="fine-tune-top", ema=0.99), "running average of the weights (decay 0.99)"),
        (Training(strategy="progressive-unfreezing", similarity="different"), "it trains without that term."),
        (with_preset(Training(), "tutorial-pipeline"), "those of a recipe: The tutorial's pipeline."),
        (with_preset(Training(), "tutorial-pipeline"), "Validation images are not augmented"),
        (Training(strategy="fine-tune-top", augmentation="off"), "Training images are not varied"),
    ],
)
def test_the_details_say_each_setting_that_matters(asked: Training, said: str) -> None:
    assert said in lines(asked)
    assert all(line.endswith(".") for line in lines(asked).splitlines())


def test_the_details_are_silent_on_what_does_not_hold() -> None:
    plain = lines(Training(strategy="feature-extraction"))
    for word in ("BatchNorm", "mixed", "hidden", "recipe", "average", "fitted", "without that term"):
        assert word not in plain
    assert "+ 2 changes: epochs, patience." in lines(
        with_preset(Training(), "tutorial-pipeline"), changes=("epochs", "patience")
    )


@pytest.mark.parametrize(
    ("imbalance", "counts", "tone", "said", "value"),
    [
        ("auto", (151, 50), "info", "3 times", "off"),
        ("auto", (150, 50), "", "", ""),
        ("off", (151, 50), "warn", "not corrected", "auto"),
        ("off", (150, 50), "", "", ""),
        ("class-weights", (60, 50), "info", "corrected by class weights", "off"),
        ("balanced-sampling", (600, 50), "info", "12 times", "off"),
    ],
)
def test_unequal_classes_in_words(imbalance: Any, counts: tuple[int, int], tone: str, said: str, value: str) -> None:
    classes = summary({"a": (counts[0], 1, 1), "b": (counts[1], 1, 1), "none": (0, 1, 1)}).classes
    found = balance(Training(imbalance=imbalance), classes)

    assert (found.tone, found.value) == (tone, value) if found else tone == ""
    assert found is None or said in f"{found.title} {found.text}"


def test_no_classes_are_not_unequal() -> None:
    assert balance(Training(imbalance="class-weights"), []) is None


def test_changes_of_a_recipe_in_words() -> None:
    assert changes_words("X", []) == ""
    assert changes_words("X", ["epochs"]) == "X + 1 change: epochs."
    many = ["epochs", "patience", "head", "seed", "ema", "mixup"]
    assert changes_words("X", many) == "X + 6 changes: epochs, patience, last layer, seed and 2 more."


def test_speeds_are_measured_or_in_proportion_to_the_measured_ones() -> None:
    assert words.speeds({}) == {}

    one = words.speeds({"efficientnet-lite0": Speed(seconds_per_1000=5.1)})
    assert one["efficientnet-lite0"].text == "5.1 s" and one["efficientnet-lite0"].measured
    ratio = BACKBONES["resnet50"].relative_seconds / BACKBONES["efficientnet-lite0"].relative_seconds
    assert one["resnet50"].seconds == pytest.approx(5.1 * ratio) and one["resnet50"].text.startswith("≈ ")

    long = words.speeds({"efficientnet-lite0": Speed(seconds_per_1000=12.4)})
    assert long["efficientnet-lite0"].text == "12 s"
    vgg = 12.4 * BACKBONES["vgg16"].relative_seconds
    assert long["vgg16"].text == f"≈ {vgg / 60:.0f} min"


def test_what_review_tells_before_the_start() -> None:
    plain, _ = resolve(Training(), 1_092)
    assert notices(CELLS, plain) == []

    few = notices(summary({"a": (8, 2, 1), "b": (90, 20, 20)}, left_out_count=3), plain)

    assert [one.title for one in few] == [
        "“a” has 8 training images",
        "21 test images, 1 of “a”",
        "“b” has 11 times the training images of “a”",
        "3 files are left out",
    ]
    assert "no test images" in notices(summary({"a": (80, 20, 0), "b": (80, 20, 0)}), plain)[0].title
