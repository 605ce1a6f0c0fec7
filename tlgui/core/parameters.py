"""Every setting of a run as people read it: its words, its range, and from which level of detail on it is shown.

To add a setting: add the field to `run_spec`, append a row here, and run `pytest tests/core/test_parameters.py`, which
finds a field without a row.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tlgui.core.strategies import STRATEGIES

Level = Literal["guided", "adjustable", "everything"]
LEVELS: tuple[Level, ...] = ("guided", "adjustable", "everything")


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to choose: as `run.toml` spells it, and as people read it."""

    value: str | None
    label: str


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One setting.

    Attributes:
        field: of `run_spec.Training`; "fit" and "split_fractions" are fields of `run_spec.RunSpec`.
        label: its name.
        help: what it does, in a sentence.
        kind: "choice", "whole" and "number" as they say; "fractions" are three shares whose sum is 1.
        unit: behind a number, or "".
        level: the first level of detail that shows it: "guided" shows the fewest.
        choices: of a "choice", in the order shown.
        lowest, highest: of a number; `None` where there is no such bound.
        steps_by: "factor" where a step multiplies (learning rates), else "sum".
    """

    field: str
    label: str
    help: str
    kind: Literal["choice", "whole", "number", "fractions"]
    unit: str = ""
    level: Level = "everything"
    choices: tuple[Choice, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    steps_by: Literal["sum", "factor"] = "sum"


def _choices(*pairs: tuple[str | None, str]) -> tuple[Choice, ...]:
    return tuple(Choice(value=value, label=label) for value, label in pairs)


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        field="strategy",
        label="Strategy",
        help="Which layers learn: the last one alone, the uppermost ones, or all of them.",
        kind="choice",
        level="guided",
        choices=_choices(("auto", "As advised"), *((row.name, row.label) for row in STRATEGIES.values())),
    ),
    Parameter(
        field="similarity",
        label="Kind of pictures",
        help="Whether your images are like everyday photographs, which the networks were pretrained on.",
        kind="choice",
        level="guided",
        choices=_choices(
            (None, "Not said"), ("similar", "Like everyday photographs"), ("different", "Another kind of picture")
        ),
    ),
    Parameter(
        field="epochs",
        label="Epochs",
        help="How often training goes through all training images.",
        kind="whole",
        level="adjustable",
        lowest=1,
        highest=10_000,
    ),
    Parameter(
        field="batch_size",
        label="Batch size",
        help="How many images are looked at before the network is changed. Smaller ones need less memory.",
        kind="whole",
        unit="images",
        level="adjustable",
        lowest=1,
        highest=4_096,
    ),
    Parameter(
        field="augmentation",
        label="Variation",
        help="Training images are shown slightly changed each time. Without mirroring where left and right matter.",
        kind="choice",
        level="adjustable",
        choices=_choices(("standard", "Standard"), ("no-flip", "Without mirroring"), ("off", "Off")),
    ),
    Parameter(
        field="fit",
        label="Long images",
        help="Cut off keeps the shape and loses the edges; squeeze keeps everything and changes the shape.",
        kind="choice",
        level="adjustable",
        choices=_choices(("crop", "Cut off the edges"), ("squash", "Squeeze")),
    ),
    Parameter(
        field="split_fractions",
        label="Train, validation, test",
        help="Which shares of the images train, choose the best epoch, and test at the end. "
        "A split that the folders give is respected.",
        kind="fractions",
        level="adjustable",
        lowest=0,
        highest=1,
    ),
    Parameter(
        field="top_groups",
        label="Layer groups that learn",
        help='How many layer groups below the last layer learn in "Fine-tune the top layers".',
        kind="whole",
        level="adjustable",
        lowest=1,
        highest=6,
    ),
    Parameter(
        field="patience",
        label="Patience",
        help="After so many epochs without improvement training stops by itself; 0 never stops early.",
        kind="whole",
        unit="epochs",
        level="adjustable",
        lowest=0,
        highest=10_000,
    ),
    Parameter(
        field="seed",
        label="Seed",
        help="The same seed on the same computer gives the same run; another one shows how much is chance.",
        kind="whole",
        level="adjustable",
        lowest=0,
        highest=2**32 - 1,
    ),
    Parameter(
        field="best_by",
        label="Best epoch by",
        help="What chooses the epoch that is kept, on the validation images.",
        kind="choice",
        level="everything",
        choices=_choices(("validation_loss", "Validation loss"), ("balanced_accuracy", "Balanced accuracy")),
    ),
    Parameter(
        field="head_learning_rate",
        label="Learning rate of the last layer",
        help="The largest size of a step; it rises to this in the first third and then falls.",
        kind="number",
        level="everything",
        lowest=1e-8,
        highest=10,
        steps_by="factor",
    ),
    Parameter(
        field="top_learning_rate",
        label="Learning rate of the uppermost layers",
        help="The same for the layer group below the last layer, once it learns; smaller, since it knows much already.",
        kind="number",
        level="everything",
        lowest=1e-8,
        highest=10,
        steps_by="factor",
    ),
    Parameter(
        field="stem_factor",
        label="Share of the lowest layers",
        help="Their learning rate as a share of that of the uppermost layers; those between lie in between.",
        kind="number",
        level="everything",
        lowest=1e-6,
        highest=1,
        steps_by="factor",
    ),
    Parameter(
        field="weight_decay",
        label="Weight decay",
        help="Pulls weights towards zero, which keeps the network from learning images by heart.",
        kind="number",
        level="everything",
        lowest=0,
        highest=10,
        steps_by="factor",
    ),
    Parameter(
        field="views",
        label="Views of each image",
        help="How many variations of each training image are computed and kept while the lower layers are frozen.",
        kind="whole",
        level="everything",
        lowest=1,
        highest=64,
    ),
)


def parameter(field: str) -> Parameter:
    """The row of a field.

    Raises:
        KeyError: there is none.
    """
    return _BY_FIELD[field]


def shown(level: Level) -> list[Parameter]:
    """The rows that a level of detail shows, in order."""
    return [row for row in PARAMETERS if LEVELS.index(row.level) <= LEVELS.index(level)]


_BY_FIELD = {row.field: row for row in PARAMETERS}
