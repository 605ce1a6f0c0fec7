"""Two answers for the same images: how many each alone has right, the paired difference, and whether they can be told apart."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Literal, NamedTuple

Outcome = Literal["helped", "no difference", "hurt"]
LEVEL = 0.05
_MANY = 1_000
_Z = NormalDist().inv_cdf(1 - LEVEL / 2)
# Student's t at .975 for so few degrees of freedom that the expansion below is too coarse.
_T = {1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764}


class Paired(NamedTuple):
    """Two networks, A and B, on the same images.

    Attributes:
        images: how many both answered.
        better, worse: right with A alone, and with B alone.
        a, b: accuracies.
        low, high: 95 % interval of a - b.
        p: McNemar's exact probability of so uneven a count, were both equally good; with groups, of as many independent
            images as would vary as much, or that of Student's t by so few groups, where it is larger.
    """

    images: int
    better: int
    worse: int
    a: float
    b: float
    low: float
    high: float
    p: float

    @property
    def difference(self) -> float:
        """In accuracy."""
        return (self.better - self.worse) / self.images

    @property
    def outcome(self) -> Outcome:
        """By where the whole interval lies."""
        if self.low > 0:
            return "helped"
        return "hurt" if self.high < 0 else "no difference"


def compare(a: Mapping[int, bool], b: Mapping[int, bool], groups: Sequence[str] = ()) -> Paired:
    """The paired difference of two networks.

    The interval is Wald's with Bonett and Price's adjustment: with p_a = (better + 1) / (n + 2) and p_b likewise,

        p_a - p_b +- z sqrt((p_a + p_b - (p_a - p_b)^2) / (n + 2))

    It is sound for few images and few differences, where a bootstrap has nothing to draw from. Where images belong
    together in groups, such as a patient's, all counts are divided by the design effect (how many times larger the
    variance is that the groups' sums show, at least 1), and z becomes Student's t with (groups - 1) degrees of freedom.
    Where McNemar's exact test would not tell the two apart, the interval is widened to reach 0: so a handful of images
    decides nothing.

    Args:
        a, b: whether each image was told right, by its number; compared are the images that are in both.
        groups: of each image by its number; "" = it stands alone; empty = all do.

    Raises:
        ValueError: they have no image in common.

    Source: Bonett and Price 2012, J. Educational and Behavioral Statistics 37:479, advised by Fagerland, Lydersen and
    Laake 2014, Statistics in Medicine 33:2850; the design effect: Rao and Scott 1992, Biometrics 48:577.
    """
    common = sorted(a.keys() & b.keys())
    if not common:
        raise ValueError("no image was answered by both")
    n = len(common)
    signs = {number: int(a[number]) - int(b[number]) for number in common}
    better, worse = sum(sign > 0 for sign in signs.values()), sum(sign < 0 for sign in signs.values())
    effect, degrees = _design_effect(signs, groups)
    size = n / effect + 2
    p_a, p_b = (better / effect + 1) / size, (worse / effect + 1) / size
    error = math.sqrt((p_a + p_b - (p_a - p_b) ** 2) / size)
    half = (student_t(degrees) if degrees else _Z) * error
    difference = (better - worse) / n
    low, high = min(p_a - p_b - half, difference), max(p_a - p_b + half, difference)
    p = mcnemar(int(better / effect), int(worse / effect))
    if degrees:
        # How much so few groups vary is itself uncertain, which a count of images does not know.
        p = max(p, _two_sided(abs(p_a - p_b) / error, degrees))
    if p > LEVEL:
        low, high = min(low, 0.0), max(high, 0.0)
    return Paired(
        images=n,
        better=better,
        worse=worse,
        a=sum(a[number] for number in common) / n,
        b=sum(b[number] for number in common) / n,
        low=max(-1.0, low),
        high=min(1.0, high),
        p=p,
    )


def mcnemar(better: int, worse: int) -> float:
    """Exact two-sided probability of so uneven a count, were both networks equally good.

    Source: McNemar 1947, Psychometrika 12:153; exact by the binomial distribution with p = 1/2.
    """
    n = better + worse
    if n > _MANY:  # whole numbers of so many digits are slow, and their logarithms are exact enough
        least = min(better, worse)
        logs = [
            math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2) for k in range(least + 1)
        ]
        return min(1.0, 2 * math.fsum(map(math.exp, logs)))
    tail = sum(math.comb(n, count) for count in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / (1 << n))


def _design_effect(signs: Mapping[int, int], groups: Sequence[str]) -> tuple[float, int]:
    """How many times larger the variance is than that of images that stand alone, and by how many degrees of freedom.

    These are 0 where all stand alone.
    """
    sums: dict[object, list[int]] = defaultdict(list)
    for number, sign in signs.items():
        name = groups[number] if groups else ""
        sums[name or number].append(sign)
    n, clusters = len(signs), len(sums)
    if clusters == n:
        return 1.0, 0
    if clusters == 1:
        return float(n), 1  # one group says as much as one image
    mean = sum(signs.values()) / n
    alone = sum((sign - mean) ** 2 for sign in signs.values())
    grouped = sum(sum(sign - mean for sign in members) ** 2 for members in sums.values()) * clusters / (clusters - 1)
    return max(1.0, grouped / alone) if alone else n / clusters, clusters - 1


def student_t(degrees: int) -> float:
    """Student's t at .975: Fisher and Cornish's expansion, within .01 from 5 degrees of freedom on."""
    if degrees in _T:
        return _T[degrees]
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + terms[0] / degrees + terms[1] / degrees**2 + terms[2] / degrees**3


def _two_sided(t: float, degrees: int) -> float:
    """Probability that Student's t lies farther from 0 than `t` >= 0.

    Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(degrees))
    odd = degrees % 2 == 1
    total = term = (math.cos(angle) if degrees > 1 else 0.0) if odd else 1.0
    for k in range(3 if odd else 2, degrees - 1, 2):
        term *= math.cos(angle) ** 2 * (k - 1) / k
        total += term
    within = math.sin(angle) * total
    if odd:
        within = 2 / math.pi * (angle + within)
    return min(1.0, max(0.0, 1 - within))
