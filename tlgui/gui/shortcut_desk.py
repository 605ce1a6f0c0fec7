"""Looks whether the label can be guessed from what must not matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlgui.core import commands, events
from tlgui.core.imaging_messages import ListingWritten, ScanSummary
from tlgui.core.records import PixelRule
from tlgui.gui.image_check import ImageCheck

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

MOST_IMAGES = commands.ProbeShortcuts(listing="", data="").images


class ShortcutDesk(ImageCheck[events.ShortcutsProbed]):
    """One look at a time, at the images in hand."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench, events.ShortcutsProbed)

    def look(self) -> None:
        """Begins; `changed` tells how it goes."""
        self.begin()

    def job(self, listing: ListingWritten, rule: PixelRule) -> commands.Job:
        """See `ImageCheck`."""
        return commands.ProbeShortcuts(listing=listing.path, data=listing.data, rule=rule)

    def holds_for(self, summary: ScanSummary) -> object:
        """These images with these classes, read by this rule; the split may be another."""
        classes = [(row.name, row.total, row.found) for row in summary.classes]
        return summary.fingerprint, summary.pixel_rule, classes

    def against(self, summary: ScanSummary) -> str:
        """With one class there is nothing to guess."""
        return "" if len(summary.classes) > 1 else "There is one class alone: nothing can be guessed."
