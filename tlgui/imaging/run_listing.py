"""The images of a run, as a table that an engine job reads: from its manifest, so that no folder is read anew."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.core.tables import csv_bytes
from tlgui.imaging.listing import ListedImage, listing_path


def write_run_listing(run: RunFolder, cache: Path, all_train: bool = False) -> Path:
    """Writes the used images of a run with their parts and groups.

    Their sizes are not in a manifest and stand as 0: jobs that ask for them need the listing of a folder instead.

    Args:
        run: the run folder.
        cache: the cache folder.
        all_train: images that test it stand as training images: those of a fold test no final model.

    Returns:
        The listing.

    Raises:
        UserError: the manifest cannot be read, or the listing not be written.
    """
    rows: list[tuple[object, ...]] = [ListedImage.__struct_fields__]
    for row in run.manifest():
        image = ListedImage(
            path=row.path,
            class_name=row.class_name,
            group=row.group,
            part="train" if all_train else row.part,
            content_hash=row.content_hash,
            width=0,
            height=0,
        )
        rows.append(msgspec.structs.astuple(image))
    path = listing_path(cache)
    try:
        atomic.write_bytes(path, csv_bytes(rows))
    except OSError as error:
        raise UserError(
            f"The list of images cannot be kept in the cache: {error.strerror}.",
            "Free some space or give yourself permission to write there, then try again.",
        ) from error
    return path
