"""Finds a learning rate for the last layer, on frozen features and in seconds."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import torch
from torch import Tensor

from tlgui.core import commands, events
from tlgui.core.augmentations import in_use
from tlgui.core.errors import UserError
from tlgui.core.events import Event, RateFound
from tlgui.core.heads import head_of
from tlgui.core.planning import resolve
from tlgui.core.run_folder import ManifestRow
from tlgui.core.split import split
from tlgui.engine import rate_test, seeding
from tlgui.engine.control import Control
from tlgui.engine.frozen_part import FrozenPart
from tlgui.engine.jobs.progress import answered, told
from tlgui.engine.listed_network import pretrained_network, trunk_of
from tlgui.engine.network import Network
from tlgui.engine.samples import Part, Reader
from tlgui.imaging.listing import ListedImage, read_listing

_BATCH = 32
_SAME = 2.0  # rates that differ by no more than this factor train alike


def find_rate(job: commands.FindRate, control: Control) -> Iterator[Event]:
    """`RateFound`; a `Stop` is heard between the steps. Training images alone are looked at.

    The features are those that a training keeps in the cache: what one of them has computed, the other need not.

    Raises:
        UserError: the listing, the images or the weights are gone, or there are too few images.
    """
    yield events.Progress(stage="preparing the frozen layers", done=0, total=1)
    listed = [image for image in read_listing(Path(job.listing)) if image.part == "train"]
    classes = sorted({image.class_name for image in listed})
    if len(classes) < 2 or len(listed) < 2 * len(classes):
        raise UserError("Too few training images to find a rate with.", "Add images, then ask again.")
    training, _ = resolve(job.training, len(listed))
    network, device = pretrained_network(
        job.backbone, len(classes), job.fit, job.size, job.weights_file, head_of(training), training.seed
    )
    steps = _found(job, _drawn(listed, job.images, training.seed), classes, network, device)
    yield from answered(steps, control)


def _found(
    job: commands.FindRate, images: list[ListedImage], classes: list[str], network: Network, device: torch.device
) -> Generator[Event, None, RateFound]:
    training, _ = resolve(job.training, len(images))
    variation = in_use(training.augmentation, training.mirror)
    part = Part.of([_row(image) for image in images], classes)
    reader = Reader(Path(job.data), network.preprocessing, job.rule, variation, torch.get_num_threads())
    with closing(reader):
        frozen = FrozenPart(network, trunk_of(network, device, len(part)), reader, job.rule, variation, True)
        try:
            features = yield from told(_features(frozen, part, network), "looking at the images", len(part))
        except UserError as error:
            raise as_of_a_question(error) from error
        finally:
            frozen.flush()
    labels = part.labels[part.there(range(len(part)))]
    # A run with "auto" finds out how many images a step may hold; the usual number serves here.
    size = _BATCH if training.batch_size == "auto" else training.batch_size
    ramp = rate_test.rising_rates(network, features, labels, training, min(size, len(labels)), device)
    rates, losses = yield from told(ramp, "trying rates", rate_test.STEPS)
    curve = rate_test.smoothed(losses)
    suggested = rate_test.steepest(rates, curve)
    in_use_now = training.head_learning_rate or 0.0
    return RateFound(
        rates=rates, losses=curve, suggested=suggested, in_use=in_use_now, sentence=sentence_of(suggested, in_use_now)
    )


def sentence_of(suggested: float | None, in_use_now: float) -> str:
    """What was found, for people."""
    if suggested is None:
        return (
            f"The loss hardly falls at any rate, so the curve tells none; the strategy's own, {in_use_now:.2g}, stays. "
            "The last layer may find little in these features."
        )
    found = f"The loss falls most steeply at a rate of {suggested:.2g}"
    if max(suggested / in_use_now, in_use_now / suggested) <= _SAME:
        return f"{found}; the one in use, {in_use_now:.2g}, is about the same."
    if suggested > in_use_now:
        return f"{found}, larger than the one in use, {in_use_now:.2g}: with it the last layer may learn faster."
    return f"{found}, smaller than the one in use, {in_use_now:.2g}: with it the loss may fall more steadily."


def _features(frozen: FrozenPart, part: Part, network: Network) -> Generator[int, None, Tensor]:
    rows = []
    for batch in seeding.batches(list(range(len(part))), _BATCH):
        found = frozen.activations(part, batch, 0, network.head_index)
        if part.there(batch):
            rows.append(found)
        yield batch[-1] + 1
    return torch.cat(rows)


def _drawn(listed: list[ListedImage], most: int, seed: int) -> list[ListedImage]:
    """About `most` images with each class's share of them, groups whole."""
    if len(listed) <= most:
        return listed
    share = most / len(listed)
    parts = split([image.record() for image in listed], (1 - share, share, 0.0), seed)
    return [image for image in listed if parts[image.path] == "validation"]


def _row(image: ListedImage) -> ManifestRow:
    return ManifestRow(
        path=image.path,
        class_name=image.class_name,
        part="train",
        content_hash=image.content_hash,
        group=image.group,
    )


def as_of_a_question(error: UserError) -> UserError:
    """The same problem with a remedy for a folder that is only looked at, where no run is to be continued."""
    if error.code not in ("images_changed", "drive_gone"):
        return error
    remedy = "Put back what is missing, or open the folder again so that it is read anew; then ask again."
    return UserError(error.problem, remedy, error.details, code=error.code)
