"""`model.onnx`: one file that takes decoded pixels of any size and answers probabilities and logits."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tlgui.core.errors import UserError
from tlgui.engine.export import folder
from tlgui.engine.export.description import as_text, describe
from tlgui.engine.preprocess import PreprocessGraph
from tlgui.engine.trained_model import TrainedModel

NAME = "model.onnx"
OPSET = 18
# A protobuf message, and so an ONNX file, ends at 2 GiB; the rest of the graph takes far less than this margin.
MAX_WEIGHTS_BYTES = 2**31 - 2**24


class ExportGraph(nn.Module):
    """Preprocessing, network and softmax in one; a copy on the CPU in evaluation mode, the original stays as it is."""

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        self.preprocess = PreprocessGraph(model.network.preprocessing)
        self.network = copy.deepcopy(model.network.model).cpu().to(memory_format=torch.contiguous_format)
        self.temperature = model.card.temperature
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, 3) uint8 RGB -> probabilities and logits, both (N, classes)."""
        logits = self.network(self.preprocess(image))
        return torch.softmax(logits / self.temperature, dim=1), logits


def write(model: TrainedModel, path: Path) -> None:
    """Exports a model to one file, with everything a receiver needs in its metadata and nothing private.

    Raises:
        UserError: the model is too large for the format, or the disk is full.
    """
    size = sum(tensor.nbytes for tensor in model.network.model.state_dict().values())
    if size > MAX_WEIGHTS_BYTES:
        raise UserError(
            f"The model has {size / 1e9:.1f} GB of weights; an ONNX file can hold 2.",
            "Export with --format weights.",
            code="export_too_large",
        )
    graph = _traced(ExportGraph(model))
    _remove_private(graph)
    graph.metadata_props.update(as_text(describe(model, inside_graph=True)))
    from onnx_ir import serde

    folder.write(path, serde.serialize_model(graph).SerializeToString())


def _traced(graph: ExportGraph) -> Any:
    # Sizes 0 and 1 would be taken for constants, equal ones for one and the same.
    example = torch.zeros(2, 40, 56, 3, dtype=torch.uint8)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("height"), 2: torch.export.Dim("width")}
    with warnings.catch_warnings():
        # What torch and onnxscript say to each other about their own interfaces.
        for category in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
            warnings.filterwarnings(
                "ignore", category=category, module=r"(torch|onnxscript|onnx_ir|onnx|copyreg)(\.|$)"
            )
        program = torch.onnx.export(
            graph,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["probabilities", "logits"],
            dynamic_shapes=(axes,),
            verbose=False,
        )
    assert program is not None
    return program.model


def _remove_private(graph: Any) -> None:
    """The exporter notes for each node where in whose folder its code lies; no receiver needs that."""
    graph.doc_string = graph.graph.doc_string = None
    graph.metadata_props.clear()
    graph.graph.metadata_props.clear()
    values = [*graph.graph.inputs, *graph.graph.initializers.values()]
    for function in graph.functions.values():
        function.doc_string = None
        function.metadata_props.clear()
    for node in [*graph.graph.all_nodes(), *(node for each in graph.functions.values() for node in each.all_nodes())]:
        node.doc_string = None
        node.metadata_props.clear()
        values.extend(node.outputs)
    for value in values:
        value.doc_string = None
        value.metadata_props.clear()
