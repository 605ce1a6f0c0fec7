"""What reaches people in the window names nothing that is typed: each such remedy has a code with other words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tlgui
from tlgui.core.remedies import CODES, window_remedy

PACKAGE = Path(tlgui.__file__).parent
TYPED = re.compile(r"(?<![\w-])--[a-z]|\btlgui (?:train|continue|check|export)\b|\b(?:DIR|FILE)\b")


def texts_of(node: ast.AST) -> str:
    return " ".join(part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and type(part.value) is str)


def errors() -> Iterator[tuple[str, ast.Call]]:
    """Every place in the light and heavy parts where a person's error is made."""
    for folder in ("core", "imaging", "engine"):
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("UserError", "KnownFailure"):
                    yield f"{path.name}:{node.lineno}", node


def code_of(call: ast.Call) -> set[str]:
    return {
        part.value
        for keyword in call.keywords
        if keyword.arg == "code"
        for part in ast.walk(keyword.value)
        if isinstance(part, ast.Constant)
    }


def test_a_remedy_that_names_what_is_typed_has_a_code_with_the_windows_own_words() -> None:
    places = dict(errors())
    assert len(places) > 40
    named = {place: call for place, call in places.items() if TYPED.search(texts_of(call))}
    assert len(named) > 8
    for place, call in named.items():
        codes = {code for code in code_of(call) if isinstance(code, str)}
        assert codes and all(CODES.get(code) for code in codes), place


def test_every_code_that_is_raised_stands_in_the_table() -> None:
    for place, call in errors():
        assert {code for code in code_of(call) if isinstance(code, str)} <= CODES.keys(), place


@pytest.mark.parametrize("words", [words for words in CODES.values() if words])
def test_the_windows_words_are_sentences_without_anything_to_type(words: str) -> None:
    assert not TYPED.search(words)
    assert words.endswith(".") and words[0].isupper()


def test_words_of_the_code_go_first_and_others_stay_as_they_are() -> None:
    assert window_remedy("images_missing", "Say where it is with --data DIR.") == CODES["images_missing"]
    assert window_remedy("run_locked", "Wait until that ends.") == "Wait until that ends."
    assert window_remedy("", "Mend it.") == window_remedy("of a later version", "Mend it.") == "Mend it."
