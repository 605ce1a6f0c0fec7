"""One look at the validation images: the loss and the shares that are right."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from tlgui.engine.setup import Setup
from tlgui.engine.trunk import CHUNK

if TYPE_CHECKING:
    from tlgui.engine.live import Live

# Independent of the training batch, so that the score does not depend on it.
_BATCH = 32


@dataclass(frozen=True)
class Validation:
    """What the network as it is gets right of the validation images.

    Attributes:
        loss: mean cross-entropy per image, unweighted; it may not be finite.
        accuracy: share of the images.
        balanced: mean recall of the classes that are there.
        calibration: the temperature that fits these answers, and the loss with it.
        right: whether each image is told right, by its number in the part; images that are skipped are not in it.
    """

    loss: float
    accuracy: float
    balanced: float
    calibration: Calibration
    right: dict[int, bool]

    def value(self, best_by: BestBy) -> float:
        """What is compared to find the best epoch: lower is better."""
        return {
            "calibrated_loss": self.calibration.loss,
            "validation_loss": self.loss,
            "balanced_accuracy": 1 - self.balanced,
            "accuracy": 1 - self.accuracy,
        }[best_by]


def seen_by(live: Live, slow: bool) -> Generator[Event, None, Validation]:
    """What a run's network as it is, or its average where there is one, gets right of the validation images."""
    if live.average is None:
        return (yield from validate(live.setup, live.cut, slow))
    with live.average.in_place():
        return (yield from validate(live.setup, live.cut, slow))


def validate(setup: Setup, first: int, slow: bool) -> Generator[Event, None, Validation]:
    """Answers for every plain validation image that is not skipped.

    Args:
        setup: of the run.
        first: the lowest group that trains; what lies below it comes from the frozen part.
        slow: whether it takes long enough to say how far it is.
    """
    network, part = setup.network, setup.validation
    network.evaluation_mode()
    loss_sum, logits, numbers = 0.0, [], []
    for indices in seeding.batches(list(range(len(part))), _BATCH):
        inputs = setup.frozen.activations(part, indices, 0, first)
        yield from part.notices()
        there = part.there(indices)
        if not there:
            continue
        outputs = logits_from(network, inputs, first, setup.device)
        if slow:
            done = indices[-1] + 1
            yield events.Progress(stage="answers for the validation images", done=done, total=len(part))
        loss_sum += cross_entropy(outputs.double(), part.labels[there], reduction="sum").item()
        logits.append(outputs)
        numbers += there
    labels = part.labels[numbers]
    answers = torch.cat(logits)
    right = answers.argmax(1) == labels
    recalls = [right[labels == index].double().mean() for index in range(network.classes) if (labels == index).any()]
    return Validation(
        loss=loss_sum / len(numbers),
        accuracy=right.double().mean().item(),
        balanced=torch.stack(recalls).mean().item(),
        calibration=calibrate(answers, labels),
        right=dict(zip(numbers, right.tolist(), strict=True)),
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
