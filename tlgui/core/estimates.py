"""How long a run will take and what it needs, worked out before it begins: about, and never more than that.

Every constant was read off the runs of the README's section "Measured" (two cores with AVX2); what depends on the
computer is the measured speed, which goes into everything. The results are right within a factor of two there.
"""

from __future__ import annotations

import msgspec

from tlgui.core.backbones import Backbone
from tlgui.core.planning import first_trainable
from tlgui.core.run_spec import Training
from tlgui.core.strategies import strategy

# Loading what a run needs, compiling the frozen layers, scoring with its bootstrap intervals.
STARTUP_S = 20.0
# Reading, resizing and augmenting an image, in seconds per 1,000.
READING_S = 5.0
# One optimizer step on kept activations, in seconds per 1,000 images.
KEPT_S = 0.05
# What torch takes for a pass, compared with what was measured: ONNX Runtime is 2 to 3.3 times as fast on a processor.
_TORCH = {"onnxruntime": 2.5, "torch": 1.0}
# A training step on every layer (forward, backward, update) compared with torch's pass.
_STEP = 4.0
# Before training there is memory for the libraries; each of a network's outputs is kept about three times (before and
# after its norm, and after its activation); an optimizer keeps three numbers for each weight that trains.
_LIBRARIES_BYTES = 1.05 * 2**30
_KEPT_TIMES = 3.0
_CACHE_BYTES = 5 << 30


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """How fast this computer runs a backbone's frozen layers (see `events.Measured`)."""

    seconds_per_1000: float
    executor: str = "onnxruntime"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many images there are in each part."""

    train: int
    validation: int
    test: int = 0


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will take, with the sentence for each.

    Attributes:
        seconds: `None` while the speed of this computer is not known.
        memory_bytes: the engine's largest size.
        disk_bytes: for checkpoints, the compiled frozen layers and kept activations (which may be removed at any time).
    """

    seconds: float | None
    memory_bytes: int
    disk_bytes: int

    @property
    def time_sentence(self) -> str:
        """How long, for people."""
        if self.seconds is None:
            return "How long it takes is known once this computer has been measured."
        return f"Takes {about_time(self.seconds)}, less where it stops early."

    @property
    def memory_sentence(self) -> str:
        """How much memory, for people."""
        return f"Needs about {_gigabytes(self.memory_bytes)} of memory."

    @property
    def disk_sentence(self) -> str:
        """How much disk, for people."""
        return f"Needs about {_gigabytes(self.disk_bytes)} of disk."


def estimate(training: Training, counts: Counts, row: Backbone, speed: Speed | None) -> Estimate:
    """What a run will take if it goes through all its epochs.

    Args:
        training: resolved (see `planning.resolve`).
        counts: images of each part.
        row: its backbone.
        speed: of that backbone on this computer, where it is known.
    """
    cut = first_trainable(training, len(row.groups))
    kept_bytes = _kept_bytes(training, counts, row, cut)
    keeps = cut > 0 and kept_bytes <= _CACHE_BYTES
    trained = sum(row.group_parameters[cut:]) + row.features
    whole = sum(row.group_parameters)
    share = _share_that_trains(row, cut)
    memory = (
        _LIBRARIES_BYTES
        + 4 * whole * (3 if cut else 1)  # compiling holds copies
        + 12 * trained
        + 4 * _KEPT_TIMES * share * row.values * (training.batch_size or 1)
    )
    # best, last with two numbers of the optimizer for each weight that trains, the compiled file
    checkpoints = 4 * whole + 4 * (whole + 2 * trained)
    compiled = 4 * sum(row.group_parameters[:cut])
    return Estimate(
        seconds=_seconds(training, counts, row, speed, keeps) if speed else None,
        memory_bytes=int(memory),
        disk_bytes=int(checkpoints + compiled + (kept_bytes if keeps else 0)),
    )


def _seconds(training: Training, counts: Counts, row: Backbone, speed: Speed, keeps: bool) -> float:
    """Frozen passes, then what each epoch takes, then the answers for all images."""
    cut = first_trainable(training, len(row.groups))
    epochs = training.epochs or 1
    share = _share_that_trains(row, cut)
    frozen = (1 - share) * speed.seconds_per_1000 + READING_S
    torch = _TORCH.get(speed.executor, 1.0) * speed.seconds_per_1000 * share
    every = counts.train + counts.validation + counts.test
    looks = min(epochs, training.views or 1) if keeps else epochs
    passes = looks * counts.train + (1 if keeps else epochs) * counts.validation + counts.test
    if strategy(training.strategy).warm_start:
        # The head is fitted on the answers of all layers below it, before the cut matters.
        passes += counts.train + (0 if keeps else counts.validation)
    steps = epochs * counts.train
    answers = epochs * counts.validation + every
    thousandths = passes * frozen + steps * (KEPT_S + _STEP * torch) + answers * torch
    return STARTUP_S + thousandths / 1_000


def _kept_bytes(training: Training, counts: Counts, row: Backbone, cut: int) -> int:
    """As `engine.frozen_part.needed_bytes`: augmented views in two bytes a number, plain ones in four."""
    views = training.views or 1
    return 2 * row.border_values[cut] * (counts.train * (views + 1) + 2 * counts.validation)


def _share_that_trains(row: Backbone, cut: int) -> float:
    """The trained groups' share of the arithmetic: upper groups see smaller pictures, so it is less than their number's.

    A power law that gives the 6 % measured for the uppermost of EfficientNet-Lite0's six groups.
    """
    groups = len(row.groups)
    return float(((groups - cut) / groups) ** 1.5)


def about_time(seconds: float) -> str:
    """A rough time in words: "about 40 seconds", "about 2 minutes", "about 1 hour 30 minutes"."""
    if seconds < 55:
        return _units(max(5, 5 * round(seconds / 5)), "second")
    if seconds < 570:
        return _units(max(1, round(seconds / 60)), "minute")
    if seconds < 3_300:
        return _units(5 * round(seconds / 300), "minute")
    hours, minutes = divmod(30 * round(seconds / 1_800), 60)
    return _units(hours, "hour") + (f" {minutes} minutes" if minutes and hours < 6 else "")


def _units(n: int, unit: str) -> str:
    return f"about {n:,} {unit}{'' if n == 1 else 's'}"


def _gigabytes(n: int) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{max(10, 10 * round(n / 1e7))} MB"
