"""What the engine says of how to train on a set of images; see `events`."""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.event import Event
from tlgui.core.run_spec import FirstAnswer
from tlgui.core.similarity import MeasuredSimilarity

Sure = Literal["sure", "fairly sure", "unsure"]


class SimilarityMeasured(Event, frozen=True, kw_only=True):
    """How like the network's own pictures a set of images is.

    Attributes:
        measured: `None` where it could not be.
        sentence: what was found, or why nothing was, for people.
    """

    measured: MeasuredSimilarity | None
    sentence: str


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way to train.

    Attributes:
        strategy: a row of the strategy table.
        top_groups: layer groups below the head that train, for "fine-tune-top".
        adapt: whether domain adaptation belongs to it, where there are target images.
        reason: why, for people; "" where none was asked for.
    """

    strategy: str
    top_groups: int = 1
    adapt: bool = False
    reason: str = ""


class Advised(Event, frozen=True, kw_only=True):
    """What the textbook says and what we recommend, for one set of images and one network.

    Attributes:
        images, classes: used ones in all.
        images_per_class_min: of the smallest class.
        similarity: as measured, or `None`.
        similarity_sentence: of that.
        answer: what the network as it is recognises; 1 - accuracy is the headroom; `None` where it could not be asked.
        textbook: the lit cell of its table.
        recommended, runner_up: see `decision`; the runner-up is `None` where there is no other way.
        sure: how sure the recommendation is.
        by: what decided.
        trial: whether a short trial was held.
        trial_would_tell: whether one would be worth its time, and none was held.
        difference: where textbook and recommendation differ, why, for people; else "".
    """

    images: int
    classes: int
    images_per_class_min: int
    similarity: MeasuredSimilarity | None
    similarity_sentence: str
    answer: FirstAnswer | None
    textbook: Way
    recommended: Way
    runner_up: Way | None
    sure: Sure
    by: Literal["images", "headroom", "trial"]
    trial: bool
    trial_would_tell: bool
    difference: str


class ImagesEmbedded(Event, frozen=True, kw_only=True):
    """What a frozen backbone makes of images was written.

    Attributes:
        file: the whole path: float32, (images, features), in numpy's format.
        index: the whole path of the table that says which image each row is.
        images, features: the shape.
        unread: images that could not be read any more, and have no row.
        backbone: whose features they are.
    """

    file: str
    index: str
    images: int
    features: int
    unread: int
    backbone: str
