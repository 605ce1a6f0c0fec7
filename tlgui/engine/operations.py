"""What a library's network does between its modules, by name, so that its layer groups can be run one after another.

To add an operation: a function here that does exactly what the library's `forward` does there, its name in `OPERATIONS`,
and the parameters that it uses in the `parameters` of the layer group that it stands in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Operation = Callable[[Any, Tensor], Tensor]


def _flatten(model: nn.Module, x: Tensor) -> Tensor:
    """(N, C, 1, 1) -> (N, C)."""
    return torch.flatten(x, 1)


def _vit_tokens(model: Any, x: Tensor) -> Tensor:
    """Between patches and blocks of torchvision's ViT: (N, D, h, w) -> (N, 1 + h w, D), the class token first."""
    images = x.shape[0]  # `len` would be a constant in an exported graph
    tokens = x.reshape(images, model.hidden_dim, -1).permute(0, 2, 1)
    tokens = torch.cat([model.class_token.expand(images, -1, -1), tokens], dim=1)
    with_position: Tensor = tokens + model.encoder.pos_embedding
    return with_position


def _class_token(model: nn.Module, x: Tensor) -> Tensor:
    """(N, tokens, D) -> (N, D)."""
    return x[:, 0]


def _timm_tokens(model: Any, x: Tensor) -> Tensor:
    """Between patches and blocks of timm's transformers: positions and prefix tokens."""
    tokens: Tensor = model._pos_embed(x)
    return tokens


def _timm_pool(model: Any, x: Tensor) -> Tensor:
    """Behind the blocks of timm's transformers: (N, tokens, D) -> (N, D), by the class token or the mean, as the model says."""
    pooled: Tensor = model.pool(x)
    return pooled


def _timm_features(model: Any, x: Tensor) -> Tensor:
    """Everything of a timm network but its classifier: (N, 3, S, S) -> (N, features)."""
    features: Tensor = model.forward_head(model.forward_features(x), pre_logits=True)
    return features


OPERATIONS: dict[str, Operation] = {
    "@flatten": _flatten,
    "@vit-tokens": _vit_tokens,
    "@class-token": _class_token,
    "@timm-tokens": _timm_tokens,
    "@timm-pool": _timm_pool,
}

WHOLE: Operation = _timm_features
"""What runs all groups below the head of a network that can be cut nowhere else."""
