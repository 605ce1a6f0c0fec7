"""Lists that a person saves as CSV: the question where, the writing away from the window's thread, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from tlgui.core import atomic
from tlgui.core.tables import csv_bytes
from tlgui.gui.background import run_in_background


def ask_for_csv(parent: QWidget, title: str, name: str, chosen: Callable[[Path], None]) -> None:
    """Opens the system's dialog for saving.

    Args:
        parent: whose window it lies over.
        title: what is saved.
        name: of the file, as a proposal.
        chosen: called with the path; never called when the person cancels.
    """
    dialog = QFileDialog(parent, title)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilter("Tables (*.csv)")
    dialog.setDefaultSuffix("csv")
    dialog.selectFile(name)
    dialog.fileSelected.connect(lambda path: chosen(Path(path)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def write_csv(
    owner: QWidget, path: Path, rows: Iterable[Sequence[object]], say: Callable[[str, bool], None]
) -> None:  # fmt: skip
    """Writes a table in the background.

    Args:
        owner: whose work it is.
        path: where to.
        rows: the header first.
        say: hears a sentence, and whether it was written.
    """
    data = list(rows)

    def failed(error: BaseException) -> None:
        if not isinstance(error, OSError):
            raise error
        say(f"'{path.name}' cannot be written: {error.strerror}. Choose another place.", False)

    def work() -> None:
        atomic.write_bytes(path, csv_bytes(data, for_spreadsheets=True))

    run_in_background(owner, work, lambda _nothing: say(f"Saved as '{path.name}'.", True), failed)
