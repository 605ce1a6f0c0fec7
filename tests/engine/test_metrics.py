import json
import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from tlgui.core.shares import wilson
from tlgui.engine.intervals import Measured, auc_interval, f1_interval, mean_interval
from tlgui.engine.metrics import SplitMetrics, score, to_json_dict


def _one_hot(predicted: list[int], n_classes: int) -> NDArray[np.float64]:
    return np.eye(n_classes)[predicted]


def _drawn(seed: int, n: int, n_classes: int, lift: float = 0.4) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and imperfect probabilities; rounded, so that ties occur."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(n_classes, n, p=np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum())
    probabilities = rng.dirichlet(np.ones(n_classes), n)
    probabilities[np.arange(n), labels] += lift
    return labels, np.round(probabilities / (1 + lift), 2)


def _names(n: int) -> list[str]:
    return [f"class {i}" for i in range(n)]


def _all_measured(metrics: SplitMetrics) -> list[Measured]:
    found = [metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1]
    found += [metrics.auc] if metrics.auc else []
    for one in metrics.per_class.values():
        found += [one.recall, one.precision, one.f1]
    return found


class TestWilson:
    @pytest.mark.parametrize(
        ("successes", "n", "low", "high"),
        [
            (26, 30, 0.7032, 0.9469),
            (0, 10, 0.0, 0.2775),
            (10, 10, 0.7225, 1.0),
            (1, 1, 0.2065, 1.0),
            (81, 263, 0.2553, 0.3662),
        ],
    )
    def test_known_intervals(self, successes: int, n: int, low: float, high: float) -> None:
        # 81 of 263: Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
        assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)

    def test_bounds_solve_the_equation_that_defines_them(self) -> None:
        for successes, n, z in ((3, 17, 1.959963985), (40, 41, 1.959963985)):
            for bound in wilson(successes, n):
                assert abs(successes / n - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / n), rel=1e-6)

    def test_higher_confidence_is_wider(self) -> None:
        narrow, wide = wilson(8, 20, 0.8), wilson(8, 20, 0.99)
        assert wide[0] < narrow[0] < narrow[1] < wide[1]

    @pytest.mark.parametrize("share", [0.6, 0.85, 0.97])
    @pytest.mark.parametrize("n", [30, 100])
    def test_it_holds_the_true_share_about_as_often_as_it_says(self, share: float, n: int) -> None:
        # Exact: the coverage is a sum over all outcomes, no simulation needed.
        held = [
            math.comb(n, k) * share**k * (1 - share) ** (n - k)
            for k in range(n + 1)
            if wilson(k, n)[0] <= share <= wilson(k, n)[1]
        ]
        assert 0.92 < sum(held) < 0.99

    @pytest.mark.parametrize(("successes", "n", "confidence"), [(1, 0, 0.95), (-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0)])
    def test_what_is_no_share_is_refused(self, successes: int, n: int, confidence: float) -> None:
        with pytest.raises(ValueError, match="no share"):
            wilson(successes, n, confidence)

    @given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
    def test_it_holds_the_measured_share(self, counts: tuple[int, int], confidence: float) -> None:
        low, high = wilson(*counts, confidence)
        assert 0 <= low <= counts[0] / counts[1] <= high <= 1


@pytest.mark.parametrize(("n", "n_classes"), [(40, 2), (150, 3), (300, 7)])
def test_values_are_those_of_scikit_learn(n: int, n_classes: int) -> None:
    labels, probabilities = _drawn(n, n, n_classes)
    metrics = score(labels, probabilities, _names(n_classes), resamples=50)
    predicted = probabilities.argmax(axis=1)
    assert metrics.accuracy.value == pytest.approx((labels == predicted).mean())
    assert metrics.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert metrics.macro_f1.value == pytest.approx(f1_score(labels, predicted, average="macro"))
    areas = [roc_auc_score(labels == c, probabilities[:, c]) for c in range(n_classes)]
    assert metrics.auc is not None
    assert metrics.auc.value == pytest.approx(areas[1] if n_classes == 2 else np.mean(areas))
    assert metrics.confusion_matrix == confusion_matrix(labels, predicted).tolist()
    rows = precision_recall_fscore_support(labels, predicted)
    for c, one in enumerate(metrics.per_class.values()):
        assert (one.precision.value, one.recall.value, one.f1.value) == pytest.approx([row[c] for row in rows[:3]])
        assert one.recall.n == one.f1.n == rows[3][c]
        assert one.precision.n == (predicted == c).sum()
        others = labels != c
        assert one.specificity.value == pytest.approx((predicted[others] != c).mean())
        assert one.specificity.n == others.sum()
        assert one.auc.value == pytest.approx(areas[c])
        assert (one.auc.low or 0) <= areas[c] <= (one.auc.high or 0)
    assert metrics.majority_class_accuracy == pytest.approx(np.bincount(labels).max() / n)


@pytest.mark.slow
def test_the_bootstrap_is_that_of_scikit_learn_on_resampled_images() -> None:
    """Where errors are many, the bounds are the percentiles of a plain loop over resamples."""
    labels, probabilities = _drawn(1, 400, 3, lift=0.15)
    metrics = score(labels, probabilities, _names(3), resamples=2000)
    rng, values = np.random.default_rng(99), []
    for _ in range(250):
        drawn = rng.integers(0, 400, 400)
        true, scores = labels[drawn], probabilities[drawn]
        predicted = scores.argmax(axis=1)
        areas = [roc_auc_score(true == c, scores[:, c]) for c in range(3)]
        values.append(
            (balanced_accuracy_score(true, predicted), f1_score(true, predicted, average="macro"), np.mean(areas))
        )
    low, high = np.percentile(values, [2.5, 97.5], axis=0)
    for i, measured in enumerate((metrics.balanced_accuracy, metrics.macro_f1, metrics.auc)):
        assert measured is not None
        assert measured.low == pytest.approx(low[i], abs=0.012)
        assert measured.high == pytest.approx(high[i], abs=0.012)


def test_t18_one_wrong_of_33_is_32_of_33_in_any_order() -> None:
    labels, predicted = [0] * 16 + [1] * 17, [0] * 16 + [1] * 16 + [0]
    metrics = score(np.array(labels), _one_hot(predicted, 2), ["a", "b"])
    assert metrics.accuracy.value == 32 / 33
    assert metrics.accuracy.n == 33
    order = np.random.default_rng(0).permutation(33)
    shuffled = score(np.array(labels)[order], _one_hot(predicted, 2)[order], ["a", "b"])
    assert shuffled.accuracy == metrics.accuracy
    assert shuffled.confusion_matrix == metrics.confusion_matrix == [[16, 0], [1, 16]]


def test_t19_a_class_without_images_keeps_its_row_and_its_column() -> None:
    labels, predicted = [0, 0, 0, 2, 2, 2], [0, 0, 1, 2, 2, 0]
    metrics = score(np.array(labels), _one_hot(predicted, 3), ["ant", "bee", "wasp"])
    assert metrics.classes == ["ant", "bee", "wasp"]
    assert metrics.confusion_matrix == [[2, 1, 0], [0, 0, 0], [1, 0, 2]]  # rows = true: the ant called bee is in row 0
    bee = metrics.per_class["bee"]
    not_measured = Measured(value=None, low=None, high=None, n=0)
    assert bee.recall == bee.f1 == not_measured
    assert (bee.precision.value, bee.precision.n) == (0.0, 1)
    assert metrics.balanced_accuracy.value == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert metrics.macro_f1.value == pytest.approx(f1_score(labels, predicted, average="macro", labels=[0, 2]))


def test_a_class_that_was_never_called_has_no_precision() -> None:
    metrics = score(np.array([0, 1, 2]), _one_hot([0, 1, 0], 3), ["a", "b", "c"])
    assert metrics.per_class["c"].precision == Measured(value=None, low=None, high=None, n=0)
    assert metrics.per_class["c"].recall.value == 0
    assert metrics.per_class["c"].f1.value == 0


def test_the_first_class_wins_an_exact_tie() -> None:
    metrics = score(np.array([1, 0]), np.array([[0.5, 0.5], [0.5, 0.5]]), ["a", "b"])
    assert metrics.confusion_matrix == [[1, 0], [1, 0]]
    assert metrics.auc is not None
    assert metrics.auc.value == 0.5


def test_all_right_is_not_certain() -> None:
    labels = np.array([0] * 12 + [1] * 18)
    metrics = score(labels, _one_hot(labels.tolist(), 2), ["a", "b"])
    reach = math.hypot(1 - wilson(12, 12)[0], 1 - wilson(18, 18)[0]) / 2
    assert (metrics.balanced_accuracy.value, metrics.balanced_accuracy.high) == (1, 1)
    assert metrics.balanced_accuracy.low == pytest.approx(1 - reach)
    assert metrics.macro_f1.low is not None and 0.85 < metrics.macro_f1.low < 0.95
    assert metrics.auc is not None and metrics.auc.low is not None and 0.7 < metrics.auc.low < 0.95
    assert metrics.sentence == "30 of 30 right: the true accuracy is plausibly between 89 and 100 %."


def test_one_error_more_never_raises_the_low_bound() -> None:
    labels, lows = np.array([0] * 30 + [1] * 30), []
    for wrong in range(6):
        predicted = np.where(np.arange(60) < wrong, 1, labels)
        metrics = score(labels, _one_hot(predicted.tolist(), 2), ["a", "b"])
        assert metrics.auc is not None
        lows.append((metrics.balanced_accuracy.low, metrics.macro_f1.low, metrics.auc.low))
    assert np.all(np.diff(np.array(lows, dtype=float), axis=0) < 0)


def test_all_images_of_one_class_have_no_auc_but_a_score() -> None:
    metrics = score(np.array([1, 1, 1, 1]), _one_hot([1, 1, 1, 0], 3), ["a", "b", "c"])
    assert metrics.auc is None
    assert "auc" not in to_json_dict(metrics)
    assert metrics.balanced_accuracy.value == 0.75
    assert metrics.balanced_accuracy.low == pytest.approx(wilson(3, 4)[0], abs=0.06)
    assert metrics.majority_class_accuracy == 1.0


def test_a_single_image_is_scored_with_a_wide_interval() -> None:
    metrics = score(np.array([0]), np.array([[0.9, 0.1]]), ["a", "b"])
    assert metrics.accuracy.value == 1
    assert metrics.accuracy.low == pytest.approx(wilson(1, 1)[0])
    assert metrics.balanced_accuracy.low == pytest.approx(wilson(1, 1)[0])
    assert metrics.sentence.startswith("1 of 1 right")


def test_f1_interval_follows_from_the_share_of_hits_among_all_involved() -> None:
    low, high = wilson(6, 10)
    assert f1_interval(6, 10) == pytest.approx((2 / (1 + 1 / low), 2 / (1 + 1 / high)))


def test_auc_interval_bounds_lie_z_standard_errors_away_by_hanley_and_mcneil() -> None:
    n = 25  # with groups of one size, Newcombe's variance is Hanley and McNeil's
    for area in (0.6, 0.9, 1.0):
        low, high = auc_interval(area, n, n)
        for bound in (low, high) if area < 1 else (low,):
            q1, q2 = bound / (2 - bound), 2 * bound**2 / (1 + bound)
            variance = bound * (1 - bound) + (n - 1) * (q1 - bound**2) + (n - 1) * (q2 - bound**2)
            assert abs(area - bound) == pytest.approx(1.959964 * math.sqrt(variance) / n, rel=1e-5)
    assert auc_interval(1.0, n, n)[1] == 1
    assert auc_interval(0.0, n, n)[0] == 0


def test_mean_interval_of_one_number_is_that_number() -> None:
    assert mean_interval([Measured(value=0.7, low=0.5, high=0.9, n=9)]) == pytest.approx((0.7, 0.5, 0.9))


def test_the_balanced_accuracy_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Two classes, the model is right for 97 and 80 % of them: a plain bootstrap misses too often here."""
    rng, held = np.random.default_rng(5), 0
    labels = np.array([0] * 25 + [1] * 25)
    for _ in range(300):
        right = rng.random(50) < np.where(labels == 0, 0.97, 0.80)
        metrics = score(labels, _one_hot(np.where(right, labels, 1 - labels).tolist(), 2), ["a", "b"], resamples=200)
        low, high = metrics.balanced_accuracy.low, metrics.balanced_accuracy.high
        held += low is not None and high is not None and low <= (0.97 + 0.80) / 2 <= high
    assert 0.93 < held / 300 <= 1


@pytest.mark.parametrize(
    ("right", "n", "sentence"),
    [
        (26, 30, "26 of 30 right: the true accuracy is plausibly between 70 and 95 %."),
        (0, 5, "0 of 5 right: the true accuracy is plausibly between 0 and 43 %."),
        (97000, 100000, "97000 of 100000 right: the true accuracy is plausibly between 96.89 and 97.10 %."),
    ],
)
def test_the_accuracy_in_words(right: int, n: int, sentence: str) -> None:
    predicted = [0] * right + [1] * (n - right)
    assert score(np.zeros(n, dtype=int), _one_hot(predicted, 2), ["a", "b"], resamples=8).sentence == sentence


def test_the_json_layout() -> None:
    labels, probabilities = _drawn(3, 60, 3)
    plain = to_json_dict(score(labels, probabilities, ["a", "b", "c"]))
    assert list(plain) == [
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "auc",
        "majority_class_accuracy",
        "classes",
        "confusion_matrix",
        "per_class",
        "sentence",
    ]
    for key in ("accuracy", "balanced_accuracy", "macro_f1", "auc"):
        assert list(plain[key]) == ["value", "low", "high", "n"]
        assert plain[key]["n"] == 60
    assert list(plain["per_class"]) == ["a", "b", "c"]
    assert list(plain["per_class"]["a"]) == ["recall", "precision", "f1", "specificity", "auc"]
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_the_same_predictions_give_the_same_numbers() -> None:
    labels, probabilities = _drawn(4, 90, 3)
    first = score(labels, probabilities, _names(3))
    assert score(labels, probabilities, _names(3)) == first
    assert score(labels, probabilities.astype(np.float32), _names(3)).accuracy == first.accuracy
    assert score(labels, probabilities, _names(3), seed=1).macro_f1.value == first.macro_f1.value


def test_600_images_of_7_classes_take_no_time() -> None:
    labels, probabilities = _drawn(5, 600, 7)
    start = time.process_time()
    score(labels, probabilities, _names(7))
    assert time.process_time() - start < 2.0  # 0.2 s on a quiet machine


@pytest.mark.parametrize(
    ("labels", "probabilities", "names", "message"),
    [
        ([0, 1], [[1.0, 0.0]], ["a", "b"], "do not fit"),
        ([0], [[1.0, 0.0]], ["a"], "do not fit"),
        ([], np.zeros((0, 2)), ["a", "b"], "do not fit"),
        ([2], [[1.0, 0.0]], ["a", "b"], "labels from 2 to 2 for 2 classes"),
        ([-1], [[1.0, 0.0]], ["a", "b"], "labels from -1 to -1"),
        ([0], [[math.nan, 0.0]], ["a", "b"], "not finite"),
        ([0], [[1.0, 0.0]], ["a", "a"], "same name"),
    ],
)
def test_what_cannot_be_scored_is_refused(labels: Any, probabilities: Any, names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(np.array(labels), np.array(probabilities), names)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 5), st.sampled_from([0.0, 0.5, 5.0]))
def test_every_interval_holds_its_value(seed: int, n: int, n_classes: int, lift: float) -> None:
    labels, probabilities = _drawn(seed, n, n_classes, lift)
    metrics = score(labels, probabilities, _names(n_classes), resamples=100)
    for measured in _all_measured(metrics):
        if measured.n == 0:
            assert (measured.value, measured.low, measured.high) == (None, None, None)
        else:
            assert measured.value is not None and measured.low is not None and measured.high is not None
            assert 0 <= measured.low <= measured.value <= measured.high <= 1
    matrix = np.array(metrics.confusion_matrix)
    assert matrix.shape == (n_classes, n_classes)
    assert matrix.sum() == n
    assert np.array_equal(matrix.sum(axis=1), np.bincount(labels, minlength=n_classes))
