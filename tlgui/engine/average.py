"""Weights averaged over training: an exponential moving average that is validated and kept instead of the last ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor

from tlgui.engine.network import Network


class Average:
    """The averaged weights of a network.

    It begins at the weights after the first step, and its decay is warmed up, since with few steps behind it the average
    would else stay near the start: min(decay, (1 + steps) / (10 + steps)), as in TensorFlow's ExponentialMovingAverage.
    Buffers, such as BatchNorm's statistics, are those of the network as it is: they are averages already. So are frozen
    weights, which others have cached answers of.

    Args:
        decay: below 1; the share that the average keeps at each step once it is warm.
        network: whose weights they are.
    """

    def __init__(self, decay: float, network: Network) -> None:
        self._decay = decay
        self._network = network
        self._steps = 0
        self._weights = {name: p.detach().clone() for name, p in network.model.named_parameters()}

    @torch.no_grad()
    def update(self) -> None:
        """Takes one optimizer step in."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps)) if self._steps > 1 else 0.0
        for name, parameter in self._network.model.named_parameters():
            if parameter.requires_grad and decay:
                self._weights[name].lerp_(parameter.detach(), 1 - decay)
            else:
                self._weights[name].copy_(parameter.detach())

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """The network with the averaged weights, for as long as the block runs; before the first step, as it is."""
        if not self._steps:
            yield
            return
        parameters = dict(self._network.model.named_parameters())
        with torch.no_grad():
            before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
            for name, parameter in parameters.items():
                parameter.copy_(self._weights[name])
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in parameters.items():
                    parameter.copy_(before[name])

    def tensors(self) -> dict[str, Tensor]:
        """Its state, for a checkpoint."""
        return {**self._weights, "steps": torch.tensor(self._steps)}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Takes its state back."""
        tensors = dict(tensors)
        self._steps = int(tensors.pop("steps"))
        for name, tensor in tensors.items():
            self._weights[name].copy_(tensor)
