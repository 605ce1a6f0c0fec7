"""Pictures that show the same although their bytes differ: saved again, resized, brightened, cropped, mirrored.

1. What the pictures of a set have in common is taken off: the mean picture, and the few ways in which most of them vary
   (more or less exposed, nearer or farther). Raw prints of X-rays of two people correlate by .9 and more; of what sets
   each apart, hardly any do.
2. Candidates are pairs whose perceptual hashes differ in few bits, as they are, with one mirrored, or with one cropped.
3. Those whose low frequencies correlate are compared by their whole prints, and where that is not enough by itself, they
   are laid over each other as well as a crop allows, and compared again.

The figures were chosen with tests/benchmarks/measure_copies.py, whose pairs were looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlgui.imaging.fingerprints import Float32, Hashes, hashes_of, waves_of
from tlgui.imaging.near_hashes import Indices, near_hashes
from tlgui.imaging.verdict import PRINT_SIDE

LEAST_SIMILAR = 0.9  # correlation from which on two pictures are twins,
MOST_BITS = 8  # if their hashes differ in no more bits than this; both as they lie over each other best
CANDIDATE_BITS = 12  # that may differ before they are laid over each other,
CANDIDATE_SIMILAR = 0.6  # and the correlation that there must be by then
MOST_LAID_OVER = 4000  # pairs of a view, the most similar ones; the others are judged as they are
CROWDED = 1.0  # candidates that are no twins, for each picture: in such a set (handwritten ones) strangers look alike,
CROWD_SIMILAR = 0.97  # so that only pictures this similar are twins, and nothing is laid over another
COMMON_WAYS = 4  # principal components that are taken off
SET_SIZE = 20  # of a smaller set the mean is mostly the pictures themselves, so it is taken off in part only
ROUNDS = 10  # of subspace iteration
SAMPLE = 512  # pictures that the mean and the components are computed from
CROPS = (0.0, 0.02, 0.04)  # share of a side that may be missing when two pictures are laid over each other
BLOCK = 2048  # pictures or pairs at a time
LAY_OVER_BLOCK = 512  # pairs, each in nine versions

EPSILON = np.float32(1e-6)

Prints = np.ndarray[Any, np.dtype[np.uint8]]
Bits = np.ndarray[Any, np.dtype[np.uint8]]
View = Callable[[Float32], Float32]
Stop = Callable[[], None]


@dataclass(frozen=True)
class SetNorm:
    """What the pictures of a set have in common.

    Attributes:
        mean: (PRINT_SIDE ** 2,).
        ways: (K, PRINT_SIDE ** 2), orthonormal.
        share: of both that is taken off, 0 to 1.
    """

    mean: Float32
    ways: Float32
    share: float

    def __call__(self, prints: Prints | Float32) -> Float32:
        """(N, PRINT_SIDE ** 2) prints to rows of mean 0 and length 1, whose products are correlations."""
        share = np.float32(self.share)
        apart: Float32 = _unit(prints.astype(np.float32)) - share * self.mean
        rows = _unit(apart)
        # Not by "@": for a few columns, the threads of the matrix library cost more than they save.
        common: Float32 = np.einsum("nk,kd->nd", np.einsum("nd,kd->nk", rows, self.ways), self.ways)
        return _unit(rows - share * common)


def set_norm(prints: Prints) -> SetNorm:
    """Learns from (N, PRINT_SIDE ** 2) prints what they have in common."""
    sample = prints[np.linspace(0, len(prints) - 1, min(len(prints), SAMPLE)).astype(np.intp)]
    share = len(prints) / (len(prints) + SET_SIZE)
    rows = _unit(sample.astype(np.float32))
    mean: Float32 = rows.mean(axis=0)
    apart: Float32 = rows - np.float32(share) * mean
    return SetNorm(mean, _main_ways(_unit(apart)), share)


def _main_ways(rows: Float32) -> Float32:
    """The first principal components, by subspace iteration: a whole decomposition takes longer than all the rest."""
    start = np.random.default_rng(0).normal(size=(rows.shape[1], 2 * COMMON_WAYS)).astype(np.float32)
    ways = np.linalg.qr(start)[0]
    for _ in range(ROUNDS):
        ways = np.linalg.qr(rows.T @ (rows @ ways))[0]
    turned = np.linalg.svd(rows @ ways, full_matrices=False)[2]
    main: Float32 = turned[:COMMON_WAYS] @ ways.T
    return main


def _unit(rows: Float32) -> Float32:
    rows = rows - rows.mean(axis=1, keepdims=True)
    unit: Float32 = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), EPSILON)
    return unit


def _as_it_is(prints: Float32) -> Float32:
    return prints


def _mirrored(prints: Float32) -> Float32:
    return prints.reshape(-1, PRINT_SIDE, PRINT_SIDE)[:, :, ::-1].reshape(len(prints), -1)


def _cropped(prints: Float32) -> Float32:
    zoom = _zoom(0.03, 0.03)
    return _resampled(prints, zoom, zoom)


# In which way one of two twins may be changed as a whole, and whether the same change leads back.
# To add a way: a function of prints, a row here, a kind in the benchmark.
VIEWS: tuple[tuple[View, bool], ...] = ((_as_it_is, True), (_mirrored, True), (_cropped, False))


def _zoom(before: float, after: float) -> Float32:
    """(PRINT_SIDE, PRINT_SIDE): takes away a share of a side at its two ends and stretches the rest, by areas."""
    edges = (before + (1 - before - after) * np.arange(PRINT_SIDE + 1) / PRINT_SIDE) * PRINT_SIDE
    pixels = np.arange(PRINT_SIDE)
    overlaps = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (overlaps.clip(0) / (1 - before - after)).astype(np.float32)


def _resampled(prints: Float32, rows: Float32, columns: Float32) -> Float32:
    squares = prints.reshape(-1, PRINT_SIDE, PRINT_SIDE)
    resampled: Float32 = (rows @ squares @ columns.T).reshape(len(prints), -1).astype(np.float32, copy=False)
    return resampled


def find_twins(prints: Prints, stop_if_cancelled: Stop = lambda: None) -> dict[tuple[int, int], float]:
    """Pairs (i, j), i < j, of pictures that show the same, with their correlation.

    Memory grows with N, not with the number of pairs.

    Args:
        prints: (N, PRINT_SIDE ** 2), none of them flat and no two equal.
        stop_if_cancelled: raises to end the work; asked several times a second.
    """
    found: dict[tuple[int, int], float] = {}
    if len(prints) < 2:
        return found
    norm = set_norm(prints)
    waves = _waves(prints, norm, _as_it_is)
    hashes = hashes_of(waves)
    crowded = False
    for view, symmetric in VIEWS:
        seen = waves if view is _as_it_is else _waves(prints, norm, view)
        ones, others, similar = _candidates(seen, waves, hashes, symmetric, stop_if_cancelled)
        if view is _as_it_is:
            crowded = int(np.count_nonzero(similar < LEAST_SIMILAR)) > CROWDED * len(prints)
        if crowded:
            near = similar >= LEAST_SIMILAR
            ones, others = ones[near], others[near]
        for one, other, likeness in _compared(prints, norm, view, ones, others, crowded, stop_if_cancelled):
            pair = (min(one, other), max(one, other))
            found[pair] = max(found.get(pair, 0.0), likeness)
    return found


def _waves(prints: Prints, norm: SetNorm, view: View) -> Float32:
    """Of each print, as the view shows it, its low frequencies."""
    starts = range(0, len(prints), BLOCK)
    return np.concatenate([waves_of(norm(view(_floats(prints, slice(s, s + BLOCK))))) for s in starts])


def _floats(prints: Prints, which: slice | Indices) -> Float32:
    return prints[which].astype(np.float32)


def _candidates(
    seen: Float32, waves: Float32, hashes: Hashes, symmetric: bool, stop_if_cancelled: Stop
) -> tuple[Indices, Indices, Float32]:
    """Pairs whose hashes are near and whose low frequencies correlate, with that correlation."""
    found: list[tuple[Indices, Indices, Float32]] = []
    lengths_seen, lengths = np.linalg.norm(seen, axis=1), np.linalg.norm(waves, axis=1)
    for ones, others in near_hashes(hashes_of(seen), hashes, CANDIDATE_BITS, symmetric):
        stop_if_cancelled()
        similar = np.einsum("nk,nk->n", seen[ones], waves[others]) / (lengths_seen[ones] * lengths[others] + EPSILON)
        near = similar >= CANDIDATE_SIMILAR
        found.append((ones[near], others[near], similar[near]))
    ones, others, similar = (np.concatenate(column) for column in zip(*found, strict=True))
    return ones, others, similar


def _compared(
    prints: Prints,
    norm: SetNorm,
    view: View,
    ones: Indices,
    others: Indices,
    crowded: bool,
    stop_if_cancelled: Stop,
) -> list[tuple[int, int, float]]:
    """Those of the pairs that are twins, with their correlation."""
    similar, bits = np.empty(len(ones), np.float32), np.empty(len(ones), np.uint8)
    for start in range(0, len(ones), BLOCK):
        stop_if_cancelled()
        block = slice(start, start + BLOCK)
        first, second = norm(view(_floats(prints, ones[block]))), norm(_floats(prints, others[block]))
        similar[block], bits[block] = _correlation(first, second), _bits_apart(first, second)
    least = CROWD_SIMILAR if crowded else LEAST_SIMILAR
    open_ones = np.flatnonzero(((similar < least) | (bits > MOST_BITS)) & (similar >= CANDIDATE_SIMILAR))
    open_ones = open_ones[np.argsort(-similar[open_ones], kind="stable")][: 0 if crowded else MOST_LAID_OVER]
    for start in range(0, len(open_ones), LAY_OVER_BLOCK):
        stop_if_cancelled()
        chosen = open_ones[start : start + LAY_OVER_BLOCK]
        first, second = view(_floats(prints, ones[chosen])), _floats(prints, others[chosen])
        similar[chosen], bits[chosen] = _laid_over(norm, first, second)
    twins = np.flatnonzero((similar >= least) & (bits <= MOST_BITS))
    return [(int(ones[place]), int(others[place]), min(1.0, float(similar[place]))) for place in twins]


def _correlation(first: Float32, second: Float32) -> Float32:
    products: Float32 = np.einsum("nk,nk->n", first, second)
    return products


def _bits_apart(first: Float32, second: Float32) -> Bits:
    bits: Bits = np.bitwise_count(hashes_of(waves_of(first)) ^ hashes_of(waves_of(second)))
    return bits


def _laid_over(norm: SetNorm, first: Float32, second: Float32) -> tuple[Float32, Bits]:
    """The correlation of each pair, and how many bits part them, with that one cropped that is then most similar.

    At first from above and below, then from the sides: one after the other finds the best of both nearly always.
    """
    zooms = [_zoom(before, after) for before in CROPS for after in CROPS]
    tries = []
    for cropped, whole in ((first, norm(second)), (second, norm(first))):
        upright, _similar = _best([_resampled(cropped, zoom, zooms[0]) for zoom in zooms], whole, norm)
        best, similar = _best([_resampled(upright, zooms[0], zoom) for zoom in zooms], whole, norm)
        tries.append((similar, _bits_apart(norm(best), whole)))
    (one_similar, one_bits), (other_similar, other_bits) = tries
    better = other_similar > one_similar
    return np.where(better, other_similar, one_similar), np.where(better, other_bits, one_bits)


def _best(versions: list[Float32], whole: Float32, norm: SetNorm) -> tuple[Float32, Float32]:
    """Of several versions of each picture the one that is most similar to its partner, and how similar it is."""
    similar = np.stack([_correlation(norm(version), whole) for version in versions])
    best: Float32 = np.stack(versions)[similar.argmax(axis=0), np.arange(len(whole))]
    return best, similar.max(axis=0)
