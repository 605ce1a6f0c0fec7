"""The parts of what the network sees: a picture with its words, the numbered steps, the losses."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from tlgui.gui.viewer import Canvas
from tlgui.gui.widgets import Label

_LEAST = (150, 104)  # so that all of it fits a small screen at 200 %


class SeenPicture(QWidget):
    """A picture beneath its name and a caption.

    Args:
        name: what it is.
        parent: as always.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.caption = Label("", "caption", elide=True)
        self.canvas = Canvas()
        self.canvas.setMinimumSize(*_LEAST)
        self.canvas.setToolTip("The wheel zooms, the mouse drags.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(Label(name, "strong", elide=True))
        column.addWidget(self.caption)
        column.addWidget(self.canvas, 1)
        self.say("")

    def show_picture(self, image: QImage, caption: str) -> None:
        """A picture, and what stands above it."""
        self.canvas.set_image(image)
        self._tell(caption)

    def say(self, words: str) -> None:
        """Words in place of a picture."""
        self.canvas.say(words)
        self._tell("")
        self.canvas.setAccessibleName(f"{self._name}: {words}" if words else self._name)

    def _tell(self, caption: str) -> None:
        self.caption.setText(caption or " ")  # keeps its height
        self.canvas.setAccessibleName(f"{self._name}, {caption}")


class WordRows(QScrollArea):
    """Rows of a short word and a sentence; scrolled where there is no room.

    Args:
        name: what the rows are, for a screen reader.
        kind: of the short words, as in `Label`.
        parent: as always.
    """

    def __init__(self, name: str, kind: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind = kind
        self.setAccessibleName(name)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(64)
        self.show_rows(())

    def show_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Other rows."""
        inside = QWidget()
        inside.setProperty("role", "plain")
        grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        for place, (word, sentence) in enumerate(rows):
            grid.addWidget(Label(word, self._kind), place, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(Label(sentence, "small", wrap=True), place, 1)
        grid.setRowStretch(len(rows), 1)
        self.setWidget(inside)  # the rows before go with it
