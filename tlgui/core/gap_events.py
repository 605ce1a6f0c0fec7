"""What the engine says of a new site beside the known one: how different its images are; see `events`."""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.event import Event

Gap = Literal["alike", "slight", "clear", "wide", "unknown"]


class UnlikeImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image of the new site.

    Attributes:
        path: relative to the folder of the new site.
        probability: that it is from there, by a probe that was fitted without it.
    """

    path: str
    probability: float


class SiteLook(msgspec.Struct, frozen=True, kw_only=True):
    """How bright and of what colour the images of one site are; each image counts alike.

    Attributes:
        brightness: shares of the pixels in 32 equal steps from black to white (ITU-R BT.601); they add up to 1.
        red, green, blue: means, 0 to 255.
    """

    brightness: list[float]
    red: float
    green: float
    blue: float


class GapMeasured(Event, frozen=True, kw_only=True):
    """How different the images of a new site are from those of the known one, to one frozen network; no label is read.

    Attributes:
        backbone: the network.
        images: that were looked at, as many of each site.
        known_images: of the known site that could be drawn from; its test images are none of them, unless the network is
            that of a run that has learned others.
        new_images: likewise of the new site.
        files: of the new site's folder; new_images and all of `left_out` add up to it.
        left_out: how many of its files took no part, by reason code; "known" = also an image of the known site, "copy" =
            a copy of another one in the folder, "learned" = the network has learned it.
        known_paths: the first 12 of those that are also images of the known site.
        auc, low, high: of a linear probe that tells the sites apart, cross-validated, with its 95 % interval; .5 = they
            cannot be told apart. `None` where the network gives the same for all images.
        folds: of the cross-validation.
        mmd: squared maximum mean discrepancy of the features, 10 at most: the unbiased estimate, which is about 0 where they
            are alike, and 0 where it lies below.
        mmd_p: how often sites drawn at random are that far apart.
        permutations: that this rests on.
        gap: in a word: "alike" (.5 is in the interval), "slight" (AUC below .7), "clear" (below .9), "wide"; "unknown"
            where there is no AUC.
        least_alike: images of the new site that the probe is surest of, the surest first; at most 12, and none where the
            sites cannot be told apart.
        known_look, new_look: brightness and colour of both.
        sentence: what it means, for people.
        notes: what else they should know.
    """

    backbone: str
    images: int
    known_images: int
    new_images: int
    files: int
    left_out: dict[str, int] = msgspec.field(default_factory=dict)
    known_paths: list[str] = msgspec.field(default_factory=list)
    auc: float | None
    low: float | None
    high: float | None
    folds: int
    mmd: float | None
    mmd_p: float | None
    permutations: int
    gap: Gap
    least_alike: list[UnlikeImage] = msgspec.field(default_factory=list)
    known_look: SiteLook
    new_look: SiteLook
    sentence: str
    notes: list[str] = msgspec.field(default_factory=list)
