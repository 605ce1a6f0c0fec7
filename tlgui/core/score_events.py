"""What the engine says of two runs on the same images; see `events`."""

from __future__ import annotations

from typing import Any

import msgspec

from tlgui.core.event import Event
from tlgui.core.paired import Outcome


class ScoredBeside(Event, frozen=True, kw_only=True):
    """The other run on the images of an `Evaluated`, which comes before it, and the paired difference.

    Attributes:
        split: as in that `Evaluated`.
        beside: name of the other run's folder.
        metrics: of the other run, on the images that are compared.
        images: that both answered.
        left_out: images of the part that the other run was trained on or chosen by, and that are not compared.
        better, worse: right with the run alone, and with the other one alone.
        difference, low, high: accuracy of the run minus that of the other one, with its 95 % interval.
        p: McNemar's exact probability; see `core.paired`.
        outcome: by where the whole interval lies: "helped", "no difference", "hurt".
        sentence: all of it, for people.
    """

    split: str
    beside: str
    metrics: dict[str, Any] = msgspec.field(default_factory=dict)
    images: int
    left_out: int = 0
    better: int
    worse: int
    difference: float
    low: float
    high: float
    p: float
    outcome: Outcome
    sentence: str
