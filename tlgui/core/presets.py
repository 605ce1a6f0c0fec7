"""Named sets of hyperparameters: a person picks one, and may change any value of it after.

To add a preset: append a `Preset` row whose values are fields of `run_spec.Training`, and run
`pytest tests/core/test_presets.py`, which walks every row.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.planning import OWN_ANSWERS
from tlgui.core.run_spec import Training


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """One named recipe.

    Attributes:
        name: the key that people type.
        label, sentence: what people read.
        deviations: where it leaves its source, one sentence each.
        values: fields of `Training`.
        source: where the values are from.
    """

    name: str
    label: str
    sentence: str
    deviations: tuple[str, ...] = ()
    values: dict[str, Any]
    source: str


_SAME_DEVIATIONS = (
    "Frozen BatchNorm layers stay in evaluation mode, so that frozen means frozen.",
    "Validation images are not augmented, so that the score is that of the images as they are.",
    "Biases and norm parameters have no weight decay.",
)

_ROWS = (
    Preset(
        name="tutorial-pipeline",
        label="The tutorial's pipeline",
        sentence="The uppermost layers and a head of 512 units, one-cycle rates up to 0.0001 and 0.01, 20 epochs.",
        deviations=_SAME_DEVIATIONS,
        values={
            "strategy": "fine-tune-top",
            "top_groups": 1,
            "epochs": 20,
            "batch_size": 32,
            "optimizer": "adamw",
            "schedule": "one-cycle",
            "cycle_momentum": True,
            "head_learning_rate": 1e-2,
            "top_learning_rate": 1e-4,
            "weight_decay": 0.01,
            "head": "hidden",
            "head_units": 512,
            "head_dropout": 0.3,
            "augmentation": "tutorial",
            # A fresh variation in each epoch, as a loader draws it.
            "views": 20,
            "view_every": 0,
            "norm_statistics": "batch",
            "unfreezing": "never",
            "warm_start": False,
            "imbalance": "off",
            "precision": "float32",
            "patience": 0,
            "best_by": "accuracy",
        },
        source="Transfer-learning tutorial, section 5, complete fine-tuning pipeline",
    ),
    Preset(
        name="tutorial-three-rates",
        label="The tutorial's three rates",
        sentence="Every layer learns: general layers nearly stand still, the uppermost ones slowly, the new head fast.",
        deviations=_SAME_DEVIATIONS,
        values={
            "strategy": "full-fine-tuning",
            "epochs": 20,
            "head_learning_rate": 1e-3,
            "top_learning_rate": 1e-5,
            # By depth, so that it holds for any network: every group below the uppermost has at most a tenth of its rate.
            "group_factor": 10.0,
            "unfreezing": "never",
            "warm_start": False,
            "patience": 0,
        },
        source="Transfer-learning tutorial, section 5, differential learning rates in practice; it names the three "
        "tiers, and the rates of the upper two are those of its strategy 2",
    ),
    Preset(
        name="tutorial-fine-tuner",
        label="The tutorial's strategy 2",
        sentence="The uppermost layers at 0.00001 and the head at 0.001, both constant, with Adam and decay 0.0001.",
        deviations=_SAME_DEVIATIONS,
        values={
            "strategy": "fine-tune-top",
            "top_groups": 1,
            "epochs": 20,
            "optimizer": "adam",
            "schedule": "constant",
            "head_learning_rate": 1e-3,
            "top_learning_rate": 1e-5,
            "weight_decay": 1e-4,
            "norm_statistics": "batch",
            "unfreezing": "never",
            "warm_start": False,
            "imbalance": "off",
            "patience": 0,
        },
        source="Transfer-learning tutorial, section 2, strategy 2",
    ),
)

# The variation belongs to the pictures too; a preset that has one of its own brings it along. Which site a run adapts to
# is no matter of recipes.
KEPT = (*OWN_ANSWERS, "seed", "augmentation", "precision", "adapt", "adapt_weight", "keep")
PRESETS: dict[str, Preset] = {row.name: row for row in _ROWS}


def preset(name: str) -> Preset:
    """The row of that name.

    Raises:
        UserError: there is none; the remedy lists those that exist.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise UserError(f"There is no preset named '{name}'.", f"Choose one of: {', '.join(PRESETS)}.") from None


def with_preset(training: Training, name: str) -> Training:
    """The hyperparameters that a preset gives; everything that it says nothing of is at its default.

    Kept is what a person says of the pictures, and what is no part of a recipe: the seed, and the number format.
    """
    row = preset(name)
    kept = {field: getattr(training, field) for field in KEPT}
    return msgspec.structs.replace(Training(), **{**kept, **row.values, "preset": name})
