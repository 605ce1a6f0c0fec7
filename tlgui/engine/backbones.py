"""Builds the networks of the backbone table; sizes, kernels, means come from the library that publishes the weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import nn

from tlgui.core.backbones import Backbone
from tlgui.core.preprocessing import Fit, Kernel, Preprocessing
from tlgui.engine.network import Network
from tlgui.engine.weights import State, load_into


def build(
    row: Backbone, classes: int, state: State | None, fit: Fit = "crop", source: str = "The weights file"
) -> Network:
    """A network with a new head of zeros for `classes` classes.

    A head of zeros answers 1/C for everything, so the first loss is log C and no random direction is in it.

    Args:
        row: which network.
        classes: number of outputs, >= 2.
        state: weights for everything below the head; `None` leaves the library's random start.
        fit: how a long image becomes a square.
        source: what the weights are called in an error.

    Raises:
        UserError: the weights do not fit.
    """
    model = _bare(row)
    if state is not None:
        load_into(model, state, row.head_linear, source)
    old = model.get_submodule(row.head_linear)
    assert isinstance(old, nn.Linear)
    head = nn.Linear(old.in_features, classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    model.set_submodule(row.head_linear, head)
    return Network(row, model.to(memory_format=torch.channels_last), preprocessing(row, fit), classes)


def preprocessing(row: Backbone, fit: Fit = "crop") -> Preprocessing:
    """What the published weights expect, as the library says it."""
    if row.library == "timm":
        import timm

        cfg = timm.get_pretrained_cfg(row.builder)
        assert cfg is not None
        size = cfg.input_size[-1]
        return Preprocessing(
            size=size,
            resize_to=int(size / cfg.crop_pct),  # timm's own rounding, in create_transform
            kernel=cast(Kernel, cfg.interpolation),
            fit=fit,
            mean=_three(cfg.mean),
            std=_three(cfg.std),
        )
    from torchvision.models import get_model_weights

    preset = get_model_weights(row.builder)[row.weights].transforms()
    return Preprocessing(
        size=preset.crop_size[0],
        resize_to=preset.resize_size[0],
        kernel=cast(Kernel, preset.interpolation.value),
        fit=fit,
        mean=_three(preset.mean),
        std=_three(preset.std),
    )


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _bare(row: Backbone) -> nn.Module:
    if row.library == "timm":
        import timm

        model: nn.Module = timm.create_model(row.builder)
        return model
    from torchvision.models import get_model

    model = get_model(row.builder, weights=None)
    assert isinstance(model, nn.Module)
    return model
