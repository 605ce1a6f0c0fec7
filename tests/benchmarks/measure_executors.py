"""Images per second of the frozen part in torch and in ONNX Runtime, taken in turn in one run, and their ratio.

python tests/benchmarks/measure_executors.py [BACKBONE] [--rounds N]

Random weights where the backbone's own did not come along: they change no time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import torch

from tlgui.core.backbones import DEFAULT_BACKBONE, backbone
from tlgui.engine import weights
from tlgui.engine.backbones import build
from tlgui.engine.device import physical_cores
from tlgui.engine.trunk import Trunk, compiled_trunk

IMAGES = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbone", nargs="?", default=DEFAULT_BACKBONE)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    threads = physical_cores()
    torch.set_num_threads(threads)
    row = backbone(options.backbone)
    network = build(row, 2, weights.pretrained(row) if row.embedded else None)
    cut, cpu = network.head_index, torch.device("cpu")
    size = network.preprocessing.size
    trunks = {
        "torch": Trunk(network, cpu),
        "onnxruntime": Trunk(network, cpu, compiled_trunk(network, cut), cut, threads),
    }
    images = torch.randn(IMAGES, 3, size, size)
    speeds: dict[str, list[float]] = {name: [] for name in trunks}
    for turn in range(options.rounds + 1):
        for name, trunk in trunks.items():
            started = time.perf_counter()
            trunk(images, cut)
            if turn:  # the first turn warms up
                speeds[name].append(IMAGES / (time.perf_counter() - started))
    ratios = [fast / slow for slow, fast in zip(speeds["torch"], speeds["onnxruntime"], strict=True)]
    for name, measured in speeds.items():
        sys.stdout.write(f"{row.name} {name}: {statistics.median(measured):.0f} images/s\n")
    sys.stdout.write(f"ONNX Runtime is {statistics.median(ratios):.1f} times as fast on {threads} threads\n")


if __name__ == "__main__":
    main()
