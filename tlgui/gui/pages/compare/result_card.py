"""What a comparison found, as a paper has it: a row for each way, a row for each pair, and the words for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from tlgui.core.comparison_result import Pair, Result, Row, took
from tlgui.gui import numbers
from tlgui.gui.pages.compare.interval_table import IntervalTable, Span
from tlgui.gui.widgets import Card, Cell, Column, Label, Table

_AXIS = 2
# Of what the scores are; it stands beneath the tables.
_NOTES = ("These scores", "Validation images", "The test images")
_TIMED = re.compile(r"(\d{4}-\d\d-\d\d \d\d\.\d\d) (.+)")
_TRANSFER = {
    "helped": "Pretraining helps here",
    "cannot be told apart": "Whether pretraining helps cannot be told",
    "hurt": "Pretraining hurts here: negative transfer",
}
_SCORE = Column("Accuracy", align="right", tooltip="The share of the images that are right, with its 95 % interval.")
_DRAWN = Column("", width=150, yields=2, tooltip="The dot is the accuracy, the line its 95 % interval.")
_TIME = Column("Trained for", align="right", yields=1, tooltip="All its epochs on this computer, all folds together.")
_PARAMETERS = Column("Parameters that learn", align="right", yields=3)
_PAIRS = (
    Column("Pair", stretch=True, min=150),
    Column("Difference", align="right", tooltip="Points of accuracy on the same images, with its 95 % interval."),
    Column(
        "p",
        align="right",
        yields=1,
        tooltip="McNemar's exact test: how often so uneven a count comes about between two equally good ways. In brackets, "
        "adjusted for the number of pairs (Holm).",
    ),
    Column("Verdict"),
)


class ResultCard(Card):
    """Sentences and both tables.

    Args:
        part: what was compared: "way", "run".
        parent: the widget it lies in.
    """

    def __init__(self, part: str = "way", parent: QWidget | None = None) -> None:
        super().__init__("", flush=True, parent=parent)
        self.words = Label("", wrap=True)
        self.words.setContentsMargins(16, 0, 16, 6)
        self.transfer = Label("", wrap=True)
        self.transfer.setContentsMargins(16, 0, 16, 6)
        self.rows = IntervalTable(_columns(part), _AXIS, f"The {part}s and how well they do")
        self.pairs = Table(_PAIRS, name=f"Each pair of {part}s")
        self._pairs_title = Label("Each pair, on the same images", "card-title")
        self._pairs_title.setContentsMargins(16, 12, 16, 4)
        self.notes = Label("", "caption", wrap=True)
        self.notes.setContentsMargins(16, 8, 16, 12)
        for widget in (self.transfer, self.words, self.rows, self._pairs_title, self.pairs, self.notes):
            self.body.addWidget(widget)

    def add_below_words(self, widget: QWidget) -> None:
        """Puts a widget between the words and the first table."""
        self.body.insertWidget(self.body.indexOf(self.rows), widget)

    def show_result(self, result: Result) -> None:
        """Another one."""
        self.set_title(_headline(result))
        notes = [sentence for sentence in result.sentences if sentence.startswith(_NOTES)]
        self.words.setText(" ".join(sentence for sentence in result.sentences if sentence not in notes))
        self.notes.setText(" ".join(notes))
        found = result.transfer
        self.transfer.setVisible(found is not None)
        if found is not None:
            self.transfer.setText("\n".join([found.sentence, *(f"•  {cause.line}" for cause in found.causes)]))
        spans = [Span(row.accuracy, row.low, row.high) for row in result.rows]
        self.rows.show_rows([_cells(row, result) for row in result.rows], spans)
        whole = {row.key: row.label for row in result.rows}
        short = {key: _name_and_time(label)[0] for key, label in whole.items()}
        labels = short if len(set(short.values())) == len(short) else whole
        self.pairs.set_rows([_pair(pair, labels, whole) for pair in result.pairs])


def _cells(row: Row, result: Result) -> list[Cell]:
    chip = ""
    if row.key == result.cheapest:
        chip = "cheapest, not clearly worse" if row.key != result.best else "best and cheapest"
        if row.key == result.best and any(other.seconds < row.seconds for other in result.rows):
            chip = "best; what is cheaper is clearly worse"
    elif row.key == result.best:
        chip = "highest score"
    interval = f"{100 * row.low:.1f} to {100 * row.high:.1f}"
    name, when = _name_and_time(row.label)
    said = ", ".join(filter(None, (when, chip)))
    return [
        Cell(name, second=said, bold=row.key == result.cheapest, tooltip=row.label if when else ""),
        Cell(numbers.percent(row.accuracy, 1), second=interval, sort=row.accuracy),
        Cell("", tooltip=f"{100 * row.accuracy:.1f} %, {interval}"),
        Cell(took(row.seconds), second=numbers.counted(row.runs, "run"), sort=row.seconds),
        Cell(f"{row.trainable_parameters:,}", sort=row.trainable_parameters),
    ]


def _columns(part: str) -> tuple[Column, ...]:
    """The name of a run's folder is long: the drawing, which words say too, makes room before the parameters do."""
    first = Column(part.capitalize(), stretch=True, min=150)
    drawn = replace(_DRAWN, yields=4) if part == "run" else _DRAWN
    return (first, _SCORE, drawn, _TIME, _PARAMETERS)


def _pair(pair: Pair, labels: Mapping[str, str], whole: Mapping[str, str]) -> list[Cell]:
    verdict = {"a is better": "the first is better", "b is better": "the second is better"}.get(
        pair.verdict, pair.verdict
    )
    return [
        Cell(labels[pair.a], second=f"against {labels[pair.b]}", tooltip=f"{whole[pair.a]} against {whole[pair.b]}"),
        Cell(f"{100 * pair.difference:+.1f}", second=f"{100 * pair.low:+.1f} to {100 * pair.high:+.1f}"),
        Cell(_p(pair.p), second=f"({_p(pair.p_adjusted)})"),
        Cell(
            verdict,
            tone="muted" if pair.verdict == "cannot be told apart" else "",
            second=f"{pair.better} and {pair.worse} right alone",
        ),
    ]


def _name_and_time(label: str) -> tuple[str, str]:
    """Of a run's folder the name after its time, which would leave no room for it; of a way its name."""
    named = _TIMED.fullmatch(label)
    return (named[2], named[1]) if named else (label, "")


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _headline(result: Result) -> str:
    if result.transfer is not None:
        return _TRANSFER[result.transfer.verdict]
    labels = {row.key: row.label for row in result.rows}
    return "No winner" if result.winner is None else f"The winner: {labels[result.winner]}"
