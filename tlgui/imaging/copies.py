"""Images that show the same: by their bytes, and by their pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec
import numpy as np

from tlgui.core.records import Copies
from tlgui.core.split import Part
from tlgui.imaging.file_check import Checked
from tlgui.imaging.names import order
from tlgui.imaging.twins import find_twins
from tlgui.imaging.verdict import PRINT_SIDE

MOST_WHOLE = 100_000  # pairs that are remembered
MOST_STRETCHED = 1.15  # ratio of the aspect ratios of twins: a crop changes them a little

Pair = tuple[int, int]


def find_copies(
    used: Sequence[Checked], stop_if_cancelled: Callable[[], None] = lambda: None, whole: bool = False
) -> list[Copies]:
    """The pairs that a person must know of, in the order of their first paths, then of their second.

    Of n images that show the same there are n - 1 pairs, the most similar ones that hold them together: exact copies
    each with the first of them, twins as a chain. A chain that reaches over two parts of a split, or over two classes,
    has a pair there. Flat pictures are never twins: nothing can be told from them. Classes play no part in it.

    Args:
        used: images.
        stop_if_cancelled: raises to end the work; asked several times a second.
        whole: all pairs of twins that were found, for `unsettled`, unless there are very many.
    """
    files = sorted(used, key=lambda checked: order(checked.found.path))
    first_of: dict[str, int] = {}
    copies = [
        (first, number)
        for number, checked in enumerate(files)
        if (first := first_of.setdefault(checked.content_hash, number)) != number
    ]
    twins = _twins(files, sorted(first_of.values()), stop_if_cancelled)
    pairs = [(pair, 1.0, "copy") for pair in copies] + [(pair, similar, "twin") for pair, similar in twins.items()]
    found = [
        Copies(
            kind="copy" if kind == "copy" else "twin",
            first=files[first].found.path,
            second=files[second].found.path,
            similarity=round(similar, 3),
            classes=(files[first].place.class_name, files[second].place.class_name),
        )
        for (first, second), similar, kind in sorted(pairs)
    ]
    return found if whole and len(found) <= MOST_WHOLE else fewest(found)


def fewest(copies: Sequence[Copies]) -> list[Copies]:
    """The most similar ones of the twins that hold the same pictures together, in the same order; all exact copies."""
    sets = _Sets()
    twins = sorted((pair for pair in copies if pair.kind == "twin"), key=lambda pair: -pair.similarity)
    superfluous = {(pair.first, pair.second) for pair in twins if not sets.join(pair.first, pair.second)}
    return [pair for pair in copies if (pair.first, pair.second) not in superfluous]


def unsettled(copies: Sequence[Copies], different: Collection[tuple[str, str]]) -> list[Copies]:
    """The fewest pairs, where the person takes some for different pictures; another pair may hold the others together.

    Nothing is asked about two pictures between which every pair was settled so.

    Args:
        copies: all that were found.
        different: pairs of paths, each pair in order.
    """
    settled = {(pair.first, pair.second) for pair in copies if _in_order(pair) in different}
    sets = _Sets()
    for pair in fewest(copies):
        if (pair.first, pair.second) in settled:
            sets.join(pair.first, pair.second)
    return fewest(
        [
            pair
            for pair in copies
            if (pair.first, pair.second) not in settled
            and (pair.kind == "copy" or sets.root_of(pair.first) != sets.root_of(pair.second))
        ]
    )


def _in_order(pair: Copies) -> tuple[str, str]:
    return min(pair.first, pair.second), max(pair.first, pair.second)


class _Sets:
    """Paths that were joined."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root_of(self, path: str) -> str:
        while (above := self._parent.setdefault(path, path)) != path:
            self._parent[path] = path = self._parent[above]
        return path

    def join(self, one: str, other: str) -> bool:
        """Whether they were not in one set before."""
        first, second = self.root_of(one), self.root_of(other)
        self._parent[second] = first
        return first != second


def with_classes(copies: Iterable[Copies], used: Iterable[Checked]) -> list[Copies]:
    """The pairs with the classes as they are called now."""
    classes = {checked.found.path: checked.place.class_name for checked in used}
    return [msgspec.structs.replace(pair, classes=(classes[pair.first], classes[pair.second])) for pair in copies]


def _twins(
    files: Sequence[Checked], originals: Iterable[int], stop_if_cancelled: Callable[[], None]
) -> dict[Pair, float]:
    """Pairs of numbers of files, the smaller number first, with their similarity."""
    with_print: dict[bytes, int] = {}
    pairs: dict[Pair, float] = {}
    for number in originals:
        data = files[number].verdict.print
        if any(data) and (first := with_print.setdefault(data, number)) != number and _alike(files, first, number):
            pairs[first, number] = 1.0
    numbers = list(with_print.values())
    prints = np.frombuffer(b"".join(with_print), np.uint8).reshape(-1, PRINT_SIDE * PRINT_SIDE)
    for (one, other), similar in find_twins(prints, stop_if_cancelled).items():
        if _alike(files, numbers[one], numbers[other]):
            pairs[numbers[one], numbers[other]] = similar
    return pairs


def _alike(files: Sequence[Checked], one: int, other: int) -> bool:
    """Whether two pictures have about the same shape, which their square prints do not show."""
    first, second = files[one].description, files[other].description
    stretched = math.log(first.width / first.height) - math.log(second.width / second.height)
    return abs(stretched) <= math.log(MOST_STRETCHED)


def leaks(copies: Sequence[Copies], parts: Mapping[str, Part]) -> list[Copies]:
    """Those that lie in two parts, or in two classes."""
    return [
        pair for pair in copies if parts.get(pair.first) != parts.get(pair.second) or pair.classes[0] != pair.classes[1]
    ]
