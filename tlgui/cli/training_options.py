"""The hyperparameters that can be typed; everything else is said in a run file."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any, get_args

import msgspec

from tlgui.core.adaptation import ADAPTATIONS
from tlgui.core.augmentations import AUGMENTATIONS
from tlgui.core.commands import FEWEST_OF_A_SITE
from tlgui.core.planning import reopened
from tlgui.core.presets import PRESETS, with_preset
from tlgui.core.retention import USUAL, WAYS
from tlgui.core.run_spec import Imbalance, Precision, RunSpec, Training
from tlgui.core.strategies import STRATEGIES

_TOO_LARGE = 2**32  # of a seed in run.toml; other numbers are smaller by far
_LARGEST_INPUT = 2048
_PLAIN = (
    "strategy",
    "similarity",
    "epochs",
    "seed",
    "batch_size",
    "top_groups",
    "augmentation",
    "mirror",
    "imbalance",
    "label_smoothing",
    "mixup",
    "cutmix",
    "ema",
    "unfreeze_at",
    "patience",
    "precision",
    "optimizer",
    "head",
    "head_learning_rate",
    "top_learning_rate",
    "adapt",
    "adapt_weight",
    "keep",
    "keep_strength",
)
"""Options that are fields of `run_spec.Training`."""


def add_training(parser: argparse.ArgumentParser) -> None:
    """Adds them to a command."""
    add = parser.add_argument_group("how it is trained").add_argument
    add("--preset", metavar="NAME", help=f"a named recipe, before all that follows: {', '.join(PRESETS)}")
    add("--strategy", metavar="NAME", help=f"{', '.join(STRATEGIES)}, auto (default: auto)")
    add("--similarity", choices=["similar", "different"], help="to everyday photographs; used by auto")
    add("--top-groups", type=positive, metavar="N", help="layer groups that fine-tune-top frees")
    add("--epochs", type=positive, metavar="N", help="passes over the training images")
    add("--patience", type=whole, metavar="N", help="epochs without improvement after which it stops; 0: never")
    add("--unfreeze-at", type=_epochs, metavar="N,N", help="after each of these epochs one more layer group trains")
    add("--seed", type=whole, metavar="N", help="the same seed gives the same run (default: 0)")
    add(
        "--batch-size",
        type=_batch_size,
        metavar="N|auto",
        help="images per step (default: 32); auto: the most that fit",
    )
    add("--size", type=size, metavar="N", help="side of the network's input in pixels")
    add("--augmentation", metavar="NAME", help=f"{', '.join(AUGMENTATIONS)} (default: photos)")
    mirror = "training images may be mirrored; not where left and right matter"
    add("--mirror", action=argparse.BooleanOptionalAction, default=None, help=mirror)
    add("--head", choices=["linear", "hidden"], help="one new layer, or one of 512 units before it (default: linear)")
    add("--head-learning-rate", type=_rate, metavar="X", help="peak for the new last layer")
    add("--top-learning-rate", type=_rate, metavar="X", help="peak for the uppermost layer group below it")
    add("--optimizer", choices=["adamw", "adam"], help="(default: adamw)")
    imbalance = "what is done about classes of unequal size (default: auto, over 1:3)"
    add("--imbalance", choices=get_args(Imbalance), help=imbalance)
    add("--label-smoothing", type=_share, metavar="X", help="answers need not be quite sure: 0 to below 1 (default: 0)")
    add("--mixup", type=_number, metavar="ALPHA", help="two images are blended; nothing is cached then (default: 0)")
    add("--cutmix", type=_number, metavar="ALPHA", help="a box of one image is put into another (default: 0)")
    add("--ema", type=_share, metavar="X", help="decay of the averaged weights that are kept; 0: off (default: 0)")
    ways = "how to see images of another site alike, which --target names"
    add("--adapt", choices=["none", *ADAPTATIONS], help=f"{ways} (default: none)")
    add("--adapt-weight", type=_number, metavar="W", help="of that term in the loss (default: 1)")
    kept = "; ".join(f"{row.name}: {row.sentence[0].lower()}{row.sentence[1:-1]}" for row in WAYS.values())
    add("--keep", choices=["none", *WAYS], help=f"what the network knows: {kept} (default: none; with --from: {USUAL})")
    add("--keep-strength", type=_number, metavar="X", help="how hard; of average, the share of the earlier weights")
    add("--precision", choices=get_args(Precision), help="number format of the trained layers (default: auto)")


def with_options(spec: RunSpec, options: argparse.Namespace) -> RunSpec:
    """The spec of a run, changed by what was typed: first the preset, then each value.

    Raises:
        UserError: there is no such preset.
    """
    training = with_preset(spec.training, options.preset) if options.preset is not None else spec.training
    changes: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(options, name)) is not None}
    if "strategy" in changes and changes["strategy"] != training.strategy:
        # What an earlier run had filled in from another row would not fit this one.
        training = reopened(training)
    if "unfreeze_at" in changes:
        changes["unfreezing"] = None
    training = msgspec.structs.replace(training, **changes)
    side = spec.size if options.size is None else options.size
    return msgspec.structs.replace(spec, training=training, size=side)


def training_of(options: argparse.Namespace) -> Training:
    """The hyperparameters that were typed."""
    return with_options(RunSpec(), options).training


def positive(text: str) -> int:
    """A whole number from 1 on."""
    return _whole(text, 1)


def several(text: str) -> int:
    """A whole number that is enough to speak of a site."""
    return _whole(text, FEWEST_OF_A_SITE)


def whole(text: str) -> int:
    """A whole number from 0 on."""
    return _whole(text, 0)


def _batch_size(text: str) -> int | str:
    return text if text == "auto" else positive(text)


def size(text: str) -> int:
    """The side of a network's input."""
    return _whole(text, 16, _LARGEST_INPUT + 1)


def _epochs(text: str) -> list[int]:
    epochs = [positive(part.strip()) for part in text.split(",")]
    if epochs != sorted(set(epochs)):
        raise argparse.ArgumentTypeError("give epochs in their order, such as 3,6,9")
    return epochs


def _share(text: str) -> float:
    return _real(text, lambda value: 0 <= value < 1, "must be at least 0 and below 1")


def share(text: str) -> float:
    """A share from 0 to 1."""
    return _real(text, lambda value: 0 <= value <= 1, "must be from 0 to 1")


def numbers(text: str) -> list[float]:
    """Numbers from 0 on, with commas between them."""
    return [_number(part.strip()) for part in text.split(",")]


def _number(text: str) -> float:
    return _real(text, lambda value: 0 <= value <= 1e6, "must be at least 0")


def _rate(text: str) -> float:
    return _real(text, lambda value: 0 < value <= 1e6, "must be above 0")


def _real(text: str, fits: Callable[[float], bool], complaint: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a number") from None
    if not math.isfinite(value) or not fits(value):
        raise argparse.ArgumentTypeError(complaint)
    return value


def _whole(text: str, lowest: int, above: int = _TOO_LARGE) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a whole number") from None
    if number < lowest:
        raise argparse.ArgumentTypeError(f"must be at least {lowest}")
    if number >= above:
        raise argparse.ArgumentTypeError(f"must be less than {above:,}")
    return number
