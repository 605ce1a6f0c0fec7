"""What a run begins with, where that is the network of an earlier run."""

from __future__ import annotations

from tlgui.core.errors import UserError
from tlgui.core.run_spec import Source
from tlgui.engine import weights
from tlgui.engine.backbones import build
from tlgui.engine.network import Network


def is_published(network: Network) -> bool:
    """Whether all below its head is what everybody gets: an earlier run that trained its head alone changed nothing.

    Where the published weights are not on this computer it counts as changed.
    """
    row = network.row
    if not row.pretrained:
        return False
    try:
        published = build(row, 2, weights.pretrained(row), size=row.size)
    except UserError:
        return False
    return published.hash(published.head_index) == network.hash(network.head_index)


def beginning_words(source: Source, published: bool) -> str:
    """What is said of it before the run.

    Args:
        source: the earlier run.
        published: whether all below its head is as published; asked of a run with a new head.
    """
    images = f" It learned from {source.images:,} images of '{source.dataset}'." if source.images else ""
    if source.classes:
        return f"This run learns on from the run '{source.run}': its {len(source.classes)} classes stay.{images}"
    if published:
        return (
            f"The run '{source.run}' trained its head alone, so below the head this run begins with the published "
            "weights and nothing else."
        )
    return f"This run begins with the network of the run '{source.run}', below its head.{images}"
