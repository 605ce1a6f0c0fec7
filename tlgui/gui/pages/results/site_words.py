"""Before and after adapting to a new site, in words: rows of a table, and what was made worse. No widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tlgui.core import site_score
from tlgui.core.before_after import BeforeAfter, Known
from tlgui.core.paired import Paired
from tlgui.core.site_answers import SiteAnswers
from tlgui.core.site_score import Accuracy, Difference, PartScore
from tlgui.core.strategies import STRATEGIES
from tlgui.gui import numbers
from tlgui.gui.run_site import share_of_entropy, spread_words, sure_words

NOT_KNOWN = "not known"
_NOT_ASKED = "not asked yet"
_AS_GIVEN = (
    "Sureness and spread are of the probabilities as both runs give them; the page Train shows them without the temperature "
    "that is fitted at the end."
)
_NO_RUN = "There is no run without adapting to compare with."
HOW_TO_GET = (
    "There is no finished run without adapting of the same images and the same network in this project, so “before” is not "
    "known. Set up a new run from this one, press “Train without adapting” on the page Strategy, and train it: it is found "
    "here by itself then."
)


class Value(NamedTuple):
    """What stands in a place of the table: words, a second line, and why it is so (a tooltip)."""

    text: str
    second: str = ""
    why: str = ""


class Row(NamedTuple):
    """One line: what, on which images, and three values; `tone` is that of the difference."""

    name: str
    images: str
    before: Value
    after: Value
    difference: Value = Value("")
    tone: str = ""


def about_before(found: BeforeAfter) -> str:
    """Which run is "before", or how to get one."""
    if found.before is None:
        return HOW_TO_GET
    strategy = STRATEGIES[found.strategy].label.lower() if found.strategy in STRATEGIES else found.strategy
    return (
        f"Before is the run “{found.before.name}” ({strategy}): the newest one of the same images and network that did not "
        "adapt. The differences are on the same images."
    )


def rows(found: BeforeAfter, both: SiteAnswers | None = None) -> list[Row]:
    """All lines of the table, the known site first; `both`: what both runs said of the unlabelled images."""
    lines = [_known_row(one) for one in found.known]
    lines += _unlabelled_rows(found, both)
    if found.score is None:
        none = Value("not measured", "", "Score on labelled images of the new site, below.")
        lines.append(Row("New site, labelled", "none were scored", none, none))
    else:
        lines += [_labelled_row(part, found) for part in found.score.parts]
    return lines


def _unlabelled_rows(found: BeforeAfter, both: SiteAnswers | None) -> list[Row]:
    seen, classes = found.seen, found.classes
    sure: list[float | None]
    spread: list[float | None]
    if both is not None:
        sure, spread = [both.before.entropy, both.after.entropy], [both.before.spread, both.after.spread]
        images = f", {numbers.counted(both.images, 'image')}"
    else:
        sure, spread = [None, seen.target_entropy if seen else None], [None, seen.target_spread if seen else None]
        images = ""
    lines = []
    for name, values, words, of_least in (
        ("sureness", sure, sure_words, True),
        ("spread", spread, spread_words, False),
    ):
        shares = [share_of_entropy(value, classes, of_least=of_least) for value in values]
        before, after_ = (_share(share, words) for share in shares)
        lines.append(Row("New site, unlabelled", f"{name}{images or ' of the answers'}", before, after_))
    return lines


def _share(share: float | None, words: Callable[[float | None], str]) -> Value:
    return Value(numbers.percent(share, 0), words(share)) if share is not None else Value(NOT_KNOWN, _NOT_ASKED)


def made_worse(found: BeforeAfter) -> list[str]:
    """Where the run that adapted is worse than the one that did not, beyond the interval; a sentence each."""
    said = []
    for part in found.score.parts if found.score is not None else []:
        pair = part.beside
        if pair is not None and pair.outcome == "hurt":
            said.append(f"On labelled images of the new site: {_points(pair.difference, pair.low, pair.high)}.")
    for one in found.known:
        if one.paired is not None and one.paired.outcome == "hurt":
            points = _points(one.paired.difference, one.paired.low, one.paired.high)
            said.append(f"On {one.part} images of the known site: {points}.")
    return said


def about_score(found: BeforeAfter, asked_both: bool = False) -> str:
    """What the labelled images were used for, and how often; and of which probabilities the sureness is. "" for neither."""
    looks = f"“{found.score.folder}”: {site_score.looks_sentence(found.score)}" if found.score is not None else ""
    return " ".join(filter(None, (looks, _AS_GIVEN if asked_both else "")))


def _known_row(one: Known) -> Row:
    name = f"{numbers.count(one.after.n)} {one.part} images"
    before = _accuracy(one.before) if one.before is not None else Value(NOT_KNOWN, "", _NO_RUN)
    difference, tone = (_difference(one.paired), _tone(one.paired.outcome)) if one.paired else (Value(""), "")
    return Row("Known site", name, before, _accuracy(one.after), difference, tone)


def _labelled_row(part: PartScore, found: BeforeAfter) -> Row:
    images = f"{numbers.counted(part.accuracy.n, 'image')}, {_SPLITS.get(part.split, part.split)}"
    pair = part.beside
    if pair is None:
        why = "Score them again: there is a run to compare with now." if found.before is not None else _NO_RUN
        return Row("New site, labelled", images, Value(NOT_KNOWN, "", why), _accuracy(part.accuracy, part.note))
    other = found.before is None or pair.beside != found.before.name
    before = _accuracy(pair.accuracy, f"The run “{pair.beside}”." if other else "")
    return Row(
        "New site, labelled",
        images,
        before,
        _accuracy(part.accuracy, part.note),
        _difference(pair),
        _tone(pair.outcome),
    )


_SPLITS = {"new": "never seen", "known": "seen before without labels"}


def _accuracy(one: Accuracy, why: str = "") -> Value:
    return Value(numbers.percent(one.value), numbers.interval(one.low, one.high), why)


def _difference(pair: Paired | Difference) -> Value:
    p = "p < 0.001" if pair.p < 0.001 else f"p = {pair.p:.3f}"
    return Value(
        f"{_signed(pair.difference)} points",
        f"{_signed(pair.low)} to {_signed(pair.high)}, {p}",
        f"{pair.better:,} right only after adapting, {pair.worse:,} only before, of {pair.images:,} (McNemar, exact).",
    )


def _points(difference: float, low: float, high: float) -> str:
    return f"{_signed(difference)} points ({_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    """In points; a difference of nothing has no sign."""
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def _tone(outcome: str) -> str:
    return {"helped": "good", "hurt": "bad"}.get(outcome, "")
