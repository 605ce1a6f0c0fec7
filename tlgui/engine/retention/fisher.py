"""How much what a network answers depends on each of its weights: the diagonal of the Fisher information.

F_i is the mean over images of the squared derivative of log p(y | x) by weight i, with y drawn from the network's own
answer, or, where there are few classes, averaged over all of them by their probability, which needs no luck. It is never
the square of a batch's mean gradient: that would depend on the size of the batch.

Source: Kirkpatrick et al. 2017, arXiv 1612.00796; that the exact one is best: van de Ven 2025, arXiv 2502.11756.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from tlgui.engine.network import Network

FEW_CLASSES = 10
"""With no more, all are asked instead of one drawn."""
IMAGES = 200
_PASSES = 800
_FEWEST = 50


def images_asked(classes: int, there: int) -> int:
    """How many images are asked: at most `IMAGES`, fewer where each is asked for each class."""
    most = max(_FEWEST, _PASSES // classes) if classes <= FEW_CLASSES else IMAGES
    return min(there, most, IMAGES)


class Fisher:
    """The Fisher information of each weight, image by image.

    Args:
        network: in evaluation mode: all of this is of the network that answers, without dropout.
        groups: layer groups that are asked about; their weights take gradients.
        generator: of the classes that are drawn.
    """

    def __init__(self, network: Network, groups: Iterable[int], generator: torch.Generator) -> None:
        wanted = {id(one) for index in groups for one in network.parameters(index)}
        self._named = {name: one for name, one in network.model.named_parameters() if id(one) in wanted}
        self._sums = {name: torch.zeros_like(one) for name, one in self._named.items()}
        self._generator = generator
        self.images = 0

    def add(self, logits: Tensor) -> None:
        """Takes one image in.

        Args:
            logits: (1, classes), with gradients.
        """
        logs = torch.log_softmax(logits.float(), dim=1)[0]
        shares = logs.detach().exp().cpu()
        if len(logs) <= FEW_CLASSES:
            asked = [(label, float(share)) for label, share in enumerate(shares)]
        else:
            asked = [(int(torch.multinomial(shares, 1, generator=self._generator)), 1.0)]
        for place, (label, share) in enumerate(asked):
            more = place < len(asked) - 1
            found = torch.autograd.grad(logs[label], list(self._named.values()), retain_graph=more, allow_unused=True)
            for name, gradient in zip(self._named, found, strict=True):
                if gradient is not None:
                    self._sums[name].addcmul_(gradient, gradient, value=share)
        self.images += 1

    def means(self) -> dict[str, Tensor]:
        """F of each weight, by its name; all are >= 0."""
        return {name: one / max(1, self.images) for name, one in self._sums.items()}
