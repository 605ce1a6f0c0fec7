"""One network as a ladder of layer groups from stem to head, cut anywhere into a frozen part and a trained part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from tlgui.core.backbones import Backbone
from tlgui.core.preprocessing import Preprocessing

# Below about this many images a batch's own mean and variance are too noisy to replace those of a million images.
MIN_BATCH_FOR_STATISTICS = 30

_NORMS = (nn.modules.batchnorm._BatchNorm,)


def _flatten(x: Tensor) -> Tensor:
    return torch.flatten(x, 1)


class Network:
    """A library's own network whose layer groups can be run one after another.

    Args:
        row: the backbone's row.
        model: the library's network, its head already made for the classes.
        preprocessing: what its weights expect.
        classes: number of outputs.

    Group `i` takes what group `i - 1` returns; the last group is the head. Running all of them is `model(x)`.
    """

    def __init__(self, row: Backbone, model: nn.Module, preprocessing: Preprocessing, classes: int) -> None:
        self.row = row
        self.model = model
        self.preprocessing = preprocessing
        self.classes = classes
        self.group_names = [*(group.name for group in row.groups), "head"]
        self._modules = [*(group.modules for group in row.groups), row.head]
        self.model.eval()

    def __len__(self) -> int:
        return len(self.group_names)

    @property
    def head_index(self) -> int:
        """Index of the head among the groups."""
        return len(self) - 1

    @property
    def head_linear(self) -> nn.Linear:
        """The layer that gives the logits."""
        linear = self.model.get_submodule(self.row.head_linear)
        assert isinstance(linear, nn.Linear)
        return linear

    def run(self, x: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Runs groups `start` to `stop - 1`.

        Args:
            x: what group `start` takes: (N, 3, S, S) normalised images for 0, else activations of the group below.

        Returns:
            Activations below group `stop`, or (N, classes) logits.
        """
        for group in self._operations(start, stop):
            x = group(x)
        return x

    def parameters(self, index: int) -> list[nn.Parameter]:
        """Parameters of a group, each once."""
        return [parameter for module in self.modules(index) for parameter in module.parameters()]

    def modules(self, index: int) -> Iterator[nn.Module]:
        """Modules of a group, without its operations."""
        for path in self._modules[index]:
            if not path.startswith("@"):
                yield self.model.get_submodule(path)

    def count(self, indices: Iterable[int]) -> int:
        """Number of parameters in these groups."""
        return sum(parameter.numel() for index in indices for parameter in self.parameters(index))

    def tensors(self, stop: int, start: int = 0) -> dict[str, Tensor]:
        """Parameters and buffers of groups `start` to `stop - 1`, by their names in the network."""
        prefixes = tuple(
            f"{path}." for group in self._modules[start:stop] for path in group if not path.startswith("@")
        )
        return {name: tensor for name, tensor in self.model.state_dict().items() if f"{name}.".startswith(prefixes)}

    def hash(self, stop: int) -> str:
        """Hash of parameters and buffers below group `stop`; it changes when any bit of them changes."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.tensors(stop).items()):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def set_trainable(self, first: int) -> None:
        """Groups from `first` on train, those below are frozen: no gradient is kept or computed for them."""
        for index in range(len(self)):
            for parameter in self.parameters(index):
                parameter.requires_grad_(index >= first)
                if index < first:
                    parameter.grad = None

    def training_mode(self, first: int, batch_size: int) -> None:
        """Training mode for the groups from `first` on, evaluation mode below: frozen means frozen, buffers too.

        BatchNorm layers keep the statistics that they came with when a batch is smaller than
        `MIN_BATCH_FOR_STATISTICS`.
        """
        self.model.eval()
        for index in range(first, len(self)):
            for module in self.modules(index):
                module.train()
                if batch_size < MIN_BATCH_FOR_STATISTICS:
                    for norm in module.modules():
                        if isinstance(norm, _NORMS):
                            norm.eval()

    def evaluation_mode(self) -> None:
        """No dropout, no batch statistics, anywhere."""
        self.model.eval()

    def _operations(self, start: int, stop: int | None) -> Iterator[Callable[[Tensor], Tensor]]:
        for group in self._modules[start:stop]:
            for path in group:
                yield _flatten if path == "@flatten" else self.model.get_submodule(path)
