"""Measures what a naive split would have made of the score."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.engine.control import Control
from tlgui.engine.drawn_images import Backbone, draw, see
from tlgui.engine.jobs.progress import told, until_stopped
from tlgui.engine.split_comparison import compared, of_parted_classes, shares_right, similarities
from tlgui.imaging.listing import ListedImage, read_listing


def compare_splits(job: commands.CompareSplits, control: Control) -> Iterator[Event]:
    """`SplitsCompared`; a `Stop` is heard between the steps.

    Raises:
        UserError: no images belong together, the listing or the images are gone, or there are too few.
    """
    yield events.Progress(stage="preparing the frozen layers", done=0, total=1)
    listed = read_listing(Path(job.listing))
    _refuse_alone(listed)
    parted = of_parted_classes(listed)
    if len({image.class_name for image in parted}) < 2:
        raise UserError(
            "Fewer than two classes have more than one group of images, so a safe split can measure nothing.",
            "Add images of other patients, or say otherwise what keeps images together, then ask again.",
        )
    images = draw(parted, job.images, job.seed)
    _refuse_alone(images)
    backbone = Backbone(len(images))
    steps = told(_features(job, images, backbone), "looking at the images", len(images))
    found = yield from until_stopped(steps, control)
    if found is None:
        return
    seen, features = found
    _refuse_alone(seen)
    naive, safe = np.zeros(len(seen)), np.zeros(len(seen))
    repeats = shares_right(similarities(features), seen, job.repeats, job.seed)
    for number, (naive_right, safe_right) in enumerate(repeats, 1):
        naive += naive_right / job.repeats
        safe += safe_right / job.repeats
        yield events.Progress(stage="splitting and scoring", done=number, total=job.repeats)
        if isinstance(control.take(), commands.Stop):
            yield events.Stopped()
            return
    answer = compared(naive, safe, seen, job.repeats)
    yield answer
    yield events.Completed(message=answer.sentence)


def _features(
    job: commands.CompareSplits, images: list[ListedImage], backbone: Backbone
) -> Generator[int, None, tuple[list[ListedImage], NDArray[np.float32]]]:
    chunks: list[NDArray[np.float32]] = []

    def take(squares: list[torch.Tensor]) -> None:
        chunks.append(backbone.features(squares))

    seen = yield from see(Path(job.data), images, job.rule, backbone.square, take)
    return seen, np.concatenate(chunks)


def _refuse_alone(images: list[ListedImage]) -> None:
    groups = [image.group for image in images if image.group]
    if len(set(groups)) == len(groups):
        raise UserError(
            "No two images belong together, so a naive split and a safe one are the same.",
            "Say what keeps images together (a patient, say), then ask again.",
        )
