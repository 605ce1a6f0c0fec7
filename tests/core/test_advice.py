"""Textbook and recommendation side by side: every cell, every reason, and how sure each is."""

from __future__ import annotations

import pytest

from tlgui.core.advice import advised, how_sure
from tlgui.core.advice_events import Advised, SimilarityMeasured
from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.decision import TrialOutcome, after_trial, decide
from tlgui.core.run_spec import FirstAnswer
from tlgui.core.similarity import Band, MeasuredSimilarity
from tlgui.core.strategies import Similarity, cell_for

COUNTS = {"a": 500, "b": 280}


def measured(band: Band | None) -> SimilarityMeasured:
    found = MeasuredSimilarity(
        value=0.9, low=0.89, high=0.91, spread=0.1, band=band, sure=True, images=200, backbone=DEFAULT_BACKBONE
    )
    return SimilarityMeasured(measured=found, sentence="As measured.")


def answer(accuracy: float, reach: float = 0.02) -> FirstAnswer:
    return FirstAnswer(accuracy=accuracy, low=accuracy - reach, high=accuracy + reach, images=400, folds=5)


def asked(
    counts: dict[str, int], band: Band | None, accuracy: float, person: Similarity | None = None, train: int = 0
) -> Advised:
    images = sum(counts.values())
    decision = decide(train or round(0.7 * images), images, answer(accuracy), person)
    return advised(counts, measured(band), person, answer(accuracy), decision, trial_would_tell=decision.unsure)


@pytest.mark.parametrize("images", [30, 999, 1_000, 10_000, 10_001, 100_001, 1_000_000])
@pytest.mark.parametrize("band", ["near", "middle", "far", None])
def test_the_lit_cell_is_that_of_size_and_measured_kind(images: int, band: Band | None) -> None:
    found = asked({"a": images - 10, "b": 10}, band, 0.5)
    cell = cell_for(images, {"far": "different", None: None}.get(band, "similar"))  # type: ignore[arg-type]
    assert (found.textbook.strategy, found.textbook.adapt) == (cell.strategy, cell.adaptation)
    assert (found.images, found.classes, found.images_per_class_min) == (images, 2, 10)
    assert found.recommended.adapt is False, "there are no target images"


def test_the_persons_answer_moves_the_cell_and_the_measurement_is_still_told() -> None:
    found = asked({"a": 900, "b": 900}, "far", 0.5, person="similar")
    assert found.textbook.strategy == "fine-tune-top" and found.similarity is not None
    assert asked({"a": 900, "b": 900}, "far", 0.5).textbook.strategy == "progressive-unfreezing"


def test_what_was_measured_decides_and_the_difference_is_explained() -> None:
    deep = asked(COUNTS, "far", 0.5)
    assert (deep.textbook.strategy, deep.recommended.strategy) == ("feature-extraction", "fine-tune-top")
    assert deep.recommended.top_groups == 2 and deep.runner_up is not None
    assert deep.runner_up.strategy == "feature-extraction"
    assert deep.difference.startswith("For 780 images of another kind than photographs, the textbook's table advises")
    assert (deep.sure, deep.by, deep.trial_would_tell, deep.trial) == ("unsure", "headroom", True, False)

    shallow = asked({"a": 900, "b": 900}, "near", 0.99)
    assert (shallow.textbook.strategy, shallow.recommended.strategy) == ("fine-tune-top", "feature-extraction")
    assert "whether there is anything left to gain" in shallow.difference
    assert shallow.runner_up is not None and shallow.runner_up.strategy == "fine-tune-top"
    assert shallow.sure == "sure"

    same = asked(COUNTS, "near", 0.99)
    assert same.difference == "" and same.recommended.strategy == same.textbook.strategy
    adapts = asked(COUNTS, "far", 0.99)
    assert adapts.recommended.strategy == adapts.textbook.strategy and adapts.textbook.adapt
    assert adapts.difference.startswith("The table adds domain adaptation there.")
    between = asked(COUNTS, "middle", 0.5)
    assert "780 images that lie between photographs and another kind of picture" in between.difference


def test_trials_of_ours_are_told_only_where_they_fit() -> None:
    """Of 15 sets with 8 % or more left to gain: not of one with less, nor where nothing could be asked."""
    outcome = TrialOutcome(
        learned_from=200, held_back=100, right_deeper=60, right_shallow=50, better=12, worse=2, steps=9
    )
    decision = after_trial(780, None, outcome)
    tried = advised(COUNTS, measured("far"), None, answer(0.94), decision, outcome)
    assert tried.difference.endswith("the trial was held on your own images.")
    many = {"a": 4_000, "b": 3_000}
    unasked = advised(many, measured("far"), None, None, decide(5_000, 7_000, None, None))
    assert unasked.recommended.strategy != unasked.textbook.strategy
    assert unasked.difference.endswith("It goes by their number and kind alone.")


@pytest.mark.parametrize(
    ("right", "better", "worse", "strategy", "sure"),
    [
        ((60, 50), 12, 2, "fine-tune-top", "sure"),  # 10 of 14: 2.7 standard deviations
        ((55, 50), 10, 5, "fine-tune-top", "fairly sure"),  # 1.3
        ((53, 50), 10, 7, "feature-extraction", "unsure"),  # better, but no more than chance
        ((50, 50), 5, 5, "feature-extraction", "fairly sure"),
        ((40, 50), 2, 12, "feature-extraction", "fairly sure"),
    ],
)
def test_how_sure_a_trial_makes(right: tuple[int, int], better: int, worse: int, strategy: str, sure: str) -> None:
    outcome = TrialOutcome(
        learned_from=200,
        held_back=100,
        right_deeper=right[0],
        right_shallow=right[1],
        better=better,
        worse=worse,
        steps=9,
    )
    decision = after_trial(780, None, outcome)
    assert decision.strategy == strategy
    assert how_sure(decision, answer(0.5), outcome) == sure
    found = advised(COUNTS, measured("far"), None, answer(0.5), decision, outcome)
    assert (found.trial, found.by, found.sure) == (True, "trial", sure)


def test_how_sure_the_rest_makes() -> None:
    few = decide(150, 210, answer(0.5), None)
    assert how_sure(few, answer(0.5), None) == "fairly sure"
    none_asked = decide(500, 700, None, None)
    assert how_sure(none_asked, None, None) == "fairly sure"
    many = decide(5_000, 7_000, None, None)
    assert (many.strategy, how_sure(many, None, None)) == ("fine-tune-top", "unsure")
    little = decide(500, 700, answer(0.94), None)
    assert how_sure(little, answer(0.94), None) == "fairly sure"
    wide = answer(0.97, reach=0.06)
    assert how_sure(decide(500, 700, wide, None), wide, None) == "fairly sure"


def test_a_network_without_weights_has_one_way_alone() -> None:
    decision = decide(500, 700, None, None, pretrained=False)
    found = advised(COUNTS, measured("near"), None, None, decision)
    assert (found.recommended.strategy, found.runner_up, found.sure) == ("from-scratch", None, "sure")
    assert found.difference.endswith("and this network has none.")
