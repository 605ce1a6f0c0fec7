"""What the runs of a comparison answered, image by image, and whether their answers can be compared."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import msgspec

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder


class Answers(msgspec.Struct, frozen=True):
    """What one way said of the images.

    Attributes:
        key, label: its name, as typed and for people.
        right: by content hash of an image, whether it was told right.
        groups: by content hash, what belongs together; "" = it stands alone.
        seconds: of training, all its runs together.
        trainable: parameters that learned at the most.
        runs: how many were trained for it.
    """

    key: str
    label: str
    right: dict[str, bool]
    groups: dict[str, str]
    seconds: float
    trainable: int
    runs: int = 1


def answers_of(run: RunFolder, part: str, key: str, label: str) -> Answers:
    """What a run said of one part of its images.

    Raises:
        UserError: its files are damaged.
    """
    manifest = {row.path: row for row in run.manifest()}
    right: dict[str, bool] = {}
    groups: dict[str, str] = {}
    try:
        with (run.results / "predictions.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
            for line in csv.DictReader(stream):
                if line["split"] == part:
                    row = manifest[line["path"]]
                    right[row.content_hash] = line["true"] == line["predicted"]
                    groups[row.content_hash] = row.group
    except (OSError, KeyError, csv.Error, UnicodeError) as error:
        raise UserError(
            f"The answers of the run '{run.name}' cannot be read.", "Train it again.", str(error), code="run_damaged"
        ) from error
    seconds, trainable = _cost(run)
    return Answers(key, label, right, groups, seconds, trainable)


def pooled(parts: Sequence[Answers]) -> Answers:
    """The folds of one way as one."""
    right: dict[str, bool] = {}
    groups: dict[str, str] = {}
    for part in parts:
        right |= part.right
        groups |= part.groups
    return Answers(
        parts[0].key,
        parts[0].label,
        right,
        groups,
        sum(part.seconds for part in parts),
        max(part.trainable for part in parts),
        len(parts),
    )


def _cost(run: RunFolder) -> tuple[float, int]:
    """Seconds of all its epochs, and the most parameters that learned at a time."""
    seconds, trainable = 0.0, 0
    for event in run.events():
        if isinstance(event, events.EpochEnded):
            seconds += event.seconds
        elif isinstance(event, events.LayersChanged):
            trainable = max(trainable, event.trainable_parameters)
    return seconds, trainable


def has_test(run: RunFolder) -> bool:
    """Whether some of its images were kept for the test."""
    return any(row.part == "test" for row in run.manifest())


def names(runs: Sequence[RunFolder]) -> list[str]:
    """Names that tell runs of different folders apart: with as many of the folders above as that takes."""
    places = [run.path.resolve().parts for run in runs]
    for depth in range(1, max(map(len, places))):
        found = ["/".join(parts[-depth:]) for parts in places]
        if len(set(found)) == len(found):
            break
    return found


def refuse_different(runs: Sequence[RunFolder], answers: Sequence[Answers], part: str) -> None:
    """Raise a UserError where runs were not scored on the same images."""
    first = answers[0]
    for run, other in zip(runs[1:], answers[1:], strict=True):
        shared = first.right.keys() & other.right.keys()
        if first.right.keys() != other.right.keys():
            raise UserError(
                f"'{runs[0].name}' and '{run.name}' were not scored on the same {part} images: {len(shared):,} are in both, "
                f"{len(first.right) - len(shared):,} in the first alone and {len(other.right) - len(shared):,} in the "
                "second alone.",
                "A difference could come from the images. Train both on the same split, or compare the ways of training.",
                code="not_comparable",
            )


def refuse_other_classes(runs: Sequence[RunFolder]) -> None:
    """Raise a UserError where runs do not tell the same classes apart."""
    classes = [run.spec().dataset for run in runs]
    names = [sorted(one.classes) if one is not None else [] for one in classes]
    for run, other in zip(runs[1:], names[1:], strict=True):
        if other != names[0]:
            raise UserError(
                f"'{runs[0].name}' and '{run.name}' tell different classes apart, so their scores mean different things.",
                "Compare runs of the same classes.",
                code="not_comparable",
            )
