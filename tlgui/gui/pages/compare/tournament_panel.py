"""Which way of training is better on these images, and whether pretraining helps on them at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.core import transfer
from tlgui.core.comparison import ComparedRun
from tlgui.gui.pages.compare.layers_row import LayersRow
from tlgui.gui.pages.compare.result_card import ResultCard
from tlgui.gui.pages.compare.series_panel import SeriesPanel
from tlgui.gui.pages.compare.transfer_card import TransferCard
from tlgui.gui.pages.compare.ways_card import WaysCard
from tlgui.gui.widgets import Action, Card, Cell, Column, Label

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_LEGS = (Column("Way", stretch=True, min=150), Column("Runs that are whole", min=150))
_ABOUT = (
    "All ways get the same images, the same folds and the same number of epochs. On each image one counts who "
    "is right alone; McNemar's exact test says how often so uneven a count comes about by chance. "
    "“No winner” is an answer: then the cheapest way will do."
)


class TournamentPanel(SeriesPanel):
    """A tournament of ways."""

    sentence = "Which way of training is better, and not by luck alone?"
    preparing = ("The images are parted", "the same way for all")
    running = "Comparing"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(bench, bench.compare, _LEGS, "way", parent)
        self._desk = bench.compare
        self.start.set_text("Start the comparison")
        self.start.set_tooltip("Each way is trained in turn, in the queue")
        self.use = Action(
            "Train this way", self._desk.use, "", "Sets your run to the cheapest way that is not clearly worse"
        )
        self.ways = WaysCard(bench, self)
        self.ways.changed.connect(self.refresh)
        self.result = ResultCard(parent=self)
        self.layers = LayersRow(self._desk.probe)
        self.result.add_below_words(self.layers)
        about = Card("How it is compared", parent=self)
        about.body.addWidget(Label(_ABOUT, "muted", wrap=True))
        self.transfer = TransferCard(self)
        self.transfer.asked.connect(self._on_transfer)
        for card in (self.progress, self.progress_table, self.result, self.ways):
            self.main.addWidget(card)
        for card in (self.transfer, about, self.earlier):
            self.side.addWidget(card)
        self.refresh()

    def on_start(self) -> None:
        """Compares the ticked ways."""
        epochs = self.ways.epochs.value()
        if epochs is not None and not self.ways.reason_against():
            self._desk.start(self.ways.entrants, int(epochs), self.ways.chosen_folds)

    def _on_transfer(self) -> None:
        epochs = self.ways.epochs.value()
        if epochs is not None and not self._against_transfer():
            self._desk.start(transfer.ENTRANTS, int(epochs), self.ways.chosen_folds, "transfer")

    def _against_transfer(self) -> str:
        return self._desk.reason_against_transfer() or self.ways.reason_against(ticked=False)

    def against(self) -> str:
        """See `SeriesPanel`."""
        return super().against() or self.ways.reason_against()

    def start_hint(self) -> str:
        """How long it takes."""
        return self.ways.total_words()

    def show_parts(self, sets_up: bool, whole: bool) -> None:
        """See `SeriesPanel`."""
        self.ways.setVisible(sets_up)
        self.transfer.setVisible(sets_up)
        self.result.setVisible(whole)
        if sets_up:
            self.ways.refresh()
            self.transfer.set_reason(self._against_transfer(), self.ways.total_words(transfer.ENTRANTS))
        if whole and self._desk.result is not None:
            self.result.show_result(self._desk.result)
            self.layers.show_state(self._desk.layers)

    def offer_result(self) -> tuple[Action | None, str]:
        """The run that is set up becomes the cheapest way."""
        reason, way = self._desk.reason_against_use(), self._desk.cheapest
        self.use.set_reason(reason)
        return self.use, reason or (way.label if way is not None else "")

    def rows(self) -> list[list[Cell]]:
        """A row for each way: how many of its runs are whole, and whether one of them trains."""
        desk = self._desk
        if desk.asked is None:
            return []
        folders = {Path(run.run).name: run for run in desk.runs}
        mine: dict[str, list[ComparedRun]] = {}
        for leg in desk.asked.legs():
            if (run := folders.get(leg.folder)) is not None:
                mine.setdefault(leg.entrant.label, []).append(run)
        rows = []
        for label, runs in mine.items():
            done, trains = sum(run.done for run in runs), desk.training in runs
            said = "trains now" if trains else "whole" if done == len(runs) else ""
            rows.append(
                [Cell(label), Cell(f"{done} of {len(runs)}", chip=said, chip_tone="info" if trains else "good")]
            )
        return rows
