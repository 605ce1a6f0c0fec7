"""Which settings change nothing beside the others that are chosen, and why: one row per condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tlgui.core.adaptation import ADAPTATIONS
from tlgui.core.augmentations import augmentation
from tlgui.core.run_spec import Training
from tlgui.core.strategies import strategy


class _Idle(NamedTuple):
    """Fields that are without effect when `when` holds of the resolved training."""

    fields: tuple[str, ...]
    when: Callable[[Training], bool]
    sentence: str


def _trains_all(training: Training) -> bool:
    return strategy(training.strategy).trains == "all"


def _plain(training: Training) -> bool:
    return augmentation(training.augmentation).changes_nothing


def _adapts(training: Training) -> bool:
    row = ADAPTATIONS.get(training.adapt)
    return row is not None and row.during


_TABLE = (
    _Idle(
        ("top_groups",),
        lambda training: strategy(training.strategy).trains != "top",
        'Only "Fine-tune the top layers" asks for it.',
    ),
    _Idle(("unfreezing", "unfreeze_at", "plateau"), _trains_all, "Every layer learns from the start."),
    _Idle(
        ("unfreeze_at",), lambda training: training.unfreezing == "plateau", "Layers are freed when it stands still."
    ),
    _Idle(("plateau",), lambda training: training.unfreezing != "plateau", "No layer is freed when it stands still."),
    _Idle(
        ("warm_start",),
        lambda training: not strategy(training.strategy).pretrained,
        "Nothing pretrained is used.",
    ),
    _Idle(
        ("stem_factor",),
        lambda training: training.group_factor is not None,
        "Each deeper group is slower by a factor instead.",
    ),
    _Idle(("adapt_weight",), lambda training: not _adapts(training), "It does not adapt in training."),
    _Idle(("keep_strength",), lambda training: training.keep == "none", "Nothing of what it knows is held on to."),
    _Idle(("best_by",), _adapts, "An adaptation chooses by the images of both sites."),
    _Idle(("cycle_momentum",), lambda training: training.schedule == "constant", "The schedule is constant."),
    _Idle(("head_units", "head_dropout"), lambda training: training.head == "linear", "There is no hidden layer."),
    _Idle(("mirror", "views", "view_every"), _plain, "Images are not varied."),
    _Idle(("views", "view_every"), _trains_all, "No layer is frozen, so each epoch sees fresh variations."),
    _Idle(
        ("views", "view_every"),
        lambda training: bool(training.mixup or training.cutmix),
        "Images are mixed, so each epoch sees fresh variations.",
    ),
    _Idle(("view_every",), lambda training: (training.views or 1) < 2, "Only the plain image is kept."),
)


def idle(field: str, training: Training) -> str:
    """Why a setting changes nothing, as a sentence; "" where it does something.

    Args:
        field: of `Training`.
        training: resolved (see `planning.resolve`), or of "auto".
    """
    return next((row.sentence for row in _TABLE if field in row.fields and row.when(training)), "")
