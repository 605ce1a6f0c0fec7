"""Where known sets of pictures stand on the similarity scale, and whether the answer holds: one script.

python tests/benchmarks/measure_similarity.py [--data DIR] [--backbone NAME] [--images N]

For each set: similarity with its range, I (the mean distance of single images), the band, the seconds that it took, how
often the band is the same with a tenth of the images left out (20 draws), and what is said of half of it mixed with half
of a set of photographs. With `--backbone` another network with BatchNorm layers measures, whose weights must be here:
its bands are unknown, so that D and I alone are told, from which `core.similarity.THRESHOLDS` can be written.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.records import PixelRule
from tlgui.core.similarity import FEWEST, MOST, THRESHOLDS
from tlgui.engine import similarity
from tlgui.engine.drawn_images import ranked
from tlgui.engine.listed_network import pretrained_network
from tlgui.engine.similarity import Layer
from tlgui.imaging.listing import ListedImage

PHOTOGRAPHS = "pacs_subset/photo"
SETS = (
    PHOTOGRAPHS, "pacs_subset/art_painting", "pacs_subset/cartoon", "pacs_subset/sketch", "hymenoptera", "sign_digits",
    "chest_xray_2k", "bccd_cells", "wbc5", "busi_ultrasound", "skin_ham7", "elpv_solar", "mnist_to_mnist_m/source_mnist",
    "mnist_to_mnist_m/target_mnist_m",
)  # fmt: skip
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp"}
_DRAWS, _LEFT_OUT = 20, 0.1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the sets (default: TLGUI_TEST_DATA, ../shared/data)")
    parser.add_argument("--backbone", default=DEFAULT_BACKBONE)
    parser.add_argument("--images", type=int, default=MOST)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    options = parser.parse_args()
    data = options.data or Path(os.environ.get("TLGUI_TEST_DATA") or Path.cwd().parent / "shared" / "data")
    known = options.backbone in THRESHOLDS
    say("| set | images | similarity | I | band | seconds | a tenth left out | half of it and half photographs |")
    say("|---" * 8 + "|")
    photographs: list[Layer] = []
    for name in dict.fromkeys((PHOTOGRAPHS, *options.sets)):
        began = time.monotonic()
        layers = looked_at(data / name, options.backbone, options.images)
        if layers is None:
            say(f"| {name} | too few |" + " - |" * 6)
            continue
        n, distance = len(layers[0].means), similarity.set_distance(layers)
        spread = float(similarity.image_distances(layers).mean())
        if not known:
            say(f"| {name} | {n} | {1 - distance:.4f} | {spread:.4f} |" + " - |" * 4)
            continue
        found = similarity.judged(layers, options.backbone, 0)
        seconds = time.monotonic() - began
        photographs = photographs or layers
        band = f"{found.band or found.doubt}{'' if found.sure else ' (unsure)'}"
        mixed = "-" if layers is photographs else said_of_mixture(photographs, layers, options.backbone)
        say(
            f"| {name} | {n} | {found.value:.3f} ({found.low:.3f} to {found.high:.3f}) | {spread:.3f} | {band} | "
            f"{seconds:.1f} | {same_band(layers, options.backbone)} of {_DRAWS} | {mixed} |"
        )
    return 0


def looked_at(folder: Path, backbone: str, most: int) -> list[Layer] | None:
    """What comes into the layers of a network for some images of a folder; `None` where there are too few."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)
    listed = [
        ListedImage(path=path.relative_to(folder).as_posix(), class_name="", content_hash="", width=0, height=0)
        for path in paths
    ]
    if len(listed) < FEWEST:
        return None
    network, device = pretrained_network(backbone, 2, "crop", None)
    steps = similarity._looked_at(folder, ranked(listed, 0)[:most], PixelRule(), network, device)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            layers: list[Layer] = end.value[0]
            return layers


def same_band(layers: list[Layer], backbone: str) -> int:
    """In how many draws without a tenth of the images the band is that of all."""
    n = len(layers[0].means)
    whole = similarity.judged(layers, backbone, 0).band
    kept = (np.random.default_rng(seed).permutation(n)[round(_LEFT_OUT * n) :] for seed in range(_DRAWS))
    return sum(band_of(part(layers, rows), backbone) == whole for rows in kept)


def band_of(layers: list[Layer], backbone: str) -> str | None:
    limits = THRESHOLDS[backbone]
    return None if similarity.is_mixture(layers, limits) else similarity._band(layers, limits)


def said_of_mixture(first: list[Layer], second: list[Layer], backbone: str) -> str:
    """The band of half of each."""
    half = min(len(first[0].means), len(second[0].means)) // 2
    layers = [
        Layer(a.mean, a.variance, np.concatenate([a.means[:half], b.means[:half]]),
              np.concatenate([a.squares[:half], b.squares[:half]]))
        for a, b in zip(first, second, strict=True)
    ]  # fmt: skip
    return band_of(layers, backbone) or "no band: two kinds"


def part(layers: Iterable[Layer], rows: np.ndarray) -> list[Layer]:
    return [layer.of(rows) for layer in layers]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    torch.set_num_threads(max(1, os.cpu_count() or 1))
    sys.exit(main())
