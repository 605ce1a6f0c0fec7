"""The optimizer and what is in it: each trainable parameter once, decay on matrices and kernels alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import nn

from tlgui.engine.network import Network


class LayerOptimizer:
    """AdamW or Adam whose parameter groups follow the layer ladder.

    Args:
        network: whose groups are trained.
        peaks: peak learning rate by group index; their keys are the trainable groups.
        weight_decay: on parameters with more than one axis; biases and norm parameters have none.
        kind: "adamw", or "adam", whose decay is part of the gradient.
        carry_over: an optimizer before an unfreezing; the state of parameters that stay is kept.
    """

    def __init__(
        self,
        network: Network,
        peaks: dict[int, float],
        weight_decay: float,
        carry_over: LayerOptimizer | None = None,
        kind: Literal["adamw", "adam"] = "adamw",
    ) -> None:
        self.peaks = peaks
        groups: list[dict[str, Any]] = []
        for index, peak in sorted(peaks.items()):
            parameters = network.parameters(index)
            matrices = [parameter for parameter in parameters if parameter.ndim > 1]
            others = [parameter for parameter in parameters if parameter.ndim <= 1]
            for chosen, decay in ((matrices, weight_decay), (others, 0.0)):
                if chosen:
                    groups.append({"params": chosen, "lr": peak, "weight_decay": decay, "layer": index})
        self.torch: torch.optim.Optimizer = torch.optim.AdamW(groups) if kind == "adamw" else torch.optim.Adam(groups)
        if carry_over is not None:
            kept = set(self.parameters())
            for parameter, state in carry_over.torch.state.items():
                if parameter in kept:
                    self.torch.state[parameter] = state

    def parameters(self) -> Iterable[nn.Parameter]:
        """Every parameter in it."""
        for group in self.torch.param_groups:
            yield from group["params"]

    def set_rates(self, rates: dict[int, float], momentum: float | None = None) -> None:
        """Sets the learning rate of each layer group for the next step, and beta1 where `momentum` is given."""
        for group in self.torch.param_groups:
            group["lr"] = rates[group["layer"]]
            if momentum is not None:
                group["betas"] = (momentum, group["betas"][1])

    def state_tensors(self, network: Network) -> dict[str, torch.Tensor]:
        """Its state as named tensors, for a checkpoint."""
        names: dict[torch.Tensor, str] = {parameter: name for name, parameter in network.model.named_parameters()}
        return {
            f"{names[parameter]}|{key}": value.detach().cpu().contiguous()
            for parameter, state in self.torch.state.items()
            for key, value in state.items()
        }

    def load_state_tensors(self, network: Network, tensors: dict[str, torch.Tensor]) -> None:
        """Takes its state back from named tensors."""
        parameters = dict(network.model.named_parameters())
        for name, tensor in tensors.items():
            parameter_name, key = name.rsplit("|", 1)
            parameter = parameters[parameter_name]
            # Laid out in memory like the parameter, as it was: rounding may depend on it. Copied in any case, since a
            # tensor of the file keeps the file open, and Windows replaces no open file.
            like = tensor if key == "step" else parameter.detach()
            self.torch.state[parameter][key] = torch.empty_like(like).copy_(tensor)
