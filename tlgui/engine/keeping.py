"""Whether what the frozen part gives is kept on disk, decided anew whenever the border moves."""

from __future__ import annotations

from collections.abc import Iterator

from tlgui.core.events import Event
from tlgui.core.planning import views_in_all
from tlgui.engine import cache
from tlgui.engine.frozen_part import needed_bytes, too_large
from tlgui.engine.live import Live


def decide_keeping(live: Live) -> Iterator[Event]:
    """Keeps activations only where the disk should give so much: lower down they are larger."""
    place, setup = live.place, live.setup
    before, place.caching = place.caching, False
    if live.cut > 0 and not live.mixes:
        views = views_in_all(live.training)
        seen = len(setup.train) + (len(setup.target) if setup.target is not None else 0)
        earlier = sum(len(part) for part in setup.knowledge.parts()) if setup.knowledge is not None else 0
        needed = needed_bytes(live.network, live.cut, seen, len(setup.validation) + earlier, views)
        place.caching = needed <= cache.budget_bytes()
        if place.caching:
            live.frozen.make_room(needed, live.cut)
        elif before:
            yield too_large(needed)
    live.frozen.caching = place.caching
