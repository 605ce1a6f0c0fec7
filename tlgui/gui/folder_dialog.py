"""The question which folder, asked without stopping the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_for_folder(parent: QWidget, title: str, chosen: Callable[[Path], None], start: Path | None = None) -> None:
    """Opens the system's dialog for folders.

    Args:
        parent: whose window it lies over.
        title: what it asks for.
        chosen: called with the folder; never called when the person cancels.
        start: where it begins; by default where the last one ended.
    """
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    if start is not None:
        dialog.setDirectory(str(start))
    dialog.fileSelected.connect(lambda path: chosen(Path(path)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
