"""Whether a change helped: the interval holds what it promises, for few images and for images in groups."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from tlgui.core.paired import compare, mcnemar, student_t
from tlgui.engine.verdict import by_most, sentence, together


def answers(better: int, worse: int, both: int, neither: int) -> tuple[dict[int, bool], dict[int, bool]]:
    pairs = [(True, False)] * better + [(False, True)] * worse + [(True, True)] * both + [(False, False)] * neither
    return {i: a for i, (a, _) in enumerate(pairs)}, {i: b for i, (_, b) in enumerate(pairs)}


def test_the_difference_is_that_of_the_accuracies_and_the_interval_that_of_bonett_and_price() -> None:
    paired = compare(*answers(12, 4, 70, 14))
    assert (paired.images, paired.better, paired.worse) == (100, 12, 4)
    assert (paired.a, paired.b) == (0.82, 0.74)
    assert paired.difference == pytest.approx(paired.a - paired.b)
    # By hand: 13/102 and 5/102; their difference .0784; variance (18/102 - .0784^2)/102 = .0016698.
    assert paired.low == pytest.approx(8 / 102 - 1.959964 * math.sqrt((18 / 102 - (8 / 102) ** 2) / 102), abs=1e-6)
    assert paired.high == pytest.approx(0.1585, abs=1e-4)
    assert paired.outcome == "no difference"


@pytest.mark.parametrize(("better", "worse"), [(6, 0), (0, 6), (20, 5), (5, 5), (0, 0), (3, 0), (1, 0)])
def test_the_outcome_agrees_with_the_exact_test_where_that_is_clear(better: int, worse: int) -> None:
    """McNemar's exact test: tails of a fair coin."""
    paired = compare(*answers(better, worse, 60, 20))
    n, least = better + worse, min(better, worse)
    probability = min(1.0, 2 * sum(math.comb(n, k) for k in range(least + 1)) / 2**n)
    assert mcnemar(better, worse) == pytest.approx(probability)
    if probability < 0.04:
        assert paired.outcome == ("helped" if better > worse else "hurt")
    if probability > 0.05:
        assert paired.outcome == "no difference"
    assert paired.low <= paired.difference <= paired.high


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_handful_of_images_decides_nothing(n: int) -> None:
    for better in range(n + 1):
        paired = compare(*answers(better, 0, n - better, 0))
        assert -1 <= paired.low <= paired.difference <= paired.high <= 1
        assert paired.outcome == "no difference"


def test_only_images_that_both_answered_are_compared() -> None:
    paired = compare({0: True, 1: True, 2: False}, {1: False, 2: False, 3: True})
    assert (paired.images, paired.better, paired.worse) == (2, 1, 0)
    with pytest.raises(ValueError, match="no image"):
        compare({0: True}, {1: True})


def covered(
    draw: Callable[[np.random.Generator], tuple[dict[int, bool], dict[int, bool], list[str]]], truth: float
) -> float:
    rng = np.random.default_rng(7)
    hits, tries = 0, 600
    for _ in range(tries):
        a, b, groups = draw(rng)
        paired = compare(a, b, groups)
        hits += paired.low <= truth <= paired.high
    return hits / tries


@pytest.mark.parametrize(
    ("n", "p_better", "p_worse"),
    [(20, 0.1, 0.05), (20, 0.3, 0.1), (50, 0.02, 0.02), (50, 0.2, 0.1), (120, 0.08, 0.02), (400, 0.05, 0.05)],
)
def test_the_interval_covers_the_truth_for_images_that_stand_alone(n: int, p_better: float, p_worse: float) -> None:
    def draw(rng: np.random.Generator) -> tuple[dict[int, bool], dict[int, bool], list[str]]:
        kinds = rng.choice(3, size=n, p=[p_better, p_worse, 1 - p_better - p_worse])
        return {i: bool(k != 1) for i, k in enumerate(kinds)}, {i: bool(k != 0) for i, k in enumerate(kinds)}, []

    assert covered(draw, p_better - p_worse) >= 0.94


@pytest.mark.parametrize(("clusters", "each"), [(4, 10), (8, 6), (20, 10), (40, 5)])
def test_the_interval_covers_the_truth_for_images_of_few_patients(clusters: int, each: int) -> None:
    """What is right for one image of a patient is mostly right for all of theirs: taken alone they would mislead."""

    def draw(rng: np.random.Generator) -> tuple[dict[int, bool], dict[int, bool], list[str]]:
        p = rng.dirichlet([0.6, 0.3, 2.1], size=clusters)  # means .2, .1, .7; strongly alike within a patient
        kinds = (rng.random((clusters, each, 1)) > p.cumsum(1)[:, None, :2]).sum(2).ravel()
        groups = [str(i // each) for i in range(clusters * each)]
        return {i: bool(k != 1) for i, k in enumerate(kinds)}, {i: bool(k != 0) for i, k in enumerate(kinds)}, groups

    assert covered(draw, 0.1) >= 0.92
    if clusters >= 20:

        def alone(rng: np.random.Generator) -> tuple[dict[int, bool], dict[int, bool], list[str]]:
            a, b, _ = draw(rng)
            return a, b, []

        assert covered(alone, 0.1) < 0.92, "the groups of this test make no difference"


def test_groups_of_one_image_each_change_nothing_and_one_group_says_as_much_as_one_image() -> None:
    a, b = answers(12, 4, 70, 14)
    assert compare(a, b, [str(i) for i in range(100)]) == compare(a, b) == compare(a, b, [""] * 100)
    whole = compare(a, b, ["p"] * 100)
    assert whole.low < -0.5 and whole.high > 0.5


@pytest.mark.parametrize(
    ("degrees", "value"),
    [(1, 12.7062), (4, 2.7764), (5, 2.5706), (6, 2.4469), (9, 2.2622), (19, 2.0930), (120, 1.9799)],
)
def test_students_t_is_that_of_the_printed_tables(degrees: int, value: float) -> None:
    assert student_t(degrees) == pytest.approx(value, abs=0.01)


def test_the_verdict_in_words() -> None:
    helped = compare(*answers(60, 10, 300, 30))
    assert sentence("unfreeze", ["block 5"], helped, 3) == (
        "Unfreezing block 5 helped: 12.5 points better (8.5 to 16.4) than the same 3 epochs without it."
    )
    hurt = compare(*answers(10, 60, 300, 30))
    assert sentence("freeze", ["b", "a"], hurt, 1) == (
        "Freezing b and a hurt: 12.5 points worse (8.5 to 16.4) than the same epoch without it."
    )
    unclear = sentence("unfreeze", ["top"], compare(*answers(2, 1, 7, 2)), 3)
    assert unclear.startswith("Unfreezing top made no clear difference: +8.3 points (-")
    assert unclear.endswith(
        "against the same 3 epochs without it. With 12 validation images only a large one could be seen."
    )
    assert together(["c", "b", "a"]) == "c, b and a"


@pytest.mark.parametrize(
    ("votes", "epochs", "last", "right"),
    [
        (3, 3, True, True), (2, 3, False, True), (2, 3, True, True), (1, 3, True, False), (0, 3, False, False),
        (1, 1, True, True), (0, 1, False, False),
        (1, 2, True, True), (1, 2, False, False), (2, 2, True, True),  # split in halves, the last epoch decides
        (2, 4, True, True), (2, 4, False, False),
    ],
)  # fmt: skip
def test_an_image_is_right_where_most_epochs_had_it_right(votes: int, epochs: int, last: bool, right: bool) -> None:
    assert by_most({7: votes}, epochs, {7: last}) == {7: right}


def test_images_without_a_vote_or_that_are_gone() -> None:
    assert by_most({1: 2, 2: 2}, 2, {1: True, 3: False}) == {1: True, 3: False}


def test_a_swinging_border_is_no_verdict() -> None:
    """Two equal networks, each of whose epochs is wrong about another fifth: one epoch against one says "hurt"."""
    n = 100
    swings = [{i: i % 5 != k for i in range(n)} for k in range(3)]
    still = [dict.fromkeys(range(n), True) for _ in range(3)]
    assert compare(swings[2], still[2]).outcome == "hurt"
    voted = [by_most(Counter(i for epoch in run for i in epoch if epoch[i]), 3, run[2]) for run in (swings, still)]
    assert compare(*voted).outcome == "no difference"
