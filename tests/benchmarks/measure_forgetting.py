"""What learning on costs: each domain of pacs_subset first, then on to the next one, by each way of keeping. Resumable.

python tests/benchmarks/measure_forgetting.py --data DIR [--ways NAME...] [--folds N...] [--results FILE] [--work DIR]
python tests/benchmarks/measure_forgetting.py --table [--results FILE]

Each step is `tlgui train FIRST --fold K/5` and then `tlgui train NEXT --from RUN --keep WAY --fold K/5`: a fifth of each
domain tests, so that over the five folds every image of both is tested once, by a network that never learned it. Old and new
test images are compared image by image, with "none" and with the network before. Settings are the same for all ways: the
uppermost two layer groups, 12 epochs; strengths are the program's defaults. `--table` trains nothing and prints Markdown.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tlgui.core.paired import Paired, compare

WAYS = ("none", "ewc", "l2sp", "average")
DOMAINS = ("photo", "art_painting", "cartoon", "sketch")
STEPS = tuple(zip(DOMAINS, (*DOMAINS[1:], DOMAINS[0]), strict=True))
FOLDS = 5
OPTIONS = ("--strategy", "fine-tune-top", "--top-groups", "2", "--epochs", "12", "--patience", "0")
RESULTS = Path(__file__).with_name("forgetting.jsonl")


class Answer(NamedTuple):
    """One step: "1" and "0" for each image in the order of their names, right or not."""

    first: str
    next: str
    fold: int
    way: str
    before: str
    old: str
    new: str
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Runs what is missing, or prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--folds", nargs="+", type=int, default=list(range(1, FOLDS + 1)))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args(arguments)
    if options.table:
        sys.stdout.write("\n".join(table(list(read(options.results)))) + "\n")
        return 0
    if options.data is None:
        parser.error("--data is needed")
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).absolute()
        for fold in options.folds:
            for first, after in STEPS:
                for way in options.ways:
                    done = {(one.first, one.fold, one.way) for one in read(options.results)}
                    if (first, fold, way) in done:
                        continue
                    found = measured(options.data.absolute() / "pacs_subset", first, after, fold, way, work)
                    with options.results.open("a", encoding="utf-8") as stream:
                        stream.write(json.dumps(found._asdict()) + "\n")
                    sys.stdout.write(f"{first} to {after}, fold {fold}, {way}\n")
                    sys.stdout.flush()
    return 0


def measured(data: Path, first: str, after: str, fold: int, way: str, work: Path) -> Answer:
    """Trains the first domain, unless that was done, and goes on with the next."""
    options = (*OPTIONS, "--fold", f"{fold}/{FOLDS}")
    start, run = work / f"{first} {fold}", work / f"{first} {fold} {way} {os.getpid()}"
    if not (start / "results" / "metrics.json").is_file():
        _tlgui(work, "train", str(data / first), *options, "--run-dir", str(start))
    began = os.times()
    _tlgui(work, "train", str(data / after), "--from", str(start), "--keep", way, *options, "--run-dir", str(run))
    ended = os.times()
    old = sorted(_rows(run / "results" / "earlier.csv"), key=lambda row: row["path"])
    new = sorted(
        (row for row in _rows(run / "results" / "predictions.csv") if row["split"] == "test"),
        key=lambda row: row["path"],
    )
    return Answer(
        first=first,
        next=after,
        fold=fold,
        way=way,
        before="".join(row["right_before"] for row in old),
        old="".join(str(int(row["true"] == row["predicted"])) for row in old),
        new="".join(str(int(row["true"] == row["predicted"])) for row in new),
        seconds=ended.children_user + ended.children_system - began.children_user - began.children_system,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _tlgui(work: Path, *arguments: str) -> None:
    places = {f"TLGUI_{name}_DIR": str(work / name.lower()) for name in ("STATE", "CACHE", "PROJECTS")}
    done = subprocess.run(
        [sys.executable, "-m", "tlgui", *arguments],
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}\n{done.stderr[-2000:]}")


def read(path: Path) -> Iterator[Answer]:
    """What was measured before."""
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Answer(**json.loads(line))


def table(answers: Sequence[Answer]) -> Iterator[str]:
    """A row for each way over all steps and folds that "none" has too, then one for each step."""
    yield "| step | way | old images: before | now | forgotten, points | new images | against none, points | seconds |"
    yield "|---|---|---|---|---|---|---|---|"
    for first, after in ((None, None), *STEPS):
        chosen = [one for one in answers if first in (None, one.first)]
        plain = {(one.first, one.fold): one for one in chosen if one.way == "none"}
        for way in WAYS:
            mine = [one for one in chosen if one.way == way and (one.first, one.fold) in plain]
            if not mine:
                continue
            none = [plain[one.first, one.fold] for one in mine]
            back = _paired([one.old for one in mine], [one.before for one in mine])
            new = _paired([one.new for one in mine], [one.new for one in none])
            seconds = sum(one.seconds for one in mine) / len(mine)
            step = "all" if first is None else f"{first} to {after}"
            against = "" if way == "none" else _points(new)
            yield (
                f"| {step} | {way} | {100 * back.b:.1f} % of {back.images} | {100 * back.a:.1f} % | {_points(back)} | "
                f"{100 * new.a:.1f} % of {new.images} | {against} | {seconds:.0f} |"
            )


def _paired(a: Sequence[str], b: Sequence[str]) -> Paired:
    """Image by image; `Paired.a` and `b` are the accuracies."""
    one, other = ({n: sign == "1" for n, sign in enumerate("".join(text))} for text in (a, b))
    return compare(one, other)


def _points(found: Paired) -> str:
    return f"{100 * found.difference:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


if __name__ == "__main__":
    began_at = time.monotonic()
    code = main(sys.argv[1:])
    sys.stderr.write(f"{time.monotonic() - began_at:.0f} s\n")
    raise SystemExit(code)
