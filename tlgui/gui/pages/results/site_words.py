"""Before and after adapting to a new site, in words: rows of a table, and what was made worse. No widget."""

from __future__ import annotations

from typing import NamedTuple

from tlgui.core import site_score
from tlgui.core.before_after import BeforeAfter, Known
from tlgui.core.paired import Paired
from tlgui.core.site_score import Accuracy, Difference, PartScore
from tlgui.core.strategies import STRATEGIES
from tlgui.gui import numbers
from tlgui.gui.run_site import share_of_entropy, spread_words, sure_words

NOT_KNOWN = "not known"
_NOT_ANSWERED = "A run that does not adapt never answered these images."
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


def rows(found: BeforeAfter) -> list[Row]:
    """All lines of the table, the known site first."""
    lines = [_known_row(one) for one in found.known]
    seen = found.seen
    sure = share_of_entropy(seen.target_entropy if seen else None, found.classes, of_least=True)
    spread = share_of_entropy(seen.target_spread if seen else None, found.classes)
    why = _NOT_ANSWERED if found.before is not None else _NO_RUN
    for name, share, words in (
        ("sureness of the answers", sure, sure_words(sure)),
        ("spread of the answers", spread, spread_words(spread)),
    ):
        after = (
            Value(numbers.percent(share, 0), words)
            if share is not None
            else Value(NOT_KNOWN, "", "This way of adapting writes none down.")
        )
        lines.append(Row("New site, unlabelled", name, Value(NOT_KNOWN, "", why), after))
    if found.score is None:
        none = Value("not measured", "", "Score on labelled images of the new site, below.")
        lines.append(Row("New site, labelled", "none were scored", none, none))
    else:
        lines += [_labelled_row(part, found) for part in found.score.parts]
    return lines


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


def about_score(found: BeforeAfter) -> str:
    """What the labelled images were used for, and how often; "" where there are none."""
    if found.score is None:
        return ""
    return f"“{found.score.folder}”: {site_score.looks_sentence(found.score)}"


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
        f"{100 * pair.difference:+.1f} points",
        f"{100 * pair.low:+.1f} to {100 * pair.high:+.1f}, {p}",
        f"{pair.better:,} right only after adapting, {pair.worse:,} only before, of {pair.images:,} (McNemar, exact).",
    )


def _points(difference: float, low: float, high: float) -> str:
    return f"{100 * difference:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"


def _tone(outcome: str) -> str:
    return {"helped": "good", "hurt": "bad"}.get(outcome, "")
