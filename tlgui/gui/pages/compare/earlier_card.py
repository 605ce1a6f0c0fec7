"""Earlier comparisons of one kind on this computer, to be looked at or gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tlgui.gui import numbers
from tlgui.gui.series_desk import Earlier
from tlgui.gui.widgets import Card, Cell, Column, Table

# The state stretches, so that it is the name that gives way where there is little room.
_COLUMNS = (Column("Images", min=120), Column("State", align="right", stretch=True, min=110))


class EarlierCard(Card):
    """A row for each; a press shows it.

    Args:
        part: what each was made of: "way".
        parent: the widget it lies in.
    """

    opened = Signal(object)

    def __init__(self, part: str = "way", parent: QWidget | None = None) -> None:
        super().__init__("Earlier comparisons", flush=True, parent=parent)
        self._part = part
        self._folders: list[Path] = []
        self.table = Table(_COLUMNS, pickable=True, name="Earlier comparisons")
        self.table.picked.connect(lambda place: self.opened.emit(self._folders[place]))
        self.body.addWidget(self.table)

    def show_them(self, earlier: Sequence[Earlier], shown: Path | None) -> None:
        """Other rows; hidden without any."""
        self._folders = [one.folder for one in earlier]
        self.setVisible(bool(earlier))
        rows = [
            [
                Cell(
                    one.name,
                    second=f"{one.begun:%d %b %H:%M}, {numbers.counted(len(one.ways), self._part)}",
                    tooltip=", ".join(one.ways),
                ),
                _state(one.left),
            ]
            for one in earlier
        ]
        self.table.set_rows(rows)
        self.table.set_picked(self._folders.index(shown) if shown in self._folders else -1)


def _state(left: int) -> Cell:
    return Cell(f"{numbers.counted(left, 'run')} left", tone="warn") if left else Cell("whole")
