"""Measures the search for copies: what of planted twins is found, and which pairs it finds in sets as they are.

python tests/benchmarks/measure_copies.py [SET ...] [--data FOLDER] [--sheets FOLDER] [--every N] [--many N ...]

The sets lie in TLGUI_TEST_DATA, else in ../shared/data. Of every N-th picture a twin of each kind is planted beside the
set, and counts as found where the two are a pair. `--sheets` draws the pairs that are in the sets themselves, side by
side, for looking at: whether a pair is a false alarm, only eyes tell. `--many` measures the time and the memory for so
many pictures, which are drawn at random with the spectrum of photographs.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from tlgui.core.records import Copies
from tlgui.imaging.assemble import assemble
from tlgui.imaging.fingerprints import print_of
from tlgui.imaging.scan import look_at
from tlgui.imaging.twins import find_twins
from tlgui.imaging.verdict import PRINT_SIDE

SETS = (
    "chest_xray_2k",
    "skin_ham7",
    "bccd_cells",
    "busi_ultrasound",
    "hymenoptera",
    "wbc5",
    "sign_digits",
    "elpv_solar",
    "mnist_to_mnist_m",
)
PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}
ON_A_SHEET = 40

Kind = Callable[[Image.Image], Image.Image]


def _saved_again(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=60)
    return Image.open(file)


def _cropped(left: float, top: float, right: float, bottom: float) -> Kind:
    def crop(image: Image.Image) -> Image.Image:
        width, height = image.size
        box = (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
        return image.crop(box)

    return crop


def _resized(share: float) -> Kind:
    return lambda image: image.resize([max(2, round(side * share)) for side in image.size], Image.Resampling.BICUBIC)


# What is planted; to measure another kind, add a row.
KINDS: dict[str, Kind] = {
    "JPEG q60": _saved_again,
    "80 %": _resized(0.8),
    "25 %": _resized(0.25),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.9),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.3),
    "grey": ImageOps.grayscale,
    "mirrored": ImageOps.mirror,
    "crop 2 %": _cropped(0.02, 0.02, 0.02, 0.02),
    "crop 3 %": _cropped(0.03, 0.03, 0.03, 0.03),
    "crop 4 %": _cropped(0.04, 0.04, 0.04, 0.04),
    "crop 3 % of one side": _cropped(0.03, 0, 0, 0),
    "rotated 2 deg": lambda image: image.rotate(2, Image.Resampling.BILINEAR),
}


def main() -> None:
    """Measures each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--data", type=Path, default=_data())
    parser.add_argument("--sheets", type=Path, help="a folder for contact sheets")
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--many", type=int, nargs="*", default=[])
    options = parser.parse_args()
    for name in options.sets:
        if (options.data / name).is_dir():
            measure_recall(options.data / name, options.every)
            look(options.data / name, options.sheets)
    for count in options.many:
        measure_time(count)


def _data() -> Path:
    here = Path(__file__).resolve().parents[2]
    return Path(os.environ.get("TLGUI_TEST_DATA") or here.parent / "shared" / "data")


def measure_recall(root: Path, every: int) -> None:
    """Prints the share of planted twins that are found, by kind."""
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in PICTURES)

    def prints(path: Path) -> dict[str, bytes]:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file).convert("RGB")
        plants = KINDS if zlib.crc32(path.name.encode()) % every == 0 else {}
        return {"": _print(image)} | {kind: _print(make(image)) for kind, make in plants.items()}

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(prints, files))
    unique = {each[""]: place for place, each in reversed(list(enumerate(found))) if any(each[""])}
    recall = {}
    for kind in KINDS:
        rows, wanted = list(unique), []
        known = {data: row for row, data in enumerate(rows)}
        for each in found:
            if kind in each and any(each[""]):
                twin = known.setdefault(each[kind], len(rows))
                if twin == len(rows):
                    rows.append(each[kind])
                wanted.append((known[each[""]], twin))
        pairs = find_twins(_array(rows))
        recall[kind] = sum(one == other or (min(one, other), max(one, other)) in pairs for one, other in wanted) / len(
            wanted
        )
    say(f"{root.name}: {len(files)} pictures, {len(wanted)} twins of each kind")
    say("  found: " + ", ".join(f"{kind} {share:.1%}" for kind, share in recall.items()))


def _print(image: Image.Image) -> bytes:
    return print_of(np.asarray(image.convert("RGB")))


def _array(prints: Sequence[bytes]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(b"".join(prints), np.uint8).reshape(-1, PRINT_SIDE * PRINT_SIDE)


def look(root: Path, sheets: Path | None) -> None:
    """Prints how many pairs a set holds, and draws them."""
    scan = assemble(look_at(root))
    kinds = Counter((pair.kind, "two classes" if len(set(pair.classes)) == 2 else "one class") for pair in scan.copies)
    say("  pairs: " + (", ".join(f"{n} {kind} in {where}" for (kind, where), n in sorted(kinds.items())) or "none"))
    if sheets is not None and scan.copies:
        sheets.mkdir(parents=True, exist_ok=True)
        by_likeness = sorted(scan.copies, key=lambda pair: pair.similarity)
        for number, start in enumerate(range(0, len(by_likeness), ON_A_SHEET)):
            draw_sheet(root, by_likeness[start : start + ON_A_SHEET]).save(sheets / f"{root.name} {number}.png")


def draw_sheet(root: Path, pairs: Sequence[Copies], side: int = 150, across: int = 5) -> Image.Image:
    """The pairs side by side, each with its kind, its similarity and its paths."""
    cell = (2 * side + 12, side + 34)
    sheet = Image.new("RGB", (across * cell[0], -(-len(pairs) // across) * cell[1]), "white")
    draw = ImageDraw.Draw(sheet)
    for number, pair in enumerate(pairs):
        left, top = number % across * cell[0], number // across * cell[1]
        for column, path in enumerate((pair.first, pair.second)):
            with Image.open(root / path) as image:
                sheet.paste(image.convert("RGB").resize((side, side)), (left + column * (side + 2), top))
        draw.text((left, top + side), f"{pair.kind} {pair.similarity:.3f}  {pair.first[-40:]}", "black")
        draw.text((left, top + side + 14), pair.second[-50:], "black")
    return sheet


def measure_time(count: int) -> None:
    """Prints seconds and peak memory of the search among `count` pictures."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(PRINT_SIDE)[:, None], np.fft.rfftfreq(PRINT_SIDE)[None])
    prints = np.empty((count, PRINT_SIDE * PRINT_SIDE), np.uint8)
    for start in range(0, count, 2000):
        noise = np.fft.rfft2(rng.normal(size=(min(2000, count - start), PRINT_SIDE, PRINT_SIDE)))
        pictures = np.fft.irfft2(noise / np.maximum(frequency, 1 / PRINT_SIDE)).reshape(len(noise), -1)
        lowest, highest = pictures.min(axis=1, keepdims=True), pictures.max(axis=1, keepdims=True)
        prints[start : start + len(noise)] = 255 * (pictures - lowest) / (highest - lowest)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, busy = time.perf_counter(), time.process_time()
    pairs = find_twins(prints)
    spent, busy = time.perf_counter() - began, time.process_time() - busy
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    times = f"{spent:.1f} s ({busy:.1f} s of a processor)"
    say(f"{count} pictures: {times}, {more / 1024:.0f} MB more than before, {len(pairs)} pairs")


def say(text: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
