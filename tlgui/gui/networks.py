"""The networks that can be picked: the rows of the backbone table, and the timm models that a person added."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from tlgui.core import paths
from tlgui.core.backbones import BACKBONES, DEFAULT_BACKBONE, Backbone, added
from tlgui.core.errors import UserError
from tlgui.core.estimates import Speed
from tlgui.core.machine_facts import speed_from


def networks() -> dict[str, Backbone]:
    """All rows by name, those of the table first, then the added ones."""
    try:
        return {**BACKBONES, **_added(str(paths.state_dir()))}
    except UserError:  # without a place for it nothing was added
        return dict(BACKBONES)


def look_again() -> None:
    """A model was added: the list is read anew when it is asked for next."""
    _added.cache_clear()


@lru_cache(maxsize=4)
def _added(_state_dir: str) -> dict[str, Backbone]:
    # Asked for with every change of a page, so it is read from disk once.
    return added()


def network(name: str) -> Backbone | None:
    """The row of that name; `None` where it is not known on this computer."""
    return networks().get(name)


def label_of(name: str) -> str:
    """What people read; of a network that is not known here, its name."""
    row = network(name)
    return row.label if row is not None else name


def size_problem(row: Backbone, size: int | None) -> str:
    """Why a network cannot see squares of that size, and which are near; "" where it can."""
    try:
        row.at(size)
    except UserError as error:
        return f"{error.problem} {error.remedy}"
    return ""


def sized(row: Backbone, size: int | None) -> Backbone:
    """The row with an input of that size; as it is where the network does not take it."""
    return row if size_problem(row, size) else row.at(size)


def speed_of(known: Mapping[str, Speed], row: Backbone) -> tuple[Speed | None, bool]:
    """The speed of a network at its row's size, and whether it was measured so.

    Args:
        known: measured on this computer at the networks' own sizes, by backbone.
        row: perhaps of another size (see `sized`), perhaps an added one.
    """
    own = network(row.name) or row
    if row.name in BACKBONES or row.name in known:
        speed, measured = speed_from(known, row.name)
        times = row.relative_seconds / own.relative_seconds
    else:
        speed, measured = speed_from(known, DEFAULT_BACKBONE)[0], False
        times = row.relative_seconds / BACKBONES[DEFAULT_BACKBONE].relative_seconds
    if speed is None or times == 1:
        return speed, measured
    return msgspec.structs.replace(speed, seconds_per_1000=speed.seconds_per_1000 * times), False
