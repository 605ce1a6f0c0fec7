"""Networks of the backbone table with random weights that answer, built quickly and for a small input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from tlgui.core.backbones import Backbone
from tlgui.core.heads import LINEAR, Head
from tlgui.engine.backbones import build
from tlgui.engine.network import Network

# Trained from one border alone, since their weights are many, or since they are built like another row.
LARGE = {"vgg16", "vit-b16", "convnext-base", "convnext-tiny", "efficientnet-b7", "resnet50-v1"}


def small_side(row: Backbone) -> int:
    """Small enough to be quick, large enough that every stage of every network has pixels left."""
    return max(row.smallest, 64 // row.multiple * row.multiple)


@contextmanager
def quick_start() -> Iterator[None]:
    """The libraries' own random starts take seconds for 138 million weights; uniform numbers of the same size do too."""

    def quick(tensor: torch.Tensor, *args: Any, **named: Any) -> torch.Tensor:
        bound = 1.7 * (2 / max(1, tensor[0].numel())) ** 0.5
        with torch.no_grad():
            return tensor.uniform_(-bound, bound)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("kaiming_normal_", "kaiming_uniform_", "trunc_normal_", "xavier_uniform_"):
            patch.setattr(nn.init, name, quick)
        yield


def meaningful(
    row: Backbone, images: torch.Tensor, classes: int = 3, head: Head = LINEAR, size: int | None = None
) -> Network:
    """Random weights that answer: BatchNorm statistics from images, blocks that count, logits with a deviation of 1.

    Args:
        row: which network.
        images: (N, 3, S, S) of the size that it is built for; 16 are enough.
        classes, head: of its end.
        size: side of its input, where it is not that of the images.
    """
    with torch.random.fork_rng(), quick_start():
        torch.manual_seed(0)
        network = build(row, classes, None, size=size or images.shape[-1], head=head)
    make_meaningful(network, images)
    return network


def make_meaningful(network: Network, images: torch.Tensor, head_alone: bool = False) -> None:
    """The same for a network that is there; with real weights, its head alone."""
    model = network.model
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(1)
        for name, parameter in model.named_parameters():
            # Blocks of newer networks begin as nearly nothing.
            if name.endswith(("layer_scale", "gamma")) and not head_alone:
                parameter.fill_(0.3)
        norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
        if norms and not head_alone:
            for norm in norms:
                norm.momentum = None  # the mean over all batches
                norm.train()
            model(images)
        network.evaluation_mode()
        features = network.run(images, 0, network.head_index)
        linear = network.head_linear
        for layer in model.get_submodule(network.row.head_linear).modules():
            if isinstance(layer, nn.Linear):
                layer.weight.normal_()
                layer.bias.zero_()
        logits = network.run(features, network.head_index)
        linear.weight /= logits.std(dim=0)[:, None]
        linear.bias -= logits.mean(dim=0) / logits.std(dim=0)
