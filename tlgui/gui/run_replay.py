"""A run from its folder, as the window knows it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication

from tlgui.gui.run_model import RunModel
from tlgui.gui.run_reading import RunOnDisk, read_run


def replayed(path: Path) -> tuple[RunOnDisk, RunModel]:
    """A run from its folder. Thousands of events take longer than a frame, so this happens in the background too."""
    read = read_run(path)
    model = RunModel.replay(read.heard, read.folder.path)
    app = QCoreApplication.instance()
    assert app is not None
    model.moveToThread(app.thread())
    return read, model
