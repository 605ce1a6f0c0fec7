"""What adapting to a new site brings: digits on white to digits on photographs, and sets of two sites. Resumable.

python tests/benchmarks/measure_adaptation.py --data DIR [--tasks NAME...] [--ways NAME...] [--seeds N...]
    [--results FILE] [--work DIR]
python tests/benchmarks/measure_adaptation.py --table [--results FILE]

Each run is `tlgui train KNOWN --adapt WAY --target NEW/train --seed N`, and then once `tlgui evaluate RUN NEW/test`: labels
of the new site are read there alone. "none" trains on the known site alone. Finished ones are kept in the results file,
one JSON line each; what stands there is not trained again. `--table` trains nothing and prints Markdown.

`DIR` holds `mnist_to_mnist_m` and `elpv_solar`; of `elpv_solar` the single crystals are the known site and the polycrystals
the new one, in folders of links, all of whose images are target images and are scored (never trained on).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

WAYS = ("none", "statistics", "mmd", "adversarial", "mcc")
RESULTS = Path(__file__).with_name("adaptation.jsonl")


class Task(NamedTuple):
    """A known site, a new one without labels, labelled images of it for the score, and how it is trained."""

    known: Path
    target: Path
    scored: Path
    options: tuple[str, ...]


def digits(data: Path, _work: Path) -> Task:
    """MNIST to MNIST-M, with the small network from scratch."""
    folder = data / "mnist_to_mnist_m"
    options = (
        "--backbone", "tiny-cnn", "--strategy", "from-scratch", "--size", "32", "--batch-size", "64", "--augmentation", "off",
        "--epochs", "30", "--patience", "0",
    )  # fmt: skip
    new = folder / "target_mnist_m"
    return Task(folder / "source_mnist", new / "train", new / "test", options)


def digits_frozen(data: Path, work: Path) -> Task:
    """The same with the frozen embedded network, of which a projection alone learns."""
    options = ("--strategy", "feature-extraction", "--batch-size", "64", "--augmentation", "off")
    return digits(data, work)._replace(options=options)


def solar(data: Path, work: Path) -> Task:
    """Solar cells of single crystals to polycrystals, frozen embedded network."""
    for kind in ("mono", "poly"):
        for file in (data / "elpv_solar").glob(f"*/*/{kind}*"):
            # Parts are drawn anew, since the set's own have few of each kind.
            place = work / "elpv" / kind / file.parent.name / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                place.symlink_to(file.resolve())
    known, new = work / "elpv" / "mono", work / "elpv" / "poly"
    return Task(known, new, new, ("--strategy", "feature-extraction"))


TASKS = {"digits": digits, "digits-frozen": digits_frozen, "solar": solar}


class Answer(NamedTuple):
    """One run: shares that are right at the new site and at the known one, and processor seconds."""

    task: str
    way: str
    seed: int
    new: float
    known: float
    n: int
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Runs what is missing, or prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
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
        work = options.work or Path(temporary)
        for seed in options.seeds:
            for name in options.tasks:
                task = TASKS[name](options.data, work)
                for way in options.ways:
                    done = {(one.task, one.way, one.seed) for one in read(options.results)}
                    if (name, way, seed) in done:
                        continue
                    found = measured(name, task, way, seed, work)
                    with options.results.open("a", encoding="utf-8") as stream:
                        stream.write(json.dumps(found._asdict()) + "\n")
                    sys.stdout.write(f"{found}\n")
                    sys.stdout.flush()
    return 0


def measured(name: str, task: Task, way: str, seed: int, work: Path) -> Answer:
    """Trains one run and scores it once."""
    run = work / f"{name} {way} {seed} {os.getpid()}"
    adapt = () if way == "none" else ("--adapt", way, "--target", str(task.target))
    began = os.times()
    _tlgui(work, "train", str(task.known), *task.options, *adapt, "--seed", str(seed), "--run-dir", str(run))
    ended = os.times()
    said = json.loads(_tlgui(work, "evaluate", str(run), str(task.scored), "--json"))
    # Images that it adapted to are told apart from those that it never saw: both are of the new site.
    shares = [(part["accuracy"]["value"], part["accuracy"]["n"]) for part in said.values()]
    n = sum(one for _, one in shares)
    known = json.loads((run / "results" / "metrics.json").read_text())
    return Answer(
        task=name,
        way=way,
        seed=seed,
        new=sum(share * one for share, one in shares) / n,
        known=known.get("test", known["validation"])["accuracy"]["value"],
        n=n,
        seconds=ended.children_user + ended.children_system - began.children_user - began.children_system,
    )


def _tlgui(work: Path, *arguments: str) -> str:
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
    return done.stdout


def read(path: Path) -> Iterator[Answer]:
    """What was measured before."""
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Answer(**json.loads(line))


def table(answers: Sequence[Answer]) -> Iterator[str]:
    """A row for each task and way: means over seeds, with the lowest and the highest."""
    yield "| task | way | seeds | new site | known site | processor seconds |"
    yield "|---|---|---|---|---|---|"
    for task in TASKS:
        for way in WAYS:
            mine = [one for one in answers if (one.task, one.way) == (task, way)]
            if not mine:
                continue
            new = [100 * one.new for one in mine]
            spread = f" ({min(new):.1f} to {max(new):.1f})" if len(new) > 1 else ""
            known = statistics.mean(100 * one.known for one in mine)
            seconds = statistics.mean(one.seconds for one in mine)
            yield f"| {task} | {way} | {len(mine)} | {statistics.mean(new):.1f} %{spread} | {known:.1f} % | {seconds:.0f} |"


if __name__ == "__main__":
    began_at = time.monotonic()
    code = main(sys.argv[1:])
    sys.stderr.write(f"{time.monotonic() - began_at:.0f} s\n")
    raise SystemExit(code)
