"""One format of export: what it is for, the files of the last one, and the proof that it answers the same."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core import events
from tlgui.gui import numbers
from tlgui.gui.pages.export.chips import Chips
from tlgui.gui.pages.export.formats import Format
from tlgui.gui.pages.export.records import Export
from tlgui.gui.widgets import Action, Button, Card, FileChip, IconTile, Label, ParityStamp, ProgressRow

_STAMP_WIDTH = 260
_UNCHECKED = ["Exported files are always checked before they are offered as done"]
_WRITING = "writing"


class ExportCard(Card):
    """The card of one format."""

    cancelled = Signal()

    def __init__(self, format: Format, export: Action, parent: QWidget | None = None) -> None:
        super().__init__("", parent=parent)
        self.format = format
        self.export_action = export
        self._folder: Path | None = None
        self.open_action = Action(
            "Open folder", self._open, format.open_keys, f"Show the files of the {format.label} export", "folder"
        )
        self.stamp = ParityStamp()
        self.stamp.setFixedWidth(_STAMP_WIDTH)
        self.stamp.set_state("unchecked", _UNCHECKED)
        self._progress = ProgressRow(f"Exporting {format.label}")
        self._progress.cancelled.connect(self.cancelled)
        self._progress.set_cancellable(True)
        self._progress.hide()
        self._chips = Chips()
        self._chips.hide()
        self._open_button = Button(action=self.open_action)
        self._open_button.hide()
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(IconTile(format.icon, "info"), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self._words(), 1)
        row.addWidget(self.stamp, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(row)
        self.body.addWidget(self._progress)

    def show_export(self, export: Export | None) -> None:
        """Shows the last export of this format; `None`: there is none yet."""
        self._progress.hide()
        self._folder = export.folder if export is not None else None
        self._open_button.setVisible(export is not None)
        self._chips.setVisible(export is not None)
        self.export_action.set_text(f"Export {self.format.label}" + (" again" if export is not None else ""))
        if export is None:
            self.stamp.set_state("unchecked", _UNCHECKED)
            return
        chips = [FileChip(name, numbers.size(file.size_bytes)) for name, file in sorted(export.parity.files.items())]
        self._chips.set_chips([*chips, FileChip("parity.json")])
        self.stamp.set_state("proved" if export.parity.passed else "failed", export.lines())

    def show_progress(self, event: events.Progress) -> None:
        """Shows how far an export is."""
        self._progress.show()
        counted = event.total > 1
        answered = f"{event.done} of {event.total} images answered here"
        if counted:
            self._progress.set(event.done, event.total, answered)
        else:
            self._progress.set_busy(event.stage)
        if event.stage != _WRITING:
            self.stamp.set_state("checking", [answered if counted else "A fresh process answers the same images"])

    def begin(self) -> None:
        """The export was asked for."""
        self._progress.set_busy("Getting ready")
        self._progress.show()
        self.stamp.set_state("unchecked", ["It is checked as soon as it is written"])

    def end(self) -> None:
        """The export came to its end, whatever that was; what stands there now is shown by `show_export`."""
        self._progress.hide()

    @property
    def folder(self) -> Path | None:
        """Folder of the export that is shown."""
        return self._folder

    def _words(self) -> QVBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(Label(self.format.label, "card-title"))
        head.addWidget(Label(self.format.purpose, "muted", elide=True), 1)
        words.addLayout(head)
        words.addWidget(Label(self.format.sentence, "muted", wrap=True))
        words.addWidget(self._chips)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(Button(action=self.export_action))
        buttons.addWidget(self._open_button)
        buttons.addStretch(1)
        words.addLayout(buttons)
        words.addStretch(1)
        return words

    def _open(self) -> None:
        if self._folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))
