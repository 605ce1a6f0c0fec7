"""What a comparison found, as a paper has it: a row for each way, a row for each pair, and the words for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from tlgui.core.comparison_result import Pair, Result, Row, took
from tlgui.gui import numbers
from tlgui.gui.theme import color
from tlgui.gui.widgets import Card, Cell, Column, Label, Table, bar
from tlgui.gui.widgets.table_cells import Index
from tlgui.gui.widgets.table_delegate import CellDelegate

_AXIS = 2
_TRANSFER = {
    "helped": "Pretraining helps here",
    "cannot be told apart": "Whether pretraining helps cannot be told",
    "hurt": "Pretraining hurts here: negative transfer",
}
_ROWS = (
    Column("Way", stretch=True, min=150),
    Column("Accuracy", align="right", tooltip="The share of the images that are right, with its 95 % interval."),
    Column("", width=150, yields=2, tooltip="The dot is the accuracy, the line its 95 % interval."),
    Column("Trained for", align="right", yields=1, tooltip="All its epochs on this computer, all folds together."),
    Column("Parameters that learn", align="right", yields=3),
)
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
    """Sentences and both tables."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", flush=True, parent=parent)
        self.words = Label("", wrap=True)
        self.words.setContentsMargins(16, 0, 16, 6)
        self.transfer = Label("", wrap=True)
        self.transfer.setContentsMargins(16, 0, 16, 6)
        self.rows = _WayTable()
        self.pairs = Table(_PAIRS, name="Each pair of ways")
        self._pairs_title = Label("Each pair, on the same images", "card-title")
        self._pairs_title.setContentsMargins(16, 12, 16, 4)
        self.notes = Label("", "caption", wrap=True)
        self.notes.setContentsMargins(16, 8, 16, 12)
        for widget in (self.transfer, self.words, self.rows, self._pairs_title, self.pairs, self.notes):
            self.body.addWidget(widget)

    def show_result(self, result: Result) -> None:
        """Another one."""
        first, *others = result.sentences
        self.set_title(_headline(result))
        choose = [sentence for sentence in others if sentence.startswith("Cheapest")]
        self.words.setText(" ".join([first, *choose]))
        self.notes.setText(" ".join(sentence for sentence in others if sentence not in choose))
        found = result.transfer
        self.transfer.setVisible(found is not None)
        if found is not None:
            self.transfer.setText("\n".join([found.sentence, *(f"•  {cause.line}" for cause in found.causes)]))
        self.rows.show_rows(result)
        labels = {row.key: row.label for row in result.rows}
        self.pairs.set_rows([_pair(pair, labels) for pair in result.pairs])


class _WayTable(Table):
    def __init__(self) -> None:
        super().__init__(_ROWS, name="The ways and how well they do")
        self.shown: list[Row] = []
        self.delegate = _WayDelegate(self)
        self.setItemDelegate(self.delegate)

    def show_rows(self, result: Result) -> None:
        """One row for each way; the cheapest that is not clearly worse is marked."""
        self.shown = list(result.rows)
        self.set_rows([_cells(row, result) for row in result.rows])


class _WayDelegate(CellDelegate):
    """Draws the interval; its words are in the cell before it."""

    def __init__(self, table: _WayTable) -> None:
        super().__init__(table)
        self._ways = table

    def paint(self, painter: QPainter, option: Any, index: Index) -> None:
        if index.column() != _AXIS:
            super().paint(painter, option, index)
            return
        rows = self._ways.shown
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _draw(painter, self.room(option.rect, index.column()), rows[self._ways.cells.source_row(index.row())], rows)
        painter.restore()


def _draw(painter: QPainter, room: QRectF, row: Row, rows: Sequence[Row]) -> None:
    low, high = min(one.low for one in rows), max(one.high for one in rows)
    span = max(0.02, high - low)
    middle = room.center().y()

    def x(value: float) -> float:
        return room.left() + 6 + (room.width() - 12) * (value - low) / span

    bar(painter, QRectF(room.left(), middle - 1, room.width(), 2), color("sunken"), 1)
    bar(painter, QRectF(x(row.low), middle - 1.5, max(3.0, x(row.high) - x(row.low)), 3), color("primary"), 1.5)
    painter.setBrush(color("primary"))
    painter.setPen(color("surface"))
    painter.drawEllipse(QPointF(x(row.accuracy), middle), 5, 5)


def _cells(row: Row, result: Result) -> list[Cell]:
    chip = ""
    if row.key == result.cheapest:
        chip = "cheapest, not clearly worse" if row.key != result.best else "best and cheapest"
        if row.key == result.best and any(other.seconds < row.seconds for other in result.rows):
            chip = "best; what is cheaper is clearly worse"
    elif row.key == result.best:
        chip = "highest score"
    interval = f"{100 * row.low:.1f} to {100 * row.high:.1f}"
    return [
        Cell(row.label, second=chip, bold=row.key == result.cheapest),
        Cell(numbers.percent(row.accuracy, 1), second=interval, sort=row.accuracy),
        Cell("", tooltip=f"{100 * row.accuracy:.1f} %, {interval}"),
        Cell(took(row.seconds), second=numbers.counted(row.runs, "run"), sort=row.seconds),
        Cell(f"{row.trainable_parameters:,}", sort=row.trainable_parameters),
    ]


def _pair(pair: Pair, labels: dict[str, str]) -> list[Cell]:
    verdict = {"a is better": "the first is better", "b is better": "the second is better"}.get(
        pair.verdict, pair.verdict
    )
    return [
        Cell(labels[pair.a], second=f"against {labels[pair.b]}"),
        Cell(f"{100 * pair.difference:+.1f}", second=f"{100 * pair.low:+.1f} to {100 * pair.high:+.1f}"),
        Cell(_p(pair.p), second=f"({_p(pair.p_adjusted)})"),
        Cell(
            verdict,
            tone="muted" if pair.verdict == "cannot be told apart" else "",
            second=f"{pair.better} and {pair.worse} right alone",
        ),
    ]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _headline(result: Result) -> str:
    if result.transfer is not None:
        return _TRANSFER[result.transfer.verdict]
    labels = {row.key: row.label for row in result.rows}
    return "No winner" if result.winner is None else f"The winner: {labels[result.winner]}"
