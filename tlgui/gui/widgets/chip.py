"""Chips: a state in one or two words, or a file; never pressable."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from tlgui.gui.widgets.text import Label, repolish


class Chip(QLabel):
    """A state in one or two words.

    Args:
        text: the words.
        tone: neutral, good, info, warn or bad.
        parent: the widget it lies in.
    """

    def __init__(self, text: str = "", tone: str = "neutral", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "chip")
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set(text, tone)

    def set(self, text: str, tone: str = "neutral") -> None:
        """Another state."""
        self.setText(text)
        self.setAccessibleName(text)
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            repolish(self)


class FileChip(QFrame):
    """A file by name, square-cornered, with its size in muted type."""

    def __init__(self, text: str, size_text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "file-chip")
        self.setFixedHeight(22)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(7, 0, 7, 0)
        row.setSpacing(6)
        row.addWidget(Label(text, "body", elide=True), 1)
        if size_text:
            row.addWidget(Label(size_text, "caption"))
        self.setAccessibleName(f"{text} {size_text}".strip())
