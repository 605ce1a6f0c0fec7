"""What tests: a share of the images, or one of several folds, for sets too small to spare a test part."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from tlgui.core.imaging_messages import ClassCount, ScanSummary
from tlgui.gui.widgets import Label, plain_tooltip

_OFFERED = (3, 5, 10)
_FIELD = 104
_SHARE = "A share"
_TIP = "With folds, each image is tested once over several runs; for sets too small for a test part."
_NUMBER_TIP = "The fold that this run tests on; the others train and validate."
_GIVEN = "The parts are given, so there are no folds to choose from. Draw them anew first."
_NO_FOLDS = "Every class is a single image, so there are no folds."


class FoldFields(QWidget):
    """Into how many folds, which of them tests, and what follows from it."""

    chosen = Signal(object)
    """(number from 1, number of folds), or `None` for a share."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.of, self.number = QComboBox(), QComboBox()
        self.of.setAccessibleName("What tests")
        self.number.setAccessibleName("Fold that tests")
        self._number_words = Label("Fold that tests", "caption", elide=True)
        self.explained = Label("", "caption", wrap=True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        for row, (words, combo) in enumerate(
            ((Label("Tested by", "caption", elide=True), self.of), (self._number_words, self.number))
        ):
            combo.setFixedWidth(_FIELD)
            grid.addWidget(words, row, 0)
            grid.addWidget(combo, row, 1)
        grid.addWidget(self.explained, 2, 0, 1, 2)
        self.of.activated.connect(lambda _index: self._on_of())
        self.number.activated.connect(lambda _index: self._on_number())

    def show_folds(self, summary: ScanSummary, against: str) -> None:
        """What holds.

        Args:
            summary: of the scan.
            against: why nothing can be decided, as a sentence; "" when it can.
        """
        used = summary.fold
        number, of = used or (1, 0)
        offered = folds_offered(summary.classes)
        counts = [0, *sorted({*offered, of} - {0})]
        _fill(self.of, [(_SHARE if k == 0 else f"{k} folds", k) for k in counts], of)
        _fill(self.number, [(f"Fold {n}", n) for n in range(1, of + 1)], number)
        why = against or (_GIVEN if summary.gives_split else "") or ("" if offered or used else _NO_FOLDS)
        for combo, tip in ((self.of, _TIP), (self.number, _NUMBER_TIP)):
            combo.setEnabled(not why)
            combo.setToolTip(plain_tooltip(why or tip))
        for widget in (self.number, self._number_words):
            widget.setVisible(used is not None)
        words = folds_words(used)
        self.explained.setText(words)
        self.explained.setVisible(bool(words))

    def _on_of(self) -> None:
        of = self.of.currentData()
        self.chosen.emit((1, of) if of else None)

    def _on_number(self) -> None:
        self.chosen.emit((self.number.currentData(), self.of.currentData()))


def folds_offered(classes: Sequence[ClassCount]) -> list[int]:
    """Numbers of folds that the smallest class allows, single images apart; groups may allow fewer."""
    most = min((row.total for row in classes if row.total > 1), default=1)
    return [k for k in _OFFERED if k <= most] or ([2] if most >= 2 else [])


def folds_words(used: tuple[int, int] | None) -> str:
    """What follows from the fold in use; "" for none."""
    if used is None:
        return ""
    _, of = used
    return (
        f"Start one run for each fold: over the {of} runs each image is tested once. Train and validation share the "
        "other folds; the test share is not used."
    )


def _fill(combo: QComboBox, rows: Sequence[tuple[str, int]], chosen: int) -> None:
    """These rows, but never under an open list."""
    if [(combo.itemText(at), combo.itemData(at)) for at in range(combo.count())] != list(rows):
        combo.clear()
        for words, key in rows:
            combo.addItem(words, key)
    combo.setCurrentIndex(max(0, combo.findData(chosen)))
