"""How like the pictures that a network learned from a set of images is, as a number, a band and a sentence.

What is measured is how far a network's inner statistics on these images lie from those that it kept of ImageNet, by
squared Hellinger distances (`engine.similarity`). It sees appearance, not the task: it does not tell how much deeper
training gains, and nothing here says so.

To add a network: run `tests/benchmarks/measure_similarity.py --backbone NAME`, and put the two thresholds that part its
reference sets into `THRESHOLDS`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.strategies import Similarity

Band = Literal["near", "middle", "far"]
Doubt = Literal["", "too_few", "flat", "mixture"]

FEWEST, MOST = 50, 200
"""Images: with fewer nothing is said; more make it no surer than it is."""
SCALE_END = 0.14
"""Distance at which the scale on screen ends: further off, sets differ in what they are, not in how far."""
METHOD = "squared Hellinger distance of BatchNorm statistics"


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """What parts the bands of one network.

    Attributes:
        near: mean distance of single images below which a set is near.
        far: distance of the whole set from which on one that is not near is far.
    """

    near: float
    far: float


# Fitted on 23 sets of many kinds (200 images each) at 224 pixels; right, as common sense says, on 15, never two bands off.
THRESHOLDS: dict[str, Thresholds] = {DEFAULT_BACKBONE: Thresholds(near=0.087, far=0.06)}


class Landmark(msgspec.Struct, frozen=True, kw_only=True):
    """A known kind of pictures on the scale, with the value that a set of it has."""

    label: str
    value: float


# By `tests/benchmarks/measure_similarity.py`, EfficientNet-Lite0.
LANDMARKS: tuple[Landmark, ...] = (
    Landmark(label="photographs", value=0.988),
    Landmark(label="cartoons", value=0.971),
    Landmark(label="chest X-rays", value=0.923),
    Landmark(label="skin lesions", value=0.905),
    Landmark(label="solar cells", value=0.881),
)


class MeasuredSimilarity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was measured.

    Attributes:
        value: 1 - distance, 0 to 1; higher = more like the network's own pictures.
        low, high: two standard deviations to either side, by the bootstrap over images.
        spread: mean distance of single images; low for a set of one narrow kind of ordinary picture.
        band: "near", "middle" or "far"; `None` where one word for all of them would mislead.
        sure: whether the band is the same at both ends of the ranges.
        doubt: why there is no band: "mixture"; else "".
        images: that were looked at.
        backbone: whose statistics were compared.
        method: how.
    """

    value: float
    low: float
    high: float
    spread: float
    band: Band | None = None
    sure: bool
    doubt: Doubt = ""
    images: int
    backbone: str
    method: str = METHOD


def measuring(backbone: str) -> str:
    """The network that measures for a backbone: itself where its bands are known, else the embedded one."""
    return backbone if backbone in THRESHOLDS else DEFAULT_BACKBONE


def band_of(distance: float, spread: float, thresholds: Thresholds) -> Band:
    """The band of a set.

    Args:
        distance: of the whole set.
        spread: mean distance of single images: it catches sets of one narrow kind, of which the whole set errs.
        thresholds: of the network.
    """
    if spread < thresholds.near:
        return "near"
    return "far" if distance >= thresholds.far else "middle"


def bands_within(
    distance: float, distance_sd: float, spread: float, spread_sd: float, thresholds: Thresholds
) -> set[Band]:
    """Every band that lies within two standard deviations."""
    return {
        band_of(distance + 2 * a * distance_sd, spread + 2 * b * spread_sd, thresholds)
        for a in (-1, 0, 1)
        for b in (-1, 0, 1)
    }


def kind_of(measured: MeasuredSimilarity | None, answer: Similarity | None = None) -> Similarity | None:
    """The column of the textbook's table: the person's own answer, else the measured band; `None` where neither tells."""
    if answer is not None:
        return answer
    if measured is None or measured.band is None:
        return None
    return "different" if measured.band == "far" else "similar"


def place_of(value: float) -> float:
    """Where a value stands on the scale on screen: 0 = nothing like everyday photographs, 1 = like them."""
    return min(1.0, max(0.0, 1 - (1 - value) / SCALE_END))


def landmark_for(value: float, band: Band) -> Landmark:
    """The known kind to compare with: photographs for what is near, else the nearest of the others."""
    if band == "near":
        return LANDMARKS[0]
    return min(LANDMARKS[1:], key=lambda landmark: abs(landmark.value - value))


_SAID: dict[Band, str] = {
    "near": "To the network these images look like everyday photographs",
    "middle": "To the network these images lie between everyday photographs and pictures of another kind",
    "far": "To the network these images look like nothing that it learned from",
}


def sentence_of(measured: MeasuredSimilarity) -> str:
    """What was found, for people."""
    if measured.band is None:
        return (
            "These images are of at least two kinds, some like everyday photographs and some unlike them, so one number "
            "for all of them would mislead. Say yourself what most of them are."
        )
    how = f"similarity {measured.value:.3f}, {measured.low:.3f} to {measured.high:.3f}"
    mark = landmark_for(measured.value, measured.band)
    doubt = (
        "" if measured.sure else " It lies near the border of two bands, so another draw of images might say otherwise."
    )
    return f"{_SAID[measured.band]} ({how}; {mark.label}: {mark.value:.3f}).{doubt}"


def cannot_say(doubt: Doubt, images: int, flat: int) -> str:
    """Why nothing was measured, for people.

    Args:
        doubt: what stands against it.
        images: that could be read and show something.
        flat: that show nothing: of one colour all over.
    """
    if doubt == "flat" and images >= FEWEST:
        return (
            f"{flat} of {images + flat} images show next to nothing (one colour all over): what the others look like says "
            "little of the set. Look at them on the page Images."
        )
    if doubt == "flat":
        return (
            f"{flat} of {images + flat} images show next to nothing (one colour all over), and the others are fewer than "
            f"{FEWEST}: too few to say how like everyday photographs they are. Look at them on the page Images."
        )
    return (
        f"{images} training image{'' if images == 1 else 's'} can be looked at, fewer than {FEWEST}: too few to say how "
        "like everyday photographs they are. Say it yourself, or add images."
    )
