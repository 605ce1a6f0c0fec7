"""How well a label can be told from a few numbers for each image: cross-validated, against shuffled labels.

One probe serves all: regression on the classes' indicator columns with a ridge penalty, linear or with a Gaussian
kernel. It is solved exactly, and one solution per fold serves any number of shuffled labels, so that the chance level
costs next to nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tlgui.core.records import ImageRecord
from tlgui.core.split import folds
from tlgui.engine.intervals import Measured, auc_interval, mean_interval

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]
Kernel = Literal["linear", "gaussian"]

FOLDS = 5
_SHUFFLES = 20
_RESAMPLES = 400
_RIDGE = {"linear": 1.0, "gaussian": 0.1}  # relative to a kernel whose diagonal is 1


@dataclass(frozen=True)
class Task:
    """Which images there are to tell apart.

    Attributes:
        labels: (N,) 0 to C - 1, each class there.
        units: (N,) images with the same number belong together: they are tested together and drawn together.
        folds: (N,) the fold in which an image is tested.
        shuffled: (N, P) the labels, shuffled so that those of one unit stay together.
    """

    labels: _Ints
    units: _Ints
    folds: _Ints
    shuffled: _Ints

    @classmethod
    def of(cls, records: Sequence[ImageRecord], seed: int) -> Task:
        """From images, in their order: their classes and groups."""
        labels = np.unique([record.class_name for record in records], return_inverse=True)[1].astype(np.int64)
        units = units_of(records)
        rng = np.random.default_rng(seed)
        shuffled = np.stack([_shuffled(labels, units, rng) for _ in range(_SHUFFLES)], axis=1)
        return cls(labels, units, fold_of(records, FOLDS, seed), shuffled)


@dataclass(frozen=True)
class Told:
    """How well the labels were told.

    Attributes:
        auc: mean over classes of one against the rest, with its 95 % interval.
        classes: the same for each class alone.
        chance: the upper end of the 95 % range of `auc` with shuffled labels.
    """

    auc: Measured
    classes: list[Measured]
    chance: float


def tell(task: Task, rows: NDArray[np.floating], kernel: Kernel) -> Told | None:
    """How well the labels of a task can be told from (N, D) rows; `None` where all rows are the same.

    The interval is the wider one of a bootstrap over units and of a closed form, since the bootstrap knows nothing of
    errors that it has not seen.
    """
    gram = _gram(np.asarray(rows, dtype=np.float64), kernel)
    if gram is None:
        return None
    targets = np.concatenate([task.labels[:, None], task.shuffled], axis=1)
    scores = _scores(task, gram, targets, _RIDGE[kernel])
    chance = [mean_auc(task.shuffled[:, i], scores[:, i + 1]) for i in range(task.shuffled.shape[1])]
    mean, classes = _intervals(task, scores[:, 0])
    return Told(mean, classes, float(np.percentile(chance, 97.5)))


def mean_auc(labels: _Ints, scores: _Floats) -> float:
    """Mean over classes of the area of one class against the rest: (N,) labels, (N, C) scores."""
    return float(_areas(labels, scores, np.ones((1, len(labels))))[0].mean())


def units_of(records: Sequence[ImageRecord]) -> _Ints:
    """Number of the unit of each image: its group, or the image alone."""
    numbers: dict[str, int] = {}
    names = [record.group or f"\0{record.path}" for record in records]
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def fold_of(records: Sequence[ImageRecord], k: int, seed: int) -> _Ints:
    """The number of each image's fold."""
    numbers = {path: number for number, paths in enumerate(folds(records, k, seed)) for path in paths}
    return np.array([numbers[record.path] for record in records], dtype=np.int64)


def _shuffled(labels: _Ints, units: _Ints, rng: np.random.Generator) -> _Ints:
    """The labels laid out unit by unit in one order, read unit by unit in another."""
    members: defaultdict[int, list[int]] = defaultdict(list)
    for place, unit in enumerate(units.tolist()):
        members[unit].append(place)
    laid_out = [labels[place] for unit in rng.permutation(len(members)).tolist() for place in members[unit]]
    shuffled = np.empty_like(labels)
    shuffled[[place for unit in rng.permutation(len(members)).tolist() for place in members[unit]]] = laid_out
    return shuffled


def _gram(rows: _Floats, kernel: Kernel) -> _Floats | None:
    """Similarity of each pair of standardised rows, 1 on the diagonal on the average."""
    spread = rows.std(axis=0)
    rows = rows[:, spread > 1e-6 * (1 + np.abs(rows).max(axis=0))]
    if rows.shape[1] == 0:
        return None
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    products: _Floats = rows @ rows.T / rows.shape[1]
    if kernel == "linear":
        return products
    squares = np.diag(products)
    # Two rows are about 2 apart on the average, in squares per number.
    gaussian: _Floats = np.exp(-np.maximum(0.0, squares[:, None] + squares[None, :] - 2 * products) / 2)
    return gaussian


def _scores(task: Task, gram: _Floats, targets: _Ints, ridge: float) -> _Floats:
    """Scores of images by a probe that was fitted without their fold: (N, P, C) for (N, P) labels."""
    classes = int(task.labels.max()) + 1
    wanted = np.eye(classes)[targets].reshape(len(gram), -1)
    scores = np.zeros_like(wanted)
    for fold in np.unique(task.folds).tolist():
        test, train = np.flatnonzero(task.folds == fold), np.flatnonzero(task.folds != fold)
        mean = wanted[train].mean(axis=0)
        inner = gram[np.ix_(train, train)]
        penalty = max(1e-9, ridge * float(np.trace(inner)) / len(train))
        weights = np.linalg.solve(inner + penalty * np.eye(len(train)), wanted[train] - mean)
        scores[test] = gram[np.ix_(test, train)] @ weights + mean
    return scores.reshape(len(gram), targets.shape[1], classes)


def _intervals(task: Task, scores: _Floats) -> tuple[Measured, list[Measured]]:
    """The mean area and that of each class: wider of a bootstrap over units and of a closed form."""
    n, n_units = len(scores), int(task.units.max()) + 1
    drawn = np.random.default_rng(0).multinomial(n_units, np.full(n_units, 1 / n_units), _RESAMPLES)
    values = _areas(task.labels, scores, np.ones((1, n)))[0].tolist()
    resampled = _areas(task.labels, scores, drawn[:, task.units].astype(np.float64))
    closed = []
    for index, value in enumerate(values):
        # Units and not images: images of one patient are no independent witnesses.
        mine, others = (len(np.unique(task.units[where])) for where in (task.labels == index, task.labels != index))
        low, high = auc_interval(value, mine, others)
        closed.append(Measured(value=value, low=low, high=high, n=n))
    # The two areas of two classes are one and the same.
    value, low, high = mean_interval(closed[:1] if len(closed) == 2 else closed)
    mean = _widened(Measured(value=value, low=low, high=high, n=n), resampled.mean(axis=1))
    return mean, [_widened(one, resampled[:, index]) for index, one in enumerate(closed)]


def _widened(closed: Measured, resampled: _Floats) -> Measured:
    defined = resampled[~np.isnan(resampled)]
    if defined.size < 0.95 * resampled.size:
        return closed
    low, high = np.percentile(defined, [2.5, 97.5]).tolist()
    assert closed.low is not None and closed.high is not None
    return Measured(value=closed.value, low=min(low, closed.low), high=max(high, closed.high), n=closed.n)


def _areas(labels: _Ints, scores: _Floats, weights: _Floats) -> _Floats:
    """Area of each class against the rest, each image counted by its weight: (R, C) for (R, N) weights.

    NaN where the weights leave no image of the class or none of another.
    """
    areas = []
    for index in range(scores.shape[1]):
        order = np.argsort(scores[:, index], kind="stable")
        ranked = scores[order, index]
        mine = labels[order] == index
        of_class, others = weights[:, order[mine]], weights[:, order] * ~mine
        below = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(others, axis=1)], axis=1)
        # Images with one and the same score count half.
        first, last = (np.searchsorted(ranked, ranked[mine], side=side) for side in ("left", "right"))
        won = (of_class * (below[:, first] + below[:, last])).sum(axis=1) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            areas.append(won / (of_class.sum(axis=1) * below[:, -1]))
    return np.stack(areas, axis=1)
