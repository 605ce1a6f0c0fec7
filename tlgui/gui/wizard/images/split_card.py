"""Which part of the images does what: the bar, the sums, the sentence that says what follows from it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tlgui.core.imaging_messages import ClassCount, ScanSummary
from tlgui.gui.draft import Draft
from tlgui.gui.numbers import count
from tlgui.gui.theme import font
from tlgui.gui.widgets import Card, Cell, Column, Fold, Label, SplitBar, Table
from tlgui.gui.widgets.card import Divider
from tlgui.gui.wizard.images.files_card import legend_row
from tlgui.gui.wizard.images.split_fields import SplitFields

_NAME = 76  # of 270 px
_LEGEND = (
    ("Train, learned from", "s1"),
    ("Validation, picks the epoch", "s2"),
    ("Test, read once at the end", "s3"),
)


class SplitCard(Card):
    """Counts are those of the imaging child; this card never computes a split."""

    def __init__(self, draft: Draft, parent: QWidget | None = None) -> None:
        super().__init__("Split", flush=True, parent=parent)
        self.bar = SplitBar()
        self.sentence = Label("", "caption", wrap=True)
        self.fields = SplitFields(draft)
        self._legend = QVBoxLayout()
        self._legend.setSpacing(5)
        self.fold = Fold("Per class")
        self.table = Table(
            [
                Column("Class", stretch=True, min=60),
                Column("Train", align="right"),
                Column("Val.", align="right", tooltip="Validation"),
                Column("Test", align="right"),
            ],
            row_height=30,
            name="Images of each class in each part",
        )
        self.table.hide()
        self.fold.toggled.connect(self._on_toggled)
        padded = QVBoxLayout()
        padded.setContentsMargins(15, 0, 15, 6)
        padded.setSpacing(8)
        padded.addWidget(self.bar)
        padded.addLayout(self._legend)
        padded.addWidget(Divider())
        padded.addWidget(self.sentence)
        padded.addWidget(self.fields)
        padded.addWidget(self.fold)
        self.body.setSpacing(0)
        self.body.addLayout(padded)
        # The numbers need the card's whole width.
        self.body.addWidget(self.table)
        self._shown: list[ClassCount] = []
        self._table_is_due = False

    def show_split(self, summary: ScanSummary) -> None:
        """The sums, and what they mean."""
        self.sentence.setText(split_sentence(summary))
        if summary.classes == self._shown:
            return
        self._shown = summary.classes
        totals = totals_of(summary.classes)
        self.bar.set(*totals)
        _clear(self._legend)
        for (text, token), number in zip(_LEGEND, totals, strict=True):
            holder = QWidget()
            row = legend_row(text, number, token)
            row.setContentsMargins(0, 0, 0, 0)
            holder.setLayout(row)
            self._legend.addWidget(holder)
        self._table_is_due = True
        self._fill_table()

    def _fill_table(self) -> None:
        """Only when it is open: laying out a thousand rows takes more than a frame."""
        if self._table_is_due and self.fold.is_open:
            self._table_is_due = False
            self.table.set_rows([_cells(row) for row in self._shown])

    def _on_toggled(self, is_open: bool) -> None:
        self._fill_table()
        self.table.setVisible(is_open)


def totals_of(classes: list[ClassCount]) -> tuple[int, int, int]:
    """Images in train, validation and test."""
    return (
        sum(row.train for row in classes),
        sum(row.validation for row in classes),
        sum(row.test for row in classes),
    )


def split_sentence(summary: ScanSummary) -> str:
    """Where the split comes from, and what a score of it will be worth."""
    _, validation, test = totals_of(summary.classes)
    whence = _where_from(summary)
    if not validation:
        return f"{whence} No image is left for validation, which chooses the epoch."
    if not test:
        return (
            f"{whence} There are no test images: the score will be of the validation images. They also choose the "
            "epoch, so it will look a little too good."
        )
    return f"{whence} The score at the end is of the {count(test)} test images, which no choice was made on."


def _where_from(summary: ScanSummary) -> str:
    if not summary.gives_split:
        return "Drawn at random within each class, always the same way for the same seed."
    if summary.given_parts and "validation" not in summary.given_parts:
        return "The folders say what trains and what tests; validation was cut from the training images, by class."
    return "The folders say which image is in which part."


def _cells(row: ClassCount) -> list[Cell]:
    # The table never cuts a name and would squeeze the numbers instead; the whole name stands beside the pictures.
    short = QFontMetrics(font(13)).elidedText(row.name, Qt.TextElideMode.ElideMiddle, _NAME)
    return [Cell(short, tooltip=row.name), *(Cell(count(number)) for number in (row.train, row.validation, row.test))]


def _clear(layout: QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
