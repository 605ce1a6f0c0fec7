"""Measures how different the images of the new site are: its folder is read, then the engine tells both sites apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import (
    ListingWritten,
    ListUnlabelled,
    Refused,
    ScanProgress,
    ScanSummary,
    UnlabelledListed,
)
from tlgui.core.records import PixelRule
from tlgui.gui.image_check import ImageCheck
from tlgui.gui.networks import network

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

MOST_IMAGES = commands.MeasureGap(listing="", data="", backbone="", new_listing="", new_data="").images
_READS = "reading the images of the new site"
_NO_FOLDER = "Choose the folder of the new site first."


class GapDesk(ImageCheck[events.GapMeasured]):
    """One measurement at a time, of the folder, the images and the network in hand; of any other it tells nothing.

    It runs in the engine beside: nothing that trains waits for it.
    """

    beside = True

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench, events.GapMeasured)
        self._ticket: int | None = None  # of the new site's folder, while it is read
        self._new: UnlabelledListed | None = None
        bench.imaging.answered.connect(self._on_answered)
        bench.imaging.failed.connect(self._on_imaging_failed)
        bench.draft.changed.connect(self._on_draft_changed)

    @property
    def busy(self) -> bool:
        """Whether it reads, waits for the engine, or works."""
        return self._ticket is not None or super().busy

    @property
    def problem(self) -> events.Ending | None:
        """Why the last measurement of what is in hand came to nothing, or that it was stopped."""
        return self.ended if self._asked_of == self._images() else None

    def measure(self) -> None:
        """Begins; `changed` tells how it goes."""
        target = self._bench.draft.target
        if target is None or self.busy or self.reason_against():
            return
        self._asked_of, self.ended, self._new = self._images(), None, None
        self.progress = events.Progress(stage=_READS, done=0, total=0)
        self._ticket = self._bench.imaging.new_ticket()
        self._bench.imaging.ask(ListUnlabelled(ticket=self._ticket, data=str(target.absolute())))
        self.changed.emit()

    def cancel(self) -> None:
        """Asks it to stop; what was found before stays."""
        if self._ticket is not None:
            self._let_go()
            self._on_told(events.Stopped())
        else:
            super().cancel()

    def forget(self) -> None:
        """Stops it, and nothing of it arrives any more."""
        self._let_go()
        super().forget()

    def job(self, listing: ListingWritten, rule: PixelRule) -> commands.Job:
        """See `ImageCheck`."""
        draft, new = self._bench.draft, self._new
        assert new is not None
        return commands.MeasureGap(
            listing=listing.path,
            data=listing.data,
            rule=rule,
            backbone=draft.backbone,
            weights_file=draft.weights_file,
            fit=draft.fit,
            size=draft.size,
            new_listing=new.path,
            new_data=new.data,
            left_out=new.left_out,
            unlisted=new.unlisted,
            images=MOST_IMAGES,
            seed=draft.training.seed,
        )

    def holds_for(self, summary: ScanSummary) -> object:
        """These images in these parts, the new site's folder, and how the network sees them."""
        draft = self._bench.draft
        parts = [(row.name, row.train, row.validation, row.test) for row in summary.classes]
        images = summary.fingerprint, summary.pixel_rule, parts, draft.split_fractions, draft.training.seed
        return images, draft.target, draft.backbone, draft.weights_file, draft.fit, draft.size

    def against(self, summary: ScanSummary) -> str:
        """What it lacks."""
        del summary
        draft = self._bench.draft
        if draft.target is None:
            return _NO_FOLDER
        row = network(draft.backbone)
        if row is None:
            return f"{draft.backbone} is not known on this computer."
        if draft.weights_file or (row.pretrained and self._bench.backbones.row(draft.backbone).usable):
            return ""
        if not row.pretrained:
            return f"{row.label} has no pretrained weights: it cannot tell images apart yet. Pick another network."
        return f"The weights of {row.label} are not on this computer yet."

    def _on_answered(self, answer: Any) -> None:
        if self._ticket is None or answer.ticket != self._ticket:
            return
        if isinstance(answer, ScanProgress):
            self.progress = events.Progress(
                stage=_READS, done=answer.done, total=answer.total, seconds_left=answer.seconds_left
            )
            self.changed.emit()
        elif isinstance(answer, UnlabelledListed):
            self._new = answer
            self._let_go()
            self._begin_job()
        elif isinstance(answer, Refused):
            self._let_go()
            said = {name: getattr(answer, name) for name in ("problem", "remedy", "details", "code", "is_fault")}
            self._on_told(events.Failed(**said))

    def _begin_job(self) -> None:
        summary = self._bench.draft.summary
        if summary is None or self.reason_against():
            self._on_told(events.Stopped())  # the images are being changed at this moment
            return
        self.progress = None
        rule = summary.pixel_rule
        self._job.begin(lambda listing: self.job(listing, rule))
        self.changed.emit()

    def _on_imaging_failed(self, error: UserError) -> None:
        if self._ticket is not None:
            self._let_go()
            self._on_told(events.Failed(problem=error.problem, remedy=error.remedy, details=error.details))

    def _on_draft_changed(self) -> None:
        """Another folder, network or image: what is measured now would say nothing of it."""
        if self.busy and self._asked_of != self._images():
            self.forget()

    def _let_go(self) -> None:
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            self._bench.imaging.forget(ticket)
