"""What a run will take on this computer, in words: asked by the table of strategies and by the review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlgui.core.backbones import BACKBONES
from tlgui.core.estimates import Counts, about_time, estimate
from tlgui.core.machine_facts import speed_from
from tlgui.core.planning import first_trainable, resolve
from tlgui.core.run_spec import Training
from tlgui.gui import numbers

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

NOT_MEASURED = "not measured"
_WHOLE_DISK = "For the best and the last state of the model."
_FROZEN_DISK = (
    "For the best and the last state of the model, and for what the frozen layers saw: that may be removed at any "
    "time, and is then computed again."
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

    Args:
        bench: the draft, and the speeds that were measured here.
        training: as asked for, not resolved yet.
    """
    draft = bench.draft
    summary = draft.summary
    if summary is None:
        return Costs()
    resolved, _ = resolve(training, draft.images)
    counts = Counts(
        train=sum(one.train for one in summary.classes),
        validation=sum(one.validation for one in summary.classes),
        test=sum(one.test for one in summary.classes),
    )
    row = BACKBONES[draft.backbone]
    speed, measured = speed_from(bench.machine.speeds, row.name)
    found = estimate(resolved, counts, row, speed)
    time = about_time(found.seconds) if found.seconds is not None else NOT_MEASURED
    return Costs(
        time=time,
        why=_why(measured, speed is not None, resolved),
        memory=_about(found.memory_bytes),
        disk=_about(found.disk_bytes),
        disk_why=_FROZEN_DISK if first_trainable(resolved, len(row.groups)) else _WHOLE_DISK,
        sentence=_sentence(time, measured) if found.seconds is not None else "",
    )


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
    sooner = ", less when it stops early" if 0 < training.patience < (training.epochs or 1) else ""
    return f"{speed[0].upper()}{speed[1:]}{sooner}."
