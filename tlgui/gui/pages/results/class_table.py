"""Class by class: what was found, what was wrongly called so, each with its interval."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from tlgui.gui import numbers
from tlgui.gui.pages.results.findings import Measured, Scores
from tlgui.gui.widgets import Card, Cell, Column, Fold, Label, Table

_COLUMNS = ("Sensitivity", "Specificity", "Precision", "F1", "AUC")
_INDENT = 12  # the fold's own padding makes it the 16 of the text above
_WORDS = (
    "Sensitivity (recall): the share of the real ones that was found.",
    "Specificity: the share of the others that was not called so.",
    "Precision: the share of those called so that really are.",
    "F1: sensitivity and precision in one number (their harmonic mean).",
    "AUC: how often an image of the class gets a higher probability for it than one of the others; 0.5 is chance.",
)


class ClassTable(Card):
    """One row per class, each figure with its 95 % interval beneath it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Class by class", "95 % ranges beneath each figure", flush=True, parent=parent)
        columns = [Column("Class", stretch=True, min=90)] + [Column(name, align="right") for name in _COLUMNS]
        self.table = Table(columns, name="Scores of each class", spreads=True)
        self.body.addWidget(self.table)
        fold = Fold("What the words mean")
        fold.setContentsMargins(_INDENT, 0, _INDENT, 0)
        for words in _WORDS:
            fold.body.addWidget(Label(words, kind="muted", wrap=True))
        self.body.addWidget(fold)

    def set_scores(self, scores: Scores) -> None:
        """Shows the scores of each class."""
        rows = []
        for place, name in enumerate(scores.classes):
            one = scores.per_class[name]
            rows.append(
                [
                    Cell(name, second=numbers.counted(sum(scores.confusion_matrix[place]), "image"), bold=True),
                    _share(one.recall),
                    _share(one.specificity),
                    _share(one.precision),
                    _plain(one.f1, 2),
                    _plain(one.auc, 3),
                ]
            )
        self.table.set_rows(rows)


def _share(measured: Measured | None) -> Cell:
    if measured is None or measured.value is None or measured.low is None or measured.high is None:
        return Cell("-", tooltip="Not measured")
    decimals = 1 if measured.n >= 50 else 0  # one image of a few dozen is several per cent
    return Cell(
        numbers.percent(measured.value, decimals), second=f"{100 * measured.low:.0f} to {100 * measured.high:.0f}"
    )


def _plain(measured: Measured | None, decimals: int) -> Cell:
    if measured is None or measured.value is None or measured.low is None or measured.high is None:
        return Cell("-", tooltip="Not measured")
    return Cell(f"{measured.value:.{decimals}f}", second=f"{measured.low:.2f} to {measured.high:.2f}")
