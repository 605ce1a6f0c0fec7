"""Which decisions about a folder have no effect any more, since later ones say otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from tlgui.core.intake import Change, fold

# Which change has no effect any more is found by leaving each out in turn; of more of them all count.
_MOST_COMPARED = 60


def without_effect(changes: Sequence[Change]) -> frozenset[int]:
    """Places of those that could be left out, since later ones say otherwise; of equals the last one stays."""
    places = list(range(len(changes)))
    if len(places) > _MOST_COMPARED:
        return frozenset()
    whole = fold(changes)
    for place in range(len(changes)):
        others = [other for other in places if other != place]
        if fold(changes[other] for other in others) == whole:
            places = others
    return frozenset(range(len(changes))) - set(places)
