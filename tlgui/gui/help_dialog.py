"""The help: the keys, what the words mean, and where the logs are."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeySequence
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from tlgui import __version__
from tlgui.core.paths import logs_dir
from tlgui.gui.glossary import GLOSSARY
from tlgui.gui.places import KEYS, PAGE_KEYS
from tlgui.gui.widgets import Button, Dialog, Label, Segmented

_TABS = (("keys", "Keys"), ("words", "What the words mean"), ("about", "About and logs"))
_ABOUT = (
    "tlgui trains an image classifier on this computer. Images, training and results stay here; nothing is sent.",
    "For research and teaching. Not a medical device.",
    "When something goes wrong, the log tells what happened. It holds no images and no places of your files.",
)


class HelpDialog(Dialog):
    """Three lists behind three words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Help", "", parent)
        self.tabs = Segmented(_TABS, "Help")
        self._stack = QStackedWidget()
        for page in (_scrolled(_rows(shortcut_rows())), _scrolled(_rows(GLOSSARY)), self._about()):
            self._stack.addWidget(page)
        self.tabs.picked.connect(lambda key: self._stack.setCurrentIndex([name for name, _ in _TABS].index(key)))
        self.body.addWidget(self.tabs)
        self.body.addWidget(self._stack)
        self._stack.setMinimumSize(460, 300)
        self.add_button("Close", "primary", default=True)
        self.resize(560, 520)

    def _about(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 12, 0, 0)
        column.addWidget(Label(f"tlgui {__version__}", "strong"))
        for text in _ABOUT:
            column.addWidget(Label(text, "body", wrap=True))
        button = Button("Open the log folder", "secondary", icon="folder")
        button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(logs_dir()))))
        column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        return page


def shortcut_rows() -> list[tuple[str, str]]:
    """Every key that works everywhere, as this system writes it, and what pages know for themselves."""
    native = QKeySequence.SequenceFormat.NativeText
    return [(QKeySequence(key.keys).toString(native), key.text) for key in KEYS] + list(PAGE_KEYS)


def _rows(rows: Iterable[tuple[str, str]]) -> QWidget:
    holder = QWidget()
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 12, 8, 12)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(8)
    grid.setColumnStretch(1, 1)
    at = 0
    for at, (name, says) in enumerate(rows):
        label = Label(name, "strong", wrap=True)
        label.setFixedWidth(150)
        grid.addWidget(label, at, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(Label(says, "body", wrap=True), at, 1, Qt.AlignmentFlag.AlignTop)
    grid.setRowStretch(at + 1, 1)
    return holder


def _scrolled(inner: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(inner)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setAccessibleName("List")
    return area
