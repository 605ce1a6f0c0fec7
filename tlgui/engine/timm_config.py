"""timm's own entry of a row's weights: where they are, and what they expect of an image."""

from __future__ import annotations

import logging
import sys
from typing import Any

from torch import Tensor, nn

from tlgui.core.backbones import Backbone

logger = logging.getLogger(__name__)

UNTAGGED = "default"
"""What a row's weights are called where timm has one entry without a tag."""


def config_of(row: Backbone) -> Any:
    """The entry of a row that timm builds."""
    import timm

    tagged = row.builder if row.weights in ("embedded", "none", UNTAGGED) else f"{row.builder}.{row.weights}"
    config = timm.get_pretrained_cfg(tagged)
    assert config is not None
    return config


def translated(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights as their makers published them, under timm's names, where timm has a translation for this kind of network."""
    translate = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if translate is None or all(name in state for name in model.state_dict()):
        return state
    try:
        result: dict[str, Tensor] = translate(dict(state), model)
    except Exception as error:
        # The table may be of anything: what is missing in it is then said by name.
        logger.warning("timm could not translate the names of the weights: %s", type(error).__name__)
        return state
    return result
