"""What training does on a real graphics card: which format it takes, how a crowded card is met, what is the same as on a CPU.

    python tests/benchmarks/measure_card.py DATA [--only STEP]... [--results FILE]

One line per step, and as JSON lines in FILE. A card that is full is played by a process beside it that takes its memory with
plain allocations, as another program would. Needs a card that torch calls "cuda"; steps:

device     what is found, in words
auto       a first run with the default strategy, on the card and on the processor
deep       progressive unfreezing by schedule, the same two, and once more on the card: whether it repeats
formats    full fine-tuning in float32, bf16, fp16, and which of them "auto" takes
batch      the batch size that "auto" takes on a free and on a crowded card
crowded    a batch that does not fit: whether it is halved, said, and learns the same
full       no memory at all: whether the processor takes over, and says why
killed     SIGKILL in the middle, then continue
moves      plan, unfreeze, verdict and undo, with the plan's figures beside what came
export     exports of a run of the card, and its answers beside those of the processor
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tlgui.core import commands, events
from tlgui.core.engine_process import EngineProcess
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Training
from tlgui.imaging.prepare import prepare_run
from tlgui.imaging.scan import scan_folder

Events = list[dict[str, Any]]

_HOG = """
import sys, time, torch
left = int(sys.argv[1])
kept = []
for size in (1 << 30, 1 << 26, 1 << 22):
    while torch.cuda.mem_get_info()[0] > left + size:
        try:
            kept.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
        except torch.OutOfMemoryError:
            break
print(torch.cuda.mem_get_info()[0], flush=True)
time.sleep(3600)
"""


class Bench:
    """Runs of one image set in folders of their own, by engines that stay: one on the card, one on the processor.

    Args:
        data: the image set; it is read once.
        place: an empty folder.
    """

    def __init__(self, data: Path, place: Path) -> None:
        self.data = data
        self.place = place
        for name in ("CACHE", "STATE", "PROJECTS"):
            os.environ[f"TLGUI_{name}_DIR"] = str(place / name.lower())
        self._scan = scan_folder(data)
        self._engines: dict[str, EngineProcess] = {}
        self._number = 0
        self.timeline: list[tuple[float, str]] = []

    def engine(self, device: str = "") -> EngineProcess:
        """The engine of a device; "" is what the program finds by itself."""
        if device not in self._engines:
            with _variable("TLGUI_DEVICE", device):
                self._engines[device] = EngineProcess()
                self._engines[device].wait_until_ready()
        return self._engines[device]

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    def made(self, **training: Any) -> RunFolder:
        self._number += 1
        spec = RunSpec(training=Training(**training))
        return prepare_run(self.data, spec, self.place / f"run-{self._number}", scan=self._scan).run

    def train(self, device: str = "", **training: Any) -> tuple[Events, float, RunFolder]:
        """A whole run: its events, its seconds, its folder."""
        run = self.made(**training)
        events, seconds = self.job(commands.Train(run=str(run.path), data=str(self.data)), device)
        if events[-1]["type"] != "Completed":
            raise RuntimeError(f"{training} on {device or 'the card'}: {events[-1]}")
        return events, seconds, run

    def job(self, job: commands.Job, device: str = "") -> tuple[Events, float]:
        began = time.monotonic()
        found: Events = []
        self.timeline = []
        for event in self.engine(device).run(job):
            found.append(json.loads(events.encode(event)))
            what = found[-1]["type"] + (f" {event.stage}" if isinstance(event, events.Progress) else "")
            if what not in [name for _, name in self.timeline]:
                self.timeline.append((round(time.monotonic() - began, 1), what))
        return found, time.monotonic() - began


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    was = os.environ.get(name)
    if value:
        os.environ[name] = value
    yield
    if value:
        os.environ.pop(name)
        if was is not None:
            os.environ[name] = was


def of(events: Events, kind: str) -> Events:
    return [event for event in events if event["type"] == kind]


def score(events: Events) -> float:
    """Validation accuracy of the kept epoch."""
    best = events[-1]["best_epoch"]
    return next(float(e["validation_accuracy"]) for e in of(events, "EpochEnded") if e["epoch"] == best)


def losses(events: Events) -> list[float]:
    return [event["train_loss"] for event in of(events, "EpochEnded")]


def apart(one: list[float], other: list[float]) -> float:
    """The largest difference of two curves, relative; infinite where their lengths differ."""
    if len(one) != len(other):
        return float("inf")
    return max((abs(a - b) / max(abs(b), 1e-9) for a, b in zip(one, other, strict=True)), default=0.0)


def kept(run: RunFolder, table: str) -> dict[str, Any]:
    """What run.toml says of the machine or of the training, once the engine has settled it."""
    found: dict[str, Any] = tomllib.loads((run.path / "run.toml").read_text()).get(table, {})
    return found


@contextmanager
def crowded(left_bytes: int) -> Iterator[int]:
    """Another program holds the card's memory but for `left_bytes`; what is really free meanwhile."""
    hog = subprocess.Popen([sys.executable, "-c", _HOG, str(left_bytes)], stdout=subprocess.PIPE, text=True)
    assert hog.stdout is not None
    try:
        yield int(hog.stdout.readline())
    finally:
        hog.kill()
        hog.wait()


def device(bench: Bench) -> dict[str, Any]:
    return {"says": bench.engine().wait_until_ready().device_sentence}


def auto(bench: Bench) -> dict[str, Any]:
    card, card_s, run = bench.train()
    timeline = bench.timeline
    cpu, cpu_s, _ = bench.train("cpu")
    return {
        "validation card, cpu": [score(card), score(cpu)],
        "seconds card, cpu": [round(card_s, 1), round(cpu_s, 1)],
        "strategy": [e["strategy"] for e in of(card, "StrategyChosen") + of(cpu, "StrategyChosen")],
        "timeline card": timeline,
        "timeline cpu": bench.timeline,
        "machine": kept(run, "machine"),
    }


def deep(bench: Bench) -> dict[str, Any]:
    how: dict[str, Any] = {
        "strategy": "progressive-unfreezing",
        "unfreezing": "schedule",
        "unfreeze_at": [2, 3],
        "epochs": 5,
    }
    how["patience"] = 0
    card, card_s, run = bench.train(**how)
    again, again_s, _ = bench.train(**how)
    same = bench.train(**how, precision="float32")[0]
    cpu, cpu_s, _ = bench.train("cpu", **how, precision="float32")
    return {
        "validation card, cpu": [score(card), score(cpu)],
        "seconds card, again, cpu": [round(card_s, 1), round(again_s, 1), round(cpu_s, 1)],
        "repeats": apart(losses(card), losses(again)),
        "from cpu, float32": apart(losses(same), losses(cpu)),
        "layers": [e["reason"] for e in of(card, "LayersChanged")],
        "machine": kept(run, "machine"),
    }


def formats(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in ("float32", "bf16", "fp16", "auto"):
        events, _, run = bench.train(strategy="full-fine-tuning", epochs=3, precision=kind)
        seconds = [round(e["seconds"], 2) for e in of(events, "EpochEnded")]
        found[kind] = {"seconds": seconds, "losses": losses(events), "validation": score(events)}
        found[kind]["precision"] = kept(run, "machine").get("precision")
    return found


def batch(bench: Bench) -> dict[str, Any]:
    how: dict[str, Any] = {"strategy": "full-fine-tuning", "epochs": 1, "batch_size": "auto"}
    events, _, run = bench.train(**how)
    found = {"free": kept(run, "training").get("batch_size"), "steps": of(events, "EpochEnded")[-1]["step"]}
    with crowded(3 << 30) as left:
        events, _, run = bench.train(**how)
    return {
        **found,
        "crowded": kept(run, "training").get("batch_size"),
        "left": left,
        "notices": [e["message"] for e in of(events, "Notice")],
    }


def halved(bench: Bench) -> dict[str, Any]:
    how: dict[str, Any] = {"strategy": "full-fine-tuning", "epochs": 2, "batch_size": 256, "precision": "float32"}
    free, free_s, _ = bench.train(**how)
    with crowded(3 << 30) as left:
        events, seconds, _ = bench.train(**how)
    return {
        "left": left,
        "notices": [e["message"] for e in of(events, "Notice") if e["code"] == "smaller_pieces"],
        "losses free": losses(free),
        "losses crowded": losses(events),
        "apart": apart(losses(events), losses(free)),
        "seconds free, crowded": [round(free_s, 1), round(seconds, 1)],
    }


def full(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, wanted in (("nothing", 0), ("little", 900 << 20)):
        bench.close()  # an engine that is there holds some memory of the card already
        with crowded(wanted) as left:
            says = bench.engine().wait_until_ready().device_sentence
            events, seconds, _ = bench.train(epochs=1)
        found[name] = {
            "left": left,
            "says": says,
            "notices": [e["message"] for e in of(events, "Notice")],
            "ending": events[-1]["type"],
            "seconds": round(seconds, 1),
        }
    bench.close()
    return found


def killed(bench: Bench) -> dict[str, Any]:
    how: dict[str, Any] = {"strategy": "fine-tune-top", "top_groups": 3, "epochs": 6, "patience": 0}
    whole, _, _ = bench.train(**how)
    run = bench.made(**how)
    job = commands.Train(run=str(run.path), data=str(bench.data))
    ended = 0
    engine = bench.engine()
    for event in engine.run(job):
        ended += isinstance(event, events.EpochEnded)
        if ended == 3 and isinstance(event, events.BatchEnded):
            os.kill(engine.pid, signal.SIGKILL)
            break
    bench.close()
    went_on, _ = bench.job(job)
    there = of(went_on, "EpochEnded")
    rest = [e["train_loss"] for e in of(whole, "EpochEnded") if e["epoch"] in {e["epoch"] for e in there}]
    return {
        "epochs after it": [e["epoch"] for e in there],
        "apart": apart(losses(went_on), rest),
        "ending": went_on[-1]["type"],
    }


def moves(bench: Bench) -> dict[str, Any]:
    _, _, run = bench.train(strategy="feature-extraction", epochs=2, patience=0)
    engine = bench.engine()
    said: Events = []
    asked = pressed = undone = False
    for event in engine.run(commands.Train(run=str(run.path), data=str(bench.data), more_epochs=9)):
        said.append(json.loads(events.encode(event)))
        if isinstance(event, events.BatchEnded) and not asked:
            asked = True
            engine.send(commands.PlanMove(kind="unfreeze", groups=2))
        elif isinstance(event, events.MovePlanned) and not pressed:
            pressed = True
            engine.send(commands.Unfreeze(groups=2))
        elif isinstance(event, events.MoveJudged) and not undone:
            undone = True
            engine.send(commands.Undo())
    plan = of(said, "MovePlanned")[0]
    # The first epoch after a move computes what is kept below the new cut, so the later ones are those to compare.
    return {
        "planned": {key: plan[key] for key in ("seconds_now", "seconds_then", "memory_now_bytes", "memory_then_bytes")},
        "rates": plan["learning_rates"],
        "seconds of epochs": [round(e["seconds"], 2) for e in of(said, "EpochEnded")],
        "validation": [round(e["validation_accuracy"], 3) for e in of(said, "EpochEnded")],
        "layers": [(e["reason"], e["step"]) for e in of(said, "LayersChanged")],
        "verdicts": [
            {key: e.get(key) for key in ("verdict", "difference", "low", "high")} for e in of(said, "MoveJudged")
        ],
        "undone": len(of(said, "Undone")),
        "notices": [e["message"] for e in of(said, "Notice")],
        "ending": said[-1]["type"],
    }


def export(bench: Bench) -> dict[str, Any]:
    _, _, run = bench.train(strategy="fine-tune-top", top_groups=3, epochs=3)
    found: dict[str, Any] = {}
    for kind in ("onnx", "weights"):
        to = bench.place / kind
        to.mkdir()
        job = commands.Export(run=str(run.path), data=str(bench.data), format=kind, to=str(to))
        said, _ = bench.job(job)
        parity = of(said, "Exported")[-1]["parity"] if of(said, "Exported") else said[-1]
        names = ("problem", "images", "labels_equal", "max_probability_difference")
        found[kind] = {name: parity[name] for name in names if name in parity}
    images = sorted(path for path in bench.data.rglob("*") if path.suffix.lower() in (".png", ".jpg"))[::40][:50]
    asked = commands.Predict(run=str(run.path), paths=[(path.name, str(path)) for path in images])
    card, cpu = (of(bench.job(asked, name)[0], "Predicted") for name in ("", "cpu"))
    pairs = list(zip(card, cpu, strict=True))
    found["predict"] = {
        "images": len(pairs),
        "labels equal": sum(a["label"] == b["label"] for a, b in pairs),
        "largest difference": max(
            abs(value - b["probabilities"][name]) for a, b in pairs for name, value in a["probabilities"].items()
        ),
    }
    return found


STEPS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "device": device,
    "auto": auto,
    "deep": deep,
    "formats": formats,
    "batch": batch,
    "crowded": halved,
    "full": full,
    "killed": killed,
    "moves": moves,
    "export": export,
}


def main() -> None:
    """Walks the steps; one that fails is said, and the next goes on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", action="append", choices=list(STEPS))
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(options.data.absolute(), Path(place))
        for name in options.only or STEPS:
            began = time.monotonic()
            try:
                found = STEPS[name](bench)
            except Exception as error:
                found = {"failed": f"{type(error).__name__}: {error}"}
            line = json.dumps({"step": name, "took_s": round(time.monotonic() - began, 1), **found})
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
            if options.results:
                with options.results.open("a") as stream:
                    stream.write(line + "\n")
        bench.close()


if __name__ == "__main__":
    main()
