"""The frozen part of a network, run without gradients by whatever is fastest here and exact enough."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tlgui.core import atomic
from tlgui.core.paths import cache_dir
from tlgui.engine.network import Network

logger = logging.getLogger(__name__)

# Largest difference from torch, relative to the largest activation, that counts as the same (float32 rounding is 1e-6).
_TOLERANCE = 1e-4
# Compiling takes as long as torch needs for about this many images.
WORTH_COMPILING = 400
# Images at once, always: the activations of a stem are large, and more at once is no faster. And the last bits of an
# image's activations depend on how many images are computed with it (not on which): with the same number each time, a
# cache that was filled in another order holds the very same rows.
CHUNK = 8


class _Borders(nn.Module):
    """The borders of a network's frozen part, all at once, so that one compiled file serves every lower cut too."""

    def __init__(self, network: Network, cut: int) -> None:
        super().__init__()
        self.model = network.model
        self._network = network
        self._cut = cut

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        outputs, below = [], 0
        for border in _borders(self._network, self._cut):
            x = self._network.run(x, below, border)
            outputs.append(x)
            below = border
        return tuple(outputs)


def _borders(network: Network, cut: int) -> list[int]:
    """Where a network can be cut with something below, up to `cut`, from the lowest."""
    return [border for border in network.borders if 0 < border <= cut]


class Trunk:
    """Runs groups 0 to cut - 1 of a network.

    Args:
        network: whose frozen groups are run; torch reads them at each call.
        device: where torch runs them.
        compiled: a file of `compiled_trunk`, made when the groups below `compiled_below` were as they are now.
        compiled_below: the highest cut that the file may serve.
        threads: of ONNX Runtime, which runs the file.
    """

    def __init__(
        self,
        network: Network,
        device: torch.device,
        compiled: Path | None = None,
        compiled_below: int = 0,
        threads: int = 1,
    ) -> None:
        self._network = network
        self.device = device
        self._session = _Session(compiled, threads, network) if compiled else None
        self._compiled_below = self._made_below = compiled_below

    def executor(self, cut: int) -> str:
        """What runs the groups below `cut`."""
        return "onnxruntime" if self._compiled(cut) else "torch"

    def changed_from(self, index: int) -> None:
        """Groups from `index` on are not as they came: their compiled form is not theirs; that of those below is."""
        self._compiled_below = min(self._made_below, index)

    def beside(self, network: Network) -> Trunk:
        """The same for a copy of the network, whose groups below the cut are equal."""
        twin = copy.copy(self)
        twin._network = network
        return twin

    def __call__(self, inputs: Tensor, cut: int) -> Tensor:
        """Activations below group `cut`.

        Args:
            inputs: (N, 3, S, S) float32.
            cut: 0 returns the inputs.
        """
        if cut == 0:
            return inputs
        session = self._compiled(cut)
        run = session.run if session else self._run_torch
        n = len(inputs)
        if short := -n % CHUNK:
            inputs = torch.cat([inputs, inputs.new_zeros(short, *inputs.shape[1:])])
        return torch.cat([run(chunk, cut) for chunk in torch.split(inputs, CHUNK)])[:n]

    def at_borders(self, inputs: Tensor, cut: int) -> list[Tensor]:
        """Activations at each border with something below, up to `cut`, from the lowest: in one pass of the images.

        Args:
            inputs: (N, 3, S, S) float32 with N <= `CHUNK`, so that little is in memory at once.
            cut: one of the network's borders, >= 1.
        """
        session, borders = self._compiled(cut), _borders(self._network, cut)
        if session is not None:
            n = len(inputs)
            padded = torch.cat([inputs, inputs.new_zeros(CHUNK - n, *inputs.shape[1:])])
            return [result[:n] for result in session.run_all(padded, borders)]
        self._network.evaluation_mode()
        with torch.inference_mode():
            x = inputs.to(self.device).contiguous(memory_format=torch.channels_last)
            found, below = [], 0
            for border in borders:
                x = self._network.run(x, below, border)
                found.append(x.float().cpu())
                below = border
        return found

    def agrees(self, inputs: Tensor, cut: int) -> bool:
        """Whether the executor gives torch's numbers within the tolerance; if not, torch is used from now on."""
        session = self._compiled(cut)
        if session is None:
            return True
        reference = self._run_torch(inputs, cut)
        difference = (session.run(inputs, cut) - reference).abs().max() / reference.abs().max().clamp_min(1e-6)
        if bool(difference <= _TOLERANCE):
            return True
        logger.warning("The compiled trunk differs by %.2g, so torch is used", difference)
        self._session = None
        return False

    def _compiled(self, cut: int) -> _Session | None:
        return self._session if 0 < cut <= self._compiled_below else None

    def _run_torch(self, inputs: Tensor, cut: int) -> Tensor:
        self._network.evaluation_mode()
        with torch.inference_mode():
            batch = inputs.to(self.device).contiguous(memory_format=torch.channels_last)
            return self._network.run(batch, 0, cut).float().cpu()


class _Session:
    """ONNX Runtime over a file of borders."""

    def __init__(self, path: Path, threads: int, network: Network) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in self._session.get_outputs()]
        # The file has the network's borders in their order, up to the one that it was made for.
        self._outputs = dict(zip(_borders(network, len(network)), names, strict=False))
        self._options = onnxruntime.RunOptions()
        self._options.only_execute_path_to_fetches = True

    def run(self, inputs: Tensor, cut: int) -> Tensor:
        (result,) = self.run_all(inputs, [cut])
        return result

    def run_all(self, inputs: Tensor, cuts: Sequence[int]) -> list[Tensor]:
        images = np.ascontiguousarray(inputs.numpy())
        results = self._session.run([self._outputs[cut] for cut in cuts], {"image": images}, self._options)
        return [torch.from_numpy(result) for result in results]


def executor_for(device: torch.device, cut: int, passes: int) -> str:
    """What runs the groups below `cut` on a device when so many images have to pass them.

    ONNX Runtime is two to five times as fast as torch on processors; compiling for it must pay off. The choice follows
    from the run alone and not from a timing, so that the same run gives the same numbers.
    """
    return "onnxruntime" if device.type == "cpu" and cut > 0 and passes >= WORTH_COMPILING else "torch"


def is_there(name: str) -> bool:
    """Whether a file of `compiled_trunk` with that name is still on this computer; "" is none."""
    return bool(name) and (_folder() / name).is_file()


def compiled_trunk(network: Network, cut: int, known: str = "") -> Path:
    """The file of a network's frozen part with an output at each border up to `cut`, made where it is not there yet.

    Args:
        network: its groups below `cut`.
        cut: >= 1.
        known: name of a file that an earlier sitting of the same run used; taken when it is still there.
    """
    folder = _folder()
    if is_there(known):
        return folder / known
    # An added timm model has a colon in its name, which Windows has no file names for.
    name = network.row.name.replace(":", "-")
    # The file takes images of one size alone, and most networks have the same weights at every size.
    side = network.preprocessing.size
    path = folder / f"{name}-{side}-{cut}-{network.hash(cut)[:32]}-torch{version('torch')}.onnx"
    if not path.is_file():
        compile_trunk(network, cut, path)
    return path


def _folder() -> Path:
    return cache_dir() / "trunks"


def compile_trunk(network: Network, cut: int, path: Path) -> None:
    """Writes a network's frozen part to a file for ONNX Runtime, with an output at each border up to `cut`."""
    size = network.preprocessing.size
    module = copy.deepcopy(_Borders(network, cut)).to("cpu").eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.remove_leftovers(path)
    with atomic.replacing(path) as temporary, warnings.catch_warnings():
        # torch's exporter warns of its own deprecated calls; nothing here can act on them.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (torch.zeros(2, 3, size, size),),
            dynamo=True,
            opset_version=18,
            input_names=["image"],
            dynamic_shapes=({0: torch.export.Dim("images")},),
            verbose=False,
        )
        assert program is not None
        program.save(temporary, external_data=False)
