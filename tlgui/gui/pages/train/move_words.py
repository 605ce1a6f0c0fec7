"""A move of the border between what is frozen and what learns: which layer groups it is about, and what it costs, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from tlgui.core.events import GroupState, MovePlanned
from tlgui.gui import numbers
from tlgui.gui.pages.train.plan import parameters_text
from tlgui.gui.pages.train.rung import spoken_name
from tlgui.gui.run_series import listed

Kind = Literal["unfreeze", "freeze"]
Figure = tuple[str, str, str]

NOT_MEASURED = "not measured"


def reached(groups: Sequence[GroupState], kind: Kind, number: int) -> list[str]:
    """Names of the layer groups that a move of so many reaches, in the order in which it reaches them.

    Args:
        groups: from stem to head.
        kind: of the move.
        number: of groups; fewer where there are not so many.
    """
    if kind == "unfreeze":
        return [group.name for group in reversed(groups) if not group.trainable][:number]
    return [group.name for group in groups[:-1] if group.trainable][:number]


def groups_to(groups: Sequence[GroupState], kind: Kind, target: str) -> int:
    """How many layer groups have to be moved now so that `target` is the last of them; 0 where it is done already."""
    names = reached(groups, kind, len(groups))
    return names.index(target) + 1 if target in names else 0


def spoken(names: Sequence[str], begins: bool = False) -> str:
    """["top", "block 5"] -> "the top and block 5"; where a sentence begins with it, "The top and block 5"."""
    words = listed([spoken_name(name) for name in names])
    return words[:1].upper() + words[1:] if begins else words


def title_of(kind: Kind, names: Sequence[str]) -> str:
    """The question: "Unfreeze block 5?"."""
    return f"{kind.capitalize()} {spoken(names)}?"


def meaning_of(kind: Kind, names: Sequence[str]) -> str:
    """What it does."""
    one = len(names) == 1
    if kind == "unfreeze":
        learns = "It learns" if one else "They learn"
        return f"{learns} from your images too, from the next batch on. It can be taken back, to the last bit."
    stays = "It stays" if one else "They stay"
    return f"{stays} as they are now, from the next batch on. It can be taken back, to the last bit.".replace(
        "It stays as they are", "It stays as it is"
    )


def parameters_after(groups: Sequence[GroupState], kind: Kind, names: Sequence[str]) -> tuple[int, int]:
    """Parameters that learn now, and then."""
    now = sum(group.parameters for group in groups if group.trainable)
    change = sum(group.parameters for group in groups if group.name in names)
    return now, now + change if kind == "unfreeze" else now - change


def figures(
    groups: Sequence[GroupState], kind: Kind, names: Sequence[str], told: MovePlanned | None, waits: bool = True
) -> list[Figure]:
    """(what, now, then) for each row of the plan; what is not measured yet, or could not be, says so.

    Args:
        groups: from stem to head.
        kind, names: of the move.
        told: what was measured; `None` while it is not.
        waits: whether that still comes.
    """
    now, then = parameters_after(groups, kind, names)
    rows = [("Parameters that learn", parameters_text(now), parameters_text(then))]
    if told is None:
        open_value = "…" if waits else NOT_MEASURED
        return [*rows, ("Time for an epoch", "", open_value), ("Memory for a batch", "", open_value)]
    time = _now_then("Time for an epoch", told.seconds_now, told.seconds_then, numbers.seconds_short)
    memory = _now_then("Memory for a batch", told.memory_now_bytes, told.memory_then_bytes, numbers.size)
    snapshot = ("On disk, to be able to take it back", "", numbers.size(told.snapshot_bytes))
    return [*rows, time, memory, snapshot]


def _now_then(name: str, now: float | None, then: float | None, words: Callable[[float], str]) -> Figure:
    return (name, "", NOT_MEASURED) if now is None or then is None else (name, words(now), words(then))


def judged_words(told: MovePlanned) -> str:
    """When and how it is judged."""
    takes = f"; the comparison takes {numbers.about(told.control_seconds)}" if told.control_seconds is not None else ""
    return (
        f"After {numbers.counted(told.judged_after, 'epoch')} it is judged against the same epochs without it, on the "
        f"same validation images{takes}."
    )
