"""What to expect at a new site: each known one is held out in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.gui.pages.compare.series_panel import SeriesPanel
from tlgui.gui.pages.compare.site_runs_card import SiteRunsCard
from tlgui.gui.pages.compare.sites_card import SitesCard
from tlgui.gui.pages.compare.sites_result_card import SitesResultCard
from tlgui.gui.widgets import Card, Cell, Column, Label

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_LEGS = (Column("Site held out", stretch=True, min=150), Column("Its run", min=150))
_ABOUT = (
    "A score on images of known sites says little about a new hospital, scanner or place. The mean over sites counts "
    "each of them alike; from four sites on, a range is given for one more, which is honest and therefore often wide. "
    "Images that belong together with some of the site held out do not train."
)


class SitesPanel(SeriesPanel):
    """Leave one site out."""

    sentence = "What to expect at a new hospital, scanner or place."
    preparing = ("The images are parted", "one site after another is held out")
    running = "Holding out sites"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(bench, bench.sites, _LEGS, "site", parent)
        self._desk = bench.sites
        self.start.set_text("Hold out each site")
        self.start.set_tooltip("A run for each site is trained in turn, in the queue")
        self.sites, self.runs = SitesCard(bench, self), SiteRunsCard(bench, self)
        self.result = SitesResultCard(self)
        self.sites.changed.connect(self.refresh)
        self.runs.changed.connect(self.refresh)
        about = Card("What it tells", parent=self)
        about.body.addWidget(Label(_ABOUT, "muted", wrap=True))
        for card in (self.progress, self.progress_table, self.result, self.sites, self.runs):
            self.main.addWidget(card)
        for card in (about, self.earlier):
            self.side.addWidget(card)
        self.refresh()

    def on_start(self) -> None:
        """Holds them out."""
        epochs = self.runs.epochs.value()
        if epochs is not None and not self.against():
            self._desk.start(self.sites.by, self.runs.entrant, int(epochs))

    def against(self) -> str:
        """See `SeriesPanel`."""
        return super().against() or self.sites.reason_against() or self.runs.reason_against()

    def start_hint(self) -> str:
        """How long it takes."""
        return self.runs.total_words(len(self.sites.found))

    def show_parts(self, sets_up: bool, whole: bool) -> None:
        """See `SeriesPanel`."""
        self.sites.setVisible(sets_up)
        self.runs.setVisible(sets_up)
        self.result.setVisible(whole)
        if sets_up and self.isVisible():  # a child is asked, for whom nobody looks it would work in vain
            self.sites.look()
        if whole and self._desk.result is not None:
            self.result.show_result(self._desk.result)

    def rows(self) -> list[list[Cell]]:
        """A row for each site."""
        rows = []
        left = "waits" if self._desk.state == "running" else "not trained yet"
        for run in self._desk.runs:
            trains = run == self._desk.training
            said = "trains now" if trains else "whole" if run.done else ""
            rows.append(
                [Cell(run.label), Cell("" if said else left, chip=said, chip_tone="info" if trains else "good")]
            )
        return rows
