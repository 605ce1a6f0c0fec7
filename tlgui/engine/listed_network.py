"""A pretrained backbone for images of a listing, as a training of them would begin with it."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from tlgui.core.errors import UserError
from tlgui.core.heads import LINEAR, Head
from tlgui.core.preprocessing import Fit
from tlgui.engine import weights
from tlgui.engine.backbones import build
from tlgui.engine.device import find_device
from tlgui.engine.network import Network
from tlgui.engine.timm_models import row_of
from tlgui.engine.trunk import Trunk, compiled_trunk, executor_for

logger = logging.getLogger(__name__)


def pretrained_network(
    backbone: str, classes: int, fit: Fit, size: int | None, weights_file: str = "", head: Head = LINEAR, seed: int = 0
) -> tuple[Network, torch.device]:
    """The network with its pretrained weights and a new head, and the device that it is on.

    Args:
        backbone: a row of the backbone table.
        classes: of the head.
        fit, size: as in `RunSpec`.
        weights_file: the person's own weights, or "".
        head, seed: of the new head.

    Raises:
        UserError: there is no such backbone, or its weights are not on this computer.
    """
    row = row_of(backbone)
    if weights_file:
        state, source = weights.read_file(Path(weights_file)), weights.named(weights_file)
    elif row.pretrained:
        state, source = weights.pretrained(row), f"The weights of {row.label}"
    else:
        raise UserError(
            f"{row.label} has no pretrained weights, so there is nothing to find out before it is trained.",
            "Choose a pretrained network.",
            code="no_pretrained",
        )
    network = build(row, classes, state, fit, source, size, head, seed)
    device = find_device()
    network.model.to(device)
    return network, device


def trunk_of(network: Network, device: torch.device, passes: int) -> Trunk:
    """What runs everything below the head, for so many images; compiled where that pays."""
    cut, compiled = network.head_index, None
    if executor_for(device, cut, passes) == "onnxruntime":
        try:
            compiled = compiled_trunk(network, cut)
        except (OSError, UserError) as error:
            logger.warning("The frozen layers run in torch: %s", type(error).__name__)
    return Trunk(network, device, compiled, cut, torch.get_num_threads())
