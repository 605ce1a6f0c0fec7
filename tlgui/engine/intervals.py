"""Intervals for measured numbers that are sound for few images and near 0 and 1; all for 95 % unless said otherwise."""

from __future__ import annotations

import math
from statistics import NormalDist

import msgspec
import numpy as np

from tlgui.core.shares import CONFIDENCE, wilson

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
