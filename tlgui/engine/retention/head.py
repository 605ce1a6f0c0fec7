"""The head of a network that learns on: its outputs stay, new classes get outputs of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tlgui.core.backbones import Backbone
from tlgui.core.errors import UserError
from tlgui.engine.network import Network
from tlgui.engine.probe import fit_new_outputs
from tlgui.engine.weights import State


class PublishedHead(NamedTuple):
    """The last layer that published weights came with: (classes, D) and (classes,)."""

    weight: Tensor
    bias: Tensor


def take_head(network: Network, state: State, outputs: int, source: str) -> None:
    """Gives a network the head that weights came with; outputs of new classes stay as they begin.

    Args:
        network: with a head of the same form and as many outputs or more.
        state: of the earlier run.
        outputs: that it had.
        source: what the weights are called in an error.

    Raises:
        UserError: its head is of another form.
    """
    path = network.row.head_linear
    last = network.head_linear
    with torch.no_grad():
        for name, own in network.model.get_submodule(path).named_parameters():
            given = state.get(f"{path}.{name}")
            wanted = (outputs, *own.shape[1:]) if own is last.weight or own is last.bias else tuple(own.shape)
            if given is None or tuple(given.shape) != wanted:
                raise UserError(
                    f"{source} has another last layer than its run.toml says.",
                    "Take the run folder from a backup, or begin with another one.",
                    code="run_damaged",
                )
            own[: len(given)].copy_(given)


def published_head(row: Backbone, state: State) -> PublishedHead | None:
    """The last layer of published weights; `None` where they have none."""
    weight, bias = (state.get(f"{row.head_linear}.{name}") for name in ("weight", "bias"))
    if weight is None or weight.ndim != 2:
        return None
    return PublishedHead(weight.float(), torch.zeros(len(weight)) if bias is None else bias.float())


def fit_new(
    network: Network,
    features: Tensor,
    labels: Tensor,
    outputs: int,
    earlier: Sequence[tuple[Tensor, Tensor]] = (),
) -> float:
    """Fits the outputs of new classes on features of the training images; those that it had stay as they are.

    Args:
        network: its last layer takes (D,).
        features: (N, D), what the head's first linear layer takes.
        labels: (N,) of all classes.
        outputs: that it had.
        earlier: features and labels of images that it had learned, which the new outputs are fitted on too.

    Returns:
        The mean loss on `features`.
    """
    head, last = network.model.get_submodule(network.row.head_linear), network.head_linear
    device = last.weight.device
    below: nn.Module = head[:-1] if isinstance(head, nn.Sequential) else nn.Identity()
    with torch.no_grad():
        every = torch.cat([features, *(one for one, _ in earlier)])
        rows = below.eval()(every.to(device)).float().cpu()
        known = rows @ last.weight[:outputs].float().cpu().T + last.bias[:outputs].float().cpu()
    if network.classes > outputs:
        wanted = torch.cat([labels, *(one for _, one in earlier)])
        weight, bias = fit_new_outputs(rows, wanted, known, network.classes)
        with torch.no_grad():
            last.weight[outputs:].copy_(weight)
            last.bias[outputs:].copy_(bias)
    with torch.no_grad():
        logits = rows[: len(labels)] @ last.weight.float().cpu().T + last.bias.float().cpu()
        return nn.functional.cross_entropy(logits, labels).item()


@torch.no_grad()
def head_loss(network: Network, features: Tensor, labels: Tensor) -> float:
    """The mean loss of a network's head on features (N, D) of images with these labels, N >= 1."""
    head = network.model.get_submodule(network.row.head_linear).eval()
    logits = head(features.to(network.head_linear.weight.device)).float().cpu()
    return nn.functional.cross_entropy(logits, labels).item()
