"""Measures how long it takes to read a folder of many small images, and what is found in real sets.

python tests/benchmarks/measure_intake.py [--images N] [--classes N] [--side PIXELS] [--cold] [--keep FOLDER]
python tests/benchmarks/measure_intake.py --sets DIR

Makes N distinct tiny PNG files (100,000 by default) in a temporary folder and reads them three times, each time in a
new process: for the first time, again with the cache of the first time, and once more with half of the cache thrown
away. Seconds count from the beginning of that reading; "x bare" compares the listing with a loop of plain Python that
does nothing but list the folder and read the first bytes of each file, on the same machine at the same time. With
`--cold` (as root on Linux) the system's own cache of files is emptied before the first reading. `--keep` makes the
images in a folder that stays, or uses those that are there.

With `--sets`, each folder in DIR is read as the program does it, and a Markdown table says what was found.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

_DROP = Path("/proc/sys/vm/drop_caches")
_SPLIT = ((0.7, 0.15, 0.15), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--side", type=int, default=8, help="of an image, in pixels")
    parser.add_argument("--cold", action="store_true", help="empty the system's cache of files first (needs root)")
    parser.add_argument("--keep", type=Path, help="where the images are made, and stay")
    parser.add_argument("--sets", type=Path, help="a folder of data sets")
    parser.add_argument("--child", choices=("read", "set"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        answer = read_folder(options.folder) if options.child == "read" else read_set(options.folder)
        sys.stdout.write(json.dumps(answer))
        return
    with tempfile.TemporaryDirectory() as place:
        if options.sets:
            measure_sets(options.sets, Path(place))
        else:
            measure_many(options, Path(place))


def measure_many(options: argparse.Namespace, place: Path) -> None:
    """One folder of many files, read three times."""
    folder = options.keep or place / "images"
    began = time.monotonic()
    make_images(folder, options.images, options.classes, options.side)
    say(f"{options.images} images in {options.classes} classes made in {time.monotonic() - began:.1f} s")
    time.sleep(2.1)  # files as new as can be are not trusted to stay as they are
    if options.cold:
        os.sync()
        _DROP.write_text("3")
    first = child("read", folder, place)
    bare = bare_loop(folder)
    say(row("first reading, cold" if options.cold else "first reading", first, bare))
    say(row("second reading", child("read", folder, place), bare_loop(folder)))
    forget_half(place)
    say(row("half of it known", child("read", folder, place), bare_loop(folder)))


def make_images(folder: Path, images: int, classes: int, side: int) -> None:
    """All files, spread over the classes."""
    if folder.exists():
        return
    for index in range(classes):
        (folder / f"class {index:03}").mkdir(parents=True)
    for number in range(images):
        target = folder / f"class {number % classes:03}" / f"{number:07}.png"
        target.write_bytes(png(number, side))


def png(number: int, side: int) -> bytes:
    """A PNG of noise: no two look alike."""
    noise = random.Random(number).randbytes(3 * side * side)
    pixels = b"".join(b"\0" + noise[start : start + 3 * side] for start in range(0, len(noise), 3 * side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(pixels, 1)), (b"IEND", b""))
    )


def bare_loop(folder: Path) -> float:
    """Seconds for listing all files and reading the first bytes of each, and nothing else."""
    began = time.monotonic()
    for path in _files(str(folder)):
        descriptor = os.open(path, os.O_RDONLY)
        os.read(descriptor, 1024)
        os.close(descriptor)
    return time.monotonic() - began


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            else:
                entry.stat()
                yield entry.path


def forget_half(place: Path) -> None:
    """Every other row of the cache."""
    import sqlite3

    for path in (place / "cache" / "scans").glob("*.sqlite"):
        with sqlite3.connect(path) as database:
            database.execute("DELETE FROM verdicts WHERE length(path) % 2 = 0 OR substr(path, -5, 1) % 2 = 0")
        database.close()


def child(kind: str, folder: Path, place: Path) -> dict[str, Any]:
    """What a process of its own says, with caches and state in `place`."""
    folders = {f"TLGUI_{name}_DIR": str(place / name.lower()) for name in ("CACHE", "STATE", "PROJECTS")}
    done = subprocess.run(
        [sys.executable, __file__, "--child", kind, "--folder", str(folder)],
        env={**os.environ, **folders},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def read_folder(folder: Path) -> dict[str, Any]:
    """Seconds after which each step was done, and memory."""
    from tlgui.imaging.assemble import Look, assemble
    from tlgui.imaging.reader_process import WARM
    from tlgui.imaging.scan import look_at

    began, computed = time.monotonic(), time.process_time()
    done: dict[str, Any] = {}

    def note(step: str) -> None:
        done[step] = time.monotonic() - began
        done[f"{step}_processor"] = time.process_time() - computed

    counts: list[int] = []
    reader_peak = 0

    def sample(number: int, _total: int) -> None:
        nonlocal reader_peak
        if not number % 2000:
            sizes = [child.memory_info().rss for child in psutil.Process().children()]
            reader_peak = max([reader_peak, *sizes])

    def classified(look: Look) -> None:
        counts.append(len(look.verdicts))
        note("classified")

    look = look_at(
        folder,
        sample,
        named=lambda _look, _layout: note("listed"),
        classified=classified,
        isolated=True,
    )
    note("checked")
    done["checked_peak"] = memory().get("peak", 0)
    scan = assemble(look)
    note("assembled")
    WARM.end()
    return {**done, "by_header": counts[0], "used": len(scan.used), "reader_peak": reader_peak, **memory()}


def read_set(folder: Path) -> dict[str, Any]:
    """What the program finds in a set."""
    from tlgui.core.errors import UserError
    from tlgui.imaging.opening import open_folder
    from tlgui.imaging.reader_process import WARM
    from tlgui.imaging.summary import summary_of

    began = time.monotonic()
    try:
        found = summary_of(open_folder(folder, isolated=True), *_SPLIT)
    except UserError as error:
        return {"problem": error.problem, "seconds": time.monotonic() - began}
    seconds = time.monotonic() - began
    WARM.end()
    return {
        "layout": found.layout,
        "classes": len(found.classes),
        "used": found.used,
        "left_out": found.reasons,
        "warnings": [warning.code for warning in found.warnings],
        "notices": found.notice_count,
        "leaks": found.leak_count,
        "pairs": found.copies,
        "grouping": found.grouping.key,
        "proposed": found.proposed.key,
        "seconds": seconds,
        **memory(),
    }


def memory() -> dict[str, int]:
    """The largest resident size of this process so far, in bytes; nothing where that is not known."""
    try:
        import resource
    except ImportError:
        return {}
    unit = 1 if sys.platform == "darwin" else 1024
    return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}


def row(name: str, found: dict[str, Any], bare: float) -> str:
    """One line of figures."""
    steps = ", ".join(f"{step} {found[step]:.2f} s" for step in ("listed", "classified", "checked", "assembled"))
    sizes = ""
    if "peak" in found:
        checked, peak, reader = (found[key] / 2**20 for key in ("checked_peak", "peak", "reader_peak"))
        sizes = f"; {checked:.0f} MB when checked, {peak:.0f} MB at most (a reader {reader:.0f} MB)"
    ratio = f"{found['classified'] / bare:.1f} x bare, {found['classified_processor']:.2f} s of one processor"
    return f"{name:<20} {steps}; classified = {ratio}; {found['used']} used{sizes}"


def measure_sets(folder: Path, place: Path) -> None:
    """A table of all sets, each read twice."""
    say("| set | layout | classes | used | left out | warnings | notices | leaks (pairs) | groups | seconds | again |")
    say("| --- | --- | ---: | ---: | --- | --- | ---: | ---: | --- | ---: | ---: |")
    for data in sorted(path for path in folder.iterdir() if path.is_dir()):
        first, again = child("set", data, place), child("set", data, place)
        times = f"{first['seconds']:.1f} | {again['seconds']:.1f} |"
        if "problem" in first:
            say(f"| {data.name} | refused: {first['problem']} | | | | | | | | {times}")
            continue
        left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(first["left_out"].items())) or "0"
        groups = first["grouping"] or (f"proposed {first['proposed']}" if first["proposed"] else "")
        cells = [
            data.name,
            first["layout"],
            first["classes"],
            first["used"],
            left_out,
            ", ".join(first["warnings"]),
            first["notices"],
            f"{first['leaks']} ({first['pairs']})",
            f"`{groups}`".replace("|", "\\|") if groups else "",
        ]
        say(f"| {' | '.join(map(str, cells))} | {times}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
