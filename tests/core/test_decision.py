"""What "auto" becomes: each threshold at its border, with made counts up to a million."""

from __future__ import annotations

import pytest

from tlgui.core.decision import (
    DEEPER_GROUPS,
    DEEPER_STRATEGY,
    FEWEST_TO_DEEPEN,
    LITTLE_HEADROOM,
    NEXT_TO_NO_HEADROOM,
    Decision,
    TrialOutcome,
    after_trial,
    decide,
)
from tlgui.core.run_spec import FirstAnswer
from tlgui.core.strategies import STRATEGIES, Similarity, recommend

FEATURES = "feature-extraction"


def answer(accuracy: float, reach: float = 0.02) -> FirstAnswer:
    return FirstAnswer(
        accuracy=accuracy, low=max(0.0, accuracy - reach), high=min(1.0, accuracy + reach), images=400, folds=5
    )


def what(decision: Decision) -> tuple[str, str, bool]:
    return decision.strategy, decision.by, decision.unsure


def test_the_thresholds_are_those_that_were_measured() -> None:
    assert (LITTLE_HEADROOM, FEWEST_TO_DEEPEN, DEEPER_STRATEGY, DEEPER_GROUPS) == (0.08, 200, "fine-tune-top", 2)
    assert NEXT_TO_NO_HEADROOM == 0.04


@pytest.mark.parametrize(("n", "name"), [(0, FEATURES), (1, FEATURES), (199, FEATURES), (200, DEEPER_STRATEGY)])
def test_few_training_images_are_not_trained_deep_however_much_there_is_to_gain(n: int, name: str) -> None:
    decision = decide(n, n * 2, answer(0.5), None)
    assert decision.strategy == name
    assert decision.by == ("images" if name == FEATURES else "headroom")
    if n == 199:
        assert decision.sentence.startswith("There are 199 training images, fewer than 200: ")


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [
        (1.0, (FEATURES, "headroom", False)),
        (0.961, (FEATURES, "headroom", False)),
        # A trial is asked; what stands here is for where none can be held.
        (0.96, (FEATURES, "headroom", True)),
        (0.921, (FEATURES, "headroom", True)),
        (0.92, (DEEPER_STRATEGY, "headroom", True)),
        (0.5, (DEEPER_STRATEGY, "headroom", True)),
        (0.0, (DEEPER_STRATEGY, "headroom", True)),
    ],
)
def test_the_headroom_decides_whether_a_trial_is_asked_and_what_stands_without_one(
    accuracy: float, expected: tuple[str, str, bool]
) -> None:
    assert what(decide(300, 450, answer(accuracy), None)) == expected


@pytest.mark.parametrize("similarity", ["similar", "different", None])
@pytest.mark.parametrize("images", [400, 999, 1_000, 10_000, 10_001, 100_000, 100_001, 1_000_000])
def test_with_headroom_the_table_decides_how_deep(images: int, similarity: Similarity | None) -> None:
    decision = decide(images * 7 // 10, images, answer(0.6), similarity)
    row = recommend(images, similarity).strategy.name
    assert decision.strategy == (DEEPER_STRATEGY if row == FEATURES else row)
    assert STRATEGIES[decision.strategy].name != FEATURES
    # Without it the largest set stays at its features too.
    assert decide(images * 7 // 10, images, answer(0.95), similarity).strategy == FEATURES


@pytest.mark.parametrize("images", [30, 999, 1_000, 1_000_000])
def test_where_nothing_could_be_asked_the_table_decides(images: int) -> None:
    decision = decide(images, images, None, "different")
    expected = FEATURES if images < FEWEST_TO_DEEPEN else recommend(images, "different").strategy.name
    assert (decision.strategy, decision.by) == (expected, "images")


@pytest.mark.parametrize("images", [10, 100_000])
def test_a_network_without_pretrained_weights_is_trained_from_scratch(images: int) -> None:
    assert what(decide(images, images, None, None, pretrained=False)) == ("from-scratch", "images", False)


def outcome(deeper: int, shallow: int, held_back: int = 100, worse: int = 0) -> TrialOutcome:
    return TrialOutcome(
        learned_from=200,
        held_back=held_back,
        right_deeper=deeper,
        right_shallow=shallow,
        better=max(0, deeper - shallow) + worse,
        worse=worse + max(0, shallow - deeper),
        steps=80,
    )


@pytest.mark.parametrize(
    ("deeper", "shallow", "goes_deeper"),
    [(84, 80, True), (81, 80, True), (80, 80, False), (70, 80, False), (100, 99, True)],
)
def test_a_trial_decides_by_the_difference(deeper: int, shallow: int, goes_deeper: bool) -> None:
    decision = after_trial(450, None, outcome(deeper, shallow))
    assert what(decision) == (DEEPER_STRATEGY if goes_deeper else FEATURES, "trial", False)
    for number in ("200 of your training images", f"{deeper} of 100 held-back", f"{shallow} of 100"):
        assert number in decision.sentence


def test_a_gain_below_one_point_is_none() -> None:
    assert after_trial(450, None, outcome(161, 160, 200)).strategy == FEATURES  # half a point
    assert after_trial(450, None, outcome(162, 160, 200)).strategy == DEEPER_STRATEGY


@pytest.mark.parametrize(
    ("better", "worse", "goes_deeper"), [(9, 3, True), (10, 6, True), (9, 6, False), (25, 19, False)]
)
def test_a_gain_that_chance_often_gives_is_none(better: int, worse: int, goes_deeper: bool) -> None:
    """Of as many images that only one of the two told right, a coin gives that many more with an SD of their root."""
    decision = after_trial(450, None, outcome(80 + better - worse, 80, worse=worse))
    assert decision.strategy == (DEEPER_STRATEGY if goes_deeper else FEATURES)


def test_after_a_trial_a_larger_set_gets_the_row_of_the_table() -> None:
    assert after_trial(20_000, None, outcome(90, 80)).strategy == "full-fine-tuning"
    assert after_trial(5_000, "different", outcome(90, 80)).strategy == "progressive-unfreezing"


def test_the_sentences_say_what_was_found_and_what_follows() -> None:
    assert decide(300, 450, answer(0.97), None).sentence == (
        "As it is, the network already recognises about 97 % (95 to 99 %) of your images. That leaves next to nothing to "
        "gain, so only the last layer learns."
    )
    assert decide(300, 450, answer(0.95), None).sentence == (
        "As it is, the network already recognises about 95 % (93 to 97 %) of your images. From 92 % on, training deeper "
        "layers did not raise accuracy noticeably (0 of 8 image sets in our trials), so only the last layer learns."
    )
    assert decide(300, 450, answer(0.7), None).sentence == (
        "As it is, the network already recognises about 70 % (68 to 72 %) of your images, so there is something to gain: "
        "the 2 uppermost layer groups learn too."
    )
    assert decide(9_000, 12_000, answer(0.7), None).sentence.endswith(
        "so there is something to gain: for 12,000 images in all the table advises full fine-tuning."
    )
    assert decide(1, 2, None, None).sentence.startswith("There is 1 training image, fewer than 200")
