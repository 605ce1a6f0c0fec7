"""Measures how like everyday photographs a set of images looks to a network."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from tlgui.core import commands, events
from tlgui.core.errors import UserError
from tlgui.core.events import Event, SimilarityMeasured
from tlgui.core.records import PixelRule
from tlgui.core.similarity import MOST, THRESHOLDS, measuring
from tlgui.engine import free_memory, similarity
from tlgui.engine.control import Control
from tlgui.engine.drawn_images import ranked
from tlgui.engine.failures import is_out_of_memory
from tlgui.engine.jobs.progress import answered, told
from tlgui.engine.kept_answer import key_of, recall, remember
from tlgui.imaging.listing import ListedImage, read_listing

_KIND = "similarity"
_VERSION = 1  # raise it when the same images would give other numbers


def measure_similarity(job: commands.MeasureSimilarity, control: Control) -> Iterator[Event]:
    """`SimilarityMeasured`; a `Stop` is heard between the steps. Training images alone are looked at.

    Raises:
        UserError: the listing, the images or the weights are gone.
    """
    yield events.Progress(stage="looking at the images", done=0, total=1)
    images = [image for image in read_listing(Path(job.listing)) if image.part == "train"]
    steps = measured(Path(job.data), images, job.rule, job.backbone, job.seed)
    yield from answered(steps, control)


def measured(
    root: Path, images: Sequence[ListedImage], rule: PixelRule, backbone: str, seed: int
) -> Generator[Event, None, SimilarityMeasured]:
    """What is measured of these images, kept in the cache: the next question for the same ones takes no time.

    Raises:
        UserError: no image can be read, or the weights are gone.
    """
    name = measuring(backbone)
    drawn = ranked(images, seed)[:MOST]
    key = key_of(
        [
            str(_VERSION),
            name,
            msgspec.json.encode((rule, THRESHOLDS[name], seed)).decode(),
            *(version(package) for package in ("torch", "numpy", "pillow")),
            *(f"{image.path}|{image.content_hash}" for image in drawn),
        ]
    )
    if (kept := recall(_KIND, key, SimilarityMeasured)) is not None:
        return kept
    steps = similarity.measure(root, drawn, rule, name, seed)
    outcome = yield from told(steps, "looking at the images", max(1, len(drawn)))
    answer = SimilarityMeasured(measured=outcome.measured, sentence=outcome.sentence)
    if outcome.whole:  # else a drive that was gone would be believed for good
        remember(_KIND, key, answer)
    return answer


def measured_or_not(
    root: Path, images: Sequence[ListedImage], rule: PixelRule, backbone: str, seed: int
) -> Generator[Event, None, SimilarityMeasured]:
    """The same for where it is one question among others: what stands against it is an answer too."""
    try:
        return (yield from measured(root, images, rule, backbone, seed))
    except UserError as error:
        why = error.problem
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        why = "There was not enough memory."
    free_memory.give_back()
    return SimilarityMeasured(measured=None, sentence=f"How like photographs they look could not be measured. {why}")
