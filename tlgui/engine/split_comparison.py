"""What copies and groups on both sides of a split do to the score: naive and safe splits of the same images, compared.

The model is the nearest neighbour among the frozen backbone's features. Of all probes it is the one that recalls what it
has seen: where images of one patient look alike, it finds them, as a network does that was trained for long; and it has
nothing to tune. On 300 skin images, each there in three noisy versions, it lost 57 points between both kinds of split, a
linear probe between 26 and 61, depending on the noise and on its penalty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tlgui.core import split
from tlgui.core.events import SplitsCompared
from tlgui.engine.kernel_probe import fold_of, units_of
from tlgui.engine.seeding import derive
from tlgui.imaging.listing import ListedImage

_Floats = NDArray[np.float64]

FOLDS = 4  # a quarter tests, each in turn
_RESAMPLES = 2_000


def similarities(features: NDArray[np.floating]) -> _Floats:
    """Cosine of each pair of standardised (N, D) features: (N, N)."""
    rows = np.asarray(features, dtype=np.float64)
    rows = (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-6)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    products: _Floats = rows @ rows.T
    return products


def shares_right(
    alike: _Floats, images: Sequence[ListedImage], repeats: int, seed: int
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """For each repeat which images are answered rightly under a naive and under a safe split, (N,) each.

    Args:
        alike: (N, N) as `similarities` gives it.
        images: N of them.
        repeats: how many splits of each kind.
        seed: of the splits.
    """
    names = np.array([image.class_name for image in images])
    alone, together = [image.record("") for image in images], [image.record() for image in images]
    # As many folds for both: with fewer, each model would learn from fewer images.
    k = min(FOLDS, split.most_folds(together))
    for repeat in range(repeats):
        number = derive(seed, "comparison", repeat)
        naive, safe = (_right(alike, names, fold_of(records, k, number)) for records in (alone, together))
        yield naive, safe


def of_parted_classes(images: Sequence[ListedImage]) -> list[ListedImage]:
    """Without the classes that are a single group: a safe split learns nothing of them, whatever a naive one leaks."""
    units = split.units_of([image.record() for image in images])
    return [image for image in images if units[image.class_name] > 1]


def compared(naive: _Floats, safe: _Floats, images: Sequence[ListedImage], repeats: int) -> SplitsCompared:
    """The answer of the job.

    Intervals are percentiles of a bootstrap over groups, since images of one group are no independent witnesses.

    Args:
        naive: (N,) share of the repeats in which an image was answered rightly, under naive splits.
        safe: the same under safe splits.
        images: N of them.
        repeats: how many there were.
    """
    units = units_of([image.record() for image in images])
    n_units = int(units.max()) + 1
    drawn = np.random.default_rng(0).multinomial(n_units, np.full(n_units, 1 / n_units), _RESAMPLES)[:, units]
    (naive_low, naive_high), (safe_low, safe_high), (low, high) = (
        np.percentile(drawn @ values / drawn.sum(axis=1), [2.5, 97.5]).tolist()
        for values in (naive, safe, naive - safe)
    )
    value, held = float(naive.mean()), float(safe.mean())
    return SplitsCompared(
        naive=value,
        naive_low=naive_low,
        naive_high=naive_high,
        safe=held,
        safe_low=safe_low,
        safe_high=safe_high,
        difference=value - held,
        low=low,
        high=high,
        images=len(images),
        groups=len({image.group for image in images if image.group}),
        repeats=repeats,
        sentence=_sentence(value, held, low, images[0].unit),
    )


def _right(alike: _Floats, names: NDArray[np.str_], folds: NDArray[np.int64]) -> NDArray[np.bool_]:
    right = np.zeros(len(names), dtype=bool)
    for fold in range(int(folds.max()) + 1):
        test, train = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        nearest = train[alike[np.ix_(test, train)].argmax(axis=1)]
        right[test] = names[nearest] == names[test]
    return right


def _sentence(naive: float, safe: float, low: float, unit: str) -> str:
    parts = [f"{100 * share:.0f} %" for share in (naive, safe)]
    if parts[0] == parts[1]:
        parts = [f"{100 * share:.1f} %" for share in (naive, safe)]
    what = "patients" if unit == "patient" else "studies" if unit == "study" else "what belongs together"
    if low > 0:
        return (
            f"Split without regard to {what}, the same simple model seems to be right in {parts[0]} of images; "
            f"with each {unit} on one side, in {parts[1]}."
        )
    return (
        f"No difference that could be told: the same simple model is right in {parts[0]} of images split without regard "
        f"to {what}, and in {parts[1]} with each {unit} on one side. Keep the safe split all the same."
    )
