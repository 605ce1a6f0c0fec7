"""Whether the advice holds when some images are missing: `measure_advice.py stability`."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tlgui.imaging.folder_names import PICTURE_SUFFIXES

sys.path.insert(0, str(Path(__file__).resolve().parent))
from measure_accuracy import READING, say

LEFT_OUT = 0.1


def stability(data: Path, copies: int, seed: int, trial: bool) -> None:
    """Says what is advised for a set and for copies of it that lack some images, and how often it is the same."""
    with tempfile.TemporaryDirectory() as place:
        whole = advice(data, Path(place), trial)
        say(f"{data.name}: {described(whole)}")
        if isinstance(whole, str):
            return
        same = 0
        for number in range(1, copies + 1):
            copy = (
                Path(place) / "copies" / str(number) / data.name
            )  # folder names may tell parts: the set keeps its own
            dropped = thin(data, copy, random.Random(f"{seed} {number}"))
            found = advice(copy, Path(place), trial)
            same += isinstance(found, dict) and _way(found) == _way(whole)
            say(f"  copy {number}, {dropped} images left out: {described(found)}")
            shutil.rmtree(copy)
        say(f"  the same recommendation in {same} of {copies} copies")


def advice(data: Path, work: Path, trial: bool) -> dict[str, Any] | str:
    """What `tlgui advise --json` answers, or why it does not."""
    command = ["advise", str(data), "--json", *READING.get(data.name, ()), *(["--trial"] if trial else [])]
    folders = {f"TLGUI_{name}_DIR": str(work / name.lower()) for name in ("CACHE", "STATE", "PROJECTS")}
    done = subprocess.run(
        [sys.executable, "-m", "tlgui", *command], capture_output=True, text=True, env={**os.environ, **folders}, check=False
    )  # fmt: skip
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        return f"no answer ({done.stderr.strip()[-300:]})"


def thin(data: Path, copy: Path, rng: random.Random) -> int:
    """Makes a copy that lacks a tenth of the images of each folder, and says how many; tables and the like stay."""
    dropped = 0
    for folder in [data, *sorted(path for path in data.rglob("*") if path.is_dir())]:
        files = sorted(path for path in folder.iterdir() if path.is_file())
        images = [path for path in files if PICTURE_SUFFIXES.search(path.name)]
        out = set(rng.sample(images, round(LEFT_OUT * len(images))))
        dropped += len(out)
        target = copy / folder.relative_to(data)
        target.mkdir(parents=True)
        for path in files:
            if path not in out:
                _link(path, target / path.name)
    return dropped


def _link(path: Path, target: Path) -> None:
    try:
        target.hardlink_to(path.resolve())
    except OSError:  # another disk, or one without links
        shutil.copyfile(path, target)


def described(found: dict[str, Any] | str) -> str:
    """'fine-tune-top (2 groups), fairly sure, headroom 7 %, similarity: different'."""
    if isinstance(found, str):
        return found
    headroom, name, groups = found["headroom"]["value"], *_way(found)
    left = "unknown" if headroom is None else f"{100 * headroom:.1f} %"
    groups = f" ({groups} groups)" if name == "fine-tune-top" else ""
    return f"{name}{groups}, {found['sure']}, headroom {left}, similarity: {found['similarity']['band'] or 'unknown'}"


def _way(found: dict[str, Any]) -> tuple[Any, Any]:
    return found["recommended"]["strategy"], found["recommended"]["top_groups"]
