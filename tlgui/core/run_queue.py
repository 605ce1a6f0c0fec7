"""Runs that wait for their turn, kept in the person's state folder so that they are there after a restart.

A waiting run's folder is made when it is queued, so that nothing that is changed afterwards changes it. The list is one
small file that several windows may change at once; each change reads it anew under a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tlgui.core import state_file

FILE = "queue.json"
_WHAT = "The queue of runs"
_RUNS = "runs"


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """A run that waits, or one whose turn came and that failed.

    Attributes:
        run: its folder: the whole path.
        data: the folder of its images.
        name: of these images, for people.
        method: strategy and network in words.
        weights_file: the person's own weights, or "".
        problem: why it failed, as a sentence; "" while it waits.
    """

    run: str
    data: str
    name: str = ""
    method: str = ""
    weights_file: str = ""
    problem: str = ""

    @property
    def waits(self) -> bool:
        """Whether its turn is still to come."""
        return not self.problem


Queue = tuple[Queued, ...]


def read() -> Queue:
    """The list as it is on disk; entries that cannot be read are passed over."""
    return _entries(state_file.read(FILE))


def change(how: Callable[[Queue], Queue]) -> Queue:
    """Changes the list while nobody else does.

    Args:
        how: from the list as it is to the list as it shall be.

    Returns:
        The list after that.
    """
    with state_file.changing(FILE, _WHAT) as table:
        entries = how(_entries(table))
        table[_RUNS] = msgspec.to_builtins(entries)
    return entries


def failed(entries: Queue, one: Queued, problem: str) -> Queue:
    """With a run marked: its turn came, and it came to nothing."""
    marked = msgspec.structs.replace(one, problem=problem or "It failed.")
    if any(other.run == one.run for other in entries):
        return tuple(marked if other.run == one.run else other for other in entries)
    return (*entries, marked)


def added(entries: Queue, one: Queued, first: bool = False) -> Queue:
    """With one more: at the end, or before all others; a run is never there twice."""
    others = removed(entries, one.run)
    return (one, *others) if first else (*others, one)


def removed(entries: Queue, run: str) -> Queue:
    """Without a run."""
    return tuple(one for one in entries if one.run != run)


def moved(entries: Queue, run: str, by: int) -> Queue:
    """A waiting run earlier (by < 0) or later among those that wait; failed ones stay where they are."""
    order = [one.run for one in waiting(entries)]
    if run not in order:
        return entries
    at = order.index(run)
    order.insert(min(max(0, at + by), len(order) - 1), order.pop(at))
    by_run = {one.run: one for one in entries}
    places = iter(order)
    return tuple(by_run[next(places)] if one.waits else one for one in entries)


def waiting(entries: Sequence[Queued]) -> list[Queued]:
    """Those whose turn is still to come, the next one first."""
    return [one for one in entries if one.waits]


def words(count: int) -> str:
    """How many, such as "2 runs wait"."""
    return "1 run waits" if count == 1 else f"{count} runs wait"


def _entries(table: dict[str, object]) -> Queue:
    found = table.get(_RUNS)
    entries: list[Queued] = []
    for item in found if isinstance(found, list) else []:
        try:
            entries.append(msgspec.convert(item, Queued))
        except msgspec.ValidationError:
            continue
    return tuple(entries)
