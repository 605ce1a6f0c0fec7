"""Intervals for measured numbers that are sound for few images and near 0 and 1; all for 95 % unless said otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import msgspec
import numpy as np

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number.

    Attributes:
        value: None = cannot be measured on these images (never a made-up 0 or 1).
        low, high: bounds of the 95 % interval, None where the value is; 0 <= low <= value <= high <= 1.
        n: number of images that the value rests on.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a share, 0 <= low <= successes / n <= high <= 1; sound for few images and near 0 and 1.

    Args:
        successes: 0 to n.
        n: number of trials, >= 1.
        confidence: between 0 and 1.

    Raises:
        ValueError: the counts or the confidence are outside of these ranges.

    Source: Wilson 1927, JASA 22:209; Brown, Cai and DasGupta 2001, Statistical Science 16:101 (advise it for small n).
    """
    if not (n >= 1 and 0 <= successes <= n and 0 < confidence < 1):
        raise ValueError(f"no share: {successes} of {n} at confidence {confidence}")
    return _wilson(successes / n, n, NormalDist().inv_cdf((1 + confidence) / 2))


def f1_interval(hits: int, involved: int) -> tuple[float, float]:
    """Interval of the F1 of one class.

    F1 = 2 J / (1 + J) grows with the Jaccard index J = TP / (TP + FP + FN), and J is a plain share: of the images that
    are of the class or were called so, those that are both. So Wilson's interval of J is carried over.

    Args:
        hits: TP.
        involved: TP + FP + FN, >= 1.
    """
    low, high = wilson(hits, involved, CONFIDENCE)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def mean_interval(parts: list[Measured]) -> tuple[float, float, float]:
    """Mean of independent measured numbers, with the bounds that follow from theirs: value, low, high.

    The distances to the bounds add up in squares, each side for itself:

        (value - low)^2 = sum over c of (value_c - low_c)^2 / C^2

    With all right in every class the low bound is therefore below 1. Recalls of different classes are independent:
    they rest on other images. F1s and areas of different classes share images: for them this is an approximation, and
    the bootstrap, which takes the sharing into account, is there to widen it.

    Args:
        parts: C >= 1 measured numbers, none of them without a value.

    Source: MOVER, Zou and Donner 2008, Statistics in Medicine 27:1693.
    """
    bounds = np.array([(part.value, part.low, part.high) for part in parts], dtype=np.float64)
    value = float(bounds[:, 0].mean())
    below = float(np.sqrt(np.square(bounds[:, 0] - bounds[:, 1]).sum())) / len(parts)
    above = float(np.sqrt(np.square(bounds[:, 2] - bounds[:, 0]).sum())) / len(parts)
    return value, max(0.0, value - below), min(1.0, value + above)


def auc_interval(area: float, positives: int, negatives: int) -> tuple[float, float]:
    """Interval of one area under a ROC curve; sound for few images, and at an area of 1.

    The bounds are the areas a that lie just z standard errors away, with Hanley and McNeil's variance taken *at the
    bound* (as Wilson does for a share), and the mean of both group sizes, N = (positives + negatives) / 2, in place of
    each:

        V(a) = a (1 - a) (1 + (N - 1) ((1 - a) / (2 - a) + a / (1 + a))) / (positives negatives)

    Args:
        area: 0-1.
        positives: images of the class, >= 1.
        negatives: other images, >= 1.

    Source: Newcombe 2006, Statistics in Medicine 25:559, method 5; Hanley and McNeil 1982, Radiology 143:29.
    """
    size = (positives + negatives) / 2

    def low_bound(estimate: float) -> float:
        inside, outside = 0.0, estimate  # of the root; 60 halvings leave less than 1e-17
        for _ in range(60):
            a = (inside + outside) / 2
            spread = 1 + (size - 1) * ((1 - a) / (2 - a) + a / (1 + a))
            if estimate - a > _Z * math.sqrt(a * (1 - a) * spread / (positives * negatives)):
                inside = a
            else:
                outside = a
        return inside

    # V is the same for a and 1 - a, so the upper bound is the lower one seen from the other end.
    return low_bound(area), 1 - low_bound(1 - area)


def clustered(right: Sequence[bool], groups: Sequence[str]) -> tuple[float, float]:
    """Interval of the share of images that are right, where images of one group are no independent witnesses.

    Wilson's interval with the number of independent images that would vary as much: n / (how many times larger the
    variance is than for single images, by the ratio estimator over groups; at least 1). Where every image is right, or
    none is, nothing varies, and the number of groups is taken.

    Args:
        right: of N >= 1 images.
        groups: of each; "" = it stands alone.

    Source: Kish 1965, Survey Sampling, section 8.2; Korn and Graubard 1998, Survey Methodology 24:193 (Wilson-like
    intervals on the effective number).
    """
    values = np.asarray(right, dtype=np.float64)
    n, share = len(values), float(values.mean())
    names = [group or f"\0{place}" for place, group in enumerate(groups)]
    numbers = np.unique(names, return_inverse=True)[1]
    sizes = np.bincount(numbers).astype(np.float64)
    k = len(sizes)
    if k == n:
        return wilson(int(values.sum()), n)
    if share in (0.0, 1.0) or k == 1:
        return _wilson(share, float(k), _Z)
    errors = np.bincount(numbers, weights=values) - share * sizes
    variance = k / (k - 1) * float(np.square(errors).sum()) / n**2
    larger = max(1.0, variance / (share * (1 - share) / n))
    return _wilson(share, n / larger, _Z)


def _wilson(share: float, n: float, z: float) -> tuple[float, float]:
    denominator = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / denominator
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / denominator
    # Exact at both ends, where rounding would leave 1e-17 or push the bound past the value.
    low = 0.0 if share == 0 else min(centre - reach, share)
    high = 1.0 if share == 1 else max(centre + reach, share)
    return low, high
