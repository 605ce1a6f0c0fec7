"""What a run will take on this computer, in words: asked by the table of strategies and by the review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from tlgui.core.decision import FEWEST_TO_DEEPEN, outcomes
from tlgui.core.estimates import Counts, about_time, estimate, trial_seconds
from tlgui.core.planning import first_trainable
from tlgui.core.run_spec import Training
from tlgui.core.strategies import AUTO, STRATEGIES
from tlgui.gui import numbers
from tlgui.gui.networks import network, sized, speed_of

if TYPE_CHECKING:
    from tlgui.gui.draft import Draft
    from tlgui.gui.workbench import Workbench

NOT_MEASURED = "not measured"
_KEPT = "For the best and the last state of the model alone, and up to three snapshots of what can be taken back."
_FROZEN_DISK = (
    f"{_KEPT} What the frozen layers saw comes to it: that may be removed at any time, and is computed again."
)


@dataclass(frozen=True)
class Costs:
    """Time, memory and disk of a run, each with "about".

    Attributes:
        time: "about 2 minutes", or that nothing was measured yet.
        why: what the time rests on.
        memory, disk: "about 1.2 GB".
        disk_why: what the disk is for.
        sentence: the time as a sentence, for the foot of a page.
    """

    time: str = ""
    why: str = ""
    memory: str = ""
    disk: str = ""
    disk_why: str = ""
    sentence: str = ""


def costs(bench: Workbench, training: Training) -> Costs:
    """What a run of the draft would take with this training; all "" while the images are not read.

    Of "As advised" it is the span of what that may become, and the memory and disk of the larger.

    Args:
        bench: the draft, and the speeds that were measured here.
        training: as asked for, not resolved yet.
    """
    draft = bench.draft
    summary, own = draft.summary, network(draft.backbone)
    if summary is None or own is None:
        return Costs()
    counts = _counts(draft)
    row = sized(own, draft.size)
    speed, measured = speed_of(bench.machine.speeds, row)
    asked = [draft.resolve(one)[0] for one in possible(draft, training)]
    found = [estimate(resolved, counts, row, speed) for resolved in asked]
    seconds = [one.seconds for one in found if one.seconds is not None]
    # Where two ways are open, a short trial may be held before the one that is taken.
    on_processor = bench.machine.device == "cpu"
    trial = trial_seconds(counts, row, speed, on_processor) if speed is not None and len(asked) > 1 else 0.0
    time = _span(min(seconds), max(seconds) + trial) if seconds else NOT_MEASURED
    frozen = any(first_trainable(resolved, len(row.groups)) for resolved in asked)
    return Costs(
        time=time,
        why=_why(measured, speed is not None, asked[-1]),
        memory=_about(max(one.memory_bytes for one in found)),
        disk=_about(max(one.disk_bytes for one in found)),
        disk_why=_FROZEN_DISK if frozen else _KEPT,
        sentence=_sentence(time, measured) if seconds else "",
    )


def seconds_of(bench: Workbench, training: Training) -> float | None:
    """Seconds that a run of the draft's images and network would take with another training; `None` = not known."""
    draft = bench.draft
    own = network(draft.backbone)
    if draft.summary is None or own is None:
        return None
    row = sized(own, draft.size)
    return estimate(draft.resolve(training)[0], _counts(draft), row, speed_of(bench.machine.speeds, row)[0]).seconds


def _counts(draft: Draft) -> Counts:
    summary = draft.summary
    classes = summary.classes if summary is not None else []
    return Counts(
        pixels=summary.pixels if summary is not None else 0,
        jpegs=summary.jpegs / summary.used if summary is not None and summary.used else 0.0,
        train=sum(one.train for one in classes),
        validation=sum(one.validation for one in classes),
        test=sum(one.test for one in classes),
    )


def possible(draft: Draft, training: Training) -> list[Training]:
    """What a training may become, the shallower first: of a picked strategy itself, of "As advised" one or two."""
    if training.strategy != AUTO or draft.only_scratch or draft.summary is None:
        return [training]
    train = sum(one.train for one in draft.summary.classes)
    names = [(decision.strategy, decision.top_groups) for decision in outcomes(train, draft.images, draft.similarity)]
    return [
        msgspec.structs.replace(training, strategy=name, top_groups=training.top_groups or groups)
        for name, groups in names
    ]


def if_it_becomes(bench: Workbench) -> str:
    """What the run would take with each strategy that "As advised" may become; "" where nothing is left open or known."""
    draft = bench.draft
    if draft.strategy != AUTO or draft.only_scratch:
        return ""
    said = []
    for training in possible(draft, draft.training):
        time = costs(bench, training).time
        if time in ("", NOT_MEASURED):
            return ""
        said.append(f"“{STRATEGIES[training.strategy].label}”: {time}")
    if len(said) == 1:
        few = f"With fewer than {FEWEST_TO_DEEPEN} training images"
        return f"{few} it becomes “{STRATEGIES[possible(draft, draft.training)[0].strategy].label}”."
    return f"If it becomes {'; '.join(said)}."


def _span(shortest: float, longest: float) -> str:
    first, last = about_time(shortest), about_time(longest)
    return first if first == last else f"{first} to {last.removeprefix('about ')}"


def short(time: str) -> str:
    """The same for a narrow column: "about 2 min"."""
    for word, unit in ((" minute", " min"), (" second", " s"), (" hour", " h")):
        time = time.replace(f"{word}s", unit).replace(word, unit)
    return time


def _sentence(time: str, measured: bool) -> str:
    return f"Takes {time} on this computer" if measured else f"Takes {time}, estimated from another network's speed"


def _about(size_bytes: int) -> str:
    return f"about {numbers.size(max(10_000_000, round(size_bytes, -7)))}"


def _why(measured: bool, known: bool, training: Training) -> str:
    if not known:
        return "It is known as soon as this computer's speed has been measured."
    speed = "from the speed measured here" if measured else "estimated from another network's speed here"
    sooner = ", less when it stops early" if 0 < (training.patience or 0) < (training.epochs or 1) else ""
    return f"{speed[0].upper()}{speed[1:]}{sooner}."
