"""Runs that wait for their turn, on the start page: in which order, and which of them failed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core import run_queue
from tlgui.core.run_queue import Queued
from tlgui.gui.widgets import Button, Card, Chip, Label

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


class QueueSection(Card):
    """Hidden while the queue is empty.

    Args:
        bench: whose queue it is.
    """

    opened = Signal(object)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("", parent=parent)
        self._bench, self._desk = bench, bench.queue
        self._shown: list[tuple[Queued, bool, bool]] = []
        self.rows: list[QueueRow] = []
        self.begin = Button("Begin them", small=True)
        self.begin.clicked.connect(self._desk.begin)
        self.sentence = Label("", "muted", wrap=True)
        self.body.addWidget(self.sentence)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(6)
        self.body.addLayout(self._lines)
        self.add_head(self.begin)
        bench.queue.changed.connect(self.refresh)
        bench.run_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows the queue as it is now."""
        entries, waiting = self._desk.entries, self._desk.waiting
        if self.parent() is not None or not entries:  # else it would come up as a window of its own
            self.setVisible(bool(entries))
        self.set_title(run_queue.words(len(waiting)) if waiting else "Runs that were queued")
        self.sentence.setText(self._desk.when)
        self.sentence.setVisible(bool(waiting))
        asks = bool(waiting) and not self._desk.goes_on
        self.begin.setVisible(asks)
        self.begin.set_text("Begin it" if len(waiting) == 1 else "Begin them")
        after = "after the one that trains now" if self._bench.is_training else "now"
        self.begin.setToolTip(f"The first one begins {after}, the others follow it.")
        wanted = [
            (one, one in waiting and waiting.index(one) > 0, one in waiting and one is not waiting[-1])
            for one in entries
        ]
        if wanted != self._shown:
            self._shown = wanted
            self._fill(wanted, waiting)

    def _fill(self, wanted: list[tuple[Queued, bool, bool]], waiting: list[Queued]) -> None:
        held = next(((row.one.run, name) for row in self.rows if (name := row.focused())), None)
        for row in self.rows:
            self._lines.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = []
        for one, earlier, later in wanted:
            number = waiting.index(one) + 1 if one.waits else None
            row = QueueRow(one, number, earlier, later, self)
            row.moved.connect(lambda by, run=one.run: self._desk.move(run, by))
            row.removed.connect(lambda run=one.run: self._desk.remove(run))
            row.opened.connect(lambda run=one.run: self.opened.emit(Path(run)))
            self._lines.addWidget(row)
            self.rows.append(row)
            if held is not None and held[0] == one.run:
                row.take_focus(held[1])


class QueueRow(QWidget):
    """One run: its place, what it is, earlier, later, remove; of one that failed, why.

    Args:
        one: the run.
        number: its place among those that wait; `None` for one that failed.
        earlier, later: whether it can be moved so.
    """

    moved = Signal(int)
    removed = Signal()
    opened = Signal()

    def __init__(self, one: Queued, number: int | None, earlier: bool, later: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.one = one
        self.buttons: dict[str, Button] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        place = Label(f"{number}." if number is not None else "", "strong")
        place.setMinimumSize(QSize(18, 0))
        row.addWidget(place, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(Label(one.name or Path(one.run).name, "strong", elide=True))
        words.addWidget(Label(one.method, "caption", elide=True))
        if one.problem:
            words.addWidget(Label(one.problem, "caption", wrap=True))
        row.addLayout(words, 1)
        if one.problem:
            row.addWidget(Chip("failed", "bad"), 0, Qt.AlignmentFlag.AlignVCenter)
            self._add(row, "open", "Open", "Shows the run and what it said.", self.opened.emit)
        else:
            for name, text, by, may in (("earlier", "Earlier", -1, earlier), ("later", "Later", 1, later)):
                reason = "It is the first one." if by < 0 else "It is the last one."
                button = self._add(row, name, text, f"Lets it begin {name}.", partial(self.moved.emit, by))
                button.setEnabled(may)
                button.setToolTip(button.toolTip() if may else reason)
        self._add(
            row, "remove", "Remove", "Takes it out of the queue. Its folder stays among the runs.", self.removed.emit
        )
        self.setAccessibleName(f"{one.name}, {one.method}")

    def focused(self) -> str:
        """Which of its buttons has the focus, or ""."""
        return next((name for name, button in self.buttons.items() if button.hasFocus()), "")

    def take_focus(self, name: str) -> None:
        """Gives it to that button, or to another one where it cannot be pressed now."""
        for one in (name, "earlier", "later", "remove"):
            if one in self.buttons and self.buttons[one].isEnabled():
                self.buttons[one].setFocus()
                return

    def _add(self, row: QHBoxLayout, name: str, text: str, tip: str, does: Callable[[], object]) -> Button:
        button = Button(text, "link", small=True)
        button.setToolTip(tip)
        button.setAccessibleName(f"{text}: {self.one.name}, {self.one.method}")
        button.clicked.connect(lambda _checked=False: does())
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.buttons[name] = button
        return button
