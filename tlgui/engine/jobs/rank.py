"""Ranks networks on the person's own images, without training any of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import BackbonesRanked, Event, RankedBackbone
from tlgui.core.shares import clustered
from tlgui.core.split import folds
from tlgui.engine import free_memory, probe
from tlgui.engine.control import Control
from tlgui.engine.drawn_images import draw, see
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.first_answer import head_inputs
from tlgui.engine.jobs.progress import answered, told
from tlgui.engine.jobs.rank_candidates import TOO_LARGE, Candidate, candidates
from tlgui.engine.listed_network import pretrained_network, trunk_of
from tlgui.engine.preprocess import to_input
from tlgui.engine.ranking import log_me, nearest_right
from tlgui.engine.trunk import CHUNK
from tlgui.imaging.listing import ListedImage, read_listing

_FOLDS = 5
CAVEAT = (
    "Such scores are hints: what is best before training need not be best after it, least of all on medical images "
    "(arXiv 2405.20420)."
)


def rank(job: commands.RankBackbones, control: Control) -> Iterator[Event]:
    """`BackbonesRanked`; a `Stop` is heard between the steps. Test images are not looked at.

    Raises:
        UserError: the listing or the images are gone, there are too few of them, or no network could be asked.
    """
    listed = [image for image in read_listing(Path(job.listing)) if image.part != "test"]
    images = draw(listed, job.images, job.seed)
    steps = _asked(job, images)
    yield from answered(steps, control)


def _asked(job: commands.RankBackbones, images: list[ListedImage]) -> Generator[Event, None, BackbonesRanked]:
    rows: list[RankedBackbone] = []
    found = candidates(job, images)
    left_out, images = dict(found.left_out), found.images
    seen_by: list[list[ListedImage]] = []
    parts: list[Tensor] = []
    for number, one in enumerate(found.candidates):
        yield events.Progress(stage=f"preparing {one.label}", done=number, total=len(found.candidates))
        began = time.monotonic()
        try:
            seen, features = yield from _features(job, one, images)
        except UserError as error:
            left_out[one.label] = f"{error.problem} {error.remedy}"
            continue
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            left_out[one.label] = TOO_LARGE
            continue
        finally:
            free_memory.give_back()
        seconds = time.monotonic() - began
        seen_by.append(seen)
        parts = _folds(seen, job.seed)
        classes = sorted({image.class_name for image in seen})
        labels = torch.tensor([classes.index(image.class_name) for image in seen])
        groups = [image.group for image in seen]
        right = yield from _probed(features, labels, len(classes), parts, one.label)
        near = nearest_right(features, labels, len(classes), parts)
        low, high = clustered(right.tolist(), groups)
        near_low, near_high = clustered(near.tolist(), groups)
        rows.append(
            RankedBackbone(
                backbone=one.backbone,
                label=one.label,
                run=one.run,
                probe=right.double().mean().item(),
                probe_low=low,
                probe_high=high,
                nearest=near.double().mean().item(),
                nearest_low=near_low,
                nearest_high=near_high,
                log_me=log_me(features, labels, len(classes)),
                features=features.shape[1],
                seconds=seconds,
            )
        )
    if not rows:
        raise UserError(
            "No network could be asked.", " ".join(left_out.values()) or "Download the weights of one first."
        )
    rows.sort(key=lambda row: (-row.probe, -row.nearest))
    seen = seen_by[0]
    return BackbonesRanked(
        rows=rows,
        left_out=left_out,
        images=len(seen),
        folds=len(parts),
        known=found.known,
        largest_class=max(Counter(image.class_name for image in seen).values()) / len(seen),
        sentence=sentence_of(rows),
    )


def _features(
    job: commands.RankBackbones, one: Candidate, images: list[ListedImage]
) -> Generator[Event, None, tuple[list[ListedImage], Tensor]]:
    network, device = pretrained_network(one.backbone, 2, one.fit, one.size, one.weights_file)
    trunk = trunk_of(network, device, len(images))
    found: list[Tensor] = []

    def look(pixels: NDArray[np.uint8]) -> Tensor:
        return to_input(pixels, network.preprocessing)

    def take(squares: list[Tensor]) -> None:
        chunks = torch.split(torch.stack(squares), CHUNK)
        found.extend(head_inputs(network, device, trunk(chunk, network.head_index)) for chunk in chunks)

    seen = yield from told(see(Path(job.data), images, job.rule, look, take), f"{one.label} looks", len(images))
    return seen, torch.cat(found).cpu()


def _probed(
    features: Tensor, labels: Tensor, classes: int, parts: Sequence[Tensor], label: str
) -> Generator[Event, None, Tensor]:
    steps = probe.cross_validated(features, labels, classes, parts)
    while True:
        try:
            done = next(steps)
        except StopIteration as end:
            right: Tensor = end.value
            return right
        yield events.Progress(stage=f"asking {label}", done=done, total=len(parts))


def _folds(seen: Sequence[ListedImage], seed: int) -> list[Tensor]:
    place = {image.path: number for number, image in enumerate(seen)}
    held = folds([image.record() for image in seen], _FOLDS, seed)
    parts = [torch.tensor([place[path] for path in paths]) for paths in held if paths]
    if len(parts) < 2 or len({image.class_name for image in seen}) < 2:
        raise UserError("Too few images can be read to ask networks.", "Add images, then ask again.")
    return parts


def sentence_of(rows: Sequence[RankedBackbone]) -> str:
    """What it means, for people: of networks whose intervals overlap nothing is said.

    Args:
        rows: the best first.
    """
    best = rows[0]
    score = f"{100 * best.probe:.0f} % ({100 * best.probe_low:.0f} to {100 * best.probe_high:.0f} %)"
    if len(rows) == 1:
        return f"{best.label} tells {score} right as it is. It is the only network that is ready here. {CAVEAT}"
    rivals = [row.label for row in rows[1:] if row.probe_high >= best.probe_low]
    if rivals and any(row.run for row in rows):
        return (
            f"{best.label} tells most as it is, {score}, but is not clearly better than {', '.join(rivals)}. Training with "
            f"an earlier run's network and without it, side by side, tells more. {CAVEAT}"
        )
    if rivals:
        return (
            f"{best.label} tells most as it is, {score}, but is not clearly better than {', '.join(rivals)}: take the "
            f"fastest of them. {CAVEAT}"
        )
    return f"{best.label} tells most as it is: {score}. {CAVEAT}"
