"""The unlabelled images of a new site that a run adapts to: read, counted, told apart from those of the known site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tlgui.core import run_folder
from tlgui.core.adaptation import adaptation, too_few_at_once
from tlgui.core.errors import UserError
from tlgui.core.records import ImageRecord, Scan
from tlgui.core.run_spec import Target, Training
from tlgui.imaging.unlabelled import read_unlabelled
from tlgui.imaging.walk import folder_name, walk


@dataclass(frozen=True)
class NewSite:
    """The images that take part: (path, content hash) of each, and what the run keeps of them."""

    target: Target
    images: list[tuple[str, str]]


def refuse_without_target(training: Training, target: Path | None) -> None:
    """Before minutes of reading images: raise a UserError where a way of adapting and images for it are not both given."""
    if training.adapt != "none":
        row = adaptation(training.adapt)
        if target is None:
            raise UserError(
                f"'{row.name}' adapts to images of a new site, and none are given.",
                "Name their folder with --target DIR, or leave --adapt away.",
                code="no_target",
            )
        if too_few_at_once(training):
            raise UserError(
                f"'{row.name}' compares images of both sites in each step, and a batch of 1 shows one alone.",
                "Take batches of 2 images or more, or align statistics.",
            )
        walk(target)
    elif target is not None:
        raise UserError(
            f"'{folder_name(target)}' holds images of a new site, and nothing is said of how to adapt to them.",
            "Say it with --adapt mmd, adversarial, mcc or statistics.",
            code="no_target",
        )


def new_site(
    target: Path,
    scan: Scan,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> NewSite:
    """Reads the folder of a new site; an image that is also one of the known site takes no part, nor does a copy.

    Args:
        target: the folder; labels and names of folders in it are not read.
        scan: of the known site.
        progress: called with (files done, files in all).
        cancelled: asked between two files.

    Raises:
        UserError: nothing is left.
    """
    found = read_unlabelled(target, progress, cancelled)
    known = {record.content_hash for record in scan.used}
    seen: set[str] = set()
    images: list[tuple[str, str]] = []
    records: list[ImageRecord] = []
    shared = 0
    for image in found.images:
        if image.content_hash in known:
            shared += 1
        elif image.content_hash not in seen:
            seen.add(image.content_hash)
            images.append((image.path, image.content_hash))
            records.append(image.record())
    name = folder_name(target)
    if not images and shared:
        raise UserError(
            f"Every image in '{name}' is also an image of the known site.",
            "Give the folder of the new site's own images.",
            code="same_images",
        )
    if not images:
        raise UserError(
            f"No image in '{name}' can be used.", "Give the folder of the new site's images.", code="no_images"
        )
    return NewSite(
        Target(
            name=name,
            fingerprint=run_folder.fingerprint(records),
            images=len(images),
            known=shared,
            left_out=len(found.left_out) + len(found.images) - shared - len(images),
        ),
        images,
    )
