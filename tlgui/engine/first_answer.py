"""The first answer: what the pretrained network as it is recognises, within seconds and before anything is trained."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tlgui.core import events
from tlgui.core.events import Event
from tlgui.core.records import ImageRecord
from tlgui.core.run_spec import FirstAnswer
from tlgui.core.shares import clustered
from tlgui.core.split import folds, split, units_of
from tlgui.engine import probe, seeding
from tlgui.engine.network import Network
from tlgui.engine.setup import Setup

GoesOn = Callable[[], Generator[Event, None, bool]]
FOLDS = 5
MOST = 2_000
"""Images that are asked at most; its interval is then about 2 points to either side, and more would take minutes."""
_FEWEST = 10  # of fewer images an answer would mislead
_BATCH = 32


@dataclass
class Features:
    """What the network below its head makes of plain training images.

    Attributes:
        rows: by number of the training image, (D,) float32.
    """

    rows: dict[int, Tensor] = field(default_factory=dict)

    def of(self, indices: Sequence[int]) -> tuple[list[int], Tensor]:
        """Those of some images that are there, in their order, with their features: (N, D)."""
        there = [index for index in indices if index in self.rows]
        return there, torch.stack([self.rows[index] for index in there])


def read_features(
    setup: Setup, features: Features, indices: Sequence[int], goes_on: GoesOn, stage: str
) -> Generator[Event, None, bool]:
    """Adds the features of some training images, those excepted that are known or gone.

    Args:
        setup: of the run.
        features: filled here.
        indices: numbers of training images.
        goes_on: obeys what was asked for since the last batch, and returns whether the run goes on.
        stage: what it is called while it goes on.

    Returns:
        Whether it was done to the end.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    train = setup.train
    wanted = [index for index in indices if index not in features.rows]
    started, done = time.monotonic(), 0
    for batch in seeding.batches(wanted, _BATCH):
        if not (yield from goes_on()):
            return False
        rows = setup.frozen.activations(train, batch, 0, setup.network.head_index)
        yield from train.notices()
        if there := train.there(batch):
            features.rows.update(zip(there, head_inputs(setup.network, setup.device, rows), strict=True))
        done += len(batch)
        left = (time.monotonic() - started) / done * (len(wanted) - done)
        yield events.Progress(stage=stage, done=done, total=len(wanted), seconds_left=left)
    return True


def first_answer(setup: Setup, features: Features, goes_on: GoesOn) -> Generator[Event, None, FirstAnswer | None]:
    """Asks for it, and says it.

    A linear answer on the features of plain training images is cross-validated, with groups kept together: at most
    about `MOST` images, each class with its share. A class with a single image or group cannot be asked for.

    Returns:
        The answer; `None` where there are too few images for one, or the person stopped it. What was read stands in
        `features` in any case.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    began = time.monotonic()
    asked = drawn(setup)
    if not asked or not (yield from read_features(setup, features, asked, goes_on, "looking at the training images")):
        return None
    there, rows = features.of(asked)
    records = _records(setup, there)
    parts = _folds(records, setup.training.seed)
    if parts is None:
        return None
    labels = setup.train.labels[there]
    steps = probe.cross_validated(rows, labels, setup.network.classes, parts)
    while True:
        if not (yield from goes_on()):
            return None
        try:
            done = next(steps)
        except StopIteration as end:
            right = end.value
            break
        yield events.Progress(stage="asking what it recognises as it is", done=done, total=len(parts))
    low, high = clustered(right.tolist(), [record.group for record in records])
    answer = FirstAnswer(accuracy=right.double().mean().item(), low=low, high=high, images=len(there), folds=len(parts))
    yield said(setup, answer, there, time.monotonic() - began)
    return answer


def said(setup: Setup, answer: FirstAnswer, asked: Sequence[int], seconds: float) -> Event:
    """The answer as an event; `asked` are the numbers of the training images that it is of."""
    labels = setup.train.labels[list(asked)]
    return events.FirstAnswered(
        accuracy=answer.accuracy,
        low=answer.low,
        high=answer.high,
        images=answer.images,
        folds=answer.folds,
        largest_class=int(torch.bincount(labels).max()) / len(labels),
        seconds=seconds,
        classes=int((torch.bincount(setup.train.labels) > 0).sum()),
        of_classes=setup.network.classes,
    )


def drawn(setup: Setup, most: int = MOST) -> list[int]:
    """Numbers of the training images that are asked: all, or a part of about `most` with each class's share of it.

    Groups are drawn whole. Classes that cannot be cross-validated are left out.
    """
    records = _records(setup, setup.train.there(range(len(setup.train))))
    records = _of_parted_classes(records)
    if len(records) > most:
        share = most / len(records)
        parts = split(records, (1 - share, share, 0.0), setup.training.seed)
        records = _of_parted_classes([record for record in records if parts[record.path] == "validation"])
    if len(records) < _FEWEST or len({record.class_name for record in records}) < 2:
        return []
    return [int(record.path) for record in records]


def inner_split(setup: Setup, indices: Sequence[int], held_back: float) -> tuple[list[int], list[int]]:
    """Training images parted once more, by class and with groups kept together.

    Args:
        setup: of the run.
        indices: numbers of the images.
        held_back: the share that is not learned from.

    Returns:
        Those to learn from and those that are held back.
    """
    parts = split(_records(setup, indices), (1 - held_back, held_back, 0.0), setup.training.seed)
    held = [index for index in indices if parts[f"{index:09}"] == "validation"]
    return [index for index in indices if parts[f"{index:09}"] == "train"], held


def head_inputs(network: Network, device: torch.device, activations: Tensor) -> Tensor:
    """What the head's first linear layer takes, in evaluation mode: (N, D) float32 for activations below the head."""
    taken: list[Tensor] = []
    module = network.model.get_submodule(network.row.head_linear)
    hook = module.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0].detach().float().cpu()))
    network.evaluation_mode()
    try:
        with torch.inference_mode():
            network.run(activations.to(device), network.head_index)
    finally:
        hook.remove()
    return taken[0].clone()


def _records(setup: Setup, indices: Sequence[int]) -> list[ImageRecord]:
    """Training images as the split takes them; their numbers stand for their paths, which are sorted in the manifest."""
    labels, groups = setup.train.labels.tolist(), setup.groups
    known = len(groups) == len(labels)
    return [
        ImageRecord(
            path=f"{index:09}",
            class_name=str(labels[index]),
            content_hash="",
            width=1,
            height=1,
            group=groups[index] if known else "",
        )
        for index in indices
    ]


def _of_parted_classes(records: Sequence[ImageRecord]) -> list[ImageRecord]:
    units = units_of(records)
    return [record for record in records if units[record.class_name] > 1]


def _folds(records: Sequence[ImageRecord], seed: int) -> list[Tensor] | None:
    """Places of the images of each fold; `None` where nothing can be cross-validated."""
    if len(records) < _FEWEST:
        return None
    place = {record.path: number for number, record in enumerate(records)}
    held = [torch.tensor([place[path] for path in paths]) for paths in folds(records, FOLDS, seed) if paths]
    return held if len(held) > 1 else None
