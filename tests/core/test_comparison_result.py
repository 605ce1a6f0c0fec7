"""Who is better: by arithmetic done another way, and on planted truths."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from helpers.compared import comparison_of
from helpers.made_comparison import share, whole
from scipy.stats import binomtest
from scipy.stats import t as student

from tlgui.core.comparison import Comparison, Entrant, Purpose, with_and_without
from tlgui.core.comparison_answers import Answers
from tlgui.core.comparison_result import Result, holm, judge, of_comparison, took
from tlgui.core.errors import UserError
from tlgui.core.paired import _two_sided
from tlgui.core.run_spec import Source

Z = 1.959963984540054


def way(
    key: str, right: Sequence[bool], seconds: float = 10.0, groups: Sequence[str] = (), trainable: int = 1
) -> Answers:
    """What a way said of images 0, 1, 2 ..."""
    images = [f"{number:06}" for number in range(len(right))]
    return Answers(
        key,
        key.upper(),
        {image: bool(one) for image, one in zip(images, right, strict=True)},
        dict(zip(images, groups or [""] * len(images), strict=True)),
        seconds,
        trainable,
    )


def drawn(rng: np.random.Generator, *accuracies: float, n: int = 200) -> list[Answers]:
    """Ways that are right by chance, each with the same images."""
    return [way(f"w{place}", list(rng.random(n) < accuracy)) for place, accuracy in enumerate(accuracies)]


def wilson(share: float, n: int) -> tuple[float, float]:
    """The shares that are Z standard errors, their own ones, from this one: the roots of a square."""
    low, high = sorted(np.roots([1 + Z**2 / n, -2 * share - Z**2 / n, share**2]).real)
    return float(low), float(high)


def by_hand(p: Sequence[float]) -> list[float]:
    """Holm 1979, as a double loop: the largest of what each at most as large one becomes."""
    ranked = sorted(p)
    return [max(min(1.0, (len(p) - rank) * other) for rank, other in enumerate(ranked) if other <= one) for one in p]


@pytest.mark.parametrize("seed", range(4))
def test_every_number_is_that_of_a_double_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    answers = drawn(rng, 0.9, 0.8, 0.62, 0.85, n=120)
    result = judge(answers, "validation", 0)

    for row, one in zip(result.rows, answers, strict=True):
        assert (row.key, row.label, row.n) == (one.key, one.label, 120)
        assert row.accuracy == pytest.approx(sum(one.right.values()) / 120)
        assert (row.low, row.high) == pytest.approx(wilson(row.accuracy, 120), abs=1e-9)

    pairs = list(itertools.combinations(answers, 2))
    assert [(pair.a, pair.b) for pair in result.pairs] == [(a.key, b.key) for a, b in pairs]
    for pair, (a, b) in zip(result.pairs, pairs, strict=True):
        better = worse = 0
        for image in a.right:
            if a.right[image] and not b.right[image]:
                better += 1
            if b.right[image] and not a.right[image]:
                worse += 1
        assert (pair.better, pair.worse) == (better, worse)
        assert pair.difference == pytest.approx((better - worse) / 120)
        assert pair.p == pytest.approx(binomtest(better, better + worse).pvalue)
        p_a, p_b = (better + 1) / 122, (worse + 1) / 122
        half = Z * math.sqrt((p_a + p_b - (p_a - p_b) ** 2) / 122)
        low, high = p_a - p_b - half, p_a - p_b + half
        expected = (min(low, 0), max(high, 0)) if pair.p > 0.05 else (low, high)
        assert (pair.low, pair.high) == pytest.approx(expected, abs=1e-9)
    assert [pair.p_adjusted for pair in result.pairs] == pytest.approx(by_hand([pair.p for pair in result.pairs]))
    for pair in result.pairs:
        apart = "a is better" if pair.better > pair.worse else "b is better"
        assert pair.verdict == (apart if pair.p_adjusted <= 0.05 else "cannot be told apart")


def test_holm_is_that_of_the_books() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    rng = np.random.default_rng(1)
    for size in range(1, 30):
        p = list(rng.random(size) ** 3)
        p[-1] = p[0]  # two that are alike are adjusted alike
        assert holm(p) == pytest.approx(by_hand(p))


def test_students_t_is_that_of_scipy() -> None:
    for degrees in (1, 2, 3, 4, 5, 6, 7, 30, 101, 2_000):
        for t in (0.0, 0.3, 1.0, 2.0, 4.0, 15.0):
            assert _two_sided(t, degrees) == pytest.approx(2 * student.sf(t, degrees), abs=1e-12)


def found_something(result: Result) -> bool:
    return any(pair.verdict != "cannot be told apart" for pair in result.pairs)


def test_ways_that_toss_a_coin_have_no_winner_and_are_not_told_apart() -> None:
    rng = np.random.default_rng(3)
    results = [judge(drawn(rng, *[0.75] * 6, n=100), "validation", 0) for _ in range(300)]
    assert sum(result.winner is None for result in results) >= 0.95 * 300
    assert sum(not found_something(result) for result in results) >= 0.95 * 300
    # Each pair for itself would have found something more often: that is what the adjustment is for.
    assert sum(any(pair.p <= 0.05 for pair in result.pairs) for result in results) > 0.15 * 300


@pytest.mark.parametrize("patients", [2, 3, 5])
def test_few_patients_with_many_images_make_no_winner_of_a_coin(patients: int) -> None:
    """One way does better on a patient, the other one on the next: 50 images of each look like much, and are not."""
    rng = np.random.default_rng(4)
    groups = [f"p{number // 50}" for number in range(50 * patients)]
    won = 0
    for _ in range(400):
        chances = rng.dirichlet([0.6, 0.6, 1.8], size=patients)  # of a alone, b alone, both, for each patient
        kinds = (rng.random((patients, 50, 1)) > chances.cumsum(1)[:, None, :2]).sum(2).ravel()
        a, b = way("a", list(kinds != 1), groups=groups), way("b", list(kinds != 0), groups=groups)
        result = judge([a, b], "validation", 0)
        won += result.winner is not None
        (pair,) = result.pairs
        assert (pair.low <= 0 <= pair.high) or pair.verdict != "cannot be told apart"
    assert won <= 0.05 * 400


@pytest.mark.parametrize("seed", range(30))
def test_the_table_does_not_contradict_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [f"p{number}" for number in rng.integers(0, 3 + seed, 150)] if seed % 2 else []
    answers = [
        way(f"w{place}", list(rng.random(150) < chance), float(rng.integers(1, 99)), groups)
        for place, chance in enumerate(rng.uniform(0.5, 0.95, 5))
    ]
    result = judge(answers, "validation", 0)
    rows = {row.key: row for row in result.rows}
    for pair in result.pairs:
        if pair.verdict != "cannot be told apart":
            assert pair.low > 0 or pair.high < 0, "better, with an interval that holds 0"
    assert rows[result.best].accuracy == max(row.accuracy for row in result.rows)
    assert rows[result.cheapest].seconds <= rows[result.best].seconds
    assert result.winner in (None, result.best)
    if result.winner is not None:
        assert result.cheapest == result.winner, "all others are worse"


def test_a_way_that_is_clearly_better_wins_wherever_it_stands() -> None:
    rng = np.random.default_rng(5)
    answers = drawn(rng, 0.95, 0.7, 0.72)
    for order in itertools.permutations(answers):
        result = judge(order, "test", 3)
        assert (result.winner, result.best, result.cheapest, result.at_most_worse) == ("w0", "w0", "w0", 0.0)
        assert [row.key for row in result.rows] == [one.key for one in order], "as they were named"
        assert result.sentences[0].startswith("W0 is better than each other way: ")
        assert not any("Cheapest" in sentence for sentence in result.sentences)


def test_two_good_ways_and_a_bad_one_have_no_winner_and_the_cheaper_good_one_is_named() -> None:
    rng = np.random.default_rng(6)
    good, also, bad = drawn(rng, 0.9, 0.9, 0.6)
    if sum(good.right.values()) < sum(also.right.values()):
        good, also = also, good
    answers = [
        way("dear", list(good.right.values()), 600.0),
        way("cheap", list(also.right.values()), 60.0),
        way("cheapest", list(bad.right.values()), 6.0),
    ]
    result = judge(answers, "validation", 0)
    assert (result.winner, result.best, result.cheapest) == (None, "dear", "cheap")
    (pair,) = (pair for pair in result.pairs if (pair.a, pair.b) == ("dear", "cheap"))
    assert result.at_most_worse == pair.high > 0
    backwards = judge(answers[::-1], "validation", 0)
    assert (backwards.cheapest, backwards.at_most_worse) == ("cheap", pytest.approx(pair.high))
    assert result.sentences[0].startswith("There is no winner: on 200 validation images, the best score, ")
    assert "cannot be told from at least one other." in result.sentences[0]
    assert "Cheapest that is not clearly worse: CHEAP, " in result.sentences[1]
    assert "in 60 s against 10 min." in result.sentences[1]
    assert f"It may be up to {100 * pair.high:.1f} points worse." in result.sentences[1]


def test_equal_ways_are_told_by_their_cost() -> None:
    right = [True] * 8 + [False] * 2
    result = judge([way("a", right, 9.0), way("b", right, 3.0, trainable=9), way("c", right, 3.0)], "validation", 0)
    assert (result.winner, result.best, result.cheapest, result.at_most_worse) == (None, "c", "c", 0.0)
    assert all((pair.p, pair.better, pair.worse) == (1.0, 0, 0) for pair in result.pairs)


def test_a_handful_of_images_has_no_winner() -> None:
    result = judge([way("a", [True] * 5), way("b", [False] * 5)], "validation", 0)
    assert (result.winner, result.best, result.images) == (None, "a", 5)
    assert "the other one" in result.sentences[0]
    assert judge([way("a", [True] * 6), way("b", [False] * 6)], "validation", 0).winner == "a"


def test_images_of_one_patient_are_no_independent_witnesses() -> None:
    rng = np.random.default_rng(8)
    each = rng.random(12) < 0.6
    right = np.repeat(each, 10)  # all ten images of a patient, or none
    other = np.repeat(~each, 10)
    patients = [f"p{number // 10}" for number in range(120)]
    alone = judge([way("a", list(right)), way("b", list(other))], "validation", 0)
    grouped = judge([way("a", list(right), groups=patients), way("b", list(other), groups=patients)], "validation", 0)

    for wide, narrow in zip(grouped.rows, alone.rows, strict=True):
        assert wide.accuracy == narrow.accuracy
        assert wide.low < narrow.low < narrow.high < wide.high
        # As many as there are patients, within what their own spread says.
        assert wide.high - wide.low == pytest.approx(np.diff(wilson(wide.accuracy, 12))[0], rel=0.1)
    (wide_pair,), (narrow_pair,) = grouped.pairs, alone.pairs
    assert wide_pair.low < narrow_pair.low and wide_pair.high > narrow_pair.high
    assert wide_pair.p > narrow_pair.p


def test_where_runs_group_by_different_things_the_coarsest_counts_in_any_order() -> None:
    rng = np.random.default_rng(9)
    right, other = np.repeat(rng.random(20) < 0.7, 6), np.repeat(rng.random(20) < 0.7, 6)
    patients = [f"p{number // 6}" for number in range(120)]
    grouped, loose = way("a", list(right), groups=patients), way("b", list(other))
    both = judge([grouped, way("b", list(other), groups=patients)], "test", 2)
    assert judge([grouped, loose], "test", 2).rows == both.rows
    assert judge([loose, grouped], "test", 2).rows == both.rows[::-1]


def test_only_images_that_all_answered_count_and_there_must_be_some() -> None:
    a, b = way("a", [True, True, False]), way("b", [True])
    assert [row.n for row in judge([a, b], "validation", 0).rows] == [1, 1]
    with pytest.raises(UserError, match="no image in common"):
        judge([a, Answers("b", "B", {"other": True}, {"other": ""}, 1.0, 1)], "validation", 0)


def test_looks_at_test_images_are_told() -> None:
    answers = [way("a", [True] * 9), way("b", [True] * 9)]
    tested = judge(answers, "test", 2).sentences[-1]
    assert tested.startswith("The test images were looked at 2 times here. A choice by them uses them up")
    asked = comparison_of("feature-extraction", "from-scratch")
    assert judge(answers, "validation", 2, asked).sentences[-1] == (
        "The test images were scored 2 times, once at the end of each run, and chose nothing."
    )
    assert "Validation images also chose the epoch" in judge(answers, "validation", 0, asked).sentences[-1]
    folded = comparison_of("feature-extraction", "from-scratch", folds=3)
    assert "the best of several is a little optimistic" in judge(answers, "out-of-fold", 2, folded).sentences[-1]


def test_time_for_people() -> None:
    assert [took(seconds) for seconds in (0.2, 61, 119.4, 121, 3_600)] == ["0 s", "61 s", "119 s", "2 min", "60 min"]


def from_run(purpose: Purpose, source: Source | None) -> Comparison:
    asked = comparison_of("feature-extraction", "fine-tune-top:2")
    ways = with_and_without([Entrant(strategy="feature-extraction")])
    return msgspec.structs.replace(asked, entrants=ways, purpose=purpose, source=source)


def test_whether_an_earlier_run_helps_is_said_before_all_else(tmp_path: Path) -> None:
    asked = from_run("source", Source(run="Run 7", dataset="cells", images=90))
    whole(tmp_path, asked, {"feature-extraction": share(40), "feature-extraction+run": share(76)})
    result = of_comparison(tmp_path)
    (pair,) = result.pairs
    first, *others = result.sentences
    assert first == (
        "Feature extraction: beginning with the run 'Run 7' (90 images of 'cells') helped by 45.0 points "
        f"({-100 * pair.high:.1f} to {-100 * pair.low:.1f})."
    )
    assert others[0].startswith("Feature extraction, from the earlier run is better than each other way: 95.0 % (")
    assert (result.winner, result.transfer) == ("feature-extraction+run", None)


@pytest.mark.parametrize(("purpose", "source"), [("strategies", Source(run="Run 7")), ("source", None)])
def test_where_it_was_not_asked_whether_a_run_helps_it_is_not_said(
    tmp_path: Path, purpose: Purpose, source: Source | None
) -> None:
    whole(tmp_path, from_run(purpose, source), {"feature-extraction": share(40), "feature-extraction+run": share(76)})
    assert not any("beginning with" in sentence for sentence in of_comparison(tmp_path).sentences)
