"""A trained model as a file: what every later step (evaluate, predict, export) opens, and how it answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlgui.core import atomic
from tlgui.core.errors import UserError
from tlgui.core.heads import Head
from tlgui.core.preprocessing import Fit
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import RunFolder
from tlgui.engine.backbones import build
from tlgui.engine.network import Network
from tlgui.engine.preprocess import to_input
from tlgui.engine.timm_models import row_of
from tlgui.engine.weights import sha256_of
from tlgui.imaging.pixels import read_pixels

# Beside the best state, where that is a mix with earlier weights: what training came to.
AFTER = "after.safetensors"


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a weights file says about itself, in the header of `best.safetensors`.

    Attributes:
        classes: in the order of the outputs.
        size, head: as the run asked for them.
        temperature: probabilities = softmax(logits / temperature); fitted on the validation images.
        epoch: the epoch that was kept.
        formats: of the images that it was trained on and scored on.
        earlier_share: of the weights that training began with, where they were mixed with those after; 0 = they were not.
        aligned: its statistics were fitted to images of a new site after training.
    """

    backbone: str
    classes: list[str]
    fit: Fit
    size: int | None = None
    head: Head = Head()
    pixel_rule: PixelRule
    temperature: float = 1.0
    epoch: int
    formats: list[str] = []
    earlier_share: float = 0.0
    aligned: bool = False


@dataclass(frozen=True)
class TrainedModel:
    """A network in evaluation mode with its card."""

    network: Network
    card: Card
    weights_hash: str = field(default="")

    def read(self, path: Path) -> NDArray[np.uint8]:
        """Decodes a file by the rule of the dataset that the model was trained on: (H, W, 3) uint8.

        Raises:
            imaging.pixels.DecodeError: the file is no readable image.
        """
        return read_pixels(path, **msgspec.structs.asdict(self.card.pixel_rule))

    def logits(self, images: Iterable[NDArray[np.uint8]]) -> Tensor:
        """Raw outputs for decoded images: (N, classes) float32."""
        batch = torch.stack([to_input(image, self.network.preprocessing) for image in images])
        with torch.inference_mode():
            return self.network.run(batch.contiguous(memory_format=torch.channels_last)).float().cpu()

    def probabilities(self, logits: Tensor) -> NDArray[np.float64]:
        """softmax(logits / temperature): (N, classes)."""
        scaled: NDArray[np.float64] = torch.softmax(logits.double() / self.card.temperature, dim=1).numpy()
        return scaled


def save(state: dict[str, Tensor], card: Card, path: Path) -> None:
    """Writes weights and card atomically.

    Raises:
        ValueError: a weight is not finite; such a model is never saved.
    """
    for name, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ValueError(f"The weights '{name}' are not finite.")
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    header = {"tlgui": msgspec.json.encode(card).decode()}
    with atomic.replacing(path) as temporary:
        safetensors.torch.save_file(plain, temporary, metadata=header)


def card_of(path: Path) -> Card | None:
    """What a weights file says about itself; `None` where it cannot be read."""
    try:
        with safetensors.safe_open(path, "pt") as stream:
            return msgspec.json.decode((stream.metadata() or {})["tlgui"], type=Card)
    except (OSError, KeyError, msgspec.DecodeError, safetensors.SafetensorError):
        return None


def unmixed(run: RunFolder) -> Path:
    """The file of the best state as training came to it: where it was mixed with earlier weights, what lies beside."""
    after = run.checkpoints / AFTER
    if not after.is_file():
        return run.best_path
    card = card_of(run.best_path)
    return after if card is not None and card.earlier_share else run.best_path


def load(run: RunFolder, path: Path | None = None) -> TrainedModel:
    """The best state of a run, or another state of it that lies in a file of its own.

    Raises:
        UserError: the run has no finished epoch yet, or its file is damaged.
    """
    path = path or run.best_path
    if not path.is_file():
        raise UserError(
            f"The run '{run.name}' has no model yet: no epoch has ended.",
            "Continue the run until one epoch has ended.",
            code="no_model",
        )
    try:
        with safetensors.safe_open(path, "pt") as stream:
            card = msgspec.json.decode((stream.metadata() or {})["tlgui"], type=Card)
            state = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - no mapping
        network = build(row_of(card.backbone), len(card.classes), None, card.fit, size=card.size, head=card.head)
        network.model.load_state_dict(state)
    except (OSError, KeyError, RuntimeError, msgspec.DecodeError, safetensors.SafetensorError) as error:
        raise UserError(
            f"The model file of the run '{run.name}' is damaged.",
            "Take the run folder from a backup, or train again.",
            str(error),
            code="run_damaged",
        ) from error
    network.evaluation_mode()
    return TrainedModel(network, card, sha256_of(path))
