"""The area under the ROC curve with its variance, against the formula written out pair by pair, and on drawn scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from tlgui.engine import probe
from tlgui.engine.delong import Area, delong

Numbers = np.ndarray[Any, Any]


def naive(scores: Numbers, positive: Numbers) -> tuple[float, float]:
    """DeLong 1988, equations 1 to 4, with S10 / m + S01 / n."""
    x, y = scores[positive], scores[~positive]
    m, n = len(x), len(y)
    psi = [[1.0 if a > b else 0.5 if a == b else 0.0 for b in y] for a in x]
    theta = sum(map(sum, psi)) / (m * n)
    v10 = [sum(row) / n for row in psi]
    v01 = [sum(psi[i][j] for i in range(m)) / m for j in range(n)]
    s10 = sum((v - theta) ** 2 for v in v10) / (m - 1)
    s01 = sum((v - theta) ** 2 for v in v01) / (n - 1)
    return theta, s10 / m + s01 / n


def drawn(m: int, n: int, apart: float, seed: int, steps: float = 0.0) -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(size=n), rng.normal(apart, 1.3, size=m)])
    if steps:
        scores = np.round(scores * steps) / steps
    order = rng.permutation(m + n)
    return scores[order], (np.arange(m + n) >= n)[order]


@pytest.mark.parametrize("steps", [0.0, 2.0])
@pytest.mark.parametrize(("m", "n", "apart"), [(2, 2, 0.0), (5, 9, 0.5), (30, 12, 1.0), (40, 40, 2.0), (3, 50, 0.1)])
def test_area_and_variance_are_those_of_the_formula(m: int, n: int, apart: float, steps: float) -> None:
    scores, positive = drawn(m, n, apart, 7, steps)
    found, (value, variance) = delong(scores, positive), naive(scores, positive)

    assert (found.value, found.variance) == (pytest.approx(value, abs=1e-12), pytest.approx(variance, abs=1e-12))
    assert found.value == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert (found.positives, found.negatives, found.folds) == (m, n, 1)


def test_the_interval_holds_the_true_area_in_95_of_100_draws() -> None:
    apart, held = 1.0, 0
    true = 0.5 * (1 + math.erf(apart / math.sqrt(1 + 1.3**2) / math.sqrt(2)))
    for seed in range(400):
        low, high = delong(*drawn(40, 60, apart, seed)).interval()
        held += low <= true <= high

    assert 0.92 <= held / 400 <= 0.99


def test_scores_of_different_folds_are_not_compared() -> None:
    scores = np.array([0.0, 1.0, 100.0, 101.0, 2.0, 99.0])
    positive = np.array([False, True, False, True, True, False])
    found = delong(scores, positive, np.array([0, 0, 1, 1, 0, 1]))

    assert found.value == 1.0 and found.folds == 2  # though the second fold's negatives lie above the first's positives
    assert delong(scores, positive).value < 0.6


def test_groups_are_the_witnesses_and_not_their_images() -> None:
    scores, positive = drawn(12, 15, 0.5, 3)
    repeated, kinds = np.repeat(scores, 4), np.repeat(positive, 4)
    names = [f"patient {place // 4}" for place in range(len(repeated))]
    one, four = delong(scores, positive), delong(repeated, kinds, groups=names)

    assert four.value == pytest.approx(one.value) and four.variance == pytest.approx(one.variance)
    assert (four.positives, four.negatives) == (12, 15)
    assert delong(repeated, kinds).variance < one.variance / 3


def test_scores_that_part_all_images_are_not_taken_for_certain() -> None:
    scores, positive = np.arange(20.0), np.arange(20) >= 10
    found = delong(scores, positive)
    assert (found.value, found.variance) == (1.0, 0.0)
    low, high = found.interval()
    assert 0.6 < low < 0.9 and high == 1.0


def test_equal_scores_are_a_coin() -> None:
    found = delong(np.zeros(12), np.arange(12) >= 5)
    assert found.value == 0.5 and found.interval()[0] < 0.5 < found.interval()[1]


@pytest.mark.parametrize(
    ("positive", "folds", "groups"),
    [
        ([True, True, False, False], [0, 0, 1, 1], None),
        ([True, False, False, False], None, None),
        ([True, True, False, False], None, ["a", "a", "", ""]),
    ],
)
def test_what_has_no_variance_is_refused(
    positive: list[bool], folds: list[int] | None, groups: list[str] | None
) -> None:
    with pytest.raises(ValueError, match=r"both positives and negatives|two or more independent"):
        delong(np.arange(4.0), np.array(positive), np.array(folds) if folds else None, groups)


def test_an_interval_of_a_cross_validation_is_wider() -> None:
    one, five = (Area(0.7, 0.001, 100, 100, folds).interval() for folds in (1, 5))
    assert (five[1] - five[0]) > 1.3 * (one[1] - one[0])


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_where_nothing_can_be_told_a_cross_validated_interval_holds_a_half() -> None:
    """With DeLong's variance as it is, that is so in about 85 of 100."""
    held = plain = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        features = torch.from_numpy(rng.normal(size=(80, 30))).float()
        positive = np.arange(80) >= 40
        folds = np.concatenate([rng.permutation(40) % 5, rng.permutation(40) % 5])
        parts = [torch.from_numpy(np.flatnonzero(folds == fold)) for fold in range(5)]
        steps = probe.out_of_fold(features, torch.from_numpy(positive).long(), 2, parts)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                scores = (end.value[:, 1] - end.value[:, 0]).numpy()
                break
        found = delong(scores, positive, folds)
        low, high = found.interval()
        held += low <= 0.5 <= high
        plain += abs(found.value - 0.5) <= 1.96 * math.sqrt(found.variance)

    assert held >= 0.92 * 120 > plain
