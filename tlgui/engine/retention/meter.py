"""The forgetting meter: what is left of the earlier task, after each epoch and of the model that is kept."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from tlgui.core import atomic, events
from tlgui.core.events import Event, EveryClass, RetentionMeasured, RetentionSeen, TaskSeen
from tlgui.core.paired import compare
from tlgui.core.run_folder import RunFolder
from tlgui.core.shares import wilson
from tlgui.core.tables import csv_bytes
from tlgui.core.transfer import signed
from tlgui.engine import seeding
from tlgui.engine.metrics import score
from tlgui.engine.retention.keeper import earlier_logits
from tlgui.engine.retention.knowledge import Knowledge
from tlgui.engine.samples import Part
from tlgui.engine.setup import Setup
from tlgui.engine.validation import logits_from, placed

if TYPE_CHECKING:
    from tlgui.engine.live import Live

_BATCH = 32
_STAGE = "answers for images of the earlier task"


def noted(live: Live) -> Generator[Event, None, None]:
    """Before anything is learned: notes the network as it is, and what it answers.

    It reaches the disk with the first checkpoint.

    Raises:
        UserError: an image has changed, or more than a few are gone.
    """
    keeper = live.keeper
    if keeper is None:
        return
    known, network = keeper.knowledge, live.network
    known.changed = True
    known.start = {name: tensor.detach().cpu().clone() for name, tensor in network.model.state_dict().items()}
    if known.measured:
        # The earlier network had no outputs of the new classes.
        found = yield from _answered(live.setup, known, live.cut, known.outputs, True)
        known.before = {number: int(answer == label) for number, (answer, label) in found.items()}
        known.meter = "accuracy"
    elif known.agrees:
        known.before = yield from _agreement(live.setup, known, live.cut, True)
        known.meter = "agreement"


def left_after(live: Live, slow: bool) -> Generator[Event, None, RetentionSeen | None]:
    """What is left of the earlier task in the network as it is, or its average where there is one."""
    if live.keeper is None:
        return None
    average = live.average.in_place() if live.average else contextlib.nullcontext()
    with average, live.as_kept():
        cut = live.site_cut
        return (yield from measured(live.setup, live.keeper.knowledge, cut, slow))


def measured(setup: Setup, known: Knowledge, cut: int, slow: bool) -> Generator[Event, None, RetentionSeen | None]:
    """The same of a network as it is, from activations below group `cut`; `None` where nothing can be measured."""
    if not known.before or not (known.measured or known.agrees):
        return None
    if known.agrees:
        now = yield from _agreement(setup, known, cut, slow)
        common = sorted(now.keys() & known.before.keys())
        if not common:
            return None
        same = sum(now[number] == known.before[number] for number in common)
        low, high = wilson(same, len(common))
        return RetentionSeen(
            meter="agreement", images=len(common), before=1.0, now=same / len(common), low=low - 1, high=high - 1
        )
    found = yield from _answered(setup, known, cut, None, slow)
    right = {number: answer == label for number, (answer, label) in found.items()}
    before = {number: bool(answer) for number, answer in known.before.items()}
    if not right.keys() & before.keys():
        return None
    paired = compare(right, before, known.groups)
    known.now = {number: answer for number, (answer, _) in found.items()}
    return RetentionSeen(
        meter="accuracy", images=paired.images, before=paired.b, now=paired.a, low=paired.low, high=paired.high
    )


def share_right(
    setup: Setup, parts: list[Part], cut: int, outputs: int | None = None
) -> Generator[Event, None, tuple[int, int]]:
    """How many images of some parts the network as it is tells right, by its first outputs or all, and how many there are."""
    found: list[tuple[int, int]] = []
    for part in parts:
        found += (yield from _answers(setup, part, cut, outputs)).values()
    return sum(answer == label for answer, label in found), len(found)


def left_of(run: RunFolder, setup: Setup, cut: int) -> Generator[Event, None, RetentionMeasured | None]:
    """What the kept model still knows of the earlier task; `None` where that cannot be measured.

    Args:
        run: its folder.
        setup: with the kept weights in its network.
        cut: below which the frozen part answers.
    """
    known = setup.knowledge
    assert known is not None
    seen = yield from measured(setup, known, cut, slow=True)
    if seen is None:
        return None
    if seen.meter == "accuracy":
        _write(run, known, setup.card.classes)
    looks = sum(isinstance(event, events.EpochEnded) and event.retention is not None for event in run.events())
    return told(known, seen, looks)


def over_every_class(
    known: Knowledge, part: Part, probabilities: NDArray[np.floating[Any]], classes: list[str]
) -> EveryClass | None:
    """How well all classes are told apart at the last look; `None` where new images show all, or no earlier one is there.

    Args:
        known: whose held-out images were asked.
        part: new images that are scored.
        probabilities: (N, classes), of those that are not skipped.
        classes: names.
    """
    labels = part.left.labels.tolist()
    there = set(labels)
    earlier: list[tuple[int, int]] = []
    for task in known.tasks:
        for number, label in enumerate(task.held_out.labels.tolist(), task.offset):
            if number in known.now and label not in there:
                earlier.append((label, known.now[number]))
    if not earlier:
        return None
    true = np.array([*labels, *(label for label, _ in earlier)])
    answers = np.concatenate([probabilities.argmax(1), [answer for _, answer in earlier]])
    found = score(true, np.eye(len(classes))[answers], classes).balanced_accuracy
    assert found.value is not None and found.low is not None and found.high is not None
    return EveryClass(
        balanced_accuracy=found.value,
        low=found.low,
        high=found.high,
        classes=len(set(true.tolist())),
        new_images=len(labels),
        earlier_images=len(earlier),
        of_classes=len(classes),
    )


def told(known: Knowledge, seen: RetentionSeen, looks: int) -> RetentionMeasured:
    """What is said of the kept model; `looks`: at these images, while it trained."""
    tasks: list[TaskSeen] = []
    for task in known.tasks if seen.meter == "accuracy" else ():
        labels = dict(enumerate(task.held_out.labels.tolist(), task.offset))
        numbers = [n for n in labels if n in known.now and n in known.before]
        if numbers:
            tasks.append(
                TaskSeen(
                    name=task.name,
                    images=len(numbers),
                    before=sum(known.before[n] for n in numbers) / len(numbers),
                    now=sum(known.now[n] == labels[n] for n in numbers) / len(numbers),
                )
            )
    return RetentionMeasured(seen=seen, tasks=tasks, looks=looks, sentence=sentence(seen))


def sentence(seen: RetentionSeen) -> str:
    """What a meter says, for people."""
    now = f"{100 * seen.now:.1f} %"
    if seen.meter == "agreement":
        return (
            f"The earlier head still answers as before for {now} of {seen.images} images. That is a stand-in: no image of the "
            "earlier task is there that it never learned, so what is forgotten of it is not measured."
        )
    moved = signed(seen.difference, seen.low, seen.high)
    if seen.high < 0:
        what = f"It has forgotten: {moved}"
    elif seen.low > 0:
        what = f"It does better on them than before: {moved}"
    else:
        what = f"That it has forgotten anything cannot be told: {moved}"
    return f"Of {seen.images} earlier images {100 * seen.before:.1f} % were right before and {now} are now. {what}."


def _write(run: RunFolder, known: Knowledge, classes: list[str]) -> None:
    """The answer for every held-out image of before, with whether it was right before."""
    rows: list[list[object]] = [["task", "path", "true", "predicted", "right_before"]]
    for task in known.tasks:
        labels = task.held_out.labels.tolist()
        for n, (path, label) in enumerate(zip(task.held_out.paths, labels, strict=True), task.offset):
            if n in known.now and n in known.before:
                rows.append([task.name, path, classes[label], classes[known.now[n]], known.before[n]])
    run.results.mkdir(exist_ok=True)
    atomic.write_bytes(run.results / "earlier.csv", csv_bytes(rows))


def _answered(
    setup: Setup, known: Knowledge, cut: int, outputs: int | None, slow: bool
) -> Generator[Event, None, dict[int, tuple[int, int]]]:
    """(answer, label) of each held-out image, by its number through all earlier sets."""
    found: dict[int, tuple[int, int]] = {}
    done, total = 0, sum(len(task.held_out) for task in known.tasks)
    for task in known.tasks:
        answers = _answers(setup, task.held_out, cut, outputs, (done, total) if slow else None)
        found |= {task.offset + number: pair for number, pair in (yield from answers).items()}
        done += len(task.held_out)
    return found


def _answers(
    setup: Setup, part: Part, cut: int, outputs: int | None, told: tuple[int, int] | None = None
) -> Generator[Event, None, dict[int, tuple[int, int]]]:
    """(answer, label) of each image of a part, by its number; images that are gone are not in it.

    Args:
        setup, part, cut: whose images, and what is below the cut.
        outputs: of the head that are asked, the first ones; `None` = all.
        told: how many images come before these, and how many there are in all, where it is said how far it is.
    """
    network = setup.network
    network.evaluation_mode()
    found: dict[int, tuple[int, int]] = {}
    for indices in seeding.batches(part.there(range(len(part))), _BATCH):
        inputs = setup.frozen.activations(part, indices, 0, cut)
        yield from part.notices()
        there = part.there(indices)
        if told is not None:
            yield events.Progress(stage=_STAGE, done=told[0] + indices[-1] + 1, total=told[1])
        if there:
            logits = logits_from(network, inputs, cut, setup.device)[:, :outputs]
            pairs = zip(logits.argmax(1).tolist(), part.labels[there].tolist(), strict=True)
            found |= dict(zip(there, pairs, strict=True))
    return found


def _agreement(setup: Setup, known: Knowledge, cut: int, slow: bool) -> Generator[Event, None, dict[int, int]]:
    """What the earlier head answers for this run's own validation images."""
    part, network = setup.validation, setup.network
    network.evaluation_mode()
    found: dict[int, int] = {}
    for indices in seeding.batches(list(range(len(part))), _BATCH):
        inputs = setup.frozen.activations(part, indices, 0, cut)
        yield from part.notices()
        there = part.there(indices)
        if slow:
            yield events.Progress(stage=_STAGE, done=indices[-1] + 1, total=len(part))
        if there:
            with torch.inference_mode():
                logits = earlier_logits(network, placed(inputs, setup.device), cut, known)
            found |= dict(zip(there, logits.argmax(1).tolist(), strict=True))
    return found
