"""A run as the window holds it: what is known of it, where it is, and its job while it trains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tlgui.core.imaging_messages import ScanSummary
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec
from tlgui.gui.job_queue import Work
from tlgui.gui.run_model import RunModel

if TYPE_CHECKING:
    from tlgui.gui.draft import Draft


@dataclass
class Entry:
    """A run that the window holds.

    Attributes:
        model: what is known of it from its events.
        spec: what it is; frozen when it began (what is changed in the window afterwards is another run's).
        data: where its images are; `None` where that is unknown.
        summary: its images.
        weights_file, download: how its weights come.
        target: folder of the new site that it adapts to; `None` where it adapts to none, or where that is unknown.
        earlier: folder of the images that the run was made with which it continues; `None` where that is unknown.
        folder: on disk; `None` until it is made.
        work: its job while it trains.
        stop_asked: whether the person pressed Stop while its folder was being made.
        began_at: on the monotonic clock, as long as it trains from its beginning without a break; else `None`.
    """

    model: RunModel
    spec: RunSpec
    data: Path | None
    summary: ScanSummary | None
    weights_file: str = ""
    download: bool = False
    target: Path | None = None
    earlier: Path | None = None
    folder: RunFolder | None = None
    work: Work | None = None
    stop_asked: bool = False
    began_at: float | None = None


def entry_of(draft: Draft, model: RunModel) -> Entry:
    """A run that begins as it is set up."""
    return Entry(
        model=model,
        spec=draft.spec(),
        data=draft.data,
        summary=draft.summary,
        weights_file=draft.weights_file,
        download=draft.download,
        target=draft.target,
        earlier=draft.continues.earlier if draft.continues is not None else None,
    )
