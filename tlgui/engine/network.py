"""One network as a ladder of layer groups from stem to head, cut anywhere into a frozen part and a trained part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from torch import Tensor, nn

from tlgui.core.backbones import Backbone
from tlgui.core.preprocessing import Preprocessing
from tlgui.engine.operations import OPERATIONS, WHOLE

# Below about this many images a batch's own mean and variance are too noisy to replace those of a million images.
MIN_BATCH_FOR_STATISTICS = 30

_NORMS = (nn.modules.batchnorm._BatchNorm,)


class Network:
    """A library's own network whose layer groups can be run one after another.

    Args:
        row: the backbone's row.
        model: the library's network, its head already made for the classes.
        preprocessing: what its weights expect.
        classes: number of outputs.
        note: what was done to its weights to make them fit, for people; "" where nothing was.
        pretrained: whether it begins with what it learned elsewhere; `None` = where such weights are published.

    Group `i` takes what group `i - 1` returns; the last group is the head. Running all of them is `model(x)`.
    """

    def __init__(
        self,
        row: Backbone,
        model: nn.Module,
        preprocessing: Preprocessing,
        classes: int,
        note: str = "",
        pretrained: bool | None = None,
    ) -> None:
        self.row = row
        self.model = model
        self.preprocessing = preprocessing
        self.classes = classes
        self.note = note
        self._pretrained = pretrained
        self.group_names = [*(group.name for group in row.groups), "head"]
        self._modules = [*(group.modules for group in row.groups), row.head]
        self._single = [*(group.parameters for group in row.groups), ()]
        self.model.eval()

    @property
    def pretrained(self) -> bool:
        """Whether it begins with what it learned elsewhere."""
        return self.row.pretrained if self._pretrained is None else self._pretrained

    @pretrained.setter
    def pretrained(self, known: bool) -> None:
        self._pretrained = known

    def __len__(self) -> int:
        return len(self.group_names)

    @property
    def head_index(self) -> int:
        """Index of the head among the groups."""
        return len(self) - 1

    @property
    def head_linear(self) -> nn.Linear:
        """The layer that gives the logits; of a head with a hidden layer, the last one."""
        linear = self.model.get_submodule(self.row.head_linear)
        if isinstance(linear, nn.Sequential):
            linear = linear[-1]
        assert isinstance(linear, nn.Linear)
        return linear

    @property
    def borders(self) -> list[int]:
        """Every group below which the network can be cut in two, from 0 (nothing below it) to the head."""
        return [0, self.head_index] if self.row.whole else list(range(len(self)))

    def cut_below(self, first: int) -> int:
        """The highest border at or below group `first` at which the network can be cut in two."""
        return max(border for border in self.borders if border <= first)

    def run(self, x: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Runs groups `start` to `stop - 1`.

        Args:
            x: what group `start` takes: (N, 3, S, S) normalised images for 0, else activations of the group below.
            start, stop: of `borders`; without `stop`, to the end.

        Returns:
            Activations below group `stop`, or (N, classes) logits.

        Raises:
            ValueError: the network cannot be cut there.
        """
        for run in self._steps(start, len(self) if stop is None else stop):
            x = run(x)
        return x

    def parameters(self, index: int) -> list[nn.Parameter]:
        """Parameters of a group, each once."""
        single = (self.model.get_parameter(path) for path in self._single[index])
        return [*(parameter for module in self.modules(index) for parameter in module.parameters()), *single]

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
        paths = [path for group in self._modules[start:stop] for path in group if not path.startswith("@")]
        paths += [path for group in self._single[start:stop] for path in group]
        prefixes = tuple(f"{path}." for path in paths)
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

    def training_mode(self, first: int, keep_statistics: bool) -> None:
        """Training mode for the groups from `first` on, evaluation mode below: frozen means frozen, buffers too.

        Args:
            first: lowest group that trains.
            keep_statistics: BatchNorm layers keep the statistics that they came with.
        """
        self.model.eval()
        for index in range(first, len(self)):
            for module in self.modules(index):
                module.train()
                if keep_statistics:
                    for norm in module.modules():
                        if isinstance(norm, _NORMS):
                            norm.eval()

    def evaluation_mode(self) -> None:
        """No dropout, no batch statistics, anywhere."""
        self.model.eval()

    def _steps(self, start: int, stop: int) -> Iterator[Callable[[Tensor], Tensor]]:
        places = {*self.borders, len(self)}
        if start not in places or stop not in places:
            raise ValueError(f"{self.row.name} cannot be run from group {start} to {stop}")
        head = self.head_index
        if self.row.whole and start < head <= stop:
            yield partial(WHOLE, self.model)
            start = head
        for group in self._modules[start:stop]:
            for path in group:
                operation = OPERATIONS.get(path)
                yield partial(operation, self.model) if operation else self.model.get_submodule(path)
