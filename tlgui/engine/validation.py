"""One look at the validation images: the loss and the shares that are right."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tlgui.core import events
from tlgui.core.events import Event
from tlgui.core.run_spec import BestBy
from tlgui.engine import free_memory, seeding
from tlgui.engine.calibration import Calibration, calibrate
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.network import Network
from tlgui.engine.retention.rehearsal import stand_ins
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup
from tlgui.engine.trunk import CHUNK

if TYPE_CHECKING:
    from tlgui.engine.live import Live

# Independent of the training batch, so that the score does not depend on it.
_BATCH = 32


class Shares(NamedTuple):
    """Mean loss per image, and the shares that are right: of the images, and the mean recall of the classes."""

    loss: float
    accuracy: float
    balanced: float


@dataclass(frozen=True)
class Validation:
    """What the network as it is gets right of the validation images.

    Attributes:
        loss: mean cross-entropy per image, unweighted; it may not be finite.
        accuracy: share of the images.
        balanced: mean recall of the classes that are there.
        calibration: the temperature that fits these answers, and the loss with it.
        right: whether each image is told right, by its number in the part; images that are skipped are not in it.
        every: the first three over every class that the network knows: where classes have no new validation image, earlier
            ones stand for them, and each class counts alike; the temperature is of all of them too. Else as the first three.
    """

    loss: float
    accuracy: float
    balanced: float
    calibration: Calibration
    right: dict[int, bool]
    every: Shares

    def value(self, best_by: BestBy) -> float:
        """What is compared to find the best epoch: lower is better."""
        return {
            "calibrated_loss": self.calibration.loss,
            "validation_loss": self.every.loss,
            "balanced_accuracy": 1 - self.every.balanced,
            "accuracy": 1 - self.every.accuracy,
        }[best_by]


def seen_by(live: Live, slow: bool) -> Generator[Event, None, Validation]:
    """What a run's network as it is, or its average where there is one, gets right of the validation images."""
    if live.average is None:
        return (yield from validate(live.setup, live.cut, slow))
    with live.average.in_place():
        return (yield from validate(live.setup, live.cut, slow))


def validate(setup: Setup, first: int, slow: bool) -> Generator[Event, None, Validation]:
    """Answers for every plain validation image that is not skipped, and for earlier ones of classes that these lack.

    Args:
        setup: of the run.
        first: the lowest group that trains; what lies below it comes from the frozen part.
        slow: whether it takes long enough to say how far it is.
    """
    network, part = setup.network, setup.validation
    network.evaluation_mode()
    answers, numbers = yield from _answers(setup, part, list(range(len(part))), first, slow)
    labels = part.labels[numbers]
    own = _shares(answers, labels)
    every, calibration = own, calibrate(answers, labels)
    if others := stand_ins(setup.knowledge, part):
        every, calibration = yield from _of_every_class(setup, own, answers, labels, others, first)
    return Validation(
        loss=own.loss,
        accuracy=own.accuracy,
        balanced=own.balanced,
        calibration=calibration,
        right=dict(zip(numbers, (answers.argmax(1) == labels).tolist(), strict=True)),
        every=every,
    )


def _of_every_class(
    setup: Setup, own: Shares, answers: Tensor, labels: Tensor, others: list[tuple[Part, list[int]]], first: int
) -> Generator[Event, None, tuple[Shares, Calibration]]:
    """The shares over all classes, each of the same weight, and the temperature that all of these answers ask for."""
    found = []
    for part, numbers in others:
        logits, kept = yield from _answers(setup, part, numbers, first, False)
        if kept:
            found.append((logits, part.labels[kept]))
    if not found:
        return own, calibrate(answers, labels)
    earlier, known = torch.cat([one for one, _ in found]), torch.cat([one for _, one in found])
    old = _shares(earlier, known)
    new_classes, old_classes = len(set(labels.tolist())), len(set(known.tolist()))
    share = old_classes / (new_classes + old_classes)
    weights = torch.cat(
        [
            torch.full((len(labels),), (1 - share) / len(labels)),
            torch.full((len(known),), share / len(known)),
        ]
    )
    every = Shares(*((1 - share) * one + share * other for one, other in zip(own, old, strict=True)))
    return every, calibrate(torch.cat([answers, earlier]), torch.cat([labels, known]), weights)


def _answers(
    setup: Setup, part: Part, numbers: list[int], first: int, slow: bool
) -> Generator[Event, None, tuple[Tensor, list[int]]]:
    """Answers for those of some images that are there, (N, classes), and their numbers."""
    logits, kept = [], []
    for indices in seeding.batches(numbers, _BATCH):
        inputs = setup.frozen.activations(part, indices, 0, first)
        yield from part.notices()
        there = part.there(indices)
        if not there:
            continue
        logits.append(logits_from(setup.network, inputs, first, setup.device))
        kept += there
        if slow:
            yield events.Progress(stage="answers for the validation images", done=indices[-1] + 1, total=len(part))
    return torch.cat(logits) if logits else torch.empty(0, setup.network.classes), kept


def _shares(answers: Tensor, labels: Tensor) -> Shares:
    right = answers.argmax(1) == labels
    recalls = [right[labels == label].double().mean() for label in sorted(set(labels.tolist()))]
    return Shares(
        loss=cross_entropy(answers.double(), labels).item(),
        accuracy=right.double().mean().item(),
        balanced=torch.stack(recalls).mean().item(),
    )


def logits_from(network: Network, inputs: Tensor, cut: int, device: torch.device) -> Tensor:
    """Answers for activations below group `cut`: (N, classes) float32 on the processor.

    A training that goes through in small pieces for want of memory must not fail when it is asked for its answers: a
    processor gets as few images at once as the frozen part does, and a card that has no room for all gets half.

    Args:
        network: in evaluation mode.
        inputs: (N, ...), N >= 1.
        cut: one of the network's borders.
        device: of the network.

    Raises:
        RuntimeError: there is no room for one image.
    """
    at_once = CHUNK if device.type == "cpu" and cut < network.head_index else len(inputs)
    while True:
        try:
            with torch.inference_mode():
                pieces = [
                    network.run(placed(piece, device), cut).float().cpu() for piece in torch.split(inputs, at_once)
                ]
            return torch.cat(pieces)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or at_once == 1:
                raise
        # Out of the handler: what the failed try held is free only then.
        free_memory.give_back()
        at_once = max(1, min(at_once, len(inputs)) // 2)


def placed(inputs: Tensor, device: torch.device) -> Tensor:
    """Inputs of a group where and as the network wants them."""
    inputs = inputs.to(device)
    return inputs.contiguous(memory_format=torch.channels_last) if inputs.ndim == 4 else inputs
