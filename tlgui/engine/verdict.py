"""Whether a change helped: two networks on the same images, as a paired difference with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from tlgui.core.paired import Paired

Kind = Literal["unfreeze", "freeze"]
# With fewer images the sentence says that only a large difference could be seen.
_FEW = 50
_DOING = {"unfreeze": "Unfreezing", "freeze": "Freezing"}


def by_most(votes: Mapping[int, int], epochs: int, last: Mapping[int, bool]) -> dict[int, bool]:
    """Whether most epochs told each image right.

    From one epoch to the next, training moves a decision border to and fro by more than a layer group brings: one epoch
    against one other epoch would judge that. On an even number of epochs that are split in halves, the last one decides.

    Args:
        votes: how many of the `epochs` told an image right, by its number.
        epochs: how many.
        last: whether the last one did; only its images count.
    """
    return {number: 2 * votes.get(number, 0) + (right - 0.5) > epochs for number, right in last.items()}


def sentence(kind: Kind, names: Sequence[str], paired: Paired, epochs: int) -> str:
    """The verdict for people.

    Args:
        kind: what was done.
        names: to which layer groups, the uppermost first.
        paired: with it against without it.
        epochs: that both were trained.
    """
    what = f"{_DOING[kind]} {together(names)}"
    same = f"the same {epochs} epochs" if epochs > 1 else "the same epoch"
    points, low, high = (100 * value for value in (paired.difference, paired.low, paired.high))
    if paired.outcome == "helped":
        return f"{what} helped: {points:.1f} points better ({low:.1f} to {high:.1f}) than {same} without it."
    if paired.outcome == "hurt":
        return f"{what} hurt: {-points:.1f} points worse ({-high:.1f} to {-low:.1f}) than {same} without it."
    few = f" With {paired.images} validation images only a large one could be seen." if paired.images < _FEW else ""
    return f"{what} made no clear difference: {points:+.1f} points ({low:+.1f} to {high:+.1f}) against {same} without it.{few}"


def together(names: Sequence[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), names[-1]])
