"""Whether an earlier run was the better beginning: each way of training with it and without it, on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tlgui.core.comparison import Entrant
from tlgui.core.run_spec import Source
from tlgui.core.transfer import between, points, signed

if TYPE_CHECKING:
    from tlgui.core.comparison_result import Pair


def sentences(entrants: Sequence[Entrant], pairs: Sequence[Pair], source: Source) -> list[str]:
    """What was found, a sentence for each way; the verdicts are adjusted for all pairs that were looked at.

    Args:
        entrants: each way with the run and without.
        pairs: of the result.
        source: the earlier run.
    """
    of = f" ({source.images:,} images of '{source.dataset}')" if source.dataset else ""
    begins = f"beginning with the run '{source.run}'{of}"
    said = []
    for entrant in entrants:
        without = msgspec.structs.replace(entrant, from_run=False)
        if not entrant.from_run or without not in entrants:
            continue
        verdict, difference, low, high = between(pairs, entrant.key, without.key)
        if verdict == "helped":
            found = f"{begins} helped by {points(difference, low, high)}."
        elif verdict == "hurt":
            found = (
                f"{begins} hurt by {points(-difference, -high, -low)}; the published weights are the better beginning."
            )
        else:
            found = (
                f"whether {begins} helps cannot be told, {signed(difference, low, high)}. Then the published weights "
                "will do."
            )
        said.append(f"{without.label}: {found}")
    return said
