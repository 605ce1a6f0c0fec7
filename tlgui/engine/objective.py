"""What is minimised: cross-entropy, with what the run asks for against unequal classes and too sure answers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tlgui.core.planning import imbalance_in_use
from tlgui.core.run_spec import Training

_MOST_WEIGHT = 10.0


class Objective:
    """The training loss of a run. Validation loss is always the plain cross-entropy, so that runs can be compared.

    Args:
        training: of the run.
        labels: (N,) of the training images.
        classes: number of outputs.
        device: where logits are.
        again: classes without training images of which earlier ones are shown again, each as often as the average class.

    Attributes:
        imbalance: what is done about classes of unequal size: never "auto".
        shift, weights: (classes,) added to the logits, and of each class in the loss; `None` where that is not done.
    """

    def __init__(
        self, training: Training, labels: Tensor, classes: int, device: torch.device, again: Sequence[int] = ()
    ) -> None:
        self.imbalance = imbalance_in_use(training, labels.tolist())
        self._smoothing = training.label_smoothing
        counts = torch.bincount(labels, minlength=classes)
        seen = counts.double()
        seen[list(again)] = counts.sum().item() / max(1, int((counts > 0).sum()))
        weights = class_weights(counts)
        weights[list(again)] = 1.0
        self.shift = log_priors(seen).to(device) if self.imbalance == "logit-adjustment" else None
        self.weights = weights.to(device) if self.imbalance == "class-weights" else None

    def loss(self, logits: Tensor, labels: Tensor, partners: Tensor | None = None, share: float = 1.0) -> Tensor:
        """Mean loss per image.

        Args:
            logits: (N, classes).
            labels: (N,) int64.
            partners: (N,) labels of the images that were mixed in, or `None`.
            share: of the first of two mixed images.
        """
        own = self._one(logits, labels)
        if partners is None:
            return own
        return share * own + (1 - share) * self._one(logits, partners)

    def _one(self, logits: Tensor, labels: Tensor) -> Tensor:
        if self.shift is not None:
            logits = logits + self.shift
        each = cross_entropy(logits, labels, reduction="none", label_smoothing=self._smoothing)
        if self.weights is not None:
            # Divided by the number of images and not by the sum of weights, so that the parts of a batch add up.
            each = each * self.weights[labels]
        return each.mean()


def log_priors(counts: Tensor) -> Tensor:
    """Logarithms of the classes' shares, to be added to the logits in training (Menon et al. 2021, arXiv 2007.07314).

    A class without images counts as having half a one, so that every number is finite.

    Args:
        counts: (classes,) training images of each.

    Returns:
        (classes,) float32.
    """
    floored = counts.double().clamp_min(0.5)
    return (floored / floored.sum()).log().float()


def class_weights(counts: Tensor) -> Tensor:
    """N / (classes * n_c), at most 10; 0 for a class without images.

    Args:
        counts: (classes,) training images of each.

    Returns:
        (classes,) float32.
    """
    there = counts > 0
    weights = counts.sum() / (there.sum() * counts.clamp_min(1)).double()
    return torch.where(there, weights.clamp_max(_MOST_WEIGHT), torch.zeros_like(weights)).float()


def balanced_order(order: Sequence[int], labels: Tensor, generator: torch.Generator) -> list[int]:
    """As many images as in `order`, each class as often as any other: images of rare classes come more than once."""
    by_class = [[index for index in order if int(labels[index]) == label] for label in sorted(set(labels.tolist()))]
    chosen: list[int] = []
    turns = torch.randint(len(by_class), (len(order),), generator=generator).tolist()
    used = [0] * len(by_class)
    for turn in turns:
        members = by_class[turn]
        chosen.append(members[used[turn] % len(members)])
        used[turn] += 1
    return chosen
