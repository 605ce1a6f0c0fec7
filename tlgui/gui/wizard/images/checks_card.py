"""What can be looked into besides: copies and near-twins, and shortcuts to the label."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tlgui.core.events import ShortcutsProbed
from tlgui.core.imaging_messages import ScanSummary
from tlgui.gui.numbers import counted
from tlgui.gui.widgets import Button, Card, Divider, Label
from tlgui.gui.wizard.images.shortcut_words import looked_words

_COPIES_TIP = "Pairs of images that show the same, with the parts and classes that they lie in."
_LOOK = "Look for shortcuts…"
_LOOK_TIP = "Tries to guess the label from the border, the corners, the file and the device."


class ChecksCard(Card):
    """Two questions, each with what is known and a way to look."""

    copies_asked = Signal()
    shortcuts_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Checks", parent=parent)
        self.copies_text = Label("", "caption", wrap=True)
        self.copies = Button("Show them side by side", "link", small=True)
        self.copies.clicked.connect(self.copies_asked)
        self.looked = Label("", "caption-strong", wrap=True)
        self.looked.hide()
        self.shortcuts = Button(_LOOK, "link", small=True)
        self.shortcuts.clicked.connect(self.shortcuts_asked)
        self._add("Copies and near-twins", self.copies_text, self.copies)
        self.body.addWidget(Divider())
        text = "Can the label be guessed from what must not matter, such as the border or the size of the file?"
        self._add("Shortcuts", Label(text, "caption", wrap=True), self.looked, self.shortcuts)

    def show_summary(self, summary: ScanSummary, against: str) -> None:
        """What is known.

        Args:
            summary: of the scan.
            against: why nothing can be looked into, as a sentence; "" when it can.
        """
        self.copies_text.setText(copies_words(summary))
        self.copies.setVisible(bool(summary.copies or summary.leak_count))
        self.copies.setEnabled(not against)
        self.shortcuts.setEnabled(not against)
        self.copies.setToolTip(against or _COPIES_TIP)
        self.shortcuts.setToolTip(against or _LOOK_TIP)

    def show_looked(self, found: ShortcutsProbed | None) -> None:
        """What a look for shortcuts found; `None` where nobody has looked at the images as they are now."""
        self.looked.setText(looked_words(found) if found is not None else "")
        self.looked.set_tone("bad" if found is not None and found.verdict == "red" else "")
        self.looked.setVisible(found is not None)
        self.shortcuts.set_text(_LOOK if found is None else "Show what was found…")

    def _add(self, title: str, *parts: Label | Button) -> None:
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(Label(title, "caption-strong"))
        for part in parts:
            if isinstance(part, Button):
                part.align_edge("left")
                column.addWidget(part, 0, Qt.AlignmentFlag.AlignLeft)
            else:
                column.addWidget(part)
        self.body.addLayout(column)


def copies_words(summary: ScanSummary) -> str:
    """How many pairs there are, and whether they can flatter the score."""
    if summary.leak_count:
        pairs = counted(summary.leak_count, "pair")
        return f"{pairs} {'lies' if summary.leak_count == 1 else 'lie'} on both sides of the split or in two classes."
    if summary.copies:
        return f"{counted(summary.copies, 'pair')} found; each lies in one part and one class."
    return "None found."
