"""Small generated datasets whose classes a network can tell apart, but not perfectly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_picture(path: Path, kind: int, seed: int, size: int = 48) -> None:
    """A noisy picture whose stripes run down (kind 0), across (kind 1), or both ways (kind 2)."""
    rng = np.random.default_rng([kind, seed])
    y, x = np.mgrid[0:size, 0:size]
    wave = {0: np.sin(x / 2.0), 1: np.sin(y / 2.0), 2: np.sin(x / 2.0) * np.sin(y / 2.0)}[kind % 3]
    grey = 127 + 70 * wave[..., None] * rng.uniform(0.5, 1, 3) + rng.normal(0, 25, (size, size, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(path)


def write_dataset(root: Path, classes: dict[str, int], size: int = 48) -> Path:
    """Class folders: name -> number of pictures. Returns `root`."""
    for kind, (name, count) in enumerate(sorted(classes.items())):
        for index in range(count):
            write_picture(root / name / f"{index:03}.png", kind, index, size)
    return root


def write_tree(root: Path, parts: dict[str, dict[str, int]], size: int = 48) -> Path:
    """A train/val/test tree: part folder -> class -> number of pictures; no picture is in two parts."""
    for offset, (part, classes) in enumerate(parts.items()):
        for kind, (name, count) in enumerate(sorted(classes.items())):
            for index in range(count):
                write_picture(root / part / name / f"{part}-{index:03}.png", kind, 1000 * (offset + 1) + index, size)
    return root


def write_site(root: Path, count: int, size: int = 48, classes: int = 2) -> Path:
    """Pictures of the same kinds by another scanner: paler, brighter, greener, in one folder. Returns `root`."""
    for index in range(count):
        path = root / f"{index:03}.png"
        write_picture(path, index % classes, 500_000 + index, size)
        pixels = np.asarray(Image.open(path)).astype(np.float32)
        pixels = pixels * 0.4 + np.array([90, 140, 110], dtype=np.float32)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return root
