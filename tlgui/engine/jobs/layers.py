"""Why layers transfer: how much each layer group of a pretrained network tells about the person's own classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event, GroupScore, LayersProbed
from tlgui.core.shares import clustered
from tlgui.core.split import folds
from tlgui.engine import probe
from tlgui.engine.control import Control
from tlgui.engine.drawn_images import draw, see
from tlgui.engine.jobs.progress import told
from tlgui.engine.kept_answer import key_of, recall, remember
from tlgui.engine.listed_network import pretrained_network, trunk_of
from tlgui.engine.network import Network
from tlgui.engine.preprocess import to_input
from tlgui.engine.trunk import CHUNK
from tlgui.imaging.listing import ListedImage, read_listing

_FOLDS = 5
_KIND = "layers"
_VERSION = 1  # raise it when the same images would give other numbers


def probe_layers(job: commands.ProbeLayers, control: Control) -> Iterator[Event]:
    """`LayersProbed`; a `Stop` is heard between the steps. Test images are not looked at.

    What each layer group gives is made one row per image (the mean over the picture, of a transformer the mean over its
    tokens), and a linear answer on these rows is cross-validated, with groups kept together. The answer is kept in the
    cache, so that asking again for the same images and weights takes no time.

    Raises:
        UserError: the listing, the images or the weights are gone, or there are too few images.
    """
    yield events.Progress(stage="preparing the frozen layers", done=0, total=1)
    images = draw([image for image in read_listing(Path(job.listing)) if image.part != "test"], job.images, job.seed)
    network, device = pretrained_network(job.backbone, 2, job.fit, job.size, job.weights_file)
    key = _key(job, network, images)
    answer = recall(_KIND, key, LayersProbed)
    if answer is None:
        steps = _asked(job, network, device, images)
        while True:
            if isinstance(control.take(), commands.Stop):
                yield events.Stopped()
                return
            try:
                yield next(steps)
            except StopIteration as end:
                answer = end.value
                break
        remember(_KIND, key, answer)
    yield answer
    yield events.Completed(message=answer.sentence)


def _asked(
    job: commands.ProbeLayers, network: Network, device: torch.device, images: list[ListedImage]
) -> Generator[Event, None, LayersProbed]:
    borders = [border for border in network.borders if border > 0]
    trunk = trunk_of(network, device, len(images))
    rows: dict[int, list[Tensor]] = {border: [] for border in borders}

    def look(pixels: NDArray[np.uint8]) -> Tensor:
        return to_input(pixels, network.preprocessing)

    def take(squares: list[Tensor]) -> None:
        for chunk in torch.split(torch.stack(squares), CHUNK):
            for border, found in zip(borders, trunk.at_borders(chunk, network.head_index), strict=True):
                rows[border].append(pooled(found))

    seen = yield from told(see(Path(job.data), images, job.rule, look, take), "looking at the images", len(images))
    classes = sorted({image.class_name for image in seen})
    labels = torch.tensor([classes.index(image.class_name) for image in seen])
    parts = _folds(seen, job.seed)
    scores = []
    for number, border in enumerate(borders):
        name = network.group_names[border - 1]
        steps = probe.cross_validated(torch.cat(rows[border]), labels, len(classes), parts)
        while True:
            try:
                done = next(steps)
            except StopIteration as end:
                right = end.value
                break
            total = len(borders) * len(parts)
            yield events.Progress(stage="asking each layer group", done=number * len(parts) + done, total=total)
        low, high = clustered(right.tolist(), [image.group for image in seen])
        scores.append(GroupScore(name=name, accuracy=right.double().mean().item(), low=low, high=high))
    largest = max(Counter(image.class_name for image in seen).values()) / len(seen)
    return LayersProbed(
        backbone=job.backbone,
        groups=scores,
        images=len(seen),
        folds=len(parts),
        largest_class=largest,
        sentence=sentence_of(scores, largest),
    )


def pooled(activations: Tensor) -> Tensor:
    """One row per image, (N, D): the mean over height and width, of tokens (N, T, D) the mean over all of them."""
    if activations.ndim == 4:
        return activations.mean((2, 3))
    return activations.mean(1) if activations.ndim == 3 else activations


def sentence_of(scores: Sequence[GroupScore], largest_class: float) -> str:
    """What it means, for people: lower layers are general, upper ones specific."""
    first, last, best = scores[0], scores[-1], max(scores, key=lambda score: score.accuracy)
    if len(scores) == 1:
        return (
            f"From what the network gives below its last layer {_percent(last)} of the images are told right; always "
            f"saying the largest class would be right for {100 * largest_class:.0f} %. This network cannot be cut lower."
        )
    start = (
        f"From the lowest layers ('{first.name}'), which see edges and colours as in any picture, {_percent(first)} of "
        f"the images are told right; from the uppermost ('{last.name}'), made for photographs of things, {_percent(last)}."
    )
    if max(score.high for score in scores) <= largest_class:
        return f"{start} That is no more than always saying the largest class ({100 * largest_class:.0f} %)."
    # Where the intervals of two overlap, nothing is said of their order.
    if best.low > last.high:
        return (
            f"{start} Layers below the top ('{best.name}', {_percent(best)}) tell more: the uppermost are too special "
            "for your pictures as they are; unfrozen, they can adapt."
        )
    if last.low > first.high:
        return f"{start} What was learned from other pictures carries over up to the top."
    return f"{start} The intervals overlap: no layer group clearly tells more than the others."


def _percent(score: GroupScore) -> str:
    return f"{100 * score.accuracy:.0f} %"


def _folds(seen: Sequence[ListedImage], seed: int) -> list[Tensor]:
    place = {image.path: number for number, image in enumerate(seen)}
    held = folds([image.record() for image in seen], _FOLDS, seed)
    parts = [torch.tensor([place[path] for path in paths]) for paths in held if paths]
    if len(parts) < 2 or len({image.class_name for image in seen}) < 2:
        raise UserError("Too few images can be read to ask the layers.", "Add images, then ask again.")
    return parts


def _key(job: commands.ProbeLayers, network: Network, images: Sequence[ListedImage]) -> str:
    """A hash over everything that the answer depends on."""
    parts = [
        str(_VERSION),
        job.backbone,
        network.hash(network.head_index),
        *network.group_names,
        msgspec.json.encode((network.preprocessing, job.rule, job.seed)).decode(),
        *(version(name) for name in ("torch", "onnxruntime", "numpy", "pillow")),
        *(f"{image.path}|{image.class_name}|{image.group}|{image.content_hash}" for image in images),
    ]
    return key_of(parts)
