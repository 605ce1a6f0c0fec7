"""The part of a file name that tells what belongs together: a regular expression, made safe and put in words."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from tlgui.core.errors import UserError
from tlgui.core.records import NameExample
from tlgui.imaging.names import nfc, order

MOST_CHARACTERS = 200
_MOST_WIDE = 2  # ".*" and the like: each one more multiplies the work by the length of a name
EXAMPLES = 5

# Forms that we propose ourselves; `sentence_of` knows them again.
NUMBER_AT_START = r"^(\d+)[a-zA-Z]?[-_ .]"
PARENT_FOLDER = r"([^/]+)/[^/]+$"
GRANDPARENT_FOLDER = r"([^/]+)/[^/]+/[^/]+$"
_FIELD, _SEPARATOR = "[^-_ ]+", "[-_ ]"
_START, _WITHIN = "^", "(?:^|[^a-zA-Z])"
_BEFORE, _WORD = r"(?:\^|\(\?:\^\|\[\^a-zA-Z\]\))", r"[^\W\d_]+[-_ ]?"
_AFTER_WORD = re.compile(rf"{_BEFORE}({_WORD})\(\\d\+\)")
_AFTER_WORDS = re.compile(rf"{_BEFORE}\(((?:{_WORD}\\d\+\|?)+)\)")

# An escaped sign, a class of signs, a repetition, or any other sign.
_TOKENS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|.", re.DOTALL)
_REPEAT = re.compile(r"[*+]|\{(?:\d+,?\d*|,\d+)\}")

_SENTENCES = {
    NUMBER_AT_START: "the number at the start of the file name",
    PARENT_FOLDER: "the folder that an image lies in",
    GRANDPARENT_FOLDER: "the folder around the one that an image lies in",
}


def first_fields(count: int) -> str:
    """A pattern for the first parts of a name, between which lie "-", "_" or a space; something must follow."""
    return f"^({_SEPARATOR.join([_FIELD] * count)}){_SEPARATOR}"


def numbers_after(words: Sequence[str], at_start: bool) -> str:
    """A pattern for the number after one of these words; of several words, the word is part of the key.

    Args:
        words: letters, and perhaps a "-", "_" or space at the end.
        at_start: each name begins with one of them.
    """
    before = _START if at_start else _WITHIN
    return before + (rf"{words[0]}(\d+)" if len(words) == 1 else f"({_either(words)})")


def _either(words: Sequence[str]) -> str:
    return "|".join(rf"{word}\d+" for word in words)


def sentence_of(pattern: str) -> str:
    """The pattern in words, such as "the number after 'person' in the file name"."""
    if pattern in _SENTENCES:
        return _SENTENCES[pattern]
    for count, which in enumerate(("first", "second", "third", "4th", "5th", "6th"), 1):
        if pattern == first_fields(count):
            return f"the file name up to its {which} '-', '_' or space"
    words: list[str] = []
    if one := _AFTER_WORD.fullmatch(pattern):
        words = [one[1]]
    elif several := _AFTER_WORDS.fullmatch(pattern):
        words = [word.removesuffix(r"\d+") for word in several[1].split("|")]
    if words:
        named = " or ".join(f"'{word}'" for word in words)
        return f"the number after {named} in the file name"
    return f"what the pattern {pattern} finds in the {'path' if '/' in pattern else 'file name'}"


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern, where it can do no harm.

    Raises:
        UserError: it is no regular expression, has no group, or could take for ever on some name.
    """
    example = r"Write it like 'patient(\d+)': the part in brackets is what images must share."
    if len(pattern) > MOST_CHARACTERS:
        raise UserError(f"The pattern is longer than {MOST_CHARACTERS} characters.", example)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later version of Python may read otherwise
            compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UserError(f"'{pattern}' is no regular expression: {error}.", example) from error
    if compiled.groups == 0:
        raise UserError(f"The pattern '{pattern}' has no part in brackets.", example)
    if _may_take_for_ever(pattern):
        raise UserError(f"The pattern '{pattern}' could take for ever on some names.", f"Make it simpler. {example}")
    return compiled


def find(pattern: re.Pattern[str], path: str) -> tuple[str, int, int] | None:
    """What the pattern captures, with its place in the text that it looks at (`text_of`); `None` = nothing."""
    match = pattern.search(text_of(pattern, path))
    if match is None or match.lastindex is None:
        return None
    # Of alternatives, each with a group of its own, one has taken part.
    group = next(number for number in range(1, match.re.groups + 1) if match.start(number) >= 0)
    return (match[group], match.start(group), match.end(group)) if match[group].strip() else None


def text_of(pattern: re.Pattern[str], path: str) -> str:
    """The file name, NFC; the whole relative path for a pattern with a "/" in it."""
    name = nfc(path)
    return name if "/" in pattern.pattern else name.rpartition("/")[2]


def examples_of(pattern: re.Pattern[str], groups: Mapping[str, list[str]]) -> list[NameExample]:
    """Five real names that show the pattern at work: of different groups, some of them shared.

    Args:
        pattern: compiled.
        groups: captured part -> paths, sorted.
    """
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for value in sorted(groups, key=lambda value: (-min(len(groups[value]), 3), order(groups[value][0]))):
        by_kind[re.sub(r"\d+", "0", value)].append(value)
    # The best one of each kind ("person12", "IM-0286"), then the second one of each, and so on.
    kinds = sorted(by_kind.values(), key=lambda values: -sum(len(groups[value]) for value in values))
    chosen = [value for row in zip_longest(*kinds) for value in row if value is not None][:EXAMPLES]
    shown = [path for value in chosen[:2] for path in groups[value][:2]] + [groups[value][0] for value in chosen[2:]]
    found = [(text_of(pattern, path), find(pattern, path)) for path in shown[:EXAMPLES]]
    return [NameExample(name=name, start=part[1], end=part[2]) for name, part in found if part is not None]


def _may_take_for_ever(pattern: str) -> bool:
    """Whether something that can repeat without end is repeated again, or ".*" stands there too often."""
    inside = [False]  # of each open group: whether it repeats something, or can be read in two ways
    wide = 0
    atom_is_wide = atom_repeats = False
    for token in _TOKENS.findall(pattern):
        if _REPEAT.fullmatch(token):
            if atom_repeats:
                return True
            if token in ("*", "+") or token.endswith(",}"):
                inside[-1] = True
                wide += atom_is_wide
        elif token == "|":
            inside[-1] = True
        elif token == "(":
            inside.append(False)
        atom_repeats = token == ")" and len(inside) > 1 and inside.pop()
        inside[-1] = inside[-1] or atom_repeats
        atom_is_wide = token in (".", r"\w", r"\W", r"\S", r"\D")
    return wide > _MOST_WIDE
