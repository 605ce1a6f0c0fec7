"""Writes what the frozen backbone makes of each image, for people who go on with it elsewhere."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlgui.core import atomic, commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.tables import csv_bytes
from tlgui.engine.control import Control
from tlgui.engine.drawn_images import see
from tlgui.engine.first_answer import head_inputs
from tlgui.engine.jobs.progress import told, until_stopped
from tlgui.engine.listed_network import pretrained_network, trunk_of
from tlgui.engine.preprocess import to_input
from tlgui.engine.trunk import CHUNK
from tlgui.imaging.listing import ListedImage, read_listing

_COLUMNS = ("path", "class", "split")


def embed(job: commands.EmbedImages, control: Control) -> Iterator[Event]:
    """`ImagesEmbedded`; a `Stop` is heard between the steps, and nothing is written then.

    Rows are what goes into the head's linear layer, in float32: (N, D), in the order of the listing. Beside them a table
    says which image each row is.

    Raises:
        UserError: the listing, the images or the weights are gone, or the file cannot be written.
    """
    target = Path(job.to)
    index = target.with_suffix(".csv")
    _refuse_other(index)
    yield events.Progress(stage="preparing the frozen layers", done=0, total=1)
    listed = read_listing(Path(job.listing))
    steps = _rows(job, listed)
    found = yield from until_stopped(steps, control)
    if found is None:
        return
    seen, rows = found
    table = [_COLUMNS, *((image.path, image.class_name, image.part) for image in seen)]
    with io.BytesIO() as stream:
        np.save(stream, rows, allow_pickle=False)
        for place, content in ((index, csv_bytes(table)), (target, stream.getvalue())):
            try:
                atomic.write_bytes(place, content)
            except OSError as error:
                if place == target:
                    index.unlink(missing_ok=True)
                raise UserError(
                    f"'{place.name}' cannot be written: {error.strerror}.",
                    "Free some space, or choose a place where you may write.",
                ) from error
    n, d = rows.shape
    yield events.ImagesEmbedded(
        file=str(target), index=str(index), images=n, features=d, unread=len(listed) - n, backbone=job.backbone
    )
    yield events.Completed(message=f"{n} images, {d} numbers each.")


def _refuse_other(index: Path) -> None:
    """A table of that name that is none of ours is the person's own."""
    try:
        with index.open("rb") as stream:
            first = stream.readline().strip()
    except OSError:
        return
    if first != ",".join(_COLUMNS).encode():
        raise UserError(
            f"'{index.name}' is there already, and the table beside the features would have that name.",
            "Give the features another name, or move that file.",
        )


def _rows(
    job: commands.EmbedImages, listed: list[ListedImage]
) -> Generator[Event, None, tuple[list[ListedImage], NDArray[np.float32]]]:
    network, device = pretrained_network(job.backbone, 2, job.fit, job.size, job.weights_file)
    trunk = trunk_of(network, device, len(listed))
    found: list[Tensor] = []

    def look(pixels: NDArray[np.uint8]) -> Tensor:
        return to_input(pixels, network.preprocessing)

    def take(squares: list[Tensor]) -> None:
        chunks = torch.split(torch.stack(squares), CHUNK)
        found.extend(head_inputs(network, device, trunk(chunk, network.head_index)) for chunk in chunks)

    seen = yield from told(see(Path(job.data), listed, job.rule, look, take), "looking at the images", len(listed))
    return seen, torch.cat(found).numpy()
