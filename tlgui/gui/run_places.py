"""Where the images of a run are now, as a person says: looked at before it is believed."""

from __future__ import annotations

from pathlib import Path

from tlgui.core import earlier
from tlgui.core.errors import UserError
from tlgui.core.run_folder import remember_place
from tlgui.core.run_images import earlier_in, holds_some_of, holds_some_of_site
from tlgui.gui.run_entry import Entry


def place_of(entry: Entry, path: Path) -> Path:
    """The folder, kept for later; reads the disk, so away from the window's thread.

    Raises:
        UserError: it holds none of the run's images.
    """
    assert entry.folder is not None
    if not holds_some_of(entry.folder, path):
        raise UserError(
            f"'{path.name}' does not hold the images of this run.", "Choose the folder that the run was trained on."
        )
    if entry.spec.dataset is not None:
        remember_place(entry.spec.dataset.fingerprint, path)
    return path.absolute()


def site_place_of(entry: Entry, path: Path) -> Path:
    """The same for the images of the new site that it adapts to.

    Raises:
        UserError: it holds none of them, or the run adapts to none.
    """
    assert entry.folder is not None
    site = entry.spec.target
    if site is None or not holds_some_of_site(entry.folder, path):
        raise UserError(
            f"'{path.name}' does not hold the images of the new site that this run adapts to.",
            "Choose the folder that it was set up with.",
        )
    remember_place(site.fingerprint, path)
    return path.absolute()


def earlier_place_of(entry: Entry, path: Path) -> Path:
    """The same for images that its network had learned before, of the run that it continues or of one before that.

    Raises:
        UserError: it holds none of them, or their list cannot be read.
    """
    assert entry.folder is not None
    before = earlier.read(entry.folder)
    held = earlier_in(before, path)
    if not held:
        raise UserError(
            f"'{path.name}' does not hold images that this run's network had learned before.",
            "Choose the folder that the earlier run was trained on.",
        )
    for number in held:
        remember_place(before[number].task.fingerprint, path)
    return path.absolute()
