"""How good the advice is: what it costs to follow it, and whether it holds when some images are missing.

python tests/benchmarks/measure_advice.py [--results FILE...] [--fitted SET...] [--checked SET...] [--markdown]
python tests/benchmarks/measure_advice.py stability SET... [--data DIR] [--copies N] [--seed N] [--trial]

The first trains nothing: it reads what `measure_accuracy.py` found. Regret is the accuracy of the best row less that of
the row "auto", which is what a person gets who follows the advice. The best of several noisy rows, scored on the answers
it was chosen by, looks better than it is; so the best is chosen on one random half of the images and some of the seeds,
and scored on the other half and the other seeds, in both directions and over many halves. Regret may be negative. It
leans low where the best row is hardly better than the next, as half of the images often name another one: the truth lies
between it and the in-sample figure.

`stability` asks `tlgui advise SET` of the whole set and of copies that lack a random tenth of the images of each folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tlgui.core.paired import LEVEL, Paired, compare

sys.path.insert(0, str(Path(__file__).resolve().parent))
from advice_stability import stability
from measure_accuracy import DEFAULT, SEEDS, Result, read, say

# On these the thresholds of `core.decision` were chosen, by their training and validation images.
FITTED = ("hymenoptera", "bccd_cells", "skin_ham7", "chest_xray_2k", "elpv_solar", "sign_digits")
RESULTS = Path(__file__).resolve().parent / "accuracy.jsonl"
CHECKED = Path(__file__).resolve().parent / "accuracy_checked.jsonl"
CLEARLY_WORSE = 0.03
HALVES, DRAWS = 200, 1_000
_TIE = 1e-9

Numbers = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Answers:
    """All rows of one set, on the images that all of them answered.

    Attributes:
        set, part: whose images.
        images: how many.
        right: row -> seed -> (images,) of 0 and 1.
        became: what the advice turned into, by how many of its seeds.
    """

    set: str
    part: str
    images: int
    right: dict[str, dict[int, Numbers]]
    became: Counter[str]

    @property
    def rivals(self) -> list[str]:
        """The rows that may be the best: all but the advised one."""
        return [row for row in self.right if row != DEFAULT]

    def mean(self, row: str, seeds: Iterable[int] = ()) -> Numbers:
        """(images,) share of the seeds that were right; of all seeds where the row has none of these."""
        runs = self.right[row]
        return np.asarray(np.mean([runs[seed] for seed in seeds if seed in runs] or list(runs.values()), axis=0))


@dataclass(frozen=True)
class Regret:
    """What following the advice costs on one set, in accuracy.

    Attributes:
        answers: of the set.
        honest: chosen and scored on different images, with its interval over images.
        draws: (DRAWS,) `honest` for images drawn anew, moved so that their mean is `honest`.
        chosen: row -> share of the halves in which it was the best.
        optimistic: the best row chosen and scored on the same images.
        best: that row.
        first_seed: advised (a) against it (b), first seed of each.
    """

    answers: Answers
    honest: Interval
    draws: Numbers
    chosen: dict[str, float]
    optimistic: float
    best: str
    first_seed: Paired

    @property
    def clearly_worse(self) -> bool:
        """By more than 3 points, and told apart."""
        return self.first_seed.difference < -CLEARLY_WORSE - _TIE and self.first_seed.p <= LEVEL


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--results", type=Path, nargs="+", default=[RESULTS, CHECKED], help="a later run replaces an earlier one"
    )
    parser.add_argument("--fitted", nargs="+", default=list(FITTED), help="sets on which thresholds were chosen")
    parser.add_argument("--checked", nargs="+", help="sets that were not looked at before (default: all others)")
    parser.add_argument("--markdown", action="store_true", help="tables for the README")
    second = parser.add_subparsers(dest="part").add_parser("stability", help="ask again with a tenth left out")
    second.add_argument("sets", nargs="+", metavar="SET")
    second.add_argument("--data", type=Path, help="folder of the sets (default: TLGUI_TEST_DATA, ../shared/data)")
    second.add_argument("--copies", type=int, default=5)
    second.add_argument("--seed", type=int, default=0)
    second.add_argument("--trial", action="store_true", help="hold the short trial too, as training does")
    options = parser.parse_args(arguments)
    if options.part == "stability":
        data = options.data or Path(os.environ.get("TLGUI_TEST_DATA") or Path.cwd().parent / "shared" / "data")
        for name in options.sets:
            stability(data / name, options.copies, options.seed, options.trial)
        return 0
    results = list(chain.from_iterable(read(file) for file in options.results))
    say(report(results, options.fitted, options.checked, options.markdown))
    return 0


# -- regret --------------------------------------------------------------------------------------------------------


def answers_of(results: Sequence[Result], name: str) -> Answers | str:
    """The rows of a set, or why there is nothing to compare."""
    runs = {(one.row, one.seed): one for one in results if one.set == name}
    rows = sorted({row for row, _ in runs}, key=lambda row: (list(SEEDS).index(row) if row in SEEDS else 99, row))
    if DEFAULT not in rows or len(rows) == 1:
        return f"{name}: {'no other row' if rows == [DEFAULT] else 'no advised row'} in the results."
    became = Counter(run.became for (row, _), run in sorted(runs.items()) if row == DEFAULT)
    part = next(iter(runs.values())).part
    paths = sorted(set.intersection(*(set(run.right) for run in runs.values())))
    if 2 * len(paths) < min(len(run.right) for run in runs.values()):
        # A folder without parts is split by the seed: each seed scores other images, and they cannot be averaged.
        return _split_by_seed(name, part, runs, became)
    if len(paths) < 2:
        return f"{name}: its rows have fewer than two images in common."
    right: dict[str, dict[int, Numbers]] = {row: {} for row in rows}
    for (row, seed), run in sorted(runs.items()):
        right[row][seed] = np.array([run.right[path] for path in paths], dtype=np.float64)
    return Answers(name, part, len(paths), right, became)


def _split_by_seed(name: str, part: str, runs: Mapping[tuple[str, int], Result], became: Counter[str]) -> Answers | str:
    """The images of all seeds side by side; rows that lack one of the seeds are left out.

    An image may be scored under two seeds; that is taken as two images, so the interval is a little narrow.
    """
    seeds = sorted(seed for row, seed in runs if row == DEFAULT)
    rows = [row for row in dict.fromkeys(row for row, _ in runs) if all((row, seed) in runs for seed in seeds)]
    if len(rows) < 2:
        return f"{name}: each seed has a split of its own, and no other row has all seeds of the advised one."
    shared = {seed: sorted(set.intersection(*(set(runs[row, seed].right) for row in rows))) for seed in seeds}
    right = {
        row: {0: np.array([runs[row, seed].right[path] for seed in seeds for path in shared[seed]], dtype=np.float64)}
        for row in rows
    }
    return Answers(name, f"{part}, {len(seeds)} splits", sum(map(len, shared.values())), right, became)


def regret_of(answers: Answers, halves: int = HALVES, draws: int = DRAWS, seed: int = 0) -> Regret:
    """What following the advice costs on one set; the same seed gives the same figures."""
    once = np.ones((1, answers.images))
    value, chosen = by_halves(answers, once, halves, seed)
    rng = np.random.default_rng([seed, 1])
    weights = rng.multinomial(answers.images, [1 / answers.images] * answers.images, size=draws).astype(np.float64)
    drawn, _ = by_halves(answers, weights, halves, seed)
    # In a sample drawn anew, rows that differed by chance differ in truth: its regret lies nearer to the optimistic one.
    # So the draws say how far the estimate may be off, and not where it is.
    drawn += value[0] - drawn.mean()
    scores = {row: float(answers.mean(row).mean()) for row in answers.right}
    best = max(answers.rivals, key=lambda row: scores[row])
    return Regret(
        answers=answers,
        honest=interval(float(value[0]), drawn),
        draws=drawn,
        chosen=chosen,
        optimistic=scores[best] - scores[DEFAULT],
        best=best,
        first_seed=compare(_first(answers, DEFAULT), _first(answers, best)),
    )


def by_halves(answers: Answers, weights: Numbers, halves: int, seed: int) -> tuple[Numbers, dict[str, float]]:
    """The honest regret of each weighting of the images, and how often each row was the best.

    Copies of an image that was drawn twice lie in the same half: else the best row would be scored on what it was chosen
    by. Rows that are equally good on the choosing half share the place. Seeds are parted for all rows alike, so that rows
    that are the same training stay the same; a row that has no seed in a part gives all of its seeds there.

    Args:
        weights: (draws, images), how often each image counts.
        halves: how many random halves, each used in both directions.
        seed: of halves and seed parts.

    Returns:
        (draws,) mean over halves and directions; by row its share of choices.
    """
    rng = np.random.default_rng([seed, 0])
    n, rivals = answers.images, answers.rivals
    seeds = sorted(set(chain.from_iterable(answers.right.values())))
    masks: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Numbers]] = defaultdict(list)
    for _ in range(halves):
        mask = np.zeros(n)
        mask[rng.permutation(n)[: n // 2]] = 1
        some = sorted(int(one) for one in rng.permutation(seeds)[: len(seeds) // 2]) or seeds
        others = [one for one in seeds if one not in some] or seeds
        masks[tuple(some), tuple(others)].append(mask)
        masks[tuple(others), tuple(some)].append(1 - mask)
    total, shares = np.zeros(len(weights)), np.zeros(len(rivals))
    for (choosing, scoring), chosen_on in masks.items():
        choose = np.array(chosen_on).T
        score = 1 - choose
        first = np.stack([(weights * answers.mean(row, choosing)) @ choose for row in rivals])
        second = np.stack([(weights * answers.mean(row, scoring)) @ score for row in rivals])
        advised = (weights * answers.mean(DEFAULT, scoring)) @ score
        best = (first >= first.max(axis=0) - _TIE).astype(np.float64)
        best /= best.sum(axis=0)
        total += (((best * second).sum(axis=0) - advised) / np.maximum(weights @ score, 1)).sum(axis=1)
        shares += best.mean(axis=1).sum(axis=1)
    shares /= 2 * halves
    return total / (2 * halves), dict(zip(rivals, shares.tolist(), strict=True))


def means(regrets: Sequence[Regret], seed: int = 0) -> tuple[Interval, Interval]:
    """Mean regret over sets: with images drawn anew within each set, and with the sets drawn anew too."""
    values = np.array([one.honest.value for one in regrets])
    draws = np.stack([one.draws for one in regrets])
    sets, count = draws.shape
    rng = np.random.default_rng([seed, 2])
    wider = draws[rng.integers(sets, size=(count, sets)), rng.integers(count, size=(count, sets))].mean(axis=1)
    value = float(values.mean())
    return interval(value, draws.mean(axis=0)), interval(value, wider)


def interval(value: float, draws: Numbers) -> Interval:
    """The value between the draws' 2.5 and 97.5 % points."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _first(answers: Answers, row: str) -> Mapping[int, bool]:
    runs = answers.right[row]
    return {number: bool(right) for number, right in enumerate(runs[min(runs)])}


# -- what it says --------------------------------------------------------------------------------------------------

_HEADS = (
    "set", "images", "seeds", "advice became", "best row (share of halves)", "regret, points (95 %)",
    "in-sample (optimistic)", "advised - best in sample, first seed", "McNemar p", "",
)  # fmt: skip


def report(
    results: Sequence[Result], fitted: Sequence[str], checked: Sequence[str] | None, markdown: bool = False
) -> str:
    """Both tables with their means, then what must be known to read them."""
    names = list(dict.fromkeys(one.set for one in results))
    if checked is None:
        checked = [name for name in names if name not in fitted]
    parts = []
    every: list[Regret] = []
    notes = [f"{name}: in neither table." for name in names if name not in {*fitted, *checked}]
    for title, wanted in (("Sets on which thresholds were chosen", fitted), ("Sets not looked at before", checked)):
        found: list[Regret] = []
        for name in wanted:
            answers = answers_of(results, name) if name in names else f"{name}: no results."
            if isinstance(answers, str):
                notes.append(answers)
                continue
            found.append(regret_of(answers))
            notes += remarks(answers)
        parts.append(f"**{title}**\n" if markdown else f"{title}\n")
        parts.append(_table([_HEADS, *(line(one) for one in found)], markdown) if found else "None has results yet.\n")
        if found:
            parts.append(summary(found))
            every += found
    if len(every) > len(found):
        parts.append(f"All sets: {summary(every)}")
    notes.append(
        f"Best row: all but '{DEFAULT}'. Regret: chosen on half of the images and seeds, scored on the others, {HALVES} "
        "halves in both directions; it leans low, in-sample (best row chosen and scored on everything) leans high. "
        "Intervals: bootstrap over images, which holds the runs fixed. 'worse': below the best row by more than "
        f"{100 * CLEARLY_WORSE:.0f} points and told apart (exact McNemar, p <= {LEVEL}); that two were not told apart "
        "does not make them equal."
    )
    return "\n".join(chain(parts, (f"- {note}" for note in dict.fromkeys(notes)))) + "\n"


def remarks(answers: Answers) -> Iterator[str]:
    """What is particular about a set's rows."""
    single = [row for row, runs in answers.right.items() if len(runs) == 1]
    if single and any(len(runs) > 1 for runs in answers.right.values()):
        yield f"One seed, used in both halves (the images differ): {', '.join(single)}."
    absent = [row for row in SEEDS if row not in answers.right]
    if absent:
        yield f"{answers.set}: compared without {', '.join(absent)}."
    if not answers.part.startswith("test"):
        yield f"{answers.set}: scored on {answers.part} images, by which the epoch was chosen too."


def line(one: Regret) -> tuple[str, ...]:
    """The cells of one set."""
    answers, first = one.answers, one.first_seed
    most = max(one.chosen, key=lambda row: one.chosen[row])
    counts = [len(runs) for runs in answers.right.values()]
    return (
        answers.set,
        f"{answers.images} {answers.part}",
        f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else str(counts[0]),
        ", ".join(f"{name} x{count}" for name, count in answers.became.most_common()),
        f"{most} ({100 * one.chosen[most]:.0f} %)",
        points(one.honest),
        signed(one.optimistic),
        f"{signed(first.difference)} ({one.best})",
        f"{first.p:.2f}" if first.p >= 0.01 else f"{first.p:.1g}",
        "worse" if one.clearly_worse else "ok",
    )


def summary(found: Sequence[Regret]) -> str:
    """The mean over sets with both intervals, and the optimistic one."""
    narrow, wide = means(found)
    worse = sum(one.clearly_worse for one in found)
    return (
        f"Mean regret over {len(found)} sets: {points(narrow)} points, 95 % for these very sets (images drawn anew); "
        f"{points(wide)} for sets like these (sets drawn anew too). In-sample, optimistic for the best row: "
        f"{signed(sum(one.optimistic for one in found) / len(found))}. Clearly worse: {worse} of {len(found)}.\n"
    )


def points(found: Interval) -> str:
    """'+0.4 (-1.9 to +2.6)'."""
    return f"{signed(found.value)} ({signed(found.low)} to {signed(found.high)})"


def signed(share: float) -> str:
    """'+0.4', in points, and never '-0.0'."""
    return f"{round(100 * share, 1) + 0.0:+.1f}"


def _table(lines: Sequence[Sequence[str]], markdown: bool) -> str:
    if markdown:
        ruled = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
        return "".join(f"| {' | '.join(cells)} |\n" for cells in ruled)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join("  ".join(map(str.ljust, cells, widths)).rstrip() + "\n" for cells in lines)


if __name__ == "__main__":
    sys.exit(main())
