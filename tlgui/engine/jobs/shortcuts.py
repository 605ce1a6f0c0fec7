"""Finds out whether the label can be guessed from what must not matter."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tlgui.core import commands, events
from tlgui.core.events import Event
from tlgui.engine import evidence, shortcut_probes
from tlgui.engine.control import Control
from tlgui.engine.drawn_images import Backbone, draw, see
from tlgui.engine.jobs.progress import told, until_stopped
from tlgui.engine.kernel_probe import Task, Told
from tlgui.imaging.listing import ListedImage, read_listing

_Seen = tuple[dict[str, NDArray[np.float32]], torch.Tensor, torch.Tensor]


def probe_shortcuts(job: commands.ProbeShortcuts, control: Control) -> Iterator[Event]:
    """`ShortcutsProbed`; a `Stop` is heard between the steps.

    Test images are not looked at: what is found may lead to a repair, and they must stay unseen until the end.

    Raises:
        UserError: the listing or the images are gone, or there are too few.
    """
    yield events.Progress(stage="preparing the frozen layers", done=0, total=1)
    listed = [image for image in read_listing(Path(job.listing)) if image.part != "test"]
    images = draw(listed, job.images, job.seed)
    backbone = Backbone(2 * len(images))
    steps = told(_rows(job, images, backbone), "looking at the images", len(images))
    looked = yield from until_stopped(steps, control)
    if looked is None:
        return
    seen, rows = looked
    task = Task.of([image.record() for image in seen], job.seed)
    found: dict[str, Told | None] = {}
    for number, probe in enumerate(shortcut_probes.PROBES, 1):
        found[probe.name] = shortcut_probes.told(task, probe, rows)
        yield events.Progress(stage="guessing the class", done=number, total=len(shortcut_probes.PROBES))
        if isinstance(control.take(), commands.Stop):
            yield events.Stopped()
            return
    classes = sorted({image.class_name for image in seen})
    scores = shortcut_probes.judged(found, classes)
    border = shortcut_probes.removing_border(task, rows, found)
    answer = shortcut_probes.concluded(scores, len(seen), border)
    yield answer
    yield events.Completed(message=answer.sentence)


def _rows(
    job: commands.ProbeShortcuts, images: list[ListedImage], backbone: Backbone
) -> Generator[int, None, tuple[list[ListedImage], shortcut_probes.Rows]]:
    """Yields how many images are done; returns those that could be read, and the numbers of each probe for them."""
    rows: list[dict[str, NDArray[np.float32]]] = []
    full: list[NDArray[np.float32]] = []
    masked: list[NDArray[np.float32]] = []

    def look(pixels: NDArray[np.uint8]) -> _Seen:
        return evidence.rows_of(pixels), backbone.square(pixels), backbone.square(evidence.masked(pixels))

    def take(chunk: list[_Seen]) -> None:
        rows.extend(row for row, _, _ in chunk)
        full.append(backbone.features([square for _, square, _ in chunk]))
        masked.append(backbone.features([square for _, _, square in chunk]))

    seen = yield from see(Path(job.data), images, job.rule, look, take)
    by_probe = shortcut_probes.rows_by_probe(seen, rows)
    return seen, by_probe | {"full": np.concatenate(full), "masked": np.concatenate(masked)}
