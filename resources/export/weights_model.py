"""model.pth and labels.json beside this script: the network is the library's own, the recipe is in labels.json."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from tlgui.engine.small_cnn import TinyCNN
from tlgui.imaging.resize import frame


class Model:
    """The exported model."""

    def __init__(self, folder: Path) -> None:
        self._about = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        self.classes = self._about["classes"]
        self._network = self._build(len(self.classes))
        # Fails if a layer is missing, left over, or of another size: so the number of classes is checked here too.
        self._network.load_state_dict(torch.load(folder / "model.pth", map_location="cpu", weights_only=True))
        self._network.eval()

    def answer(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 RGB -> probabilities and logits, both in the order of `classes`."""
        recipe = self._about["preprocessing"]
        square = frame(pixels, recipe["resize_to"], recipe["size"], recipe["kernel"], recipe["fit"])
        mean, std = np.array(recipe["mean"], np.float32), np.array(recipe["std"], np.float32)
        batch = torch.from_numpy(((square / 255 - mean) / std).transpose(2, 0, 1)[None].copy())
        with torch.inference_mode():
            logits = self._network(batch)
        probabilities = torch.softmax(logits.double() / self._about["temperature"], dim=1)
        return probabilities[0].numpy(), logits[0].numpy()

    def pixel_rule(self) -> dict:
        """How stored values become 8-bit RGB."""
        return self._about["pixel_rule"]

    def _build(self, classes: int) -> torch.nn.Module:
        builder, arguments, head = (self._about[key] for key in ("builder", "builder_arguments", "head"))
        if self._about["library"] == "timm":
            import timm

            network = timm.create_model(builder, pretrained=False, num_classes=classes, **arguments)
        elif self._about["library"] == "torchvision":
            import torchvision

            network = torchvision.models.get_model(builder, weights=None, num_classes=classes, **arguments)
        else:
            network = TinyCNN(num_classes=classes)
        if head["kind"] == "hidden":
            features = network.get_submodule(head["at"]).in_features
            layers = [torch.nn.Linear(features, head["units"]), torch.nn.ReLU(), torch.nn.Dropout(head["dropout"])]
            network.set_submodule(head["at"], torch.nn.Sequential(*layers, torch.nn.Linear(head["units"], classes)))
        return network
