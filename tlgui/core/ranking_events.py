"""What is said of several networks on the person's own images, before any of them is trained."""

from __future__ import annotations

import msgspec

from tlgui.core.event import Event


class RankedBackbone(msgspec.Struct, frozen=True, kw_only=True):
    """One network.

    Attributes:
        backbone, label: its name, and for people.
        run: folder of the earlier run that trained it, as it was asked for; "" = as published.
        probe, probe_low, probe_high: cross-validated accuracy of a linear answer on its frozen features, with the 95 %
            interval.
        nearest, nearest_low, nearest_high: that of the five nearest neighbours.
        log_me: LogME, per image; higher is better, and it has no unit.
        features: numbers per image.
        seconds: that looking at the images took here.
    """

    backbone: str
    label: str
    run: str = ""
    probe: float
    probe_low: float
    probe_high: float
    nearest: float
    nearest_low: float
    nearest_high: float
    log_me: float
    features: int
    seconds: float


class BackbonesRanked(Event, frozen=True, kw_only=True):
    """Networks by how much their frozen features tell about the classes, the best first (by the linear answer).

    Attributes:
        rows: of the networks that were asked.
        left_out: names of those that could not be, each with the reason as a sentence.
        images, folds: of the cross-validation, the same for all.
        known: images that were left out for all, since one of the earlier runs has learned them.
        largest_class: share of the images that the largest class has.
        sentence: what it means, for people.
    """

    rows: list[RankedBackbone]
    left_out: dict[str, str] = msgspec.field(default_factory=dict)
    images: int
    folds: int
    known: int = 0
    largest_class: float
    sentence: str
