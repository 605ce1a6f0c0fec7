"""What the run said, in plain words, one line after the other."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from tlgui.gui.widgets import Action, Button, Card

_MOST_LINES = 5_000


class LogFold(Card):
    """The log: hidden until it is asked for; its text can be marked and copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Log", parent=parent)
        self._lines = QPlainTextEdit()
        self._lines.setReadOnly(True)
        self._lines.setMaximumBlockCount(_MOST_LINES)
        self._lines.setAccessibleName("Log of the run")
        self._lines.setTabChangesFocus(True)
        self._lines.setFixedHeight(180)
        self.body.addWidget(self._lines)
        self.copying = Action("Copy", self._on_copy, tooltip="Copies the whole log", parent=self)
        self.add_head(Button(kind="link", action=self.copying))
        self._shown: list[str] = []
        self.hide()

    def show_lines(self, lines: Sequence[str]) -> None:
        """Adds what is new; nothing is done while the log is hidden."""
        if self.isHidden():
            return
        known = len(self._shown)
        if known > len(lines) or (known and lines[known - 1] != self._shown[-1]):
            self._lines.clear()
            known = 0
        new = list(lines[known:])
        if new:
            self._lines.appendPlainText("\n".join(new))
        self._shown = list(lines)

    def text(self) -> str:
        """What stands in it."""
        return self._lines.toPlainText()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._shown))
