"""What was changed: every decision about the images with its time, and the way back from each."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.core.imaging_messages import ChangeLine
from tlgui.gui.numbers import clock, day
from tlgui.gui.widgets import Cell, Column, Dialog, Label, Table
from tlgui.gui.wizard.images.presses import Press, presses, without_effect
from tlgui.gui.wizard.images.saved_list import ask_for_csv, write_csv

_EMPTY = "Nothing was changed yet. Repairs, other names of classes and the like will stand here, each with its Undo."
_REPLACED = "without effect: another decision stands in its place"
_FILLED = "The newest stands first. Nothing on the disk was changed by any of them."


class ChangesDialog(Dialog):
    """The journal as a table, a row for each press; it follows what happens while it is open.

    Args:
        changes: the journal, oldest first.
        against: why nothing can be taken back, as a sentence; "" when it can.
        parent: whose window it lies over.
    """

    undo_asked = Signal(object)
    """Numbers of the decisions to take back."""
    again_asked = Signal(object)
    """The `ChangeLine`s to do again."""

    def __init__(self, changes: Sequence[ChangeLine], against: str, parent: QWidget) -> None:
        super().__init__("What was changed", "", parent)
        self._lines: list[ChangeLine] = []
        self._presses: list[Press] = []
        self._replaced: frozenset[int] = frozenset()
        self._against = against
        self.table = Table(
            [Column("What", stretch=True, min=200), Column("When"), Column("")],
            scrolls=True,
            name="Decisions about the images, with their times",
        )
        self.table.pressed_cell.connect(self._on_pressed)
        self.note = Label("", "caption", wrap=True)
        self.note.hide()
        self._rest = QWidget()  # keeps the words at the top while there is no table
        self._rest.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self._rest, 1)
        self.body.addWidget(self.note)
        self.save_button = self.add_button("Save list as CSV…", "secondary", self._on_save, closes=False)
        self.save_button.setToolTip("Writes every decision with its times into a table.")
        self.add_button("Close", "secondary", default=True)
        self.resize(720, 420 if changes else 220)
        self.show_changes(changes, against)

    def show_changes(self, changes: Sequence[ChangeLine], against: str) -> None:
        """Other lines, or the same in another state."""
        self._lines, self._against = list(changes), against
        self._presses, self._replaced = presses(changes), without_effect(changes)
        self.table.set_rows([self._cells(press) for press in self._presses])
        self.table.setVisible(bool(self._lines))
        self._rest.setVisible(not self._lines)
        self.save_button.setEnabled(bool(self._lines))
        self.set_text(_FILLED if self._lines else _EMPTY)
        if against and self._lines:
            self._say(against)

    def save(self, path: Path) -> None:
        """Writes the journal, oldest first; what came of it is said in the dialog."""
        rows = [
            ("number", "decided_at", "undone_at", "kind", "decision"),
            *((line.number, line.at, line.undone_at, type(line.change).__name__, line.sentence)
              for line in self._lines),
        ]  # fmt: skip
        write_csv(self, path, rows, lambda sentence, _written: self._say(sentence))

    def _cells(self, press: Press) -> list[Cell]:
        replaced = not press.undone_at and all(number in self._replaced for number in press.numbers)
        first, *others = press.lines
        state = f"undone {_when(press.undone_at)}" if press.undone_at else _REPLACED if replaced else ""
        second = " ".join(
            [*(line.sentence for line in others), *([f"({state})"] if others and state else [state])]
        ).strip()
        does = "" if self._against else "Do again" if press.undone_at else "Undo"
        return [
            Cell(first.sentence, second=second, tooltip=press.sentence, tone="muted" if state else ""),
            Cell(_when(press.at)),
            Cell(does, link=bool(does), tooltip=self._against),
        ]

    def _on_pressed(self, row: int, _column: int) -> None:
        press = self._presses[row]
        if press.undone_at:
            self.again_asked.emit(press.lines)
        else:
            self.undo_asked.emit(press.numbers)

    def _on_save(self) -> None:
        ask_for_csv(self, "Save the list of changes", "changes of the images.csv", self.save)

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.show()


def _when(text: str) -> str:
    """'today, 14:03'; a time that cannot be read stands as it is."""
    with contextlib.suppress(ValueError):
        when = datetime.fromisoformat(text)
        when = when.astimezone().replace(tzinfo=None) if when.tzinfo is not None else when
        return f"{day(when)}, {clock(when)}"
    return text
