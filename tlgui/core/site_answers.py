"""How sure two runs are of a new site's unlabelled images, and how their answers spread: no label is read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tlgui.core.adaptation import entropy
from tlgui.core.run_folder import RunFolder

MOST_IMAGES = 400


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run: mean entropy of its answers in nats, 0 = all are sure; and entropy of their mean, 0 = all get the same."""

    entropy: float
    spread: float


class SiteAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """Both runs on the `images` that both answered."""

    images: int
    before: Answers
    after: Answers


def asked_of(run: RunFolder, site: Path) -> list[tuple[str, str]]:
    """Images that the run adapted to, at most `MOST_IMAGES`, drawn by their contents: (path, absolute path).

    Args:
        run: that adapted.
        site: where the folder of the new site is.

    Raises:
        UserError: the list of them is damaged.
    """
    drawn = sorted(run.target(), key=lambda row: row.content_hash)[:MOST_IMAGES]
    return [(row.path, str((site / row.path).absolute())) for row in drawn]


def summed_up(before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]]) -> SiteAnswers | None:
    """Both runs on the same images; `None` where they have none in common.

    Args:
        before, after: by path, the probabilities of all classes.
    """
    common = sorted(before.keys() & after.keys())
    if not common:
        return None
    mine, theirs = ([answers[path] for path in common] for answers in (after, before))
    return SiteAnswers(images=len(common), before=_of(theirs), after=_of(mine))


def _of(answers: Sequence[Sequence[float]]) -> Answers:
    n = len(answers)
    mean = [math.fsum(row[place] for row in answers) / n for place in range(len(answers[0]))]
    return Answers(entropy=math.fsum(map(entropy, answers)) / n, spread=entropy(mean))
