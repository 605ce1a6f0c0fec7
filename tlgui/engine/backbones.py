"""Builds the networks of the backbone table; sizes, kernels, means come from the library that publishes the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import nn

from tlgui.core.backbones import Backbone
from tlgui.core.heads import LINEAR, Head
from tlgui.core.preprocessing import Fit, Kernel, Preprocessing
from tlgui.engine import positions, seeding
from tlgui.engine.network import Network
from tlgui.engine.timm_config import config_of, translated
from tlgui.engine.weights import State, load_into, without_prefix

# Of a network that no weights were published for: grey levels spread around 0.
_HALF = (0.5, 0.5, 0.5)


def build(
    row: Backbone,
    classes: int,
    state: State | None,
    fit: Fit = "crop",
    source: str = "The weights file",
    size: int | None = None,
    head: Head = LINEAR,
    seed: int = 0,
) -> Network:
    """A network with a new head for `classes` classes.

    A linear head of zeros answers 1/C for everything, so the first loss is log C and no random direction is in it.

    Args:
        row: which network.
        classes: number of outputs, >= 2.
        state: weights for everything below the head; `None` leaves the library's random start.
        fit: how a long image becomes a square.
        source: what the weights are called in an error.
        size: side of its input; `None` = the row's own. Position embeddings of another grid are interpolated, and
            `Network.note` says so.
        head: what it ends in.
        seed: of everything that begins at random.

    Raises:
        UserError: the weights do not fit, or the network does not take images of that size.
    """
    sized = row.at(size)
    note = ""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.derive(seed, "weights"))
        model = _bare(row, sized.size)
        if state is not None:
            state = without_prefix(model, state, row.head_linear)
            state, note = positions.fitted(row, model, state)
            if row.library == "timm":
                state = translated(model, state)
            load_into(model, state, row.head_linear, source)
        old = model.get_submodule(row.head_linear)
        assert isinstance(old, nn.Linear)
        model.set_submodule(row.head_linear, _head(old.in_features, classes, head))
    recipe = preprocessing(row, fit, size)
    # Those of a network that nobody publishes may come from a run that trained it before.
    pretrained = True if state is not None else None
    return Network(sized, model.to(memory_format=torch.channels_last), recipe, classes, note, pretrained)


def _head(features: int, classes: int, head: Head) -> nn.Module:
    last = nn.Linear(features if head.kind == "linear" else head.units, classes)
    if head.kind == "linear":
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        return last
    return nn.Sequential(nn.Linear(features, head.units), nn.ReLU(), nn.Dropout(head.dropout), last)


def preprocessing(row: Backbone, fit: Fit = "crop", size: int | None = None) -> Preprocessing:
    """What the published weights expect, as the library says it.

    Args:
        row: which network.
        fit: how a long image becomes a square.
        size: side of its input; `None` = the row's own. The side before the crop keeps the library's ratio to it.

    Raises:
        UserError: the network does not take images of that size.
    """
    side = row.at(size).size
    known, resize_to, kernel, mean, std = _published(row)
    return Preprocessing(
        size=side,
        resize_to=side * resize_to // known,
        kernel=kernel,
        fit=fit,
        mean=_three(mean),
        std=_three(std),
    )


def arguments(row: Backbone, size: int) -> dict[str, Any]:
    """What the library's builder must be told beside the number of classes, for an input of this size."""
    return {row.sized_by: size} if row.sized_by else {}


def _published(row: Backbone) -> tuple[int, int, Kernel, Iterable[float], Iterable[float]]:
    """Size, side before the crop, kernel, mean and std, as the library says them."""
    if row.library == "own":
        return row.size, row.resize_to, row.kernel, _HALF, _HALF
    if row.library == "timm":
        config = config_of(row)
        size = config.input_size[-1]
        # The first is timm's own rounding, in create_transform.
        return size, int(size / config.crop_pct), cast(Kernel, config.interpolation), config.mean, config.std
    from torchvision.models import get_model_weights

    preset = get_model_weights(row.builder)[row.weights].transforms()
    kernel = cast(Kernel, preset.interpolation.value)
    return preset.crop_size[0], preset.resize_size[0], kernel, preset.mean, preset.std


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _bare(row: Backbone, size: int) -> nn.Module:
    """The library's own network with random weights, its head as the library makes it for 1,000 classes."""
    match row.library:
        case "own":
            from tlgui.engine.small_cnn import TinyCNN

            return TinyCNN(1_000)
        case "timm":
            import timm

            # By name and not left to timm: some models have no head unless they are asked for one.
            model = timm.create_model(row.builder, num_classes=1_000, **arguments(row, size))
        case "torchvision":
            from torchvision.models import get_model

            model = get_model(row.builder, weights=None, **arguments(row, size))
    assert isinstance(model, nn.Module)
    return model
