"""A row for each thing that the class was guessed from, with its AUC as a mark on an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from tlgui.core.events import ProbeScore
from tlgui.gui.theme import color
from tlgui.gui.widgets import Cell, Column, Table, bar, dashed_rule
from tlgui.gui.widgets.table_cells import Index
from tlgui.gui.widgets.table_delegate import CellDelegate
from tlgui.gui.wizard.images.shortcut_words import auc_words, in_order, verdict_of

_AXIS = 2  # the column
_FROM, _TO, _GUESSED = 0.4, 1.0, 0.5
_INKS = {"bad": "bad", "": "text", "good": "good", "muted": "muted"}
_COLUMNS = (
    Column("Guessed from", stretch=True, min=140),
    Column(
        "AUC",
        tooltip="0.5 is guessing, 1 is always right: cross-validated, the mean over all classes, with its 95 % interval.",
    ),
    Column(
        "0.5 guessed, 1 always right",
        width=200,
        yields=1,
        tooltip="The dot is the AUC, the line its 95 % interval; the grey field is reached by chance.",
    ),
    Column("By chance", align="right", yields=2, tooltip="An AUC up to this comes about with shuffled labels too."),
    Column("Verdict", tooltip="What it means is said beneath the table."),
)


class ProbeTable(Table):
    """The worst first; as tall as its rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_COLUMNS, row_height=34, name="What the class was guessed from", parent=parent)
        self.scores: list[ProbeScore] = []
        self.delegate = _ProbeDelegate(self)
        self.setItemDelegate(self.delegate)

    def show_scores(self, probes: Sequence[ProbeScore]) -> None:
        """Other rows."""
        self.scores = in_order(probes)
        self.set_rows([_cells(score) for score in self.scores])


class _ProbeDelegate(CellDelegate):
    """Draws the axis; its words are there for a screen reader."""

    def __init__(self, table: ProbeTable) -> None:
        super().__init__(table)
        self._probes = table

    def paint(self, painter: QPainter, option: Any, index: Index) -> None:
        if index.column() != _AXIS:
            super().paint(painter, option, index)
            return
        score = self._probes.scores[self._probes.cells.source_row(index.row())]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _draw(painter, self.room(option.rect, index.column()), score)
        painter.restore()


def _draw(painter: QPainter, room: QRectF, score: ProbeScore) -> None:
    middle = room.center().y()

    def x(value: float) -> float:
        return room.left() + room.width() * min(1.0, max(0.0, (value - _FROM) / (_TO - _FROM)))

    bar(painter, QRectF(room.left(), middle - 1, room.width(), 2), color("sunken"), 1)
    if score.chance is not None:
        bar(painter, QRectF(room.left(), middle - 6, x(score.chance) - room.left(), 12), color("line2", 0.55), 2)
    dashed_rule(painter, color("control"), x(_GUESSED), middle - 8, middle + 8, 1)
    if score.auc is None:
        return
    ink = color(_INKS[verdict_of(score).tone])
    if score.low is not None and score.high is not None:
        bar(painter, QRectF(x(score.low), middle - 1.5, x(score.high) - x(score.low), 3), ink, 1.5)
    painter.setBrush(ink)
    painter.setPen(color("surface"))
    painter.drawEllipse(QPointF(x(score.auc), middle), 5, 5)


def _cells(score: ProbeScore) -> list[Cell]:
    verdict, chance = verdict_of(score), "" if score.chance is None else f"{score.chance:.2f}"
    muted = "muted" if verdict.tone == "muted" else ""
    return [
        Cell(score.label, tone=muted, bold=verdict.tone == "bad", tooltip=score.sentence),
        Cell(auc_words(score) or "does not vary", tone=muted, tooltip=score.sentence),
        Cell(f"{auc_words(score)}, by chance up to {chance}" if chance else "", tooltip=score.sentence),
        Cell(chance, tone="muted", tooltip=score.sentence),
        Cell(verdict.word, icon=verdict.icon, tone=verdict.tone, tooltip=score.sentence),
    ]
