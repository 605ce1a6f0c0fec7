"""One optimizer step of a run, and the order in which its steps see the training images."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import NamedTuple

import torch
from torch import Tensor

from tlgui.core.events import Event
from tlgui.engine import mixing, seeding
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.live import Live
from tlgui.engine.objective import balanced_order
from tlgui.engine.validation import placed


class NotFiniteError(Exception):
    """The loss is no longer a number.

    Attributes:
        epoch: in which, counted from 1.
    """

    def __init__(self, epoch: int) -> None:
        super().__init__(epoch)
        self.epoch = epoch


class Lesson(NamedTuple):
    """What one step learns from.

    Attributes:
        inputs: (N, ...) what group `cut` takes, of the images that are there.
        labels: (N,) int64, on the device.
        partners: (N,) labels of the images that were mixed in, or `None`.
        share: of the first of two mixed images.
    """

    inputs: Tensor
    labels: Tensor
    partners: Tensor | None = None
    share: float = 1.0


def batches_of(live: Live, epoch: int) -> list[list[int]]:
    """Numbers of the training images in an epoch, batch by batch; they follow from seed and epoch alone."""
    order = seeding.order(live.training.seed, epoch, len(live.setup.train))
    if live.objective.imbalance == "balanced-sampling":
        generator = torch.Generator().manual_seed(seeding.derive(live.training.seed, "classes", epoch))
        order = balanced_order(order, live.setup.train.labels, generator)
    return seeding.batches(order, live.batch_size)


def optimizer_step(live: Live, indices: list[int]) -> Generator[Event, None, float | None]:
    """Learns from one batch.

    Args:
        live: the run.
        indices: numbers of the images.

    Returns:
        The mean loss; `None` where no image of the batch is left, so that there was no step.

    Raises:
        UserError: an image has changed, or more than a few are gone; nothing of this step is done then.
        NotFiniteError: the loss is no longer a number; the weights are as before.
    """
    lesson = lesson_of(live, indices)
    if lesson is None:
        return None
    yield from live.memory.foresee(lesson.inputs)
    while True:
        try:
            loss = _gradients(live, lesson)
            break
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or not live.memory.can_halve(len(lesson.labels)):
                raise
        # Out of the handler: what the failed try held is free only then.
        yield from live.memory.halve(len(lesson.labels))
    # Not tried again: an update that failed half way has changed some weights, and the last checkpoint is whole.
    _update(live, loss)
    return loss


def lesson_of(live: Live, indices: list[int]) -> Lesson | None:
    """What a step at this place learns from; `None` where no image of the batch is left.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    place, train = live.place, live.setup.train
    drawn = mixing.draw(live.training, place.step, live.network.preprocessing.size)
    if drawn is None:
        inputs = live.frozen.activations(train, indices, live.view(place.epoch), live.cut)
    else:
        inputs = live.frozen.mixed(train, indices, live.view(place.epoch), live.cut, drawn.mix)
    there = train.there(indices)
    if not there:
        return None
    labels = train.labels[there].to(live.setup.device)
    return Lesson(inputs, labels) if drawn is None else Lesson(inputs, labels, drawn.partners(labels), drawn.share)


def learn(live: Live, lesson: Lesson) -> float:
    """One step, and the mean loss before it.

    Raises:
        NotFiniteError: the loss is no longer a number; the weights are as before.
    """
    loss = _gradients(live, lesson)
    _update(live, loss)
    return loss


def _update(live: Live, loss: float) -> None:
    if not math.isfinite(loss):
        raise NotFiniteError(live.place.epoch + 1)
    live.set_rates(live.place.step)
    live.mixed.step(live.optimizer.torch, live.optimizer.parameters())
    if live.average:
        live.average.update()
    live.place.step += 1


def _gradients(live: Live, lesson: Lesson) -> float:
    """Adds up the gradients of a batch piece by piece, and returns its mean loss."""
    n = len(lesson.labels)
    seeding.seed_step(live.training.seed, live.place.step)
    live.optimizer.torch.zero_grad(set_to_none=True)
    live.network.training_mode(live.place.first, live.keep_statistics(live.memory.at_once(n)))
    total = 0.0
    for piece in live.memory.pieces(n):
        with live.mixed.autocast(live.cut < live.network.head_index):
            logits = live.network.run(placed(lesson.inputs[piece], live.setup.device), live.cut)
        others = lesson.partners[piece] if lesson.partners is not None else None
        labels = lesson.labels[piece]
        loss = live.objective.loss(logits.float(), labels, others, lesson.share) * (len(labels) / n)
        value = loss.item()
        if not math.isfinite(value):
            return value
        live.mixed.backward(loss)
        total += value
    return total
