"""One look at the validation images: the loss and the shares that are right."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tlgui.core import events
from tlgui.core.events import Event
from tlgui.engine import seeding
from tlgui.engine.setup import Setup


@dataclass(frozen=True)
class Validation:
    """What the network as it is gets right of the validation images.

    Attributes:
        loss: mean cross-entropy per image, unweighted; it may not be finite.
        accuracy: share of the images.
        balanced: mean recall of the classes that are there.
    """

    loss: float
    accuracy: float
    balanced: float


def validate(setup: Setup, first: int, slow: bool) -> Generator[Event, None, Validation]:
    """Answers for every plain validation image that is not skipped.

    Args:
        setup: of the run.
        first: the lowest group that trains; what lies below it comes from the frozen part.
        slow: whether it takes long enough to say how far it is.
    """
    network, part = setup.network, setup.validation
    network.evaluation_mode()
    loss_sum, logits, labels = 0.0, [], []
    for indices in seeding.batches(list(range(len(part))), setup.training.batch_size):
        inputs = setup.frozen.activations(part, indices, 0, first)
        yield from part.notices()
        there = part.there(indices)
        if not there:
            continue
        with torch.inference_mode():
            outputs = network.run(placed(inputs, setup.device), first).float().cpu()
        if slow:
            done = indices[-1] + 1
            yield events.Progress(stage="answers for the validation images", done=done, total=len(part))
        loss_sum += cross_entropy(outputs.double(), part.labels[there], reduction="sum").item()
        logits.append(outputs)
        labels.append(part.labels[there])
    seen = torch.cat(labels)
    accuracy, balanced = _accuracies(torch.cat(logits), seen, network.classes)
    return Validation(loss_sum / len(seen), accuracy, balanced)


def placed(inputs: Tensor, device: torch.device) -> Tensor:
    """Inputs of a group where and as the network wants them."""
    inputs = inputs.to(device)
    return inputs.contiguous(memory_format=torch.channels_last) if inputs.ndim == 4 else inputs


def _accuracies(logits: Tensor, labels: Tensor, classes: int) -> tuple[float, float]:
    right = logits.argmax(1) == labels
    recalls = [right[labels == index].double().mean() for index in range(classes) if (labels == index).any()]
    return right.double().mean().item(), torch.stack(recalls).mean().item()
