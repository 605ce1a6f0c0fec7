"""The recent runs as cards in one to three columns; a first row, and all of them when asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from tlgui.core.runs import RunSummary
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.numbers import count
from tlgui.gui.pages.start.places import places_of
from tlgui.gui.pages.start.run_card import RunCard
from tlgui.gui.pages.start.run_words import matches
from tlgui.gui.thumbnails import ThumbnailStore
from tlgui.gui.widgets import Button, Label

_CARD = 300  # narrower, and a card has no room for its score
_GAP = 16
_MOST_COLUMNS = 3
_FEW = 3  # so many can be looked through without a search


class RecentSection(QWidget):
    """Hidden as long as there is no run."""

    opened = Signal(object)
    continue_asked = Signal(object)
    learn_on_asked = Signal(object)

    def __init__(self, thumbnails: ThumbnailStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._runs: list[RunSummary] = []
        self._looking: Task | None = None
        self._all = False
        self._columns = _MOST_COLUMNS
        self._opening: Path | None = None
        self._against = ""
        self.cards: list[RunCard] = []
        self._wanted = ""
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a run")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find a run by its images, its method or your notes")
        self.search.setToolTip("Looks in names, methods, days and your notes.")
        self.search.setMaximumWidth(220)
        self.search.textChanged.connect(self._on_wanted)
        self.none = Label("", "muted", wrap=True)
        self.none.hide()
        self.more = Button("", "link")
        self.more.align_edge("right")
        self.more.clicked.connect(self._on_more)
        head = QHBoxLayout()
        head.addWidget(Label("Recent runs", "card-title"))
        head.addStretch(1)
        head.addWidget(self.search)
        head.addWidget(self.more)
        self._grid = QGridLayout()
        self._grid.setSpacing(_GAP)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addLayout(self._grid)
        layout.addWidget(self.none)
        self.hide()

    def set_runs(self, runs: Sequence[RunSummary]) -> None:
        """Shows these, newest first."""
        if list(runs) == self._runs:
            return
        self._runs = list(runs)
        self.setVisible(bool(runs))
        now = {run.path: run for run in runs}
        self.search.setVisible(len(runs) > _FEW or bool(self._wanted))
        shown = self._chosen()
        if [card.run.path for card in self.cards] != [run.path for run in shown] or not all(
            card.follow(now[card.run.path]) for card in self.cards
        ):
            self._rebuild()

    def set_opening(self, path: Path | None) -> bool:
        """Says on a run's card that it is being opened; `None`: none is.

        Returns:
            Whether that run has a card here.
        """
        self._opening = path
        for card in self.cards:
            card.set_opening(card.run.path == path)
        return any(card.is_opening for card in self.cards)

    def set_reason_against_continue(self, reason: str) -> None:
        """Why no run can be gone on with now; "" when they can."""
        self._against = reason
        for card in self.cards:
            card.set_reason_against_continue(reason)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """As many columns as there is room for."""
        super().resizeEvent(event)
        columns = max(1, min(_MOST_COLUMNS, (self.width() + _GAP) // (_CARD + _GAP)))
        if columns != self._columns:
            self._columns = columns
            self._rebuild()

    def _on_more(self) -> None:
        self._all = not self._all
        self._rebuild()
        self.more.setFocus()

    def _on_wanted(self, text: str) -> None:
        self._wanted = text.strip()
        self._rebuild()

    def _chosen(self) -> list[RunSummary]:
        """Those that are shown: all that were found, else the first row of them or all."""
        if self._wanted:
            return [run for run in self._runs if matches(run, self._wanted)]
        return self._runs if self._all else self._runs[: max(self._columns, 2)]

    def _rebuild(self) -> None:
        first = max(self._columns, 2)
        shown = self._chosen()
        self.none.setText(f"No run here has '{self._wanted}' in its name, method or notes." if self._wanted else "")
        self.none.setVisible(bool(self._wanted) and not shown)
        # Cards that stay are kept: their pictures are here, and one of them may have the focus.
        now = {run.path: run for run in shown}
        known = {card.run.path: card for card in self.cards if card.run.path in now and card.follow(now[card.run.path])}
        for card in self.cards:
            self._grid.removeWidget(card)
            if card.run.path not in known:
                card.mosaic.forget()
                card.hide()
                card.deleteLater()
        self.cards = [known.get(run.path) or self._card(run) for run in shown]
        for place, card in enumerate(self.cards):
            self._grid.addWidget(card, place // self._columns, place % self._columns)
        for column in range(_MOST_COLUMNS):
            self._grid.setColumnStretch(column, 1 if column < self._columns else 0)
        self.more.set_text("Show fewer" if self._all else f"Show all {count(len(self._runs))}")
        self.more.setToolTip("Shows the newest runs alone." if self._all else "Shows every run that was found.")
        self.more.setVisible(len(self._runs) > first and not self._wanted)
        self._look_for_images()

    def _card(self, run: RunSummary) -> RunCard:
        card = RunCard(run, self)
        card.set_opening(run.path == self._opening)
        card.set_reason_against_continue(self._against)
        card.clicked.connect(lambda: self.opened.emit(run.path))
        card.continue_asked.connect(lambda: self.continue_asked.emit(run.path))
        card.learn_on_asked.connect(lambda: self.learn_on_asked.emit(run.path))
        return card

    def _look_for_images(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        paths = [card.run.path for card in self.cards if card.run.samples and not card.mosaic.asked]
        self._looking = run_in_background(self, lambda: places_of(paths), self._on_places) if paths else None

    def _on_places(self, places: dict[Path, Path]) -> None:
        self._looking = None
        for card in self.cards:
            if (root := places.get(card.run.path)) is not None:
                card.mosaic.ask_for(self._thumbnails, root, card.run.samples)
