"""Units of images spread over parts: whole groups, every class near its share, the same everywhere.

Large units are placed first, where they are needed most; single images fill up what is missing, exactly; then units are
moved and exchanged as long as that brings a class nearer to its shares. (StratifiedGroupKFold of scikit-learn is the
first of these steps.)
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MOST_TRIES = 40_000  # exchanges that are weighed; about a fifth of a second
CLOSE = 0.005  # of a class: nearer than that, another seed would no longer give another split
_MISSING = 1000.0  # cost of a class without an image in a part that could hold one; a wrong share costs less than 1
_POWER = 4  # of a wrong share: the worst one counts most, and the others still count

Signature = tuple[tuple[str, int], ...]


class Unit(NamedTuple):
    """Images that stay together.

    Attributes:
        name: unique: a path in it, which also parts units of equal rank.
        rank: its place among units of its size, from the seed.
        counts: class -> images, sorted by class.
        pinned: the part that it is in already, or `None`.
    """

    name: str
    rank: bytes
    counts: Signature
    pinned: int | None = None

    @property
    def size(self) -> int:
        """Images in it."""
        return sum([count for _, count in self.counts])


@dataclass
class Shares:
    """What each class should have in each part.

    Attributes:
        parts: how many.
        target: class -> images wanted in each part.
        needed: class -> in how many parts, counted from the first, it must have an image, since its units allow it.
    """

    parts: int
    target: Mapping[str, Sequence[float]]
    needed: Mapping[str, int] = field(default_factory=dict)


def spread(units: Sequence[Unit], shares: Shares) -> dict[str, int]:
    """The part of each unit, by its name; the order of `units` changes nothing."""
    state = _State(shares)
    for unit in units:
        if unit.pinned is not None:
            state.put(unit, unit.pinned)
    free = [unit for unit in units if unit.pinned is None]
    grouped = [unit for unit in free if unit.size > 1]
    # Sizes by their power of two only, so that another seed is another split also where all sizes differ.
    for unit in sorted(grouped, key=lambda unit: (-unit.size.bit_length(), unit.rank, unit.name)):
        state.put(unit, state.cheapest(unit.counts))
    _fill(state, [unit for unit in free if unit.size == 1])
    if grouped:
        _improve(state, free)
    return state.placed


class _State:
    """Which units lie where, and what that costs."""

    def __init__(self, shares: Shares) -> None:
        self.shares = shares
        self.placed: dict[str, int] = {}
        self.have = {name: [0] * shares.parts for name in shares.target}
        self._total = {name: max(1.0, sum(target)) for name, target in shares.target.items()}

    def put(self, unit: Unit, part: int) -> None:
        if unit.name in self.placed:
            self._add(unit.counts, self.placed[unit.name], -1)
        self.placed[unit.name] = part
        self._add(unit.counts, part, 1)

    def cheapest(self, counts: Signature) -> int:
        """Where these images are missed most; nothing is said of parts that a class lacks, since more will come."""
        return min(range(self.shares.parts), key=lambda part: (self._change(counts, part), part))

    def load(self, part: int) -> int:
        return sum(have[part] for have in self.have.values())

    def gain(self, leaves: Signature, source: int, target: int, comes: Signature = ()) -> float:
        """How much dearer it gets (< 0: cheaper) when `leaves` goes from `source` to `target` and `comes` returns."""
        moved: defaultdict[str, int] = defaultdict(int)
        for name, count in leaves:
            moved[name] += count
        for name, count in comes:
            moved[name] -= count
        difference = 0.0
        for name, count in moved.items():
            if count:
                have = self.have[name]
                difference -= self._cost(name, source, have[source]) + self._cost(name, target, have[target])
                difference += self._cost(name, source, have[source] - count)
                difference += self._cost(name, target, have[target] + count)
        return difference

    def is_good(self) -> bool:
        """Every class is close to what it should have, and no part lacks one that it could have."""
        return all(
            abs(have - target) <= max(0.5, CLOSE * self._total[name]) and not self._lacks(name, part, have)
            for name, targets in self.shares.target.items()
            for part, (have, target) in enumerate(zip(self.have[name], targets, strict=True))
        )

    def _add(self, counts: Signature, part: int, sign: int) -> None:
        for name, count in counts:
            self.have[name][part] += sign * count

    def _change(self, counts: Signature, part: int) -> float:
        difference = 0.0
        for name, count in counts:
            have = self.have[name][part]
            difference += self._wrong(name, part, have + count) - self._wrong(name, part, have)
        return difference

    def _cost(self, name: str, part: int, have: int) -> float:
        return self._wrong(name, part, have) + (_MISSING if self._lacks(name, part, have) else 0.0)

    def _wrong(self, name: str, part: int, have: int) -> float:
        return float(abs((have - self.shares.target[name][part]) / self._total[name]) ** _POWER)

    def _lacks(self, name: str, part: int, have: int) -> bool:
        return have == 0 and part < self.shares.needed.get(name, 0)


def _fill(state: _State, singles: Sequence[Unit]) -> None:
    """Single images of a class in blocks, in the order of their ranks: the first ones to the first part."""
    by_class: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in singles:
        by_class[unit.counts[0][0]].append(unit)
    for name in sorted(by_class):
        ordered = sorted(by_class[name], key=lambda unit: (unit.rank, unit.name))
        wanted = [target - have for target, have in zip(state.shares.target[name], state.have[name], strict=True)]
        start = 0
        for part, count in enumerate(blocks(len(ordered), wanted, state.load)):
            for unit in ordered[start : start + count]:
                state.put(unit, part)
            start += count


def blocks(n: int, wanted: Sequence[float], load: Callable[[int], int]) -> list[int]:
    """`n` images over parts that want so many; what does not come out even goes to, or off, where it matters least."""
    counts = [max(0, math.floor(want + 1e-9)) for want in wanted]
    parts = range(len(wanted))
    while sum(counts) < n:
        # Where two want it alike, the part with fewer images in all.
        part = max(parts, key=lambda part: (round(wanted[part] - counts[part], 9), -load(part) - counts[part], -part))
        counts[part] += 1
    while sum(counts) > n:
        counts[max(parts, key=lambda part: (counts[part], part))] -= 1
    return counts


def _improve(state: _State, units: Sequence[Unit]) -> None:
    """Moves one unit or exchanges two, always the best that can be found, until nothing gets better."""
    # Units that hold the same are worth the same: one of each kind is weighed.
    waiting: defaultdict[tuple[Signature, int], list[Unit]] = defaultdict(list)
    for unit in sorted(units, key=lambda unit: (unit.rank, unit.name), reverse=True):
        waiting[unit.counts, state.placed[unit.name]].append(unit)
    tries = MOST_TRIES
    while tries > 0 and not state.is_good():
        for candidates in (_moves(state, waiting), _exchanges(state, waiting)):
            best: tuple[float, Signature, int, int, Signature] = (-1e-12, (), 0, 0, ())
            for candidate in candidates:
                tries -= 1
                best = min(best, candidate)
                if tries <= 0:
                    break
            if best[1]:
                break
        _, leaves, source, target, comes = best
        if not leaves:
            return
        for kind, before, after in ((leaves, source, target), (comes, target, source)):
            if kind:
                unit = waiting[kind, before].pop()
                state.put(unit, after)
                waiting[kind, after].append(unit)


Waiting = Mapping[tuple[Signature, int], list[Unit]]


def _moves(state: _State, waiting: Waiting) -> Iterator[tuple[float, Signature, int, int, Signature]]:
    for kind, source in sorted(key for key, units in waiting.items() if units):
        for target in range(state.shares.parts):
            if target != source:
                yield state.gain(kind, source, target), kind, source, target, ()


def _exchanges(state: _State, waiting: Waiting) -> Iterator[tuple[float, Signature, int, int, Signature]]:
    held = sorted(key for key, units in waiting.items() if units)
    for kind, source in held:
        for other, target in held:
            if source < target and kind != other:
                yield state.gain(kind, source, target, other), kind, source, target, other
