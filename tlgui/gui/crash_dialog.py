"""The one dialog for faults of the program: plain words, the log folder, and a report to copy."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from tlgui.core.paths import logs_dir
from tlgui.gui.widgets import Dialog, Fold, Label

_TITLE = "Something in tlgui went wrong"
_TEXT = (
    "This is a fault of the program, not of yours. The window stays open, and what was saved is safe. If something looks "
    "wrong now, close the window and open it again."
)
_COPIED = "The report is copied. It holds versions and the last lines of the log, no images and no places of files."


class CrashDialog(Dialog):
    """Shows a report.

    Args:
        report: the text that "Copy the report" copies.
        over: called when the dialog was closed.
        parent: the window, where there is one.
    """

    def __init__(self, report: str, over: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(_TITLE, _TEXT, parent)
        self._report = report
        self._told = Label("", "muted", wrap=True)
        fold = Fold("Details")
        text = QPlainTextEdit(report)
        text.setReadOnly(True)
        text.setAccessibleName("Report of the fault")
        text.setMinimumSize(420, 160)
        text.setTabChangesFocus(True)
        fold.body.addWidget(text)
        self.body.addWidget(fold)
        self.body.addWidget(self._told)
        self._told.hide()
        self.add_button("Open the log folder", "secondary", self._on_folder, closes=False)
        self.add_button("Copy the report", "secondary", self._on_copy, closes=False)
        self.add_button("Close", "primary", self.accept, default=True)
        # Not `finished`: a dialog that deletes itself as it closes may say that twice.
        self.destroyed.connect(lambda _=None: over())

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report)
        self._told.setText(_COPIED)
        self._told.show()

    def _on_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(logs_dir())))
