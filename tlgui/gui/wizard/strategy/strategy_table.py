"""The table of size and kind of picture: the textbook's row lit, any row to be picked, or the decision left open."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from tlgui.core.strategies import Similarity
from tlgui.gui.numbers import count
from tlgui.gui.widgets import Cell, Column, Table
from tlgui.gui.wizard.strategy.table_rows import ANY, TableRow

_ANSWERED, _MEASURED, _NEITHER = "your answer", "measured", "not answered"


class StrategyTable(Table):
    """Rows of `table_rows()`; `picked` tells the row."""

    def __init__(self, rows: Sequence[TableRow], parent: QWidget | None = None) -> None:
        super().__init__(
            [
                Column("Images in all"),
                Column("Kind of picture"),
                Column("Strategy", stretch=True, min=220, radio=True),
                Column("Takes here", align="right"),
            ],
            pickable=True,
            row_height=52,
            spreads=True,
            name="Strategies by number of images and kind of picture",
            parent=parent,
        )
        self._rows = tuple(rows)

    def show_rows(
        self,
        takes: Sequence[str],
        images: int,
        answer: Similarity | None,
        fitting: int,
        chosen: int,
        measured: Similarity | None = None,
        adapts: bool = False,
    ) -> None:
        """Fills it.

        Args:
            takes: what each row takes here, in words.
            images: used ones, in all; 0 while they are not known.
            answer: the person's own, on the kind of picture.
            fitting: index of the textbook's row for these images, or -1.
            chosen: index of the row that is picked, or -1.
            measured: what the network found of that, which counts where the person has not answered.
            adapts: whether there are images of a new site to adapt to.
        """
        why = _ANSWERED if answer is not None else _MEASURED if measured is not None else _NEITHER
        self.set_rows([self._cells(i, takes[i], images, why, i == fitting, adapts) for i in range(len(self._rows))])
        self.set_lit(fitting)
        self.set_picked(chosen)

    def _cells(self, index: int, takes: str, images: int, why: str, fits: bool, adapts: bool) -> list[Cell]:
        row = self._rows[index]
        kind = why if fits and row.kind != ANY else ""
        return [
            Cell(row.size, second=f"yours: {count(images)}" if fits else "", bold=fits),
            Cell(row.kind, second=kind, bold=fits),
            Cell(row.title, second=row.sentence(adapts), bold=True),
            Cell(takes, bold=fits),
        ]
