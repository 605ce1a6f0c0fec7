"""The three ways to begin: one's own images, the demo, a run from before."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from tlgui.gui.pages.start.picture_stack import PictureStack
from tlgui.gui.widgets import Action, Button, Card, DropArea, Label
from tlgui.gui.widgets.empty_state import IconTile

_CENTRE = Qt.AlignmentFlag.AlignHCenter


class ImagesChoice(DropArea):
    """A folder, a zip or a table of labels can be let go here, or a folder chosen."""

    def __init__(self, choose: Action, title: str, parent: QWidget | None = None) -> None:
        super().__init__("any", parent=parent)
        self.setMinimumHeight(290)
        self.set_words(title, "Let go to read it")
        self.button = Button(kind="primary", action=choose)
        self.body.removeWidget(self.words)
        self.body.setSpacing(4)
        self.body.addStretch(1)
        self.body.addWidget(PictureStack(), 0, _CENTRE)
        self.body.addSpacing(14)
        self.body.addWidget(self.words)
        self._add(
            "Drop a folder here: one folder of images per class, or train\u00a0/\u00a0val\u00a0/\u00a0test folders. "
            "A zip of it will do, or a table of labels.",
            "muted",
        )
        self.body.addSpacing(14)
        self.body.addWidget(self.button, 0, _CENTRE)
        self.body.addSpacing(10)
        self._add("JPEG, PNG, TIFF and others. Nothing is copied or changed.", "caption")
        self.body.addStretch(1)

    def _add(self, text: str, kind: str) -> None:
        label = Label(text, kind, wrap=True)
        label.setAlignment(_CENTRE)
        label.setMaximumWidth(400)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(label, 100)
        row.addStretch(1)
        self.body.addLayout(row)


class Choice(Card):
    """An icon, a title, what happens, one button."""

    def __init__(self, icon: str, title: str, text: str, action: Action, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.button = Button(kind="secondary", action=action)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(Label(title, "card-title", wrap=True))
        column.addWidget(Label(text, "muted", wrap=True))
        column.addSpacing(10)
        column.addStretch(1)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.setContentsMargins(2, 6, 2, 6)
        row.addWidget(IconTile(icon, "info"), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        self.body.addLayout(row)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
