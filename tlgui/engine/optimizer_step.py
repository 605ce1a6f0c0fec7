"""One optimizer step of a run, and the order in which its steps see the training images."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import NamedTuple

import torch
from torch import Tensor

from tlgui.core.events import Event
from tlgui.engine import mixing, seeding
from tlgui.engine.adaptation.features import with_features
from tlgui.engine.adaptation.target import indices_of
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.live import Live
from tlgui.engine.objective import balanced_order
from tlgui.engine.retention.rehearsal import Shown, shown
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
        target: (M, ...) what group `target_cut` takes, of unlabelled images of a new site; `None` where there are none.
        target_cut: see there.
        again: what it is shown again of before; `None` where there is nothing.
    """

    inputs: Tensor
    labels: Tensor
    partners: Tensor | None = None
    share: float = 1.0
    target: Tensor | None = None
    target_cut: int = 0
    again: Shown | None = None


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
    cut = live.site_cut
    target, again = _target_of(live, len(there), cut), _again(live, len(there))
    if drawn is None:
        return Lesson(inputs, labels, target=target, target_cut=cut, again=again)
    return Lesson(inputs, labels, drawn.partners(labels), drawn.share, target, cut, again)


def _target_of(live: Live, size: int, cut: int) -> Tensor | None:
    """What a step sees of the new site: as many images as of the known one, as long as there are so many."""
    part, place = live.setup.target, live.place
    if live.term is None or part is None:
        return None
    indices = indices_of(live.training.seed, place.step, live.batch_size, size, len(part))
    return live.frozen.activations(part, indices, live.view(place.epoch), cut)


def _again(live: Live, size: int) -> Shown | None:
    """What a step is shown again of classes that have no new images."""
    rehearsal, place = live.rehearsal, live.place
    if rehearsal is None:
        return None
    images = rehearsal.drawn(place.step, rehearsal.size(size), rehearsal.size(live.batch_size))
    inputs, labels = [], []
    for part in rehearsal.parts:
        indices = [index for one, index in images if one is part]
        inputs.append(live.frozen.activations(part, indices, live.view(place.epoch), live.cut))
        labels.append(part.labels[part.there(indices)])
    return shown(inputs, labels, rehearsal.share, live.setup.device)


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
    if live.term is not None:
        scaler = live.mixed.scaler
        live.term.step(
            live.rates(live.place.step)[live.network.head_index], scaler.get_scale() if scaler.is_enabled() else 1.0
        )
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
    pieces = live.memory.pieces(n)
    targets, repeats = _pieces_of(lesson, len(pieces)), _again_pieces(lesson, len(pieces))
    if live.term is not None:
        live.term.begin_step()
    repeated = len(lesson.again.labels) if lesson.again is not None else 0
    beside: int = sum(
        piece.stop - piece.start for piece, target in zip(pieces, targets, strict=True) if target is not None
    )
    held = _hold(live)
    if not math.isfinite(held):
        return held
    for piece, target, again in zip(pieces, targets, repeats, strict=True):
        with live.mixed.autocast(live.cut < live.network.head_index):
            given = lesson.inputs[piece] if again is None else torch.cat([lesson.inputs[piece], again.inputs])
            inputs, seen = placed(given, live.setup.device), None
            if live.term is None or target is None:
                logits = live.network.run(inputs, live.cut)
            else:
                logits, features = with_features(live.network, inputs, live.cut)
                # A batch of its own, so that each site is normalised by its own mean and spread.
                with live.term.norms.of_new_site():
                    seen = with_features(live.network, placed(target, live.setup.device), lesson.target_cut)
        others = lesson.partners[piece] if lesson.partners is not None else None
        labels = lesson.labels[piece]
        new = len(labels)
        loss = live.objective.loss(logits[:new].float(), labels, others, lesson.share) * (new / n)
        if lesson.again is not None:
            loss = loss * (1 - lesson.again.share)
        if again is not None:
            loss = loss + live.objective.loss(logits[new:].float(), again.labels) * (
                again.share * len(again.labels) / repeated
            )
        value = loss.item()
        if not math.isfinite(value):
            return value
        if live.term is not None and seen is not None:
            # Over the pieces that have images of the new site beside them, so that its weight arrives whole.
            term = live.term.add(features[:new], seen[1], seen[0], live.progress) * (new / beside)
            if not math.isfinite(term.item()):
                return term.item()
            loss = loss + term
        live.mixed.backward(loss)
        total += value
    return total


def _hold(live: Live) -> float:
    """Adds the gradients of what holds the weights, once for a batch, however many pieces that goes through in."""
    if live.keeper is None or not live.keeper.penalises:
        return 0.0
    total = torch.zeros((), device=live.setup.device)
    for term in live.keeper.terms(live.place.first, live.keep_strength):
        live.mixed.backward(term)
        total += term.detach()
    return total.item()


def _pieces_of(lesson: Lesson, pieces: int) -> list[Tensor | None]:
    """The images of the new site, each once, beside the pieces of the known one.

    One alone tells nothing of a distribution, so where they are few the last pieces have none beside them.
    """
    count = min(pieces, len(lesson.target) // 2) if lesson.target is not None else 0
    if lesson.target is None or not count:
        return [None] * pieces
    return [*torch.tensor_split(lesson.target, count), *[None] * (pieces - count)]


def _again_pieces(lesson: Lesson, pieces: int) -> list[Shown | None]:
    """What is shown again, in as many pieces as the new images."""
    again = lesson.again
    if again is None:
        return [None] * pieces
    parts = zip(torch.tensor_split(again.inputs, pieces), torch.tensor_split(again.labels, pieces), strict=True)
    return [Shown(inputs, labels, again.share) if len(labels) else None for inputs, labels in parts]
