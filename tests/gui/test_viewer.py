"""The large view asks for one image at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tlgui.gui.viewer import ImageViewer, Shown


class Asked:
    def __init__(self, path: str) -> None:
        self.path, self.is_cancelled = path, False

    def cancel(self) -> None:
        self.is_cancelled = True


class Store:
    """Never answers."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def request(self, root: Path, path: str, *_: Any, **__: Any) -> Asked:
        self.asked.append(Asked(path))
        return self.asked[-1]


def test_images_that_are_passed_over_are_not_read_any_more(qtbot: QtBot) -> None:
    store = Store()
    shown = [Shown(f"{n}.png", f"Image {n}") for n in range(9)]
    viewer = ImageViewer("Images", Path("/data"), shown, store, None)  # type: ignore[arg-type]
    qtbot.addWidget(viewer)
    for _ in range(5):
        qtbot.keyClick(viewer, Qt.Key.Key_Right)
    assert [asked.path for asked in store.asked if not asked.is_cancelled] == ["5.png"]
