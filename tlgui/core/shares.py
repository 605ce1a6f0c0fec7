"""The interval of a share, such as an accuracy: sound for few images, near 0 and 1, and where images belong together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import NormalDist

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


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
    n, successes = len(right), sum(map(bool, right))
    share = successes / n
    members: dict[object, list[bool]] = defaultdict(list)
    for place, (one, group) in enumerate(zip(right, groups, strict=True)):
        members[group or place].append(one)
    k = len(members)
    if k == n:
        return wilson(successes, n)
    if share in (0.0, 1.0) or k == 1:
        return _wilson(share, float(k), _Z)
    errors = math.fsum((sum(ones) - share * len(ones)) ** 2 for ones in members.values())
    variance = k / (k - 1) * errors / n**2
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
