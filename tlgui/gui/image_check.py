"""A check of the images in hand that the engine makes on demand; what it found holds as long as they stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, events
from tlgui.core.imaging_messages import ListingWritten, ScanSummary
from tlgui.core.records import PixelRule
from tlgui.gui.listed_job import ListedJob

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

Found = TypeVar("Found", bound=events.Event)


class ImageCheck(QObject, Generic[Found]):
    """One check at a time. A kind of check says which job it is, what answers it, and what it holds for.

    Args:
        bench: for the folder and the engines.
        answer: the event that tells what was found.

    Attributes:
        progress: how far it is; `None` before the engine says so.
        ended: why the last check came to nothing: `Stopped`, `Failed` or `Crashed`, else `None`.
    """

    changed = Signal()

    beside = False
    """Whether it always runs in the engine beside, so that a training need not wait for it."""

    def __init__(self, bench: Workbench, answer: type[Found]) -> None:
        super().__init__(bench)
        self._bench = bench
        self._answer = answer
        self._job = ListedJob(bench, self, beside=self.beside)
        self._job.told.connect(self._on_told)
        self._found: Found | None = None
        self._found_in: object = None
        self._asked_of: object = None
        self.progress: events.Progress | None = None
        self.ended: events.Ending | None = None

    def job(self, listing: ListingWritten, rule: PixelRule) -> commands.Job:
        """What the engine is to do."""
        raise AssertionError("each kind of check says itself")

    def holds_for(self, summary: ScanSummary) -> object:
        """What must stay the same for a finding to hold."""
        raise AssertionError("each kind of check says itself")

    def against(self, summary: ScanSummary) -> str:
        """Why there is nothing to check in these images, as a sentence; "" when there is."""
        raise AssertionError("each kind of check says itself")

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return self._job.busy

    @property
    def found(self) -> Found | None:
        """What was found in the images as they are now; `None` where they are others by now."""
        return self._found if self._found is not None and self._found_in == self._images() else None

    def reason_against(self) -> str:
        """Why it cannot begin now, as a sentence; "" when it can."""
        summary = self._bench.draft.summary
        against = self._bench.intake.reason_against()
        if against or summary is None:
            return against or "Choose a folder of images first."
        return "The images are being updated." if self._bench.intake.busy else self.against(summary)

    def begin(self) -> None:
        """Begins; `changed` tells how it goes."""
        summary = self._bench.draft.summary
        if summary is None or self.busy or self.reason_against():
            return
        self._asked_of, self.progress, self.ended = self._images(), None, None
        rule = summary.pixel_rule
        self._job.begin(lambda listing: self.job(listing, rule))
        self.changed.emit()

    def cancel(self) -> None:
        """Asks it to stop; what was found before stays."""
        self._job.cancel()

    def forget(self) -> None:
        """Stops it, and nothing of it arrives any more."""
        self._job.forget()
        self.progress, self.ended = None, None
        self.changed.emit()

    def _on_told(self, event: Any) -> None:
        if isinstance(event, events.Progress):
            self.progress = event
        elif isinstance(event, self._answer):
            self._found, self._found_in = event, self._asked_of
        elif isinstance(event, events.Stopped | events.Failed | events.Crashed):
            self.ended = event
        if not self.busy:
            self.progress = None
        self.changed.emit()

    def _images(self) -> object:
        draft = self._bench.draft
        return (draft.data, self.holds_for(draft.summary)) if draft.summary is not None else None
