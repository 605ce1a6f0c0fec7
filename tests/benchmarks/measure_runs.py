"""Trains on image sets by the command line, and prints time, memory of the engine and scores: one line per run.

python tests/benchmarks/measure_runs.py DATA... [--strategy NAME]... [--epochs N] [--export]

Each run starts with an empty cache, so its time is that of a first run. Memory is the engine's largest resident size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--strategy", action="append", help="may be given several times (default: feature-extraction)")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--export", action="store_true", help="export to ONNX too, and print its parity")
    options = parser.parse_args()
    for data in options.data:
        for strategy in options.strategy or ["feature-extraction"]:
            with tempfile.TemporaryDirectory() as place:
                measure(data, strategy, options, Path(place))


def measure(data: Path, strategy: str, options: argparse.Namespace, place: Path) -> None:
    """One run, and perhaps its export."""
    more = ["--epochs", str(options.epochs)] if options.epochs else []
    command = ["train", str(data), "--strategy", strategy, "--run-dir", str(place / "run"), "--json", *more]
    started = time.monotonic()
    events, peak = run(command, place)
    seconds = time.monotonic() - started
    line = f"{data.name:<16}{strategy:<20}{seconds:7.1f} s {peak / 2**20:7.0f} MB"
    for event in events:
        if event["type"] == "Evaluated":
            score = event["metrics"]["accuracy"]
            line += (
                f"  {event['split']} {score['value']:.4f} ({score['low']:.3f} to {score['high']:.3f}, n {score['n']})"
            )
    say(f"{line}  {events[-1]['type']}, best epoch {events[-1].get('best_epoch')}")
    if options.export:
        (exported,), peak = run(["export", str(place / "run"), "--format", "onnx", "--json"], place)
        parity = exported["parity"]
        say(
            f"    onnx: {parity['labels_equal']} of {parity['images']} labels equal, largest difference "
            f"{parity['max_probability_difference']:.1e}, {peak / 2**20:.0f} MB"
        )


def run(command: list[str], place: Path) -> tuple[list[dict[str, Any]], int]:
    """The JSON lines of one command, and the largest resident size of its engine in bytes."""
    folders = {f"TLGUI_{name}_DIR": str(place / name.lower()) for name in ("CACHE", "STATE", "PROJECTS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tlgui", *command], stdout=subprocess.PIPE, text=True, env={**os.environ, **folders}
    )
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            try:
                children = psutil.Process(process.pid).children()
                peak[0] = max([peak[0], *(child.memory_info().rss for child in children)])
            except psutil.Error:
                pass  # it has just ended
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert process.stdout is not None
    events = [json.loads(line) for line in process.stdout]
    watcher.join()
    return events, peak[0]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
