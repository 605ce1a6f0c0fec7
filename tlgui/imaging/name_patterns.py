"""Looking at the names of files for what belongs together: patients, slides, photographs that several images come from.

Candidates are made from the names, and each is tried on them. One is proposed where it makes at least `MIN_GROUPS`
groups, of `MIN_MEAN` names on average, with `MIN_SHARED` of all names in groups of more than one; where no group holds
most of them; and where it says something else than the class and the day. Nothing is ever used without being asked for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tlgui.imaging.name_key import (
    GRANDPARENT_FOLDER,
    NUMBER_AT_START,
    PARENT_FOLDER,
    compile_pattern,
    find,
    first_fields,
    numbers_after,
)
from tlgui.imaging.names import nfc, order

MIN_GROUPS = 3
MIN_MEAN = 1.3
MIN_SHARED = 0.2
MOST_IN_ONE = 0.5
MIN_OF_A_CLASS = 4  # groups, where each lies in one class alone: fewer say which kind of image it is, not which patient
SURE_GROUPS = 10  # so many are no mere kinds of images
MANY_WORDS = 20  # so many different words may be names
_MOST_FIELDS = 6
_MOST_WORDS = 12
_MOST_TOGETHER = 4  # words in one pattern: nobody reads more
_COMMON = 0.05  # of all names: less common words are not looked at
_LOOKED_AT, _WINDOWS = 20_000, 10  # names, in so many stretches of the sorted list, which keeps groups whole

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")
# A word by itself and its number, perhaps with one letter after it (12L and 12R); not the letters of hexadecimal numbers.
_WORD_AND_NUMBER = re.compile(r"(?<![^\W_])([^\W\d_]+[-_ ]?)(\d+)(?!\d|[^\W\d_][^\W_])")
_DAY = r"(?:19|20)\d\d[-_. ]?(?:0[1-9]|1[0-2])[-_. ]?(?:[0-2]\d|3[01])"
_DATE = re.compile(rf"(?:19|20)\d\d(?:[-_. ]?(?:0[1-9]|1[0-2]))?|[^\d]*{_DAY}(?:[-_. T]?\d+)*")


@dataclass(frozen=True)
class _Try:
    """What a pattern does to the names; the first fields count most when the best one is chosen.

    Attributes:
        covered: share of names in which something was found, in tenths.
        groups: how many.
        shared: share of all names that are in a group of more than one.
        simple: rank of its form; less is simpler.
    """

    covered: int
    groups: int
    shared: float
    mean: float
    largest: float
    simple: int
    pattern: str


def propose(names: Sequence[tuple[str, str]]) -> str:
    """A pattern that tells which images belong together, or "" where the names show none.

    Args:
        names: (relative path, class) of each used image, in any order.
    """
    return _propose(tuple(names))


# A folder is read anew with each decision of the person, and its names stay the same.
@lru_cache(maxsize=4)
def _propose(every: tuple[tuple[str, str], ...]) -> str:
    names = _stretches(sorted(every, key=lambda item: (nfc(item[0].rpartition("/")[2]), order(item[0]))))
    stems = [_SUFFIX.sub("", nfc(path.rpartition("/")[2])) for path, _ in names]
    tried: list[_Try] = []
    for simple, pattern in _candidates(stems):
        result = _tried(pattern, names, stems, simple)
        if result is not None:
            tried.append(result)
    if not tried:
        return ""
    covered = max(result.covered for result in tried)
    tried = [result for result in tried if result.covered == covered]
    # The part that comes first in a name is the widest one (a patient before a slide), unless it is one of few kinds.
    sure = [result for result in tried if result.groups >= SURE_GROUPS]
    if sure:
        return min(sure, key=lambda result: (result.groups, result.simple, result.pattern)).pattern
    return min(tried, key=lambda result: (-result.groups, result.simple, result.pattern)).pattern


def _stretches(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(names) <= _LOOKED_AT:
        return names
    length, step = _LOOKED_AT // _WINDOWS, len(names) // _WINDOWS
    return [name for window in range(_WINDOWS) for name in names[window * step : window * step + length]]


def _candidates(stems: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Patterns that may fit, each with the rank of its form."""
    words = _words(stems)
    for word, at_start in words.items():
        yield 0, numbers_after([word], at_start)
    if 1 < len(words) <= _MOST_TOGETHER:
        yield 2, numbers_after(sorted(words), all(words.values()))
    yield 1, NUMBER_AT_START
    for count in range(1, _MOST_FIELDS + 1):
        yield 2 + count, first_fields(count)
    yield 1, PARENT_FOLDER
    yield 2, GRANDPARENT_FOLDER


def _words(stems: Sequence[str]) -> dict[str, bool]:
    """Words before a number that may tell a group, and whether each stands at the start of a name.

    A number that comes after another one that varies counts within that (the slides of each case); only where the
    first one is different in every name, it is a mere counter.
    """
    before: defaultdict[str, list[str]] = defaultdict(list)
    values: defaultdict[str, set[str]] = defaultdict(set)
    for stem in set(stems):
        for match in _WORD_AND_NUMBER.finditer(stem):
            before[match[1]].append(stem[: match.start()])
            values[match[1]].add(match[2])
    distinct = len(set(stems))
    common = [word for word, found in before.items() if len(found) >= max(3, _COMMON * distinct)]
    common = sorted(common, key=lambda word: (-len(before[word]), word))[:_MOST_WORDS]
    words: dict[str, bool] = {}
    for word in sorted(common):
        kinds, n = len(set(before[word])), len(before[word])
        is_first = kinds <= max(5, 0.02 * n)
        follows_a_counter = kinds >= 0.95 * n and len(values[word]) >= SURE_GROUPS
        repeats = MIN_GROUPS <= len(values[word]) < n
        if repeats and (is_first or follows_a_counter):
            words[word] = set(before[word]) == {""}
    return words


def _tried(pattern: str, names: Sequence[tuple[str, str]], stems: Sequence[str], simple: int) -> _Try | None:
    """How the pattern does, or `None` where nobody would want it."""
    compiled = compile_pattern(pattern)
    by_path = "/" in pattern
    members: defaultdict[str, set[str]] = defaultdict(set)
    classes: defaultdict[str, set[str]] = defaultdict(set)
    for (path, class_name), stem in zip(names, stems, strict=True):
        found = find(compiled, path)
        if found is None:
            continue
        # The same name in several folders is one name: counters begin anew in each class.
        members[found[0]].add(path if by_path else stem)
        classes[found[0]].add(class_name)
    total = len(names) if by_path else len(set(stems))
    sizes = [len(group) for group in members.values()]
    if len(sizes) < MIN_GROUPS or _are_dates(members) or _are_kinds(members, classes):
        return None
    result = _Try(
        covered=round(10 * sum(sizes) / total),
        groups=len(sizes),
        shared=sum(size for size in sizes if size > 1) / total,
        mean=sum(sizes) / len(sizes),
        largest=max(sizes) / total,
        simple=simple,
        pattern=pattern,
    )
    # The more groups, the stranger a large one: what it holds is then rather what has no number of its own.
    largest = min(MOST_IN_ONE, max(0.05, 5 / result.groups))
    fits = result.mean >= MIN_MEAN and result.shared >= MIN_SHARED and result.largest <= largest
    return result if fits else None


def _are_dates(values: Collection[str]) -> bool:
    return sum(_DATE.fullmatch(value) is not None for value in values) >= 0.9 * len(values)


def _are_kinds(members: Mapping[str, set[str]], classes: Mapping[str, set[str]]) -> bool:
    """Whether it tells a kind of image (a class, a stain, a camera) and not an individual."""
    numbered = sum(len(group) for value, group in members.items() if any(map(str.isdigit, value)))
    if numbered < 0.8 * sum(map(len, members.values())) and len(members) < MANY_WORDS:
        return True
    of_one_class = [value for value, found in classes.items() if len(found) == 1]
    every = {name for found in classes.values() for name in found}
    return len(of_one_class) >= 0.95 * len(members) and len(members) < MIN_OF_A_CLASS * len(every)
