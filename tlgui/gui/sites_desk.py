"""Leave one site out: a run for each site waits in the queue, and what to expect at a new one is read at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tlgui.core.comparison import Entrant
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import PrepareSites, Refused, SitesPrepared
from tlgui.core.run_spec import RunSpec, Training
from tlgui.core.sites import Sites, SitesResult
from tlgui.gui.held_out import earlier_sites, read_sites
from tlgui.gui.series_desk import Earlier, ReadSeries, SeriesDesk
from tlgui.gui.site_trial import remedy_words


class SitesDesk(SeriesDesk[Sites, SitesResult]):
    """The sites that are held out in turn, and earlier ones; see `SeriesDesk`."""

    request = "PrepareSites"
    at_work = "Sites are being held out. Wait until that has ended, or stop it."
    others_go_on = "The other sites go on. Put it right, then go on with it."

    def start(self, by: str, way: Entrant, epochs: int) -> None:
        """Makes the run folders and lets them train one after another.

        Args:
            by: how sites are told, as in `Sites`.
            way: how each run trains.
            epochs: for each.
        """
        if self.reason_against_start():
            return
        draft = self._bench.draft
        spec = msgspec.structs.replace(draft.spec(), training=self.training_of(way, epochs))
        own = draft.weights_file
        self.forget()
        self.ask(lambda ticket, data: _question(ticket, data, "", by, spec, own), own)

    def training_of(self, way: Entrant, epochs: int) -> Training:
        """What each run is asked for, by what is set up."""
        asked = self._bench.draft.training
        return Training(
            strategy=way.strategy,
            top_groups=way.top_groups or None,
            epochs=epochs,
            seed=asked.seed,
            augmentation=asked.augmentation,
            mirror=asked.mirror,
        )

    # -- see `SeriesDesk` ------------------------------------------------------------------------------------------

    def read(self, folder: Path) -> ReadSeries[Sites, SitesResult]:
        """Sites."""
        return read_sites(folder)

    def find_earlier(self) -> list[Earlier]:
        """Folders of sites."""
        return earlier_sites()

    def question(self, ticket: int, data: Path, folder: Path) -> PrepareSites:
        """Its file counts."""
        assert self.asked is not None
        own = self._bench.draft.weights_file if self.asked.weights else ""
        return _question(ticket, data, str(folder.absolute()), self.asked.by, self.asked.spec(), own)

    def made(self, answer: Any) -> Sites | None:
        """Sites."""
        return answer.sites if isinstance(answer, SitesPrepared) else None

    def remedy_for(self, error: Refused | UserError) -> str:
        """In the window's own words."""
        return remedy_words(error.code, error.remedy)


def _question(ticket: int, data: Path, folder: str, by: str, spec: RunSpec, weights_file: str) -> PrepareSites:
    return PrepareSites(
        ticket=ticket, data=str(data.absolute()), folder=folder, by=by, spec=spec, weights_file=weights_file
    )
