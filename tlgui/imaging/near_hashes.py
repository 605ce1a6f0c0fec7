"""Which of many 64-bit hashes differ in few bits: every pair is compared, in blocks, on all processors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tlgui.imaging.fingerprints import Hashes

MOST_NEAR = 32  # pairs of one hash that are told, the nearest ones: frames of a film would all be
MOST_THREADS = 8
_PAIRS_AT_A_TIME = 4_000_000  # 36 MB for each thread
_NOT_NEAR = 255

Indices = np.ndarray[Any, np.dtype[np.intp]]
Bits = np.ndarray[Any, np.dtype[np.uint8]]


def near_hashes(ones: Hashes, others: Hashes, most_bits: int, symmetric: bool) -> Iterator[tuple[Indices, Indices]]:
    """Pairs (i, j), i != j, where hash i of `ones` differs from hash j of `others` in at most `most_bits` bits.

    They come in blocks, in the order of i. Memory does not grow with the number of pairs.

    Args:
        ones, others: of the same N pictures, perhaps changed in between.
        most_bits: 0 to 63.
        symmetric: (i, j) is near where (j, i) is; only i < j is told then.
    """
    count = len(ones)
    rows = max(1, _PAIRS_AT_A_TIME // max(1, count))

    def near(start: int) -> tuple[Indices, Indices]:
        first = start if symmetric else 0
        bits = np.bitwise_count(ones[start : start + rows, None] ^ others[None, first:])
        own = np.arange(len(bits))
        if symmetric:
            bits[:, : len(bits)][np.tri(len(bits), dtype=bool)] = _NOT_NEAR
        else:
            bits[own, own + start] = _NOT_NEAR
        row, column = np.divmod(np.flatnonzero(bits <= most_bits), bits.shape[1])
        row, column = _nearest(row, column, bits[row, column])
        return row + start, column + first

    with ThreadPoolExecutor(max(1, min(os.cpu_count() or 1, MOST_THREADS)), "hashes") as pool:
        yield from pool.map(near, range(0, count, rows))


def _nearest(row: Indices, column: Indices, bits: Bits) -> tuple[Indices, Indices]:
    """Of each row the MOST_NEAR pairs with the fewest bits, earlier ones first."""
    order = np.lexsort((column, bits, row))
    row, column = row[order], column[order]
    begins = np.searchsorted(row, row)  # where the pairs of the same row begin
    kept = np.arange(len(row)) - begins < MOST_NEAR
    return row[kept], column[kept]
