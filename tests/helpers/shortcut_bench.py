"""Small pictures of two classes with a listing of them, and the tiny network in place of the embedded backbone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from helpers.tiny import ROW, tiny_network
from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.tables import csv_bytes
from tlgui.engine import drawn_images
from tlgui.imaging.listing import ListedImage

Pixels = NDArray[np.uint8]
Paint = Callable[[Pixels, str, int], Pixels]


def tiny_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the jobs run a network of a few thousand weights."""
    monkeypatch.setenv("TLGUI_DEVICE", "cpu")
    monkeypatch.setattr(drawn_images, "backbone", lambda name: {DEFAULT_BACKBONE: ROW}[name])
    monkeypatch.setattr(drawn_images, "build", lambda row, classes, state, fit: tiny_network(classes))
    monkeypatch.setattr(drawn_images.weights, "pretrained", lambda row: {})
    monkeypatch.setattr(drawn_images, "executor_for", lambda *_: "torch")


def subject(class_name: str, number: int) -> Pixels:
    """Noise with a shape in the middle: a bright square for "a", a dark one for "b", unclear in one of six."""
    rng = np.random.default_rng(1000 * ord(class_name[0]) + number)
    pixels = rng.integers(70, 150, (48, 64, 3)).astype(np.uint8)
    bright = (class_name == "a") != (number % 6 == 0)
    pixels[16:32, 24:40] = np.clip(pixels[16:32, 24:40].astype(int) + (60 if bright else -60), 0, 255)
    return pixels


def plain(pixels: Pixels, class_name: str, number: int) -> Pixels:
    """No marker."""
    return pixels


def marked(pixels: Pixels, class_name: str, number: int) -> Pixels:
    """A white square in a corner of class "a"."""
    if class_name == "a":
        pixels[1:6, 1:6] = 255
    return pixels


def write_listed(
    root: Path, counts: dict[str, int], paint: Paint = plain, group: Callable[[str, int], str] = lambda *_: ""
) -> Path:
    """Pictures below `root`, and beside it their listing, whose path comes back."""
    images = []
    for class_name, count in counts.items():
        (root / class_name).mkdir(parents=True)
        for number in range(count):
            path = root / class_name / f"{number:03}.png"
            Image.fromarray(paint(subject(class_name, number), class_name, number)).save(path)
            images.append(
                ListedImage(
                    path=f"{class_name}/{path.name}",
                    class_name=class_name,
                    group=group(class_name, number),
                    content_hash=f"{class_name}{number}",
                    width=64,
                    height=48,
                    format="PNG",
                    size_bytes=path.stat().st_size,
                )
            )
    return write_table(root.parent / f"{root.name}.csv", images)


def write_table(path: Path, images: list[ListedImage]) -> Path:
    """A listing of these images."""
    fields = ListedImage.__struct_fields__
    path.write_bytes(csv_bytes([fields, *([getattr(image, name) for name in fields] for image in images)]))
    return path
