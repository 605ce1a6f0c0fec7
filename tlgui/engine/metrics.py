"""A score that a person can defend: each number with its interval, its count, and in words.

Shares of images (accuracy, recall, precision) carry Wilson's interval. What is no share (balanced accuracy, macro F1,
AUC) carries a percentile bootstrap over images, with a fixed seed: the same predictions give the same numbers.

The bootstrap alone is blind where nearly all is right: an error that was not seen cannot be drawn, and with none at all
the interval would be [1, 1]. So each of these metrics has a second, closed-form interval of Wilson's kind that knows
about unseen errors, and the wider bound of the two counts. Simulated (300 sets of 60 images, three classes, true values
.93, .92, .99): the bootstrap held the true balanced accuracy, macro F1 and AUC in 84, 90 and 79 % of the sets, the
wider of both in 99, 96 and 100 %. With 200 images and errors in each class the two are nearly the same interval.

Every interval here treats images as independent. Several images of one patient are not: then it is too narrow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from tlgui.core.shares import CONFIDENCE, wilson
from tlgui.engine.intervals import Measured, auc_interval, f1_interval, mean_interval

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]


# Fewer defined resamples than this share, and the percentiles would describe a selection of them.
_DEFINED_SHARE = 0.95

# So many pairs of an image and a resample are worked on at once: three times as fast as what leaves the processor's
# cache.
_BLOCK = 50_000


class ClassMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """One class against the rest.

    Attributes:
        recall: share of the images of this class that were called so; n = images of this class; Wilson.
        precision: share of the images called so that are of this class; n = images called so; Wilson.
        f1: harmonic mean of both; n = images of this class; see `f1_interval`.
        specificity: share of the images of other classes that were not called so; n = those images; Wilson.
        auc: area under the ROC curve of this class against the rest; n = all images; see `auc_interval`. Without a
            value where there are no images of the class, or none of another.
    """

    recall: Measured
    precision: Measured
    f1: Measured
    specificity: Measured
    auc: Measured


class SplitMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured on one split; `score` holds the definitions.

    Attributes:
        auc: None = makes no sense here (fewer than two classes can be told from a rest).
        majority_class_accuracy: what always naming the commonest class of this split would reach.
        classes: names, in the order of the rows and columns of the confusion matrix and of `per_class`.
        confusion_matrix: C x C counts, rows = true, columns = predicted.
        per_class: by class name.
        sentence: the accuracy in words.
    """

    accuracy: Measured
    balanced_accuracy: Measured
    macro_f1: Measured
    auc: Measured | None
    majority_class_accuracy: float
    classes: list[str]
    confusion_matrix: list[list[int]]
    per_class: dict[str, ClassMetrics]
    sentence: str


def score(
    labels: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    class_names: list[str],
    seed: int = 0,
    resamples: int = 2000,
) -> SplitMetrics:
    """Every metric of one split, with 95 % intervals.

    The predicted class is the one of the highest probability, the first of them on an exact tie. With L the classes
    that have an image in `labels`:

    - accuracy: right / N; Wilson.
    - balanced accuracy: mean over L of the recall.
    - macro F1: mean over L of F1 = 2 TP / (2 TP + FP + FN). A class outside of L has no F1 of its own (it would be 0
      whatever the model does), yet an image wrongly called so is still missed by the class that it is of. scikit-learn
      does the same with `f1_score(average="macro", labels=np.unique(y_true))`.
    - AUC: two classes: area under the ROC curve of the second one. More: mean over L of one class against the rest.
      Ties count half. None when all images are of one class.

    Intervals of the last three: the wider bounds of a percentile bootstrap over images and of `mean_interval` over the
    classes (with Wilson's interval, `f1_interval`, `auc_interval` for each). A resample that misses a rare class is
    averaged over the classes that it has. Where over 5 % of the resamples leave a metric undefined, the closed form
    stands alone.

    Args:
        labels: (N,) true class, 0 <= label < C, N >= 1.
        probabilities: (N, C), finite; higher = more likely. They need not add up to 1.
        class_names: C names.
        seed: of the bootstrap.
        resamples: number of bootstrap resamples; 2,000 take about 0.2 s for 600 images of 7 classes.

    Raises:
        ValueError: shapes or labels do not fit, there is no image, or a probability is not finite.

    Source: Efron and Tibshirani 1993, chapter 13 (percentile interval); Brodersen et al. 2010, ICPR (balanced
    accuracy); Fawcett 2006, Pattern Recognition Letters 27:861 (ROC areas).
    """
    true, scores = _checked(labels, probabilities, class_names)
    n, n_classes = scores.shape
    predicted = scores.argmax(axis=1)
    matrix = np.bincount(true * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)
    of_class, called, hits = matrix.sum(axis=1), matrix.sum(axis=0), matrix.diagonal()
    per_class = {
        name: ClassMetrics(
            recall=_share(int(hits[c]), int(of_class[c])),
            precision=_share(int(hits[c]), int(called[c])),
            f1=_f1(int(hits[c]), int(of_class[c]), int(called[c])),
            specificity=_share(int(n - of_class[c] - called[c] + hits[c]), int(n - of_class[c])),
            auc=_class_auc(true, scores, c),
        )
        for c, name in enumerate(class_names)
    }
    present = [per_class[class_names[c]] for c in np.flatnonzero(of_class)]
    areas = _areas(true, scores)
    resampled = _bootstrap(true, predicted, scores, areas, seed, resamples)
    right = int(hits.sum())
    accuracy = _share(right, n)
    return SplitMetrics(
        accuracy=accuracy,
        balanced_accuracy=_widened(mean_interval([one.recall for one in present]), resampled[0], n),
        macro_f1=_widened(mean_interval([one.f1 for one in present]), resampled[1], n),
        auc=_widened(mean_interval([_measured_area(area) for area in areas]), resampled[2], n) if areas else None,
        majority_class_accuracy=int(of_class.max()) / n,
        classes=list(class_names),
        confusion_matrix=matrix.tolist(),
        per_class=per_class,
        sentence=_sentence(right, n),
    )


def to_json_dict(metrics: SplitMetrics) -> dict[str, Any]:
    """Plain dicts, lists and numbers for `results/metrics.json`; no NaN, and no "auc" where it makes no sense."""
    plain: dict[str, Any] = msgspec.to_builtins(metrics)
    if metrics.auc is None:
        del plain["auc"]
    return plain


class _Area(NamedTuple):
    """One class against the rest.

    Attributes:
        value: area under the ROC curve.
        positives: (P,) indices of its images.
        negatives: (M,) indices of the others, by rising score.
        below, up_to: (P,) how many negatives score lower than each positive, and lower or the same.
    """

    value: float
    positives: _Ints
    negatives: _Ints
    below: _Ints
    up_to: _Ints


def _checked(
    labels: NDArray[np.integer[Any]], probabilities: NDArray[np.floating[Any]], class_names: list[str]
) -> tuple[_Ints, _Floats]:
    true, scores = np.asarray(labels).astype(np.int64), np.asarray(probabilities).astype(np.float64)
    if true.ndim != 1 or true.size == 0 or scores.shape != (true.size, len(class_names)):
        raise ValueError(f"labels {true.shape}, probabilities {scores.shape} and {len(class_names)} classes do not fit")
    if len(set(class_names)) != len(class_names):
        raise ValueError("two classes have the same name")
    if true.min() < 0 or true.max() >= len(class_names):
        raise ValueError(f"labels from {true.min()} to {true.max()} for {len(class_names)} classes")
    if not np.isfinite(scores).all():
        raise ValueError("a probability is not finite")
    return true, scores


def _share(successes: int, n: int) -> Measured:
    if n == 0:
        return Measured(value=None, low=None, high=None, n=0)
    low, high = wilson(successes, n, CONFIDENCE)
    return Measured(value=successes / n, low=low, high=high, n=n)


def _f1(hits: int, of_class: int, called: int) -> Measured:
    if of_class == 0:
        return Measured(value=None, low=None, high=None, n=0)
    low, high = f1_interval(hits, of_class + called - hits)
    value = 2 * hits / (of_class + called)
    return Measured(value=value, low=min(low, value), high=max(high, value), n=of_class)


def _areas(true: _Ints, scores: _Floats) -> list[_Area]:
    """The areas whose mean is the AUC; none where all images are of one class."""
    found = []
    for c in [1] if scores.shape[1] == 2 else np.unique(true):
        area = _area(true, scores, int(c))
        if area is not None:
            found.append(area)
    return found


def _area(true: _Ints, scores: _Floats, c: int) -> _Area | None:
    positives, negatives = np.flatnonzero(true == c), np.flatnonzero(true != c)
    if not (positives.size and negatives.size):
        return None
    negatives = negatives[np.argsort(scores[negatives, c], kind="stable")]
    below = np.searchsorted(scores[negatives, c], scores[positives, c], side="left")
    up_to = np.searchsorted(scores[negatives, c], scores[positives, c], side="right")
    value = float((below + up_to).sum()) / (2 * positives.size * negatives.size)
    return _Area(value, positives, negatives, below, up_to)


def _class_auc(true: _Ints, scores: _Floats, c: int) -> Measured:
    area = _area(true, scores, c)
    return _measured_area(area) if area else Measured(value=None, low=None, high=None, n=0)


def _measured_area(area: _Area) -> Measured:
    low, high = auc_interval(area.value, area.positives.size, area.negatives.size)
    return Measured(value=area.value, low=low, high=high, n=area.positives.size + area.negatives.size)


def _bootstrap(
    true: _Ints, predicted: _Ints, scores: _Floats, areas: list[_Area], seed: int, resamples: int
) -> tuple[_Floats, _Floats, _Floats]:
    """Balanced accuracy, macro F1 and AUC of each resample, NaN where it is not defined.

    A resample is a weight for each image: how often it was drawn. Every count is then a product of matrices, and an
    area follows from running sums of the weights of the sorted negatives.
    """
    n, n_classes = scores.shape
    rng = np.random.default_rng(seed)
    eye = np.eye(n_classes, dtype=np.float32)
    of_class, called = eye[true], eye[predicted]  # (N, C)
    parts = []
    block = max(8, _BLOCK // n)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = rng.integers(0, n, (size, n)) * size + np.arange(size)[:, None]
        # (N, size); whole numbers below 2^24, which float32 holds exactly.
        weights = np.bincount(drawn.ravel(), minlength=n * size).reshape(n, size).astype(np.float32)
        totals = of_class.T @ weights  # (C, size)
        hits = (of_class * called).T @ weights
        with np.errstate(invalid="ignore"):
            recalls = hits / totals
            f1s = 2 * hits / np.where(totals > 0, totals + called.T @ weights, np.nan)
        parts.append((_mean_of_defined(recalls), _mean_of_defined(f1s), _resampled_auc(areas, weights)))
    balanced, macro_f1, auc = (np.concatenate(part) for part in zip(*parts, strict=True))
    return balanced, macro_f1, auc


def _resampled_auc(areas: list[_Area], weights: NDArray[np.float32]) -> _Floats:
    values = np.full((max(1, len(areas)), weights.shape[1]), np.nan)
    for row, area in enumerate(areas):
        positive, negative = weights[area.positives], weights[area.negatives]
        running = np.zeros((len(negative) + 1, weights.shape[1]), np.float32)
        np.cumsum(negative, axis=0, out=running[1:])
        won = np.einsum("pr,pr->r", positive, running[area.below] + running[area.up_to], dtype=np.float64) / 2
        with np.errstate(invalid="ignore"):
            values[row] = won / (positive.sum(axis=0, dtype=np.float64) * running[-1])
    return _mean_of_defined(values)


def _mean_of_defined(values: NDArray[np.floating[Any]]) -> _Floats:
    """Mean over the first axis of what is not NaN; NaN where nothing is."""
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: _Floats = np.where(defined, values, 0).sum(axis=0, dtype=np.float64) / defined.sum(axis=0)
    return mean


def _widened(closed_form: tuple[float, float, float], resampled: _Floats, n: int) -> Measured:
    value, low, high = closed_form
    defined = resampled[~np.isnan(resampled)]
    if defined.size and defined.size >= _DEFINED_SHARE * resampled.size:
        tail = 50 * (1 - CONFIDENCE)
        percentiles = np.percentile(defined, [tail, 100 - tail])
        low, high = min(low, float(percentiles[0])), max(high, float(percentiles[1]))
    # The minimum and maximum with the value undo a last rounding, nothing more.
    return Measured(value=value, low=max(0.0, min(low, value)), high=min(1.0, max(high, value)), n=n)


def _sentence(right: int, n: int) -> str:
    low, high = wilson(right, n, CONFIDENCE)
    bounds = [f"{100 * bound:.0f}" for bound in (low, high)]
    if bounds[0] == bounds[1]:  # so many images that whole per cents hide the interval
        bounds = [f"{100 * bound:.2f}" for bound in (low, high)]
    return f"{right} of {n} right: the true accuracy is plausibly between {bounds[0]} and {bounds[1]} %."
