"""The zoo by name: the table of `backbone_rows`, and the timm models that this person added to it."""

from __future__ import annotations

from tlgui.core import added_backbones
from tlgui.core.backbone_row import Backbone, LayerGroup
from tlgui.core.backbone_rows import ROWS
from tlgui.core.errors import UserError
from tlgui.core.strategies import AUTO, strategy

__all__ = ["ADDED", "BACKBONES", "DEFAULT_BACKBONE", "Backbone", "LayerGroup", "added", "backbone", "check_strategy"]

BACKBONES: dict[str, Backbone] = {row.name: row for row in ROWS}
DEFAULT_BACKBONE = "efficientnet-lite0"
ADDED = added_backbones.PREFIX
"""How the name of another timm model begins: "timm:" and then its name there."""


def added() -> dict[str, Backbone]:
    """The timm models that were added on this computer, by name, in the order in which they were."""
    return added_backbones.known()


def backbone(name: str) -> Backbone:
    """The row of that name: of the table, or of a timm model that was added on this computer.

    Raises:
        UserError: there is none; the remedy lists those that exist.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if not name.startswith(ADDED):
        raise UserError(f"There is no backbone named '{name}'.", f"Choose one of: {', '.join(BACKBONES)}.")
    try:
        return added()[name]
    except KeyError:
        raise UserError(
            f"The timm model '{name.removeprefix(ADDED)}' was not looked at on this computer yet.",
            "Add it with 'Another timm model' on the Backbone page, then choose it.",
            code="backbone_unknown",
        ) from None


def check_strategy(row: Backbone, name: str) -> None:
    """Makes sure that a strategy can be had with a backbone and its published weights.

    Args:
        row: the backbone.
        name: of the strategy; "auto" becomes what is possible.

    Raises:
        UserError: the strategy needs pretrained weights, and the backbone has none.
    """
    if row.pretrained or name == AUTO or not strategy(name).pretrained:
        return
    raise UserError(
        f"{row.label} has no pretrained weights, and '{strategy(name).label.lower()}' begins with such.",
        "Choose the strategy from-scratch, or another backbone.",
        code="no_pretrained",
    )
