"""`model.safetensors` and `model.pth`: the plain weights under the library's own names."""

from __future__ import annotations

import io
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from tlgui.engine.export import folder
from tlgui.engine.export.description import as_text, describe
from tlgui.engine.trained_model import TrainedModel
from tlgui.engine.weights import read_file

SAFETENSORS = "model.safetensors"
STATE_DICT = "model.pth"


def write(model: TrainedModel, into: Path) -> None:
    """Writes the same weights in both formats.

    Raises:
        UserError: the disk is full.
    """
    state = plain_state(model)
    header = {"format": "pt", **as_text(describe(model, inside_graph=False))}
    folder.write(into / SAFETENSORS, safetensors.torch.save(state, metadata=header))
    memory = io.BytesIO()
    torch.save(state, memory)
    folder.write(into / STATE_DICT, memory.getbuffer())


def plain_state(model: TrainedModel) -> dict[str, Tensor]:
    """The state dict on the CPU, each tensor with memory of its own, as both formats need it."""
    state = model.network.model.state_dict()
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def differing(model: TrainedModel, into: Path) -> list[str]:
    """Names of the written files that do not hold the model's weights, bit for bit."""
    state = plain_state(model)
    return [name for name in (SAFETENSORS, STATE_DICT) if not _equal(state, read_file(into / name))]


def _equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(tensor, b[name]) for name, tensor in a.items())
