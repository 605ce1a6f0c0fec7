"""Why this network and this strategy, from what was measured on the person's own images and computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlgui.core.advice_events import Way
from tlgui.core.strategies import AUTO, STRATEGIES
from tlgui.gui.networks import network

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


def why(bench: Workbench) -> str:
    """Sentences for the review; "" where nothing was measured yet, or where the run has begun."""
    if bench.read_only:
        return ""
    said = [_of_network(bench), _of_images(bench), _of_strategy(bench)]
    return " ".join(sentence for sentence in said if sentence)


def _of_network(bench: Workbench) -> str:
    row = network(bench.draft.backbone)
    seconds = bench.machine.speed(bench.draft.backbone)
    if row is None or seconds is None:
        return ""
    return f"{row.label} takes about {max(1, round(seconds))} s for 1,000 images here."


def _of_images(bench: Workbench) -> str:
    found = bench.advice.similarity
    return found.sentence if found is not None else ""


def _of_strategy(bench: Workbench) -> str:
    found, picked = bench.advice.found, bench.draft.strategy
    if found is None:
        return ""
    advised = found.recommended
    if picked == AUTO:
        return f"{advised.reason} So it will most likely become {_named(advised)}."
    if picked == advised.strategy:
        return advised.reason
    return f"Our advice, {_named(advised)}, is another one: {advised.reason}"


def _named(way: Way) -> str:
    groups = f" with {way.top_groups} layer groups" if way.top_groups and way.top_groups > 1 else ""
    return f"“{STRATEGIES[way.strategy].label}”{groups}"
