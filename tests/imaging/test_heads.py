from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tlgui.imaging import heads
from tlgui.imaging.file_check import read_head
from tlgui.imaging.heads import read_heads
from tlgui.imaging.scan import ScanCancelled, look_at, scan_folder
from tlgui.imaging.walk import FoundFile, walk

Plant = Callable[..., Path]
Classes = Callable[..., dict[str, bytes | None]]
Make = Callable[..., bytes]


def test_many_heads_say_what_one_says(plant: Plant, classes: Classes, picture: Make) -> None:
    files = classes("cats") | {"a.jpg": picture(1, "JPEG"), "b": b"", "c.txt": b"text", "d.zip": b"PK\3\4" + bytes(9)}
    root = plant(files)
    if hasattr(os, "mkfifo"):
        os.mkfifo(root / "pipe.png")
    found = [*walk(root).files, FoundFile(("gone.png",)), FoundFile(("pipe.png",)), FoundFile(("cats",))]
    assert dict(read_heads(root, found)) == {file: read_head(root, file) for file in found}


def test_heads_can_be_cancelled_and_end_in_time(
    plant: Plant, classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = plant(classes("cats"))
    files = walk(root).files * 100
    asked: list[int] = []

    def stop_if_cancelled() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise ScanCancelled

    with pytest.raises(ScanCancelled):
        list(read_heads(root, files, stop_if_cancelled))
    assert len(asked) == 2

    read = heads._head
    monkeypatch.setattr(heads, "_head", lambda path: time.sleep(0.01) or read(path))
    assert 1 <= len(list(read_heads(root, files, within_s=0.05))) < 100


def test_kinds_are_known_before_the_first_file_is_decoded(plant: Plant, classes: Classes, picture: Make) -> None:
    root = plant(classes("cats", "dogs") | {"cats/x.jpg": picture(5, "JPEG"), "dogs/notes.txt": b"hello"})
    said: list[tuple[int, ...]] = []
    look_at(
        root,
        lambda done, total: said.append((done, total)),
        classified=lambda look: said.append(tuple(sorted({len(look.verdicts)}))),
    )
    assert said[:2] == [(26,), (1, 26)]


def test_a_slow_disk_shows_kinds_when_files_are_read(
    plant: Plant, classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = plant(classes("cats", "dogs") | {"cats/page.png": b"<html>", "readme.txt": b"hello"})
    whole = scan_folder(root)
    monkeypatch.setattr("tlgui.imaging.scan.CLASSIFY_S", -1.0)
    seen: list[int] = []
    look_at(root, classified=lambda look: seen.append(len(look.verdicts)))
    assert seen == [0]
    assert scan_folder(root) == whole
