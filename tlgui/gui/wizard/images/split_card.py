"""Which part of the images does what: the bar, the sums, the sentence that says what follows from it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tlgui.core.imaging_messages import ClassCount, ScanSummary
from tlgui.gui.draft import Draft
from tlgui.gui.numbers import count, counted
from tlgui.gui.theme import font
from tlgui.gui.widgets import Button, Card, Cell, Column, Fold, Label, SplitBar, Table
from tlgui.gui.widgets.card import Divider
from tlgui.gui.widgets.emptied import empty
from tlgui.gui.wizard.images.files_card import legend_row
from tlgui.gui.wizard.images.fold_fields import FoldFields, folds_offered
from tlgui.gui.wizard.images.kept_together import KeptTogether
from tlgui.gui.wizard.images.split_fields import SplitFields

_NAME = 76  # of 270 px
FEW_TESTED = 30  # with fewer test images, the interval of an accuracy is wider than 30 points
_LEGEND = (
    ("Train, learned from", "s1"),
    ("Validation, picks the epoch", "s2"),
    ("Test, read once at the end", "s3"),
)


_CUT_TEST = "The folder gives no test part: a share of the training images is kept for it. It can be undone."
_DRAW_ANEW = "The parts that the folder or the table gives are not followed. It can be undone."


class SplitCard(Card):
    """Counts are those of the imaging child; this card never computes a split."""

    test_asked = Signal()
    """A test part is to be cut from the training images."""
    anew_asked = Signal()
    """The folders' own parts are not to be followed."""

    def __init__(self, draft: Draft, parent: QWidget | None = None) -> None:
        super().__init__("Split", flush=True, parent=parent)
        self.bar = SplitBar()
        self.sentence = Label("", "caption", wrap=True)
        self.note = Label("", "caption", wrap=True)
        self.cut_test = Button("Cut a test part from train", "link", small=True)
        self.cut_test.clicked.connect(self.test_asked)
        self.draw_anew = Button("Draw all three parts anew", "link", small=True)
        self.draw_anew.clicked.connect(self.anew_asked)
        self.kept = KeptTogether()
        self.folds = FoldFields()
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
        padded.addWidget(self.note)
        for button in (self.cut_test, self.draw_anew):
            button.align_edge("left")
            padded.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        padded.addWidget(Divider())
        padded.addWidget(self.kept)
        padded.addWidget(self.folds)
        padded.addWidget(self.fields)
        padded.addWidget(self.fold)
        self.body.setSpacing(0)
        self.body.addLayout(padded)
        # The numbers need the card's whole width.
        self.body.addWidget(self.table)
        self._shown: list[ClassCount] = []
        self._table_is_due = False

    def show_split(
        self, summary: ScanSummary, against: str = "", adjustable: bool = False, began: bool = False
    ) -> None:
        """The sums, and what they mean.

        Args:
            summary: of the scan.
            against: why nothing can be decided, as a sentence; "" when it can.
            adjustable: whether the folders' own parts may be set aside here, and folds chosen.
            began: whether these are the images of a run that began.
        """
        self.sentence.setText(split_sentence(summary, began))
        self.note.setText("" if began else " ".join(split_notes(summary)))
        self.note.setVisible(bool(self.note.text()))
        lacks_test = summary.gives_split and "test" not in summary.given_parts and not summary.cut_test
        self.cut_test.setVisible(lacks_test)
        self.draw_anew.setVisible(summary.gives_split and adjustable)
        for button, says in ((self.cut_test, _CUT_TEST), (self.draw_anew, _DRAW_ANEW)):
            button.setEnabled(not against)
            button.setToolTip(against or says)
        self.kept.show_groups(summary, against)
        self.folds.setVisible(adjustable and not began)
        self.folds.show_folds(summary, against)
        if summary.classes == self._shown:
            return
        self._shown = summary.classes
        totals = totals_of(summary.classes)
        self.bar.set(*totals)
        empty(self._legend)
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


def split_sentence(summary: ScanSummary, began: bool = False) -> str:
    """Where the split comes from, and what a score of it is worth; of a run that `began`, who drew it is not known."""
    _, validation, test = totals_of(summary.classes)
    whence = "As it was when the run began." if began else _where_from(summary)
    if not validation:
        return f"{whence} No image is left for validation, which chooses the epoch."
    if not test:
        return (
            f"{whence} There are no test images: the score will be of the validation images. They also choose the "
            "epoch, so it will look a little too good."
        )
    return f"{whence} The score at the end is of {counted(test, 'test image')}, which no choice was made on."


def split_notes(summary: ScanSummary) -> list[str]:
    """What else should be known of the parts."""
    notes = []
    if 0 < summary.kept_images < summary.used:
        notes.append("Kept from your first look: new images were added, none moved.")
    *_, test = totals_of(summary.classes)
    if 0 < test < FEW_TESTED and summary.fold is None and not summary.gives_split and folds_offered(summary.classes):
        notes.append(
            f"{counted(test, 'test image')} can only tell roughly how good it is. With folds, every image is tested once, "
            "over several runs: choose them here, from the level Adjustable on."
        )
    if summary.test_note and test:  # without test images the sentence above says it already
        notes.append(summary.test_note)
    return notes


def _where_from(summary: ScanSummary) -> str:
    if summary.fold is not None:
        number, of = summary.fold
        return f"Fold {number} of {of} tests; train and validation are drawn from the other folds."
    if not summary.gives_split:
        whole = ", whole groups at a time" if summary.groups else ""
        return f"Drawn at random within each class{whole}, always the same way for the same seed."
    who, says = ("The table", "says") if summary.layout == "label table" else ("The folders", "say")
    if summary.cut_test:
        return f"{who} {says} what trains and what validates; a test part was cut from the training images."
    if summary.given_parts and "validation" not in summary.given_parts:
        return f"{who} {says} what trains and what tests; validation was cut from the training images, by class."
    return f"{who} {says} which image is in which part."


def _cells(row: ClassCount) -> list[Cell]:
    # The table never cuts a name and would squeeze the numbers instead; the whole name stands beside the pictures.
    short = QFontMetrics(font(13)).elidedText(row.name, Qt.TextElideMode.ElideMiddle, _NAME)
    return [Cell(short, tooltip=row.name), *(Cell(count(number)) for number in (row.train, row.validation, row.test))]
