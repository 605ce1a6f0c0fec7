"""Measures what a split without regard to what belongs together would have made of the score: the shock number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlgui.core import commands, events
from tlgui.core.imaging_messages import ListingWritten, ScanSummary
from tlgui.core.records import PixelRule
from tlgui.gui.image_check import ImageCheck

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

MOST_IMAGES = commands.CompareSplits(listing="", data="").images
_NOTHING_TOGETHER = "Nothing is kept together yet, so there is nothing to measure."


class ShockDesk(ImageCheck[events.SplitsCompared]):
    """One comparison at a time, of the images in hand with the groups in force."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench, events.SplitsCompared)

    @property
    def problem(self) -> events.Failed | events.Crashed | None:
        """Why the last comparison came to nothing, where nobody stopped it."""
        return self.ended if isinstance(self.ended, events.Failed | events.Crashed) else None

    def measure(self) -> None:
        """Begins; `changed` tells how it goes."""
        self.begin()

    def job(self, listing: ListingWritten, rule: PixelRule) -> commands.Job:
        """See `ImageCheck`."""
        return commands.CompareSplits(listing=listing.path, data=listing.data, rule=rule)

    def holds_for(self, summary: ScanSummary) -> object:
        """These images, read by this rule, with these groups."""
        # Of groups that a person joined by hand the summary tells the number alone; the journal tells the rest.
        decided = [line.number for line in summary.changes if not line.undone_at]
        return summary.fingerprint, summary.pixel_rule, summary.grouping, summary.groups, decided

    def against(self, summary: ScanSummary) -> str:
        """Without groups both splits are the same."""
        return "" if summary.groups else _NOTHING_TOGETHER
