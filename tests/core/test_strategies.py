"""The strategy table and the advice drawn from it."""

from __future__ import annotations

import pytest

from tlgui.core.errors import UserError
from tlgui.core.strategies import STRATEGIES, Similarity, Strategy, recommend, strategy


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
    # What lies below the head has a rate exactly where it trains, and a head of noise is first fitted then.
    assert (row.top_learning_rate is None) == (row.trains == "head")
    assert row.warm_start == (row.trains != "head")
    assert row.top_learning_rate is None or 0 < row.top_learning_rate <= row.head_learning_rate


def test_labels_and_sentences_tell_the_rows_apart() -> None:
    for field in ("name", "label", "sentence", "reason"):
        assert len({getattr(row, field) for row in STRATEGIES.values()}) == len(STRATEGIES)


def test_a_row_is_found_by_its_name() -> None:
    assert strategy("fine-tune-top").trains == "top"


@pytest.mark.parametrize("name", ["", "Feature-Extraction", "feature_extraction", "auto"])
def test_an_unknown_strategy_is_answered_with_those_that_exist(name: str) -> None:
    with pytest.raises(UserError) as caught:
        strategy(name)

    assert caught.value.problem == f"There is no strategy named '{name}'."
    assert caught.value.remedy == "Choose one of: feature-extraction, fine-tune-top, full-fine-tuning, auto."


@pytest.mark.parametrize(
    ("images", "similarity", "name", "top_groups"),
    [
        (0, None, "feature-extraction", 1),
        (2, "different", "feature-extraction", 1),
        (999, None, "feature-extraction", 1),
        (999, "similar", "feature-extraction", 1),
        (999, "different", "feature-extraction", 1),
        (1_000, None, "fine-tune-top", 1),
        (1_000, "similar", "fine-tune-top", 1),
        (1_000, "different", "fine-tune-top", 2),
        (10_000, None, "fine-tune-top", 1),
        (10_000, "similar", "fine-tune-top", 1),
        (10_000, "different", "fine-tune-top", 2),
        (10_001, None, "full-fine-tuning", 1),
        (10_001, "similar", "full-fine-tuning", 1),
        (10_001, "different", "full-fine-tuning", 1),
        (1_000_000, None, "full-fine-tuning", 1),
        (1_000_000, "different", "full-fine-tuning", 1),
    ],
)
def test_the_advice_follows_the_two_axes(
    images: int, similarity: Similarity | None, name: str, top_groups: int
) -> None:
    advice = recommend(images, similarity)

    assert (advice.strategy.name, advice.top_groups) == (name, top_groups)


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
    assert ": fine-tune the top " in advice.sentence or f": {advice.strategy.label.lower()}. " in advice.sentence
    assert advice.sentence.endswith(f". {advice.strategy.reason}")


def test_the_advice_is_true_of_the_number_that_it_names() -> None:
    assert "fewer than 1,000" in recommend(999, None).sentence
    assert "between 1,000 and 10,000" in recommend(1_000, None).sentence
    assert "between 1,000 and 10,000" in recommend(10_000, None).sentence
    assert "more than 10,000" in recommend(10_001, None).sentence


def test_the_sentence_names_the_number_of_layer_groups() -> None:
    assert ": fine-tune the top layers. " in recommend(1_000, "similar").sentence
    assert ": fine-tune the top 2 layer groups. " in recommend(1_000, "different").sentence
