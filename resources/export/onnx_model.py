"""model.onnx beside this script: preprocessing is inside it, and so are the names of the classes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

# On import it would give this computer a number, and note for its makers which program runs it from where.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime


class Model:
    """The exported model."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        # As for most numerical libraries, OMP_NUM_THREADS limits the threads; 0 leaves it to ONNX Runtime.
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)
        options.enable_mem_pattern = False  # it gains nothing where each image has its own size
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.classes = json.loads(self._session.get_modelmeta().custom_metadata_map["classes"])
        outputs = self._session.get_outputs()[0].shape[1]
        if outputs != len(self.classes):
            raise SystemExit(f"model.onnx has {outputs} outputs, but names {len(self.classes)} classes.")

    def answer(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 RGB -> probabilities and logits, both in the order of `classes`."""
        probabilities, logits = self._session.run(["probabilities", "logits"], {"image": pixels[None]})
        return probabilities[0], logits[0]

    def pixel_rule(self) -> dict:
        """How stored values become 8-bit RGB."""
        return json.loads(self._session.get_modelmeta().custom_metadata_map["pixel_rule"])
