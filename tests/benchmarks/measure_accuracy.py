"""How good each strategy is on real sets, and whether the default is as good as the best of them: one resumable script.

python tests/benchmarks/measure_accuracy.py [--data DIR] [--sets NAME...] [--rows NAME...] [--seeds N...]
    [--results FILE] [--work DIR] [--budget-minutes N]
python tests/benchmarks/measure_accuracy.py --table [--results FILE]

Each run is `tlgui train SET --strategy ROW --seed N` with all other values as they come, but for those in `LIMITS`.
Finished ones are kept in the results file, one JSON line each with the answer for every scored image; what stands there
is not trained again, so the script can be stopped and called again at any time. `--table` trains nothing and prints
Markdown.

Head and top rows and the default are trained with three seeds. Those where the whole backbone may train have one, for
time's sake, "progressive-unfreezing" half of its epochs, and "from-scratch" a third of them on smaller images. Scores are
of the test images, of the validation images where a set has no test part. Seconds are of processor time, of all cores
together: other work beside it hardly changes them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

SETS = ("hymenoptera", "bccd_cells", "skin_ham7", "chest_xray_2k", "elpv_solar", "sign_digits")
# Row -> its seeds. Those that train fastest come first, so that a budget buys as much as it can.
SEEDS: dict[str, tuple[int, ...]] = {
    "feature-extraction": (0, 1, 2),
    "auto": (0, 1, 2),
    "fine-tune-top": (0, 1, 2),
    "progressive-unfreezing": (0,),
    "full-fine-tuning": (0,),
    "from-scratch": (0,),
}
DEFAULT = "auto"
# Two cores need five minutes and more for an epoch of the whole network over all sets.
LIMITS: dict[str, tuple[str, ...]] = {
    "progressive-unfreezing": ("--epochs", "20"),
    "from-scratch": ("--epochs", "20", "--size", "128"),
}
# What a set needs to be read as one.
READING: dict[str, tuple[str, ...]] = {"pacs_subset": ("--domain", "all")}
POINT = 0.01
_DRAWS = 10_000


class Baseline(NamedTuple):
    """One run of what people would write instead: accuracy on `n` images of `part`."""

    set: str
    loop: str
    trains: str
    epochs: int
    part: str
    accuracy: float
    n: int


# Measured 2026-11-25 with EfficientNet-Lite0 on the same images and parts, one seed each: fastai's `vision_learner`
# (`fit_one_cycle` for the head, `fine_tune` for all) and the plain torch loop of the usual tutorial.
BASELINES: tuple[Baseline, ...] = (
    Baseline("bccd_cells", "fastai", "full", 10, "test", 0.943, 209),
    Baseline("bccd_cells", "fastai", "head", 20, "test", 0.990, 209),
    Baseline("bccd_cells", "plain", "head", 20, "test", 0.990, 209),
    Baseline("elpv_solar", "fastai", "full", 10, "test", 0.756, 90),
    Baseline("elpv_solar", "fastai", "head", 20, "test", 0.789, 90),
    Baseline("hymenoptera", "fastai", "full", 10, "validation", 0.869, 153),
    Baseline("hymenoptera", "fastai", "head", 20, "validation", 0.902, 153),
    Baseline("hymenoptera", "plain", "head", 20, "validation", 0.941, 153),
    Baseline("sign_digits", "fastai", "full", 10, "test", 0.828, 180),
    Baseline("sign_digits", "fastai", "head", 20, "test", 0.967, 180),
    Baseline("skin_ham7", "fastai", "full", 10, "test", 0.470, 117),
    Baseline("skin_ham7", "fastai", "head", 20, "test", 0.538, 117),
    Baseline("skin_ham7", "plain", "head", 20, "test", 0.538, 117),
)


@dataclass(frozen=True)
class Result:
    """One finished run.

    Attributes:
        set, row, seed: what was trained.
        became: the strategy that "auto" chose; else the row.
        why: what it says of that.
        part: whose images are scored.
        right: by path, whether the image was told right.
        seconds: of the whole command.
        processor_seconds: of all cores together; they hardly depend on what else the machine does.
        epochs, best_epoch: that were trained, and the one that was kept.
    """

    set: str
    row: str
    seed: int
    became: str
    why: str
    part: str
    right: dict[str, bool]
    seconds: float
    epochs: int
    best_epoch: int | None
    processor_seconds: float = 0.0

    @property
    def accuracy(self) -> float:
        """Share of the images."""
        return sum(self.right.values()) / len(self.right)


class Difference(NamedTuple):
    """How much better the first is than the second on the same images, with its 95 % interval."""

    value: float
    low: float
    high: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the sets (default: TLGUI_TEST_DATA, ../shared/data)")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--rows", nargs="+", choices=list(SEEDS), default=list(SEEDS))
    parser.add_argument("--seeds", nargs="+", type=int, help="instead of those of each row")
    parser.add_argument("--results", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--work", type=Path, help="where the cache of all runs lies (default: beside the results)")
    parser.add_argument("--budget-minutes", type=float, help="no run begins after that")
    parser.add_argument("--table", action="store_true", help="print what is there, and train nothing")
    options = parser.parse_args()
    if options.table:
        sys.stdout.write(table(read(options.results)))
        return 0
    data = options.data or Path(os.environ.get("TLGUI_TEST_DATA") or Path.cwd().parent / "shared" / "data")
    work = options.work or options.results.absolute().parent / "accuracy-work"
    ends = time.monotonic() + 60 * options.budget_minutes if options.budget_minutes else None
    left = list(missing(read(options.results), options.sets, options.rows, options.seeds))
    for number, (name, row, seed) in enumerate(left, start=1):
        if ends is not None and time.monotonic() > ends:
            say(f"The time is used up; {len(left) - number + 1} runs are left. Call it again to go on.")
            return 0
        found = train(data / name, row, seed, work)
        if isinstance(found, str):
            say(f"{name} {row} seed {seed}: {found}")
            continue
        append(options.results, found)
        say(
            f"{number} of {len(left)}: {name} {row} seed {seed}: {found.accuracy:.4f} of {len(found.right)} {found.part} "
            f"images, {found.seconds:.0f} s{f', became {found.became}' if row == DEFAULT else ''}"
        )
    return 0


def missing(
    done: Sequence[Result], sets: Iterable[str], rows: Iterable[str], seeds: Sequence[int] | None
) -> Iterator[tuple[str, str, int]]:
    """What is still to be trained: the first seed of each row on all sets, then the next."""
    there = {(one.set, one.row, one.seed) for one in done}
    wanted = [
        (place, name, row, seed)
        for row in rows
        for name in sets
        for place, seed in enumerate(seeds if seeds is not None else SEEDS[row])
    ]
    for _, name, row, seed in sorted(wanted, key=lambda one: one[0]):
        if (name, row, seed) not in there:
            yield name, row, seed


def train(data: Path, row: str, seed: int, work: Path) -> Result | str:
    """One run by the command line, or why there is no result."""
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as place:
        run = Path(place) / "run"
        command = ["train", str(data), "--strategy", row, "--seed", str(seed), "--run-dir", str(run), "--json"]
        command += [*LIMITS.get(row, ()), *READING.get(data.name, ())]
        # One cache for all: rows share the frozen network's features.
        folders = {
            "TLGUI_CACHE_DIR": str(work / "cache"),
            "TLGUI_STATE_DIR": str(work / "state"),
            "TLGUI_PROJECTS_DIR": place,
        }
        started, used = time.monotonic(), spent()
        done = subprocess.run(
            [sys.executable, "-m", "tlgui", *command], capture_output=True, text=True, env={**os.environ, **folders},
            check=False,
        )  # fmt: skip
        seconds, used = time.monotonic() - started, spent() - used
        said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if not said or said[-1]["type"] != "Completed":
            problem = said[-1].get("problem", "") if said else ""
            return f"no result ({problem or done.stderr[-300:]})"
        return result_of(run, data.name, row, seed, said, seconds, used)


def spent() -> float:
    """Processor seconds of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def result_of(
    run: Path, name: str, row: str, seed: int, said: Sequence[dict[str, Any]], seconds: float, used: float = 0.0
) -> Result:
    """What a finished run folder and its events tell."""
    chosen: dict[str, Any] = next((event for event in said if event["type"] == "StrategyChosen"), {})
    epochs = [event["epoch"] for event in said if event["type"] == "EpochEnded"]
    part, right = answers(run)
    return Result(
        set=name,
        row=row,
        seed=seed,
        became=chosen.get("strategy", row),
        why=chosen.get("sentence", ""),
        part=part,
        right=right,
        seconds=round(seconds, 1),
        epochs=max(epochs, default=0),
        best_epoch=said[-1].get("best_epoch"),
        processor_seconds=round(used, 1),
    )


def answers(run: Path) -> tuple[str, dict[str, bool]]:
    """The part that is scored, and of each of its images whether it was told right."""
    with (run / "results" / "predictions.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        rows = list(csv.DictReader(stream))
    part = "test" if any(row["split"] == "test" for row in rows) else "validation"
    return part, {row["path"]: row["true"] == row["predicted"] for row in rows if row["split"] == part}


def read(path: Path) -> list[Result]:
    """The results so far; a torn last line is passed over."""
    found: list[Result] = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(Result(**json.loads(line)))
            except (ValueError, TypeError):
                continue
    return found


def append(path: Path, result: Result) -> None:
    """Adds one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(result.__dict__) + "\n")


# -- what it says --------------------------------------------------------------------------------------------------


def shares(runs: Sequence[Result]) -> dict[str, float]:
    """By path, in how large a part of the seeds the image was told right."""
    paths = set.intersection(*(set(run.right) for run in runs)) if runs else set()
    return {path: sum(run.right[path] for run in runs) / len(runs) for path in paths}


def paired(first: Sequence[Result], second: Sequence[Result], seed: int = 0) -> Difference:
    """How much better the first row is, by the bootstrap over the images that both answered; seeds averaged per image."""
    a, b = shares(first), shares(second)
    gains = [a[path] - b[path] for path in sorted(set(a) & set(b))]
    if not gains:
        raise ValueError("the rows have no image in common")
    value = sum(gains) / len(gains)
    changed = [gain for gain in gains if gain]
    if not changed:
        return Difference(value, value, value)
    rng, n = random.Random(seed), len(gains)
    drawn = sorted(sum(rng.choices(gains, k=n)) / n for _ in range(_DRAWS))
    return Difference(value, drawn[round(0.025 * (_DRAWS - 1))], drawn[round(0.975 * (_DRAWS - 1))])


def unpaired(accuracy: float, n: int, baseline: Baseline) -> Difference:
    """How much better a baseline is, whose single answers are not known: by the normal interval of two shares."""
    value = baseline.accuracy - accuracy
    spread = accuracy * (1 - accuracy) / n + baseline.accuracy * (1 - baseline.accuracy) / baseline.n
    half = 1.959964 * spread**0.5
    return Difference(value, value - half, value + half)


def table(results: Sequence[Result]) -> str:
    """Markdown: accuracies and seconds of every set and row, then the two checks of the default."""
    if not results:
        return "There are no results yet.\n"
    sets = [name for name in (*SETS, *sorted({one.set for one in results} - set(SETS))) if of(results, name)]
    rows = [row for row in SEEDS if any(one.row == row for one in results)]
    lines = ["| set | images | " + " | ".join(rows) + " |", "|---" * (len(rows) + 2) + "|"]
    for name in sets:
        scored = of(results, name)[0]
        cells = [cell(of(results, name, row)) for row in rows]
        lines.append(f"| {name} | {len(scored.right)} {scored.part} | " + " | ".join(cells) + " |")
    lines += ["", "| set | what the default chose | best of our rows | difference | best baseline | difference |"]
    lines.append("|---" * 6 + "|")
    lines += [checked(results, name, rows) for name in sets if of(results, name, DEFAULT)]
    return "\n".join(lines) + "\n"


def of(results: Sequence[Result], name: str, row: str = "") -> list[Result]:
    """Those of a set, and perhaps of a row."""
    return [one for one in results if one.set == name and (not row or one.row == row)]


def cell(runs: Sequence[Result]) -> str:
    """'0.941 (3 seeds, 0.935 to 0.948), 21 s', of processor time."""
    if not runs:
        return "-"
    scores = [one.accuracy for one in runs]
    seconds = sum(one.processor_seconds for one in runs) / len(runs)
    spread = f" ({len(runs)} seeds, {min(scores):.3f} to {max(scores):.3f})" if len(runs) > 1 else ""
    return f"{sum(scores) / len(scores):.3f}{spread}, {seconds:.0f} s"


def checked(results: Sequence[Result], name: str, rows: Sequence[str]) -> str:
    """One line of the second table."""
    ours = of(results, name, DEFAULT)
    accuracy = sum(one.accuracy for one in ours) / len(ours)
    others = [row for row in rows if row != DEFAULT and of(results, name, row)]
    best = max(others, key=lambda row: mean_of(of(results, name, row)), default="")
    first = "-"
    if best:
        first = words(paired(of(results, name, best), ours))
    known = [one for one in BASELINES if one.set == name and one.part == ours[0].part]
    rival = max(known, key=lambda one: one.accuracy, default=None)
    second = words(unpaired(accuracy, len(ours[0].right), rival)) if rival is not None else "-"
    became = ", ".join(sorted({one.became for one in ours}))
    label = f"{rival.loop} {rival.trains} {rival.accuracy:.3f}" if rival is not None else "not measured"
    return f"| {name} | {became} | {best or '-'} | {first} | {label} | {second} |"


def mean_of(runs: Sequence[Result]) -> float:
    """Mean accuracy over the seeds."""
    return sum(one.accuracy for one in runs) / len(runs)


def words(other_is_better_by: Difference) -> str:
    """The difference in points with its interval, and whether the default is below by more than a point beyond it."""
    value, low, high = other_is_better_by
    verdict = "below" if low > POINT else "fine"
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f}) {verdict}"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
