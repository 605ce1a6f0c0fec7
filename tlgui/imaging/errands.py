"""What the window asks for that rests on no scanned folder: demo images, an archive, the images of a new site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tlgui.core import imaging_messages as messages
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import Answer
from tlgui.core.paths import cache_dir, projects_dir
from tlgui.imaging.demo_images import demo_folder, draw_demo_images
from tlgui.imaging.listing import listing_path, write_images
from tlgui.imaging.pixels import reason_of
from tlgui.imaging.scan import ScanCancelled
from tlgui.imaging.unlabelled import read_unlabelled
from tlgui.imaging.unpack import unpack

Errand = messages.DrawDemo | messages.Unpack | messages.ListUnlabelled
Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]


def done(ticket: int, asked: Errand, progress: Progress, cancelled: Cancelled) -> Answer:
    """Does it, and says what came of it.

    Args:
        ticket: of the request.
        asked: what is to be done.
        progress: called with (files done, files in all).
        cancelled: asked between two files.

    Raises:
        UserError: it cannot be done.
        ScanCancelled: `cancelled()` returned True.
    """
    match asked:
        case messages.DrawDemo():
            return messages.DemoDrawn(ticket=ticket, folder=str(_drawn(progress, cancelled).absolute()))
        case messages.Unpack():
            folder = unpack(Path(asked.archive), projects_dir(), progress, cancelled)
            return messages.Unpacked(ticket=ticket, folder=str(folder.absolute()))
        case messages.ListUnlabelled():
            return _listed(ticket, Path(asked.data), progress, cancelled)


def _listed(ticket: int, data: Path, progress: Progress, cancelled: Cancelled) -> messages.UnlabelledListed:
    found = read_unlabelled(data, progress, cancelled)
    path = listing_path(cache_dir())
    write_images(path, found.images)
    return messages.UnlabelledListed(
        ticket=ticket,
        path=str(path.absolute()),
        data=str(data.absolute()),
        images=len(found.images),
        left_out=found.reasons,
        unlisted=len(found.unlisted),
    )


def _drawn(progress: Progress, cancelled: Cancelled) -> Path:
    folder = demo_folder(projects_dir())
    try:
        draw_demo_images(folder, progress=progress, cancelled=cancelled)
    except OSError as error:
        raise UserError(
            f"The demo images cannot be written ({reason_of(error)}).",
            "Free some space or give yourself permission to write there, then try again.",
        ) from error
    if cancelled():
        raise ScanCancelled
    return folder
