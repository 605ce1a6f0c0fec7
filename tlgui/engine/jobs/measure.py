"""How fast this computer runs a backbone's frozen layers, by the executor that a training would use."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack

import torch

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.estimates import about_time
from tlgui.core.events import Event
from tlgui.engine import weights
from tlgui.engine.backbones import build
from tlgui.engine.control import Control
from tlgui.engine.device import find_device
from tlgui.engine.network import Network
from tlgui.engine.timm_models import row_of
from tlgui.engine.trunk import CHUNK, WORTH_COMPILING, Trunk, compile_trunk, compiled_trunk, executor_for
from tlgui.engine.work_folder import work_folder

logger = logging.getLogger(__name__)

_TIMED_S = 2.0
_MOST_CHUNKS = 100
_STAGE = "speed of this computer"


def measure(job: commands.Measure, control: Control) -> Iterator[Event]:
    """`Measured`: one frozen pass of squares whose pixels are ready, for some seconds.

    Weights that are not on this computer are replaced by random ones: the arithmetic is the same. Compiling the frozen
    layers comes first; for weights that are here that is work that a training finds done. A `Stop` acts between the
    steps.
    """
    row = row_of(job.backbone)
    yield events.Progress(stage="preparing the frozen layers", done=0, total=1)
    try:
        network, own = build(row, 2, weights.pretrained(row)), True
    except UserError:
        network, own = build(row, 2, None), False
    if isinstance(control.take(), commands.Stop):
        yield events.Stopped()
        return
    with ExitStack() as stack:
        trunk = _trunk(network, own, stack)
        cut = network.head_index
        size = network.preprocessing.size
        squares = torch.rand(CHUNK, 3, size, size)
        _pass(trunk, squares, cut)  # the first one pays for memory that the others find
        passes: list[float] = []
        while sum(passes) < _TIMED_S and len(passes) < _MOST_CHUNKS:
            passes.append(_pass(trunk, squares, cut))
            share = max(sum(passes) / _TIMED_S, len(passes) / _MOST_CHUNKS)
            yield events.Progress(stage=_STAGE, done=min(100, int(100 * share)), total=100)
            if isinstance(control.take(), commands.Stop):
                yield events.Stopped()
                return
        # Images may be read meanwhile, and a training has the computer more to itself: the faster passes count.
        each = 1_000 * sorted(passes)[len(passes) // 4] / CHUNK
        yield events.Measured(
            backbone=row.name,
            seconds_per_1000=each,
            images=len(passes) * CHUNK,
            device=str(trunk.device),
            executor=trunk.executor(cut),
        )
    yield events.Completed(message=f"1,000 images take {row.label} {about_time(each)} here.")


def _trunk(network: Network, own: bool, stack: ExitStack) -> Trunk:
    """The frozen layers as a training of many images would run them."""
    device, cut = find_device(), network.head_index
    network.model.to(device)
    threads = torch.get_num_threads()
    if executor_for(device, cut, WORTH_COMPILING) != "onnxruntime":
        return Trunk(network, device)
    try:
        if own:
            compiled = compiled_trunk(network, cut)
        else:
            compiled = work_folder("measuring", stack) / "random.onnx"
            compile_trunk(network, cut, compiled)
    except (OSError, UserError) as error:
        logger.warning("The speed of torch is measured: nothing can be compiled (%s)", type(error).__name__)
        return Trunk(network, device)
    return Trunk(network, device, compiled, cut, threads)


def _pass(trunk: Trunk, squares: torch.Tensor, cut: int) -> float:
    # The activations come back to the processor, so nothing of the pass is still under way when the clock is read.
    started = time.perf_counter()
    trunk(squares, cut)
    return time.perf_counter() - started
