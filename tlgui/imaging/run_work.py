"""The run folder that the window asks for, made from what was found in a folder of images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tlgui.core import imaging_messages as messages
from tlgui.imaging.opening import Opened, Progress
from tlgui.imaging.prepare import prepare_run


def prepared(
    ticket: int, opened: Opened, request: messages.Prepare, progress: Progress, cancelled: Callable[[], bool]
) -> messages.RunPrepared:
    """Makes it.

    Args:
        ticket: of the request.
        opened: the folder.
        request: what is asked for.
        progress: called with (files done, files in all) while images of a new site are read.
        cancelled: asked between two files.

    Raises:
        UserError: the images, the spec or the place of the run do not do.
    """
    made = prepare_run(
        Path(request.data),
        request.spec,
        _place(request.run_dir),
        progress,
        cancelled,
        scan=opened.scan,
        project=opened.project,
        follows_journal=not opened.not_followed,
        weights_file=request.weights_file,
        target=_place(request.target),
        continues=request.continues,
        earlier_images=_place(request.earlier),
    )
    return messages.RunPrepared(
        ticket=ticket, run=str(made.run.path.resolve()), spec=made.run.spec(), advice=made.advice
    )


def _place(path: str) -> Path | None:
    return Path(path) if path else None
