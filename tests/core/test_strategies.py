"""The strategy table and the advice drawn from it."""

from __future__ import annotations

import pytest

from tlgui.core.errors import UserError
from tlgui.core.strategies import (
    STRATEGIES,
    TABLE,
    Similarity,
    Strategy,
    cell_for,
    missing_adaptation,
    recommend,
    strategy,
)


@pytest.mark.parametrize("row", STRATEGIES.values(), ids=lambda row: row.name)
def test_a_row_can_be_read_typed_and_run(row: Strategy) -> None:
    assert STRATEGIES[row.name] is row
    assert row.name == row.name.lower() and " " not in row.name
    assert row.label[0].isupper() and not row.label.endswith(".")
    for text in (row.sentence, row.reason):
        assert text.endswith(".") and text[0].isupper() and len(text) < 200
    assert row.epochs >= 1 and row.views >= 1
    assert 0 < row.head_learning_rate < 1
    assert 0 < row.stem_factor <= 1
    # What lies below the head has a rate exactly where it comes to train.
    assert (row.top_learning_rate is None) == (row.trains == "head" and row.unfreezing == "never")
    assert not row.warm_start  # measured: see `Strategy`
    assert row.group_factor is None or row.group_factor > 1
    assert row.pretrained or row.trains == "all"
    # The head was fitted on what pretrained statistics give.
    assert row.norm_statistics == ("frozen" if row.pretrained else "batch")
    assert row.top_learning_rate is None or 0 < row.top_learning_rate <= row.head_learning_rate


def test_labels_and_sentences_tell_the_rows_apart() -> None:
    for field in ("name", "label", "sentence", "reason"):
        assert len({getattr(row, field) for row in STRATEGIES.values()}) == len(STRATEGIES)


def test_a_row_is_found_by_its_name() -> None:
    assert strategy("fine-tune-top").trains == "top"


def test_what_auto_does_before_it_is_decided_is_the_head_alone() -> None:
    undecided = strategy("auto")
    assert (undecided.trains, undecided.pretrained, undecided.warm_start) == ("head", True, False)
    assert "auto" not in STRATEGIES


@pytest.mark.parametrize("name", ["", "Feature-Extraction", "feature_extraction", "Auto"])
def test_an_unknown_strategy_is_answered_with_those_that_exist(name: str) -> None:
    with pytest.raises(UserError) as caught:
        strategy(name)

    assert caught.value.problem == f"There is no strategy named '{name}'."
    assert caught.value.remedy == (
        "Choose one of: feature-extraction, fine-tune-top, progressive-unfreezing, full-fine-tuning, from-scratch, auto."
    )


FEATURES, TOP, PROGRESSIVE, FULL = "feature-extraction", "fine-tune-top", "progressive-unfreezing", "full-fine-tuning"


@pytest.mark.parametrize(
    ("images", "similar", "different"),
    [
        # images in all, and what the textbook advises: row and whether domain adaptation belongs to it
        (0, (FEATURES, False), (FEATURES, True)),
        (2, (FEATURES, False), (FEATURES, True)),
        (999, (FEATURES, False), (FEATURES, True)),
        (1_000, (TOP, False), (PROGRESSIVE, True)),
        (9_999, (TOP, False), (PROGRESSIVE, True)),
        (10_000, (TOP, False), (PROGRESSIVE, True)),
        (10_001, (FULL, False), (FULL, False)),
        (100_000, (FULL, False), (FULL, False)),
        (100_001, (FULL, False), (FULL, False)),
        (1_000_000, (FULL, False), (FULL, False)),
    ],
)
def test_the_advice_follows_the_two_axes(images: int, similar: tuple[str, bool], different: tuple[str, bool]) -> None:
    answers: dict[Similarity | None, tuple[str, bool]] = {"similar": similar, "different": different, None: similar}
    for similarity, expected in answers.items():
        advice = recommend(images, similarity)
        assert (advice.strategy.name, advice.adaptation) == expected
        assert advice.top_groups == 1


def test_the_table_has_the_textbooks_six_cells() -> None:
    cells = [(cell.fewest, cell.similarity, cell.strategy, cell.adaptation, cell.perhaps) for cell in TABLE]
    assert cells == [
        (0, "similar", FEATURES, False, ""),
        (0, "different", FEATURES, True, ""),
        (1_000, "similar", TOP, False, ""),
        (1_000, "different", PROGRESSIVE, True, ""),
        (10_001, None, FULL, False, ""),
        (100_001, None, FULL, False, "from-scratch"),
    ]
    assert {cell.strategy for cell in TABLE} | {"from-scratch"} == set(STRATEGIES)


@pytest.mark.parametrize("images", [0, 1, 999, 1_000, 10_000, 10_001, 100_000, 100_001, 1_000_000, 10**9])
def test_each_number_of_images_has_one_cell_for_each_kind(images: int) -> None:
    for similarity in ("similar", "different", None):
        cell = cell_for(images, similarity)
        assert cell.fewest <= images
        assert not [other for other in TABLE if cell.fewest < other.fewest <= images]
        assert cell.similarity in (similarity or "similar", None)


@pytest.mark.parametrize("name", [*STRATEGIES, "auto"])
def test_a_row_of_domain_adaptation_says_that_it_trains_without_that_term(name: str) -> None:
    belongs = name in (FEATURES, PROGRESSIVE)
    said = missing_adaptation(name, "different")
    assert said.endswith("so it trains without that term.") if belongs else said == ""
    assert missing_adaptation(name, "similar") == missing_adaptation(name, None) == ""


@pytest.mark.parametrize("similarity", [None, "similar", "different"])
@pytest.mark.parametrize("images", [0, 999, 1_000, 10_000, 10_001, 1_000_000])
def test_the_advice_says_the_count_the_kind_and_the_reason(images: int, similarity: Similarity | None) -> None:
    advice = recommend(images, similarity)

    kind = {
        "similar": "you said that they are like everyday photographs",
        "different": "you said that they are another kind of picture",
        None: "nothing was said about their kind",
    }[similarity]
    assert advice.sentence.startswith(f"{images:,} images are ")
    assert kind in advice.sentence
    assert f": {advice.strategy.label.lower()}. {advice.strategy.reason}" in advice.sentence
    perhaps = " Training from scratch may be worth a comparison."
    assert advice.sentence.endswith(perhaps if images > 100_000 else advice.strategy.reason)


def test_the_advice_is_true_of_the_number_that_it_names() -> None:
    assert "fewer than 1,000" in recommend(999, None).sentence
    assert "between 1,000 and 10,000" in recommend(1_000, None).sentence
    assert "between 1,000 and 10,000" in recommend(10_000, None).sentence
    assert "more than 10,000" in recommend(10_001, None).sentence
    assert "more than 10,000" in recommend(100_000, None).sentence
    assert "more than 100,000" in recommend(100_001, None).sentence
