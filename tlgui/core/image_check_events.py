"""What the engine says of checks on a set of images; see `events`."""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.event import Event


class ProbeScore(msgspec.Struct, frozen=True, kw_only=True):
    """How well the label can be guessed from one thing.

    Attributes:
        name: "border", "corners", "file", "device", "burned-in", "histogram", "size"; and for comparison "full" (the
            whole picture) and "masked" (without its centre).
        label: the same in words.
        auc: cross-validated, mean over classes of one against the rest; `None` where the thing does not vary.
        low, high: its 95 % interval.
        chance: the same with shuffled labels, the upper end of its range.
        verdict: "red" (a shortcut), "question" (carries signal, which may be honest), "quiet".
        sentence: what was found, in words.
    """

    name: str
    label: str
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    verdict: Literal["red", "question", "quiet"] = "quiet"
    sentence: str = ""


class ShortcutsProbed(Event, frozen=True, kw_only=True):
    """Whether the label can be guessed from what must not matter.

    Attributes:
        probes: every one that was tried.
        images: that were looked at.
        verdict: the worst of the probes'.
        sentence: the whole in words.
        border: share to cut off on each side that would take a red border or corner probe away; 0 = no such repair.
    """

    probes: list[ProbeScore]
    images: int
    verdict: Literal["red", "question", "quiet"]
    sentence: str
    border: float = 0.0


class SplitsCompared(Event, frozen=True, kw_only=True):
    """What a naive split would have made of the score: the shock number.

    Attributes:
        naive, safe: accuracy of the same probe, mean over the repeats; each with its 95 % interval.
        difference: naive - safe, with its interval.
        images, groups, repeats: what it rests on.
        sentence: the whole in words.
    """

    naive: float
    naive_low: float
    naive_high: float
    safe: float
    safe_low: float
    safe_high: float
    difference: float
    low: float
    high: float
    images: int
    groups: int
    repeats: int
    sentence: str
