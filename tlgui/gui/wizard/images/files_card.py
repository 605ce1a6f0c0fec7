"""Every file of the folder: used, or left out and why."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from tlgui.core.imaging_messages import ScanSummary
from tlgui.gui.numbers import count
from tlgui.gui.theme import color
from tlgui.gui.widgets import Button, Card, Label, ShareBar
from tlgui.gui.widgets.card import Divider
from tlgui.gui.widgets.painted import Painted
from tlgui.gui.wizard.images.words import ReasonRow, files_word, reason_rows


class FilesCard(Card):
    """The bar, the two sums, the reasons with their counts, the way to the whole list."""

    list_asked = Signal()
    notes_asked = Signal()
    """What was done to read some of the used files."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._content: QWidget | None = None
        self._shown: ScanSummary | None = None
        self.list_button = Button("", "link")
        self.notes_button = Button("", "link")

    def show_reading(self, files: int) -> None:
        """Names are known, contents are not."""
        self.set_title(files_word(files))
        self._replace(_note("Each file is opened once and read to its end. After that this says which are used."))

    def show_files(self, summary: ScanSummary) -> None:
        """The sums: used + left out = all."""
        if summary is self._shown:
            return
        self.set_title(files_word(summary.files))
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        bar = ShareBar(summary.used / max(1, summary.files), width=0)
        bar.setAccessibleName(f"{count(summary.used)} of {files_word(summary.files)} are used")
        column.addWidget(bar)
        column.addLayout(legend_row("Used", summary.used, "muted", strong=True))
        column.addLayout(legend_row("Left out", summary.left_out_count, "line2", strong=True))
        if summary.left_out_count:
            column.addWidget(Divider())
            for row in reason_rows(summary.reasons, summary.left_out):
                column.addLayout(_reason(row))
            column.addWidget(self._list_button(summary.left_out_count), 0, Qt.AlignmentFlag.AlignLeft)
        if summary.notice_count:
            column.addWidget(self._notes_button(summary.notice_count), 0, Qt.AlignmentFlag.AlignLeft)
        self._replace(content)
        self._shown = summary

    def _list_button(self, number: int) -> Button:
        button = Button("List the file" if number == 1 else f"List all {files_word(number)}", "link")
        button.align_edge("left")
        button.setToolTip("Each file that is left out, with its reason. The list can be saved.")
        button.clicked.connect(self.list_asked)
        self.list_button = button
        return button

    def _notes_button(self, number: int) -> Button:
        words = "1 used file has a note" if number == 1 else f"{count(number)} used files have a note"
        button = Button(words, "link")
        button.align_edge("left")
        button.setToolTip("Such as: the first of 3 pages is used.")
        button.clicked.connect(self.notes_asked)
        self.notes_button = button
        return button

    def _replace(self, content: QWidget) -> None:
        if self._content is not None:
            self.body.removeWidget(self._content)
            self._content.hide()
            self._content.deleteLater()
        self._content, self._shown = content, None
        self.body.addWidget(content)


class Swatch(Painted):
    """A small square in the colour of what stands beside it."""

    def __init__(self, token: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._token = token
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Eight pixels."""
        return QSize(8, 8)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The square."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(color(self._token))
        painter.setBrush(color(self._token))
        painter.drawRoundedRect(QRectF(0.5, 0.5, 7, 7), 1.5, 1.5)


def legend_row(text: str, number: int, token: str, strong: bool = False) -> QHBoxLayout:
    """Square, words, number."""
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(Swatch(token))
    row.addWidget(Label(text, "strong" if strong else "caption", elide=True), 1)
    row.addWidget(Label(count(number), "strong"))
    return row


def _reason(row: ReasonRow) -> QHBoxLayout:
    lines = QVBoxLayout()
    lines.setSpacing(0)
    lines.addWidget(Label(row.title, "caption-strong", elide=True))
    if row.examples:
        lines.addWidget(Label(row.examples, "caption", elide=True))
    across = QHBoxLayout()
    across.setSpacing(8)
    across.addLayout(lines, 1)
    across.addWidget(Label(count(row.number), "caption-strong"))
    return across


def _note(text: str) -> QWidget:
    return Label(text, "caption", wrap=True)
