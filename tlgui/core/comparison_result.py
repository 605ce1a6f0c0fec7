"""What a comparison found: accuracies with intervals, every pair told apart or not, and the cheapest way that is not worse."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from tlgui.core import beginnings, transfer
from tlgui.core import comparison as comparisons
from tlgui.core.comparison import Comparison, Entrant, Leg
from tlgui.core.comparison_answers import (
    Answers,
    answers_of,
    has_test,
    names,
    pooled,
    refuse_different,
    refuse_other_classes,
)
from tlgui.core.errors import UserError
from tlgui.core.paired import LEVEL, Paired, compare
from tlgui.core.run_folder import RunFolder
from tlgui.core.shares import clustered
from tlgui.core.transfer import Transfer

ScoredOn = Literal["out-of-fold", "validation", "test"]
_ON = {
    "out-of-fold": "images, each scored by the run that had not seen it",
    "validation": "validation images",
    "test": "test images",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One way in the result; `low` to `high` is the 95 % interval of its accuracy on `n` images."""

    key: str
    label: str
    accuracy: float
    low: float
    high: float
    n: int
    seconds: float
    trainable_parameters: int
    runs: int


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two ways on the same images.

    Attributes:
        a, b: their keys.
        better, worse: images right with a alone, and with b alone.
        difference, low, high: accuracy of a minus that of b, with its 95 % interval.
        p: McNemar's exact probability; `p_adjusted` counts that so many pairs were looked at (Holm 1979).
        verdict: which is better, or that they cannot be told apart (by `p_adjusted`).
    """

    a: str
    b: str
    better: int
    worse: int
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    verdict: Literal["a is better", "b is better", "cannot be told apart"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it.

    Attributes:
        scored_on: which images; a choice by test images uses them up.
        images: that all ways answered.
        folds: 0 = one split.
        epochs: each way was trained so many; 0 = they differ.
        rows: as they were named.
        pairs: each two of them.
        winner: better than every other one; `None` = there is no winner.
        best: the highest accuracy, which may be luck.
        cheapest: the way with the fewest seconds that cannot be told from `best`; see `at_most_worse`.
        at_most_worse: by how much the cheapest way may be worse than the best one, by the interval; 0 where it is it.
        test_looks: how often test images were scored for this.
        sentences: what people read.
        transfer: whether pretraining helped, where that was asked.
    """

    scored_on: ScoredOn
    images: int
    folds: int
    epochs: int
    rows: list[Row]
    pairs: list[Pair]
    winner: str | None
    best: str
    cheapest: str
    at_most_worse: float
    test_looks: int
    sentences: list[str]
    transfer: Transfer | None = None


def of_comparison(folder: Path) -> Result:
    """The result of a comparison that is whole.

    Raises:
        UserError: it is not, or a run's files are damaged.
    """
    asked = comparisons.read(folder)
    left = len(comparisons.still_to_train(folder, asked))
    if left:
        raise UserError(
            f"The comparison '{folder.name}' is not whole: {left} run{'s are' if left > 1 else ' is'} still to be trained.",
            "Go on with it first.",
            code="comparison_unfinished",
        )
    part = "test" if asked.folds else "validation"
    legs = list(asked.legs())
    answers = []
    for entrant in asked.entrants:
        mine = [
            answers_of(RunFolder(folder / leg.folder), part, entrant.key, entrant.label)
            for leg in legs
            if leg.entrant == entrant
        ]
        answers.append(pooled(mine))
    if len({_split(folder, legs, entrant, part) for entrant in asked.entrants}) > 1:
        raise UserError(
            f"The ways in '{folder.name}' were not scored on the same images: the split changed between them.",
            "Begin a new comparison.",
            code="not_comparable",
        )
    looks = sum(has_test(RunFolder(folder / leg.folder)) for leg in legs) if not asked.folds else len(asked.entrants)
    result = judge(answers, asked.scored_on, looks, asked)
    if asked.purpose == "source" and asked.source is not None:
        said = beginnings.sentences(asked.entrants, result.pairs, asked.source)
        return msgspec.structs.replace(result, sentences=[*said, *result.sentences])
    if asked.purpose != "transfer":
        return result
    tuned = [RunFolder(folder / leg.folder) for leg in legs if leg.entrant == transfer.TUNED]
    learned = [told for run in tuned for told in answers_of(run, "train", "", "").right.values()]
    found = transfer.judge(
        result.rows,
        result.pairs,
        tuned[0].spec().similarity,
        sum(learned) / len(learned) if learned else None,
        transfer.read_layers(folder),
    )
    return msgspec.structs.replace(result, transfer=found)


def _split(folder: Path, legs: Sequence[Leg], entrant: Entrant, part: str) -> frozenset[tuple[int, str]]:
    """Which images score a way in which fold, by what was meant: of those that vanished since there is no answer."""
    return frozenset(
        (leg.fold, row.content_hash)
        for leg in legs
        if leg.entrant == entrant
        for row in RunFolder(folder / leg.folder).manifest()
        if row.part == part
    )


def of_runs(runs: Sequence[RunFolder]) -> Result:
    """Finished runs, compared on the images that tested each of them.

    Raises:
        UserError: fewer than two, one is not finished, or they were not tested on the same images.
    """
    if len(runs) < 2:
        raise UserError("One run alone cannot be compared.", "Name two or more run folders.")
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise UserError("A run cannot be compared with itself.", "Name each run folder once.")
    for run in runs:
        if not (run.results / "predictions.csv").is_file():
            raise UserError(f"The run '{run.name}' has no scores yet.", "Let it end, or continue it, and compare then.")
    tested = [has_test(run) for run in runs]
    part: Literal["test", "validation"] = "test" if all(tested) else "validation"
    if part == "validation" and any(tested):
        raise UserError(
            f"The run '{runs[tested.index(True)].name}' was tested on test images, '{runs[tested.index(False)].name}' "
            "has none, so their scores are of different images.",
            "Train both on the same split.",
            code="not_comparable",
        )
    answers = [answers_of(run, part, name, name) for run, name in zip(runs, names(runs), strict=True)]
    refuse_different(runs, answers, part)
    refuse_other_classes(runs)
    return judge(answers, part, len(runs) if part == "test" else 0)


def judge(answers: Sequence[Answers], scored_on: ScoredOn, test_looks: int, asked: Comparison | None = None) -> Result:
    """Accuracies, pairs and what follows from them.

    Args:
        answers: of at least two ways, with distinct keys; compared are the images that all have.
        scored_on: which images these are.
        test_looks: how often test images were scored.
        asked: the comparison, where it is one.

    Raises:
        UserError: there is no image that all answered.
    """
    common = sorted(set.intersection(*(set(one.right) for one in answers)))
    if not common:
        raise UserError("These ways have no image in common.", "Compare runs that were tested on the same images.")
    number = {name: place for place, name in enumerate(common)}
    # Runs may keep images together by different things: the one that leaves the fewest witnesses counts.
    coarsest = min(answers, key=lambda one: len({one.groups[name] or name for name in common}))
    groups = [coarsest.groups[name] for name in common]
    right = {one.key: {number[name]: one.right[name] for name in common} for one in answers}
    rows = [_row(one, right[one.key], groups) for one in answers]
    found = {(a.key, b.key): compare(right[a.key], right[b.key], groups) for a, b in itertools.combinations(answers, 2)}
    pairs = _pairs(found)
    best = max(rows, key=lambda row: (row.accuracy, -row.seconds, -row.trainable_parameters))
    winner = best.key if all(_beats(best.key, row.key, pairs) for row in rows if row is not best) else None
    # Not adjusted for the number of pairs: that would call more ways "not worse".
    equal = [row for row in rows if row is best or _not_worse(best.key, row.key, found)]
    cheapest = min(equal, key=lambda row: (row.seconds, row.trainable_parameters))
    worse = 0.0 if cheapest is best else _at_most_worse(best.key, cheapest.key, found)
    return Result(
        scored_on=scored_on,
        images=len(common),
        folds=asked.folds if asked else 0,
        epochs=asked.epochs if asked else 0,
        rows=rows,
        pairs=pairs,
        winner=winner,
        best=best.key,
        cheapest=cheapest.key,
        at_most_worse=worse,
        test_looks=test_looks,
        sentences=_sentences(rows, best, winner, cheapest, worse, scored_on, test_looks, asked),
    )


def holm(probabilities: Sequence[float]) -> list[float]:
    """Probabilities of several tests, adjusted so that all of them together err in at most 5 %, in their order.

    Source: Holm 1979, Scandinavian Journal of Statistics 6:65.
    """
    order = sorted(range(len(probabilities)), key=lambda place: probabilities[place])
    adjusted, running = [0.0] * len(probabilities), 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(probabilities) - rank) * probabilities[place]))
        adjusted[place] = running
    return adjusted


def _pairs(found: Mapping[tuple[str, str], Paired]) -> list[Pair]:
    adjusted = holm([paired.p for paired in found.values()])
    pairs = []
    for ((a, b), paired), p in zip(found.items(), adjusted, strict=True):
        apart = p <= LEVEL and paired.better != paired.worse
        better = "a is better" if paired.better > paired.worse else "b is better"
        pairs.append(
            Pair(
                a=a, b=b, better=paired.better, worse=paired.worse, difference=paired.difference,
                low=paired.low, high=paired.high, p=paired.p, p_adjusted=p,
                verdict=better if apart else "cannot be told apart",  # type: ignore[arg-type]
            )
        )  # fmt: skip
    return pairs


def _beats(one: str, other: str, pairs: Sequence[Pair]) -> bool:
    for pair in pairs:
        if (pair.a, pair.b) == (one, other):
            return pair.verdict == "a is better"
        if (pair.a, pair.b) == (other, one):
            return pair.verdict == "b is better"
    return False


def _not_worse(best: str, other: str, found: Mapping[tuple[str, str], Paired]) -> bool:
    paired = found.get((best, other))
    return (paired.outcome != "helped") if paired is not None else found[other, best].outcome != "hurt"


def _at_most_worse(best: str, other: str, found: Mapping[tuple[str, str], Paired]) -> float:
    paired = found.get((best, other))
    return max(0.0, paired.high if paired is not None else -found[other, best].low)


def _row(one: Answers, right: Mapping[int, bool], groups: Sequence[str]) -> Row:
    told = [right[place] for place in range(len(right))]
    low, high = clustered(told, groups)
    return Row(
        key=one.key,
        label=one.label,
        accuracy=sum(told) / len(told),
        low=low,
        high=high,
        n=len(told),
        seconds=round(one.seconds, 2),
        trainable_parameters=one.trainable,
        runs=one.runs,
    )


def _sentences(
    rows: Sequence[Row],
    best: Row,
    winner: str | None,
    cheapest: Row,
    worse: float,
    scored_on: ScoredOn,
    test_looks: int,
    asked: Comparison | None,
) -> list[str]:
    n = best.n
    said = []
    # Of a run it is the name of its folder, which is left as it is.
    best_label, cheapest_label = (row.label.lower() if asked is not None else row.label for row in (best, cheapest))
    if winner is not None:
        comma = "," if scored_on == "out-of-fold" else ""
        said.append(
            f"{best.label} is better than each other way: {_score(best)} of {n:,} {_ON[scored_on]}{comma} are right."
        )
    else:
        said.append(
            f"There is no winner: on {n:,} {_ON[scored_on]}, the best score, {_score(best)} by {best_label}, cannot "
            f"be told from {'the other one' if len(rows) == 2 else 'at least one other'}."
        )
    if cheapest is not best:
        said.append(
            f"Cheapest that is not clearly worse: {cheapest_label}, {_score(cheapest)} in "
            f"{took(cheapest.seconds)} against {took(best.seconds)}. It may be up to {100 * worse:.1f} points worse."
        )
    if scored_on == "out-of-fold":
        said.append(
            "These scores choose a way; that of the best of several is a little optimistic. Images that test a run of this set "
            "took no part, so they can still test what is chosen."
        )
    elif scored_on == "validation":
        said.append(
            "Validation images also chose the epoch of each way, so all scores are a little optimistic, and alike so."
        )
    if scored_on == "test":
        said.append(
            f"The test images were looked at {test_looks} times here. A choice by them uses them up: the score of what you "
            "choose is optimistic."
        )
    elif asked is not None and not asked.folds and test_looks:
        said.append(f"The test images were scored {test_looks} times, once at the end of each run, and chose nothing.")
    return said


def _score(row: Row) -> str:
    return f"{100 * row.accuracy:.1f} % ({100 * row.low:.1f} to {100 * row.high:.1f})"


def took(seconds: float) -> str:
    """Seconds for people."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
