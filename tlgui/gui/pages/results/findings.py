"""What a finished run found, read from its folder: scores, and the answer for every image. No Qt."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.records import PixelRule
from tlgui.core.run_folder import RunFolder
from tlgui.core.split import Part

# The part whose scores stand on the page: test images were chosen by nobody and looked at once.
_BEST_FIRST: tuple[Part, ...] = ("test", "validation")


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number with its 95 % interval; `None` = cannot be measured on these images."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class ClassScores(msgspec.Struct, frozen=True, kw_only=True):
    """One class against the rest. Runs of older versions have no specificity and no area."""

    recall: Measured
    precision: Measured
    f1: Measured
    specificity: Measured | None = None
    auc: Measured | None = None


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one part of the images, as they stand in `results/metrics.json`.

    Attributes:
        confusion_matrix: counts, rows = true, columns = predicted, in the order of `classes`.
        sentence: what the number of images allows to say.
        note: what makes the score a little better than it is, or "".
    """

    accuracy: Measured
    balanced_accuracy: Measured
    macro_f1: Measured
    auc: Measured | None = None
    majority_class_accuracy: float
    classes: list[str]
    confusion_matrix: list[list[int]]
    per_class: dict[str, ClassScores]
    sentence: str
    note: str = ""

    @property
    def majority_class(self) -> str:
        """The commonest class of these images: what one would always say without looking."""
        totals = [sum(row) for row in self.confusion_matrix]
        return self.classes[totals.index(max(totals))]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the model said of one image.

    Attributes:
        path: relative to the dataset folder.
        sure: probability of the class that it named.
        probabilities: in the order of the classes.
    """

    path: str
    true: str
    said: str
    sure: float
    probabilities: tuple[float, ...]

    @property
    def right(self) -> bool:
        """Whether it named the class that the image is of."""
        return self.true == self.said


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the results page shows.

    Attributes:
        part: the images that the scores are of: test where there are any.
        scores: by part.
        answers: for the images of `part`, in the order of the file.
        best_epoch: the epoch that validation chose; 0 is the warm start.
        test_evaluations: how often the test images were scored.
        pixel_rule: how the run reads pixels, for its pictures on the page.
    """

    run_name: str
    classes: list[str]
    part: Part
    scores: dict[Part, Scores]
    answers: list[Answer]
    best_epoch: int
    test_evaluations: int
    pixel_rule: PixelRule

    @property
    def shown(self) -> Scores:
        """The scores of the part that the page is about."""
        return self.scores[self.part]

    def cell(self, true: str, said: str) -> list[Answer]:
        """The images of one cell of the confusion matrix, the surest answer first."""
        found = [answer for answer in self.answers if answer.true == true and answer.said == said]
        return sorted(found, key=lambda answer: (-answer.sure, answer.path))

    def mistakes(self) -> list[Answer]:
        """Wrong answers, the surest (the worst) first."""
        wrong = [answer for answer in self.answers if not answer.right]
        return sorted(wrong, key=lambda answer: (-answer.sure, answer.path))


class _MetricsFile(msgspec.Struct, frozen=True, kw_only=True):
    best_epoch: int
    classes: list[str]
    test_evaluations: int = 0
    validation: Scores | None = None
    test: Scores | None = None


def read_findings(run: RunFolder) -> Findings:
    """The results of a run; reads two files, so it belongs into the background.

    Raises:
        UserError: there are none yet, or a file is damaged.
    """
    try:
        metrics = msgspec.json.decode((run.results / "metrics.json").read_bytes(), type=_MetricsFile)
        scores: dict[Part, Scores] = {
            part: found for part in _BEST_FIRST if (found := getattr(metrics, part)) is not None
        }
        part = next(iter(scores))
        answers = _answers(run.results / "predictions.csv", metrics.classes, part)
    except FileNotFoundError as error:
        raise UserError(
            f"The run '{run.name}' has no results yet.", "Let its training come to an end first.", str(error)
        ) from error
    except (OSError, KeyError, ValueError, StopIteration, csv.Error, msgspec.DecodeError) as error:
        raise UserError(
            f"The results of the run '{run.name}' cannot be read: a file in its folder is damaged.",
            "Take the run folder from a backup, or train again.",
            str(error),
        ) from error
    return Findings(
        run_name=run.name,
        classes=metrics.classes,
        part=part,
        scores=scores,
        answers=answers,
        best_epoch=metrics.best_epoch,
        test_evaluations=metrics.test_evaluations,
        pixel_rule=run.spec().pixel_rule,
    )


def _answers(path: Path, classes: list[str], part: Part) -> list[Answer]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return [_answer(row, classes) for row in csv.DictReader(stream) if row["split"] == part]


def _answer(row: dict[str, Any], classes: list[str]) -> Answer:
    probabilities = tuple(float(row[f"p_{name}"]) for name in classes)
    if not all(map(math.isfinite, probabilities)):
        raise ValueError("a probability is no number")
    return Answer(
        path=row["path"],
        true=row["true"],
        said=row["predicted"],
        sure=probabilities[classes.index(row["predicted"])],
        probabilities=probabilities,
    )
