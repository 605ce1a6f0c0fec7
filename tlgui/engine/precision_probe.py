"""Which number format trains fastest here: found out by doing it, since a name of a processor tells little."""

from __future__ import annotations

import copy
import logging
import time

import torch
from torch.nn.functional import cross_entropy

from tlgui.core import machine_facts
from tlgui.engine import free_memory
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.kept_memory import SAFETY, kept_per_image, update_bytes
from tlgui.engine.network import Network
from tlgui.engine.param_groups import LayerOptimizer
from tlgui.engine.precision import Kind, Mixed, possible
from tlgui.engine.validation import placed

logger = logging.getLogger(__name__)

# Rounding costs a little accuracy, so a shorter format must bring something.
WORTH_IT = 1.15
_IMAGES = 8  # fewer where there is no room for so many
_TIMED_S = 1.5  # for each format, after one step that is not counted
_MOST_STEPS = 5
_HOPELESS = 3.0  # a first step that many times as long as float32's: emulated, and no second one is tried


def precision_here(network: Network, first: int, device: torch.device) -> Kind:
    """The format in which the groups from `first` on train fastest on this computer, float32 unless it is worth it.

    Found out once for each backbone, cut, input size and version of torch, and kept with what is known of the computer.
    Where the head alone trains, float32: a layer that small gains nothing.

    Args:
        network: whose trained part is timed, on a copy.
        first: lowest group that trains.
        device: of the network.
    """
    candidates: list[Kind] = [kind for kind in ("bf16", "fp16") if possible(kind, device)]
    if first >= network.head_index or not candidates:
        return "float32"
    key = f"{network.row.name}|{first}|{network.preprocessing.size}|{device}|torch {torch.__version__}"
    known = machine_facts.precision(key)
    if known is not None and (known == "float32" or known in candidates):
        return known
    found = probe(network, first, device, candidates)
    machine_facts.note_precision(key, found)
    return found


def probe(network: Network, first: int, device: torch.device, candidates: list[Kind]) -> Kind:
    """Times forward and backward passes of the trained part in each format, on a copy with random state of its own."""
    seconds: dict[Kind, float] = {}
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for kind in ("float32", *candidates):
            try:
                seconds[kind] = _seconds(network, first, device, kind, seconds.get("float32"))
            except (RuntimeError, NotImplementedError, MemoryError) as error:
                if is_out_of_memory(error) and kind == "float32":
                    return "float32"
                logger.info("%s cannot be used here: %s", kind, type(error).__name__)
    if "float32" not in seconds:
        return "float32"
    best = min(seconds, key=lambda kind: seconds[kind])
    logger.info(
        "Seconds of a step for one image by number format: %s",
        {kind: round(value, 5) for kind, value in seconds.items()},
    )
    return best if seconds["float32"] >= WORTH_IT * seconds[best] else "float32"


def _seconds(network: Network, first: int, device: torch.device, kind: Kind, reference: float | None) -> float:
    """The shortest step of a few, for one image; infinite where its numbers are none.

    Raises:
        MemoryError: on a processor, not one image would fit: there it is foreseen, since the system would end the program.
    """
    twin = copy.copy(network)
    twin.model = copy.deepcopy(network.model)
    twin.set_trainable(first)
    twin.training_mode(first, keep_statistics=True)
    cut, size = twin.cut_below(first), twin.preprocessing.size
    torch.manual_seed(0)
    with torch.inference_mode():
        inputs = placed(twin.run(torch.randn(_IMAGES, 3, size, size, device=device), 0, cut), device)
    inputs = inputs.clone()  # a tensor of inference mode cannot be trained on
    if device.type == "cpu":
        free = free_memory.available_bytes() - update_bytes(twin, first)
        inputs = inputs[: max(0, int(free / (SAFETY * max(1, kept_per_image(twin, first, cut, inputs)))))]
        if not len(inputs):
            raise MemoryError
    labels = torch.zeros(len(inputs), dtype=torch.int64, device=device)
    mixed = Mixed(kind, device)
    optimizer = LayerOptimizer(twin, dict.fromkeys(range(first, len(twin)), 0.0), 0.0).torch
    steps: list[float] = []
    while len(steps) < 2 or (sum(steps[1:]) < _TIMED_S and len(steps) < _MOST_STEPS):
        began = time.perf_counter()
        with mixed.autocast():
            logits = twin.run(inputs, cut)
        loss = cross_entropy(logits.float(), labels)
        mixed.backward(loss)
        mixed.step(optimizer, [])
        # Reading the number waits for what is still under way on a card.
        if not bool(torch.isfinite(loss)):
            return float("inf")
        steps.append(time.perf_counter() - began)
        if reference is not None and steps[0] / len(inputs) > _HOPELESS * reference:
            break
    return min(steps[1:] or steps) / len(inputs)
