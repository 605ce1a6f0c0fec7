"""How long a comparison of ways takes on this computer, from what was measured here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlgui.core.comparison import Comparison, Entrant, folds_by_default
from tlgui.core.estimates import about_time
from tlgui.gui.wizard.costs import seconds_of

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


def folds_of(bench: Workbench, chosen: int | None) -> int:
    """How many folds the images in hand are parted into; 0 = one split.

    Args:
        bench: whose images they are.
        chosen: by the person, `None` = as the images need.
    """
    summary = bench.draft.summary
    if chosen is not None or summary is None:
        return chosen or 0
    return folds_by_default(bench.draft.images, summary.gives_split)


def seconds_of_ways(bench: Workbench, entrants: Sequence[Entrant], epochs: int, folds: int) -> float:
    """Of all their runs together; 0 where no speed is known."""
    draft = bench.draft
    if draft.summary is None or not entrants:
        return 0.0
    pair = list(entrants) if len(entrants) > 1 else [*entrants, *entrants]
    asked = Comparison(backbone=draft.backbone, epochs=epochs, folds=folds, entrants=pair)
    each = [seconds_of(bench, asked.spec(entrant).training) for entrant in entrants]
    known = [one for one in each if one is not None]
    return sum(known) * max(1, folds) if len(known) == len(entrants) else 0.0


def takes(seconds: float) -> str:
    """For the foot of a page; "" where nothing is known."""
    return f"Takes {about_time(seconds)} on this computer" if seconds else ""
