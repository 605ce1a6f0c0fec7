"""Where a person lets go of a folder or of files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QEvent, QMimeData, QRectF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from tlgui.gui.theme import color
from tlgui.gui.widgets.text import Label

Accepts = Literal["folder", "files", "any"]
_OVER = {
    "folder": "Let go to read this folder",
    "files": "Let go to read these files",
    "any": "Let go to read what you hold",
}
_WRONG = {"folder": "A folder belongs here, not a file", "files": "Files belong here, not a folder", "any": ""}


class DropArea(QFrame):
    """A dashed area that takes what is dropped on it.

    The words (`set_words`) stand at the top of `body`; while something is held over the area they change.

    Args:
        accepts: "folder" takes folders only, "files" files only, "any" both.
        title: the words at rest; none when empty (then build your own `body`).
        parent: the widget it lies in.
    """

    dropped = Signal(list)  # of pathlib.Path

    def __init__(self, accepts: Accepts = "any", title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(24, 20, 24, 20)
        self.body.setSpacing(8)
        self.words = Label("", "card-title", wrap=True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.body.addWidget(self.words)
        self._accepts: Accepts = accepts
        self._over, self._idle_words, self._over_words = "", title, _OVER[accepts]
        self._say()

    @property
    def is_over(self) -> bool:
        """Whether something that fits is held over the area."""
        return self._over == "fits"

    def set_words(self, idle: str, over: str = "") -> None:
        """The words at rest, and while something that fits is held over the area."""
        self._idle_words, self._over_words = idle, over or self._over_words
        self._say()

    def _say(self) -> None:
        shown = {"": self._idle_words, "fits": self._over_words, "wrong": _WRONG[self._accepts]}[self._over]
        self.words.setText(shown)
        self.words.setVisible(bool(shown))
        self.setAccessibleName(self._idle_words or "Drop area")
        self.update()

    def _set_over(self, over: str) -> None:
        if over != self._over:
            self._over = over
            self._say()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  Qt's name
        """Says whether what is held fits."""
        paths = _paths(event.mimeData())
        if not paths:
            event.ignore()
            return
        fits = bool(self._fitting(paths))
        self._set_over("fits" if fits else "wrong")
        # Taken even where it does not fit: else Qt never tells that it has left again.
        event.setDropAction(Qt.DropAction.CopyAction if fits else Qt.DropAction.IgnoreAction)
        event.accept()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802  Qt's name
        """Back to rest."""
        self._set_over("")
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802  Qt's name
        """Takes what fits."""
        fitting = self._fitting(_paths(event.mimeData()))
        self._set_over("")
        if fitting:
            event.acceptProposedAction()
            self.dropped.emit(fitting)
        else:
            event.ignore()

    def _fitting(self, paths: list[Path]) -> list[Path]:
        if self._accepts == "any":
            return paths
        return [path for path in paths if path.is_dir() == (self._accepts == "folder")]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws the dashed edge."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(color("primary" if self.is_over else "control"), 2.0 if self.is_over else 1.4)
        if not self.is_over:
            pen.setDashPattern([5, 3.5])
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.setBrush(color("tint" if self.is_over else "surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 10, 10)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """New colours are painted."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


def _paths(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
