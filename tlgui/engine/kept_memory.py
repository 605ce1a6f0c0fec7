"""What a training step takes of memory, measured on two images: what is kept for going backward, and what an update needs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tlgui.engine.network import Network
from tlgui.engine.precision import Mixed
from tlgui.engine.validation import placed

# What a step takes at its peak, beside what is kept: gradients of activations and what a convolution works in. Measured as
# the growth of the resident size (tests/benchmarks/measure_memory.py).
SAFETY = 1.5
_MEASURED_ON = 2  # images; one alone has no variance


def kept_per_image(network: Network, first: int, cut: int, inputs: Tensor, mixed: Mixed | None = None) -> int:
    """Bytes that one image makes the trained part keep between going forward and going backward.

    One forward pass of two images, with random state and BatchNorm statistics left as they were.

    Args:
        network: groups from `first` on train, and it is run from group `cut` on.
        first, cut: see `Network.cut_below`.
        inputs: (N, ...) activations below the cut, N >= 1.
        mixed: number format of the trained part.
    """
    device = next(network.model.parameters()).device
    state = network.model.state_dict().values()
    known = {_storage(tensor) for tensor in state}
    shapes = {tuple(tensor.shape) for tensor in state}
    # Also the inputs: they are there whatever is trained.
    two = placed(inputs[[0, -1]] if len(inputs) > 1 else inputs[[0, 0]], device).clone()
    known.add(_storage(two))
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        # A weight in a shorter format is kept once, and not for each image.
        shape = tuple(tensor.shape)
        cast = tensor.dtype != torch.float32 and (shape in shapes or shape[::-1] in shapes)
        if _storage(tensor) not in known and not cast:
            kept[_storage(tensor)] = tensor.untyped_storage().nbytes()
        return tensor

    was_training = {module: module.training for module in network.model.modules()}
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
        # BatchNorm keeps as much whatever statistics it uses; this way they stay as they are.
        network.training_mode(first, keep_statistics=True)
        with (mixed or Mixed("float32", device)).autocast():
            logits = network.run(two, cut)
        labels = torch.zeros(len(two), dtype=torch.int64, device=device)
        loss = cross_entropy(logits.float(), labels)
    for module, training in was_training.items():
        module.training = training
    del loss, logits
    return sum(kept.values()) // _MEASURED_ON


def update_bytes(network: Network, first: int, optimizer: torch.optim.Optimizer | None = None) -> int:
    """Bytes for the gradients of what trains, and for what the optimizer has still to make.

    Args:
        network: groups from `first` on train.
        first: the lowest.
        optimizer: what it has already is not counted again; `None` = it has nothing.
    """
    total = 0
    state: Any = optimizer.state if optimizer is not None else {}
    for index in range(first, len(network)):
        for parameter in network.parameters(index):
            size = parameter.numel() * parameter.element_size()
            total += size if parameter in state else 3 * size
    return total


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
