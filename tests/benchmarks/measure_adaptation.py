"""What adapting to a new site brings: digits, solar cells, kinds of pictures, drawn cells by two scanners. Resumable.

python tests/benchmarks/measure_adaptation.py --data DIR [--tasks NAME...] [--ways NAME...] [--seeds N...]
    [--results FILE] [--work DIR]
python tests/benchmarks/measure_adaptation.py --table [--results FILE]

Each run is `tlgui train KNOWN --adapt WAY --target NEW --seed N`, and then once `tlgui predict RUN SCORED`: labels of the
new site are read there alone. "none" trains on the known site alone. Finished ones are kept in the results file, one JSON
line each with every image's right or wrong; what stands there is not trained again. `--table` trains nothing and prints
Markdown: for each way the paired difference to "none" on the same images, with its 95 % interval and McNemar's p.

`DIR` holds `mnist_to_mnist_m`, `elpv_solar` and `pacs_subset`; `demo` draws its own images. Folders of links are made where
parts are drawn anew:

- `solar`: single crystals are the known site, polycrystals the new one; all of these are target images and are scored.
- `pacs-art`, `pacs-sketch`: photographs are the known site. The new one has five folds, and a seed is a fold: a fifth of
  each class is scored, and the other four are the target images, so that each image is scored once by a model that has
  not seen it.
- `demo`: the demo's first scanner to its second one; each seed draws other cells to adapt to and again others to score,
  none of which the known site shows.
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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tlgui.core.paired import Paired, compare
from tlgui.imaging.demo_images import draw_demo_images

WAYS = ("none", "statistics", "mmd", "adversarial", "mcc")
RESULTS = Path(__file__).with_name("adaptation.jsonl")
_FROZEN = ("--strategy", "feature-extraction")
_SCORED = 1_000  # the seed of the drawing that is scored lies so far above that of the one that is adapted to
FOLDS = 5


class Sites(NamedTuple):
    """A known site, a new one without labels, labelled images of it for the score, and how it is trained."""

    known: Path
    target: Path
    scored: Path
    options: tuple[str, ...]


def digits(data: Path, _work: Path, _seed: int) -> Sites:
    """MNIST to MNIST-M, with the small network from scratch."""
    folder = data / "mnist_to_mnist_m"
    options = (
        "--backbone", "tiny-cnn", "--strategy", "from-scratch", "--size", "32", "--batch-size", "64", "--augmentation", "off",
        "--epochs", "15", "--patience", "0",
    )  # fmt: skip
    new = folder / "target_mnist_m"
    return Sites(folder / "source_mnist", new / "train", new / "test", options)


def digits_frozen(data: Path, work: Path, seed: int) -> Sites:
    """The same with the frozen embedded network, of which a projection alone learns."""
    return digits(data, work, seed)._replace(options=(*_FROZEN, "--batch-size", "64", "--augmentation", "off"))


def solar(data: Path, work: Path, _seed: int) -> Sites:
    """Solar cells of single crystals to polycrystals, frozen embedded network."""
    for kind in ("mono", "poly"):
        for file in (data / "elpv_solar").glob(f"*/*/{kind}*"):
            # Parts are drawn anew, since the set's own have few of each kind.
            _link(file, work / "elpv" / kind / file.parent.name)
    known, new = work / "elpv" / "mono", work / "elpv" / "poly"
    return Sites(known, new, new, _FROZEN)


def pacs(domain: str) -> Callable[[Path, Path, int], Sites]:
    """Photographs to another kind of picture, frozen embedded network."""

    def sites(data: Path, work: Path, fold: int) -> Sites:
        place = work / "pacs" / f"{domain} {fold}"
        for folder in sorted((data / "pacs_subset" / domain).iterdir()):
            for number, file in enumerate(sorted(folder.iterdir())):
                _link(file, place / ("scored" if number % FOLDS == fold else "target") / folder.name)
        return Sites(data / "pacs_subset" / "photo", place / "target", place / "scored", _FROZEN)

    return sites


def demo(_data: Path, work: Path, seed: int) -> Sites:
    """The demo's images by its first scanner to others by its second one, frozen embedded network."""
    known, target, scored = (work / "demo" / name for name in ("first", f"second {seed}", f"scored {seed}"))
    draw_demo_images(known)
    draw_demo_images(target, "scanner-b", seed=100 + seed)
    draw_demo_images(scored, "scanner-b", seed=_SCORED + seed)
    return Sites(known, target, scored, _FROZEN)


def _link(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / file.name).exists():
        (folder / file.name).symlink_to(file.resolve())


class Task(NamedTuple):
    """One pair of sites.

    Attributes:
        sites: makes them, from the data, a folder for what is drawn or linked, and the seed.
        seeds: that are run where none are named.
        same: whether every seed is scored on the same images; they count once then.
        specimen: so many images in a row, by their file names, are of one specimen, and no independent witnesses.
    """

    sites: Callable[[Path, Path, int], Sites]
    seeds: tuple[int, ...] = (0, 1, 2)
    same: bool = True
    specimen: int = 1


TASKS = {
    "digits": Task(digits),
    "digits-frozen": Task(digits_frozen),
    "solar": Task(solar),
    "pacs-art": Task(pacs("art_painting"), tuple(range(FOLDS)), same=False),
    "pacs-sketch": Task(pacs("sketch"), tuple(range(FOLDS)), same=False),
    "demo": Task(demo, same=False, specimen=10),
}


class Answer(NamedTuple):
    """One run: shares that are right at the new site and at the known one, and processor seconds.

    `right` has a 1 or a 0 for each image of the new site, in the order of their file names; rows of before have none.
    `alarm` is the last alarm that a notice of the run told.
    """

    task: str
    way: str
    seed: int
    new: float
    known: float
    n: int
    seconds: float
    right: str = ""
    alarm: str = ""


def main(arguments: Sequence[str]) -> int:
    """Runs what is missing, or prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", nargs="+", type=int)
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
        for name in options.tasks:
            task = TASKS[name]
            for seed in options.seeds or task.seeds:
                for way in options.ways:
                    done = {(one.task, one.way, one.seed) for one in read(options.results)}
                    if (name, way, seed) in done:
                        continue
                    found = measured(name, task.sites(options.data, work, seed), way, seed, work)
                    with options.results.open("a", encoding="utf-8") as stream:
                        stream.write(json.dumps(found._asdict()) + "\n")
                    sys.stdout.write(f"{found}\n")
                    sys.stdout.flush()
    return 0


def measured(name: str, sites: Sites, way: str, seed: int, work: Path) -> Answer:
    """Trains one run and scores it once."""
    run = work / f"{name} {way} {seed} {os.getpid()}"
    adapt = () if way == "none" else ("--adapt", way, "--target", str(sites.target))
    began = os.times()
    _tlgui(work, "train", str(sites.known), *sites.options, *adapt, "--seed", str(seed), "--run-dir", str(run))
    ended = os.times()
    right = right_of(json.loads(_tlgui(work, "predict", str(run), str(sites.scored), "--json")))
    known = json.loads((run / "results" / "metrics.json").read_text())
    said = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    alarms = [one["message"] for one in said if one.get("code") == "adaptation_alarm"]
    return Answer(
        task=name,
        way=way,
        seed=seed,
        new=right.count("1") / len(right),
        known=known.get("test", known["validation"])["accuracy"]["value"],
        n=len(right),
        seconds=ended.children_user + ended.children_system - began.children_user - began.children_system,
        right=right,
        alarm=alarms[-1] if alarms else "",
    )


def right_of(predicted: Sequence[dict[str, str]]) -> str:
    """A 1 or a 0 for each answer, in the order of the file names; the class of an image is the name of its folder."""
    signs = {}
    for one in predicted:
        *_, folder, file = one["path"].split("/")
        signs[file, folder] = "1" if one["label"] == folder else "0"
    return "".join(signs[key] for key in sorted(signs))


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


def paired(task: Task, adapted: Sequence[Answer], alone: Sequence[Answer]) -> Paired | None:
    """The difference to the known site alone, over all seeds that have both; `None` where images' answers were not kept.

    An image that several seeds were scored on, or the images of one specimen, go as a group.
    """
    before = {one.seed: one.right for one in alone}
    a, b, groups = {}, {}, []
    for one in sorted(adapted, key=lambda one: one.seed):
        if not one.right or len(before.get(one.seed, "")) != len(one.right):
            continue
        for number, (now, then) in enumerate(zip(one.right, before[one.seed], strict=True)):
            a[len(groups)], b[len(groups)] = now == "1", then == "1"
            groups.append(f"{'' if task.same else one.seed} {number // task.specimen}")
    return compare(a, b, groups) if groups else None


def table(answers: Sequence[Answer]) -> Iterator[str]:
    """A row for each task and way: means over seeds, with the lowest and the highest, and the paired difference."""
    yield "| task | way | seeds | new site | less the known site alone, points | p | known site | processor seconds |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, task in TASKS.items():
        alone = [one for one in answers if (one.task, one.way) == (name, "none")]
        for way in WAYS:
            mine = [one for one in answers if (one.task, one.way) == (name, way)]
            if not mine:
                continue
            new = [100 * one.new for one in mine]
            spread = f" ({min(new):.1f} to {max(new):.1f})" if len(new) > 1 else ""
            known = statistics.mean(100 * one.known for one in mine)
            seconds = statistics.mean(one.seconds for one in mine)
            found = paired(task, mine, alone) if way != "none" else None
            yield (
                f"| {name} | {way} | {len(mine)} | {statistics.mean(new):.1f} %{spread} | {_difference(found)} | "
                f"{known:.1f} % | {seconds:.0f} |"
            )


def _difference(found: Paired | None) -> str:
    if found is None:
        return "- | -"
    points = f"{100 * found.difference:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    return f"{points} | {'< .001' if found.p < 0.001 else f'{found.p:.3f}'.removeprefix('0')}"


if __name__ == "__main__":
    began_at = time.monotonic()
    code = main(sys.argv[1:])
    sys.stderr.write(f"{time.monotonic() - began_at:.0f} s\n")
    raise SystemExit(code)
