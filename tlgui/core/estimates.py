"""How long a run will take and what it needs, worked out before it begins: about, and never more than that.

Every constant was read off the runs of the README's section "Measured" (two cores with AVX2); what depends on the
computer is the measured speed, which goes into everything. The results are right within a factor of two there.
"""

from __future__ import annotations

import msgspec

from tlgui.core.adaptation import ADAPTATIONS
from tlgui.core.backbones import Backbone
from tlgui.core.batch_size import largest_batch
from tlgui.core.decision import DEEPER_GROUPS, TRIAL_BATCH, TRIAL_IMAGES, TRIAL_STEPS
from tlgui.core.planning import first_trainable, resolve, view_of
from tlgui.core.run_spec import Training
from tlgui.core.strategies import strategy
from tlgui.core.trial_cost import fits, side_of

# Loading what a run needs, compiling the frozen layers, scoring with its bootstrap intervals.
STARTUP_S = 20.0
# Reading, resizing and augmenting an image, in seconds per 1,000, where its size is not known.
READING_S = 5.0
# The same where it is (tests/benchmarks/measure_reading.py): for any file, for an input of 224 pixels, and for each million of
# the file's pixels; a varied view of a JPEG is decoded at a smaller size.
_FILE_S = 0.3
_INPUT_S = 1.8
_MILLION_S = 20.0
_MILLION_VARIED_S = 6.0
# One optimizer step on kept activations, in seconds per 1,000 images.
KEPT_S = 0.05
# What torch takes for a pass, compared with what was measured: ONNX Runtime is 2 to 3.3 times as fast on a processor.
_TORCH = {"onnxruntime": 2.5, "torch": 1.0}
# A training step on every layer (forward, backward, update) compared with torch's pass.
_STEP = 4.0
# So many images of a new site are answered for after each epoch of a run that adapts to it, where there are so many.
_LOOKED_AT = 500
# Before training there is memory for the libraries; each of a network's outputs is kept about three times (before and
# after its norm, and after its activation); an optimizer keeps three numbers for each weight that trains.
_LIBRARIES_BYTES = 1.05 * 2**30
_KEPT_TIMES = 3.0
_CACHE_BYTES = 5 << 30
# How many states to go back to are kept (`engine.unfreezing`).
STATES_KEPT = 3


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """How fast this computer runs a backbone's frozen layers (see `events.Measured`)."""

    seconds_per_1000: float
    executor: str = "onnxruntime"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many images there are in each part, and what they are like.

    Attributes:
        train, validation, test: images.
        pixels: of one of them, on average; 0 = not known.
        jpegs: share of them that are JPEGs, 0..1.
    """

    train: int
    validation: int
    test: int = 0
    pixels: int = 0
    jpegs: float = 0.0


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will take, with the sentence for each.

    Attributes:
        seconds: `None` while the speed of this computer is not known.
        memory_bytes: the engine's largest size.
        disk_bytes: for checkpoints, the compiled frozen layers and kept activations (which may be removed at any time).
        undo_bytes: for the states that a person can go back to after layers were moved, when there are as many as are kept.
        at_most: whether time and memory are those of a run that frees one layer group after another as soon as it may.
        assumed: the row that "auto" was taken for, in words; "" where the strategy was given.
        mixes: whether images are mixed, so that nothing of the frozen layers can be kept.
    """

    seconds: float | None
    memory_bytes: int
    disk_bytes: int
    undo_bytes: int = 0
    at_most: bool = False
    assumed: str = ""
    mixes: bool = False

    @property
    def time(self) -> str:
        """How long in a few words: "about 2 minutes", "up to about 2 minutes"; "" while it is not known."""
        if self.seconds is None:
            return ""
        return f"{'up to ' if self.at_most else ''}{about_time(self.seconds)}"

    @property
    def time_sentence(self) -> str:
        """How long, for people."""
        if self.seconds is None:
            return "How long it takes is known once this computer has been measured."
        becomes = f" if it becomes '{self.assumed}', as the table advises" if self.assumed else ""
        mixed = " Mixed images make the frozen layers run anew in each epoch." if self.mixes else ""
        return f"Takes {self.time}{becomes}, less where it stops early.{mixed}"

    @property
    def memory_sentence(self) -> str:
        """How much memory, for people."""
        return f"Needs {'up to ' if self.at_most else ''}about {_gigabytes(self.memory_bytes)} of memory."

    @property
    def disk_sentence(self) -> str:
        """How much disk, for people."""
        return (
            f"Needs about {_gigabytes(self.disk_bytes)} of disk, and up to about {_gigabytes(self.undo_bytes)} more for "
            f"{STATES_KEPT} states to go back to."
        )


class _Stage(msgspec.Struct, frozen=True):
    """Epochs in a row that train the same groups: those from `cut` on."""

    cut: int
    epochs: range


def estimate(training: Training, counts: Counts, row: Backbone, speed: Speed | None) -> Estimate:
    """What a run will take if it goes through all its epochs.

    Args:
        training: as asked for or resolved; "auto" is taken for the row that the table advises.
        counts: images of each part.
        row: its backbone, at the input size in use.
        speed: of that backbone on this computer, where it is known.
    """
    resolved, advice = resolve(training, counts.train + counts.validation + counts.test)
    stages = _stages(resolved, len(row.groups))
    deepest, mixes = stages[-1].cut, bool(resolved.mixup or resolved.cutmix)
    kept = [_kept_bytes(resolved, counts, row, stage) for stage in stages]
    keeps = [stage.cut > 0 and not mixes and size <= _CACHE_BYTES for stage, size in zip(stages, kept, strict=True)]
    head = (row.features + 1) * resolved.head_units if resolved.head == "hidden" else row.features
    trained, whole = sum(row.group_parameters[deepest:]) + head, sum(row.group_parameters) + head
    batch = resolved.batch_size if resolved.batch_size != "auto" else largest_batch(counts.train)
    average = whole if resolved.ema else 0
    memory = (
        _LIBRARIES_BYTES
        + 4 * whole * (3 if stages[0].cut else 1)  # compiling holds copies
        + 12 * trained
        + 4 * average
        + 4 * _KEPT_TIMES * _share_that_trains(row, deepest) * row.values * min(batch, counts.train)
    )
    # The best state; the last one, with two numbers of the optimizer for each weight that trains, and the average.
    best, last = 4 * whole, 4 * (whole + 2 * trained + average)
    compiled = 4 * sum(row.group_parameters[: stages[0].cut])
    return Estimate(
        seconds=_seconds(resolved, counts, row, speed, stages, keeps) if speed else None,
        memory_bytes=int(memory),
        disk_bytes=int(
            best + last + compiled + sum(size for size, is_kept in zip(kept, keeps, strict=True) if is_kept)
        ),
        undo_bytes=STATES_KEPT * (best + last),
        at_most=len(stages) > 1,
        assumed=advice.strategy.label if advice else "",
        mixes=mixes and stages[0].cut > 0,
    )


def trial_seconds(counts: Counts, row: Backbone, speed: Speed, on_processor: bool = True) -> float:
    """What the short trial takes that "auto" holds where one would tell; 0 where the network is too large for one.

    Args:
        counts, row, speed: as for `estimate`.
        on_processor: whether a processor trains, and no card.
    """
    if not fits(row, row.size, on_processor):
        return 0.0
    smaller = (side_of(row, row.size, on_processor) / row.size) ** 2
    share = _share_that_trains(row, max(0, len(row.groups) - DEEPER_GROUPS))
    torch = _TORCH.get(speed.executor, 1.0) * speed.seconds_per_1000 * smaller
    looks = min(TRIAL_IMAGES, counts.train) * (torch + reading_seconds(counts, row.size, varied=False))
    return (looks + TRIAL_STEPS * TRIAL_BATCH * _STEP * torch * share) / 1_000


def _stages(training: Training, head: int) -> list[_Stage]:
    """Which groups train in which epochs; where they are freed by a plateau, as soon as there can be one."""
    first, epochs = first_trainable(training, head), training.epochs or 1
    match training.unfreezing:
        case "schedule":
            moves = [epoch for epoch in training.unfreeze_at if epoch < epochs]
        case "plateau":
            # An epoch that is the best so far, then as many without improvement as count as a plateau.
            moves = list(range(training.plateau + 1, epochs, training.plateau + 1))
        case _:
            moves = []
    moves = moves[:first]
    edges = [0, *moves, epochs]
    return [_Stage(first - n, range(*edges[n : n + 2])) for n in range(len(moves) + 1)]


def _seconds(
    training: Training, counts: Counts, row: Backbone, speed: Speed, stages: list[_Stage], keeps: list[bool]
) -> float:
    """Frozen passes, then what each epoch takes, then the answers for all images; each stage fills a cache of its own."""
    every = counts.train + counts.validation + counts.test
    thousandths = 0.0
    # A step of a run that adapts sees as many images of the new site again.
    adapts = training.adapt in ADAPTATIONS and ADAPTATIONS[training.adapt].during
    learned, looked = (2 * counts.train, _LOOKED_AT) if adapts else (counts.train, 0)
    plain = reading_seconds(counts, row.size, varied=False)
    varied = reading_seconds(counts, row.size, varied=True)
    for stage, is_kept in zip(stages, keeps, strict=True):
        share, epochs = _share_that_trains(row, stage.cut), len(stage.epochs)
        frozen = (1 - share) * speed.seconds_per_1000
        torch = _TORCH.get(speed.executor, 1.0) * speed.seconds_per_1000 * share
        views = [view_of(training, epoch) for epoch in stage.epochs]
        looks = sorted(set(views)) if is_kept else views
        reading = sum(varied if view else plain for view in looks)
        validated = (1 if is_kept else epochs) * counts.validation
        thousandths += learned * (len(looks) * frozen + reading) + validated * (frozen + plain)
        thousandths += epochs * learned * (KEPT_S + _STEP * torch)
        thousandths += epochs * (counts.validation + looked) * torch
    # What the last stage gives is asked of every image at the end.
    thousandths += counts.test * (frozen + plain) + every * torch
    if strategy(training.strategy).pretrained and (stages[0].cut < len(row.groups) or not keeps[0]):
        # What the network as it is recognises is asked below the head, before the cut matters; the head is fitted on that.
        thousandths += counts.train * (speed.seconds_per_1000 + plain)
    return STARTUP_S + thousandths / 1_000


def reading_seconds(counts: Counts, size: int, varied: bool) -> float:
    """What it takes to read 1,000 of the images, from the file to the network's input, in seconds.

    Args:
        counts: with the pixels of an image, where they are known.
        size: of the network's input.
        varied: whether it is a varied view of a training image; a plain one is decoded whole.
    """
    if not counts.pixels:
        return READING_S
    smaller = counts.jpegs if varied else 0.0
    million = smaller * _MILLION_VARIED_S + (1 - smaller) * _MILLION_S
    return _FILE_S + _INPUT_S * (size / 224) ** 2 + million * counts.pixels / 1e6


def _kept_bytes(training: Training, counts: Counts, row: Backbone, stage: _Stage) -> int:
    """As `engine.frozen_part.needed_bytes`: augmented views in two bytes a number, plain ones in four."""
    views = len({view_of(training, epoch) for epoch in stage.epochs})
    return 2 * row.border_values[stage.cut] * (counts.train * (views + 1) + 2 * counts.validation)


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
