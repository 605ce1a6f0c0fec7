"""What of a network is made alike for both sites: what its head takes, or what a layer before the last one gives."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from tlgui.engine.network import Network

_MOST = 4096
"""Numbers per image: more would be a judge of tens of millions of weights."""


def with_features(network: Network, inputs: Tensor, cut: int) -> tuple[Tensor, Tensor]:
    """Logits, and the features that adaptation acts on.

    Where the head has a layer before its last one (a projection, which is all that learns above a frozen network), it is
    what that gives; else it is what the head takes.

    Args:
        network: in training mode or not.
        inputs: (N, ...), what group `cut` takes.
        cut: one of the network's borders.

    Returns:
        (N, classes), and (N, D) with D <= 4,096.
    """
    head = network.model.get_submodule(network.row.head_linear)
    if not isinstance(head, nn.Sequential):
        below = network.run(inputs, cut, network.head_index)
        return network.run(below, network.head_index), rows_of(below)
    found: list[Tensor] = []
    # Before its dropout: two masks drawn apart would make even the same image differ from itself.
    handle = next(one for one in head if isinstance(one, nn.ReLU)).register_forward_hook(
        lambda _module, _given, made: found.append(made)
    )
    try:
        logits = network.run(inputs, cut)
    finally:
        handle.remove()
    return logits, found[0]


def rows_of(activations: Tensor) -> Tensor:
    """One row per image: of maps a grid as fine as `_MOST` numbers allow, of tokens their mean.

    Args:
        activations: (N, C, H, W), (N, T, D) or (N, D).

    Returns:
        (N, at most `_MOST`), unless there are more channels.
    """
    if activations.ndim == 4:
        channels, height, width = activations.shape[1:]
        side = max(1, min(height, width, int((_MOST / channels) ** 0.5)))
        grid = activations if side == height == width else adaptive_avg_pool2d(activations, side)
        return torch.flatten(grid, 1)
    return activations.mean(1) if activations.ndim == 3 else activations


def count(network: Network) -> int:
    """How many features there are, found by one pass."""
    network.evaluation_mode()
    size = network.preprocessing.size
    with torch.inference_mode():
        device = next(network.model.parameters()).device
        return with_features(network, torch.zeros(1, 3, size, size, device=device), 0)[1].shape[1]
