"""What a network takes: numbers that it keeps and multiplies, counted by running it once, on the meta device for nothing."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tlgui.engine.network import Network

_COUNTED = (nn.Conv2d, nn.Linear, nn.MultiheadAttention)


class NetworkFacts(NamedTuple):
    """Counts for one image; see `core.backbone_row.Backbone`.

    Attributes:
        group_parameters, values, border_values: as there.
        multiplications: of its convolutions and linear layers below the head's, those inside of attention included; but
            not of queries with keys and of these with values, which grow with the square of the number of tokens.
    """

    group_parameters: tuple[int, ...]
    values: int
    border_values: tuple[int, ...]
    multiplications: int


def facts_of(network: Network) -> NetworkFacts:
    """Counts what a network takes at the size of its input; a border where it cannot be cut counts as the one below it."""
    outputs: list[int] = []
    products: list[int] = []

    def count(module: nn.Module, taken: tuple[Tensor, ...], given: Tensor) -> None:
        if isinstance(module, nn.MultiheadAttention):
            # Queries, keys, values and the way out are four linear layers that are not called as modules.
            outputs.append(4 * taken[0].numel())
            products.append(4 * taken[0].numel() * module.embed_dim)
            return
        outputs.append(given.numel())
        products.append(given.numel() * math.prod(module.get_parameter("weight").shape[1:]))

    hooks = [module.register_forward_hook(count) for module in network.model.modules() if isinstance(module, _COUNTED)]
    size, device = network.preprocessing.size, next(network.model.parameters()).device
    network.evaluation_mode()
    x = torch.zeros(1, 3, size, size, device=device)
    borders = {0: x.numel()}
    try:
        with torch.no_grad():
            for below, border in zip(network.borders, network.borders[1:], strict=False):
                x = network.run(x, below, border)
                borders[border] = x.numel()
    finally:
        for hook in hooks:
            hook.remove()
    head = network.head_index
    return NetworkFacts(
        group_parameters=tuple(network.count([index]) for index in range(head)),
        values=sum(outputs),
        border_values=tuple(borders[network.cut_below(index)] for index in range(head + 1)),
        multiplications=sum(products),
    )
