"""Negative transfer: whether what a network learned elsewhere helped here, and if not, why, as far as it can be told.

The same images, folds and epochs for four ways: the pretrained network frozen, fine-tuned, fine-tuned at a tenth of the
learning rates, and the same network from a random start.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from tlgui.core.atomic import write_bytes
from tlgui.core.comparison import Entrant
from tlgui.core.layer_events import LayersProbed
from tlgui.core.similarity import MeasuredSimilarity

if TYPE_CHECKING:
    from tlgui.core.comparison_result import Pair, Row

FROZEN = Entrant(strategy="feature-extraction")
TUNED = Entrant(strategy="fine-tune-top", top_groups=2)
SLOWER = Entrant(strategy="fine-tune-top", top_groups=2, rate_factor=0.1)
SCRATCH = Entrant(strategy="from-scratch")
ENTRANTS = (FROZEN, TUNED, SLOWER, SCRATCH)

Verdict = Literal["helped", "cannot be told apart", "hurt"]
_LAYERS = "layers.json"
_QUESTIONS = {
    "rate": "Learning rate too high?",
    "unlike": "Unlike what it learned from?",
    "memorised": "Learned by heart?",
}
_ANSWERS = {True: "Yes", False: "No", None: "Unclear"}
# Of the training images so many more were told right than of those that the run had not seen.
_BY_HEART = 0.15
# A lower layer group "tells as well" within so much accuracy.
_AS_WELL = 0.03


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        name: "rate", "unlike" or "memorised".
        holds: whether it seems to be so; `None` = it could not be told.
        sentence: what was found.
    """

    name: Literal["rate", "unlike", "memorised"]
    holds: bool | None
    sentence: str

    @property
    def line(self) -> str:
        """Question, answer and what was found, for people."""
        return f"{_QUESTIONS[self.name]} {_ANSWERS[self.holds]}. {self.sentence}"


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict.

    Attributes:
        verdict: of the better pretrained way against the random start.
        difference, low, high: its accuracy minus that of the random start, with the 95 % interval.
        tuning: of the fine-tuned network against the frozen one.
        sentence: both, for people.
        causes: looked at where pretraining or fine-tuning did not clearly help.
    """

    verdict: Verdict
    difference: float
    low: float
    high: float
    tuning: Verdict
    sentence: str
    causes: list[Cause]


def write_layers(folder: Path, layers: LayersProbed) -> None:
    """Keeps beside a comparison what each layer group tells; a disk that is full costs no more than that."""
    with contextlib.suppress(OSError):
        write_bytes(folder / _LAYERS, msgspec.json.encode(layers))


def read_layers(folder: Path) -> LayersProbed | None:
    """What was kept of that; `None` where nothing was."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((folder / _LAYERS).read_bytes(), type=LayersProbed)
    return None


def judge(
    rows: Sequence[Row],
    pairs: Sequence[Pair],
    similarity: MeasuredSimilarity | None,
    learned: float | None,
    layers: LayersProbed | None = None,
) -> Transfer:
    """The verdict of a comparison of `ENTRANTS`.

    Args:
        rows, pairs: of its result.
        similarity: of the images to everyday photographs, where it was measured.
        learned: share of its own training images that the fine-tuned network told right; `None` = not known.
        layers: what each layer group tells about the classes, where it was asked.
    """
    by_key = {row.key: row for row in rows}
    frozen, tuned, scratch = by_key[FROZEN.key], by_key[TUNED.key], by_key[SCRATCH.key]
    better = max((frozen, tuned, by_key[SLOWER.key]), key=lambda row: row.accuracy)
    verdict, difference, low, high = between(pairs, better.key, scratch.key)
    tuning, tuned_by, tuned_low, tuned_high = between(pairs, tuned.key, frozen.key)
    causes = []
    if verdict != "helped" or tuning != "helped":
        causes = [
            _rate(pairs),
            _unlike(similarity, layers),
            _memorised(tuned, learned),
        ]
    return Transfer(
        verdict=verdict,
        difference=difference,
        low=low,
        high=high,
        tuning=tuning,
        sentence=f"{_of_pretraining(verdict, better, difference, low, high)} "
        f"{_of_tuning(tuning, tuned_by, tuned_low, tuned_high)}",
        causes=causes,
    )


def between(pairs: Sequence[Pair], one: str, other: str) -> tuple[Verdict, float, float, float]:
    """How a way stands against another one: verdict (adjusted for all pairs), difference and interval."""
    for pair in pairs:
        if (pair.a, pair.b) == (one, other):
            sign, (difference, low, high) = 1, (pair.difference, pair.low, pair.high)
        elif (pair.a, pair.b) == (other, one):
            sign, (difference, low, high) = -1, (-pair.difference, -pair.high, -pair.low)
        else:
            continue
        if pair.verdict == "cannot be told apart":
            return "cannot be told apart", difference, low, high
        first = (pair.verdict == "a is better") == (sign == 1)
        return ("helped" if first else "hurt"), difference, low, high
    raise ValueError(f"{one} and {other} were not compared")


def _of_pretraining(verdict: Verdict, better: Row, difference: float, low: float, high: float) -> str:
    how = f"{better.label[0].lower()}{better.label[1:]}"
    if verdict == "helped":
        return (
            f"Transfer helped by {points(difference, low, high)}: {how} against the same network from a random start."
        )
    if verdict == "hurt":
        return (
            f"Transfer hurts by {points(-difference, -high, -low)}: the random start is better than {how}. This is called "
            "negative transfer."
        )
    return (
        f"Whether transfer helps cannot be told: {how} against a random start is {signed(difference, low, high)}. The "
        "random start is not clearly worse, so count on nothing from pretraining here."
    )


def _of_tuning(verdict: Verdict, difference: float, low: float, high: float) -> str:
    if verdict == "helped":
        return f"Fine-tuning gained {points(difference, low, high)} over the frozen network."
    if verdict == "hurt":
        return f"Fine-tuning lost {points(-difference, -high, -low)} against the frozen network."
    return f"Fine-tuned and frozen cannot be told apart: {signed(difference, low, high)}."


def _rate(pairs: Sequence[Pair]) -> Cause:
    verdict, difference, low, high = between(pairs, SLOWER.key, TUNED.key)
    if verdict == "helped":
        return Cause(
            name="rate",
            holds=True,
            sentence=f"The learning rates were too high: with a tenth of them it is {points(difference, low, high)} better.",
        )
    return Cause(
        name="rate",
        holds=False if verdict == "hurt" or high < 0.05 else None,
        sentence=f"A tenth of the learning rates changed accuracy by {signed(difference, low, high)}"
        + (": they are not what holds it back." if verdict == "hurt" else ", which may be chance."),
    )


def _unlike(similarity: MeasuredSimilarity | None, layers: LayersProbed | None) -> Cause:
    said, holds = [], None
    if similarity is not None and similarity.band is not None:
        holds = similarity.band == "far"
        words = {
            "near": "look like everyday photographs to the network",
            "middle": "look partly like everyday photographs to the network",
            "far": "look like nothing that the network learned from",
        }[similarity.band]
        said.append(f"The images {words} (similarity {similarity.value:.2f}).")
    if layers is not None and layers.groups:
        top = layers.groups[-1]
        lower = layers.groups[: (len(layers.groups) + 1) // 2]
        best = max(lower, key=lambda group: group.accuracy)
        if best.accuracy >= top.accuracy - _AS_WELL and best.low >= top.accuracy - 3 * _AS_WELL:
            early: bool | None = True
            said.append(
                f"The layer group '{best.name}' tells the classes as well as the uppermost one: what the upper layers "
                "learned elsewhere adds nothing here."
            )
        elif best.high < top.low:
            early = False
            said.append("Upper layers tell more than lower ones, so what they learned elsewhere is of use here.")
        else:
            early = None
        # Where the two findings disagree, or one of them is open, nothing is said for sure.
        holds = early if holds is None or holds == early else None
    if not said:
        return Cause(name="unlike", holds=None, sentence="How like everyday photographs they are was not measured.")
    return Cause(name="unlike", holds=holds, sentence=" ".join(said))


def _memorised(tuned: Row, learned: float | None) -> Cause:
    if learned is None:
        return Cause(name="memorised", holds=None, sentence="How many training images it has learned was not measured.")
    gap = learned - tuned.accuracy
    holds = gap >= _BY_HEART
    return Cause(
        name="memorised",
        holds=holds,
        sentence=f"The fine-tuned network tells {100 * learned:.0f} % of its training images right and "
        f"{100 * tuned.accuracy:.0f} % of the others"
        + (": it has learned images by heart, so there are too few for what learns." if holds else "."),
    )


def points(value: float, low: float, high: float) -> str:
    """A difference with its interval, whose sign the words beside it say."""
    return f"{100 * value:.1f} points ({100 * low:.1f} to {100 * high:.1f})"


def signed(value: float, low: float, high: float) -> str:
    """A difference with its interval and signs."""
    # Rounded first: a difference of nothing has no sign.
    value, low, high = (round(100 * one, 1) + 0.0 for one in (value, low, high))
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"
