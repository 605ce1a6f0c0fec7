"""What reading costs: seconds for 1,000 images, plain and varied, by how many pixels the files have.

python tests/benchmarks/measure_reading.py FOLDER... [--sizes 32 224] [--images 200]

Each folder's images are read as a run reads them, on the physical cores: from the file to the network's input. A first pass
over the files is not counted, so that the drive is not measured. `core.estimates` foresees a run by these figures.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

from tlgui.core.augmentations import augmentation
from tlgui.core.preprocessing import Preprocessing
from tlgui.core.run_folder import ManifestRow
from tlgui.engine.device import physical_cores
from tlgui.engine.samples import Part, Reader
from tlgui.imaging.scan import scan_folder


def main() -> None:
    """Prints one line for each folder, size and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 224])
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    sys.stdout.write("folder | megapixels | size | variation | seconds for 1,000 images\n")
    for folder in options.folders:
        scan = scan_folder(folder)
        taken = scan.used[:: max(1, len(scan.used) // options.images)]
        rows = [
            ManifestRow(path=one.path, class_name=one.class_name, part="train", content_hash=one.content_hash)
            for one in taken
        ]
        part = Part.of(rows, sorted({one.class_name for one in taken}))
        pixels = statistics.mean(one.width * one.height for one in taken) / 1e6
        for size in options.sizes:
            recipe = Preprocessing(
                size=size, resize_to=round(size / 0.875), kernel="bicubic", fit="crop", mean=(0.5,) * 3, std=(0.5,) * 3
            )
            for name in ("off", "photos"):
                reader = Reader(folder, recipe, scan.pixel_rule, augmentation(name), physical_cores())
                took = []
                for view in (1, 2, 3):
                    began = time.perf_counter()
                    for first in range(0, len(part), 32):
                        reader.read(part, range(first, min(first + 32, len(part))), view)
                    took.append(time.perf_counter() - began)
                reader.close()
                seconds = min(took[1:]) / len(part) * 1_000
                sys.stdout.write(f"{folder.name} | {pixels:.3f} | {size} | {name} | {seconds:.2f}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
