"""Position embeddings of a transformer for an input of another size than its weights were trained with."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

from torch import Tensor, nn

from tlgui.core.backbones import Backbone

# Where the libraries keep them.
_TORCHVISION, _TIMM = "encoder.pos_embedding", "pos_embed"


def fitted(row: Backbone, model: nn.Module, state: dict[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Weights whose position embeddings have the grid of the network, interpolated as its library does it.

    Args:
        row: of the network.
        model: built for the size of the input.
        state: weights under the network's names; it stays as it is.

    Returns:
        Weights that fit where they can, and what was done, for people; "" where nothing was.
    """
    name = _TORCHVISION if row.library == "torchvision" else _TIMM
    wanted, given = model.state_dict().get(name), state.get(name)
    if not row.sized_by or wanted is None or given is None or given.shape == wanted.shape or given.ndim != 3:
        return state, ""
    # timm keeps some positions without the class token, and some with further tokens before the patches.
    network: Any = model
    prefix = 1
    if row.library == "timm":
        prefix = 0 if getattr(network, "no_embed_class", False) else network.num_prefix_tokens
    old, new = (math.isqrt(max(0, tensor.shape[1] - prefix)) for tensor in (given, wanted))
    if old**2 != given.shape[1] - prefix or given.shape[2] != wanted.shape[2] or not old:
        return state, ""
    if row.library == "torchvision":
        from torchvision.models.vision_transformer import interpolate_embeddings

        changed = interpolate_embeddings(network.image_size, network.patch_size, OrderedDict(state))
    else:
        from timm.layers.pos_embed import resample_abs_pos_embed

        changed = {**state, name: resample_abs_pos_embed(given, [new, new], [old, old], num_prefix_tokens=prefix)}
    sentence = (
        f"{row.label} knows where a part of the image lies by position embeddings: they were interpolated from "
        f"{old} x {old} to {new} x {new}, since the input has another size than its weights were trained with."
    )
    return dict(changed), sentence
