"""Rehearsal: images of classes that the new ones lack go through again with every batch, and help to choose the epoch.

A penalty on weights alone cannot keep classes that no new image shows: each step makes them less likely, and nothing says
where that ends. Where the images that the network learned them from are there, they are shown again beside the new ones.

    loss = P / (P + M) * (mean over new images) + M / (P + M) * (mean over images that are shown again)

P is the number of classes with new training images, M of those that are shown again, so that each class counts about alike.

Source: Robins 1995, Connection Science 7:123 (rehearsal); van de Ven et al. 2022, Nature Machine Intelligence 4:1185 (why
penalties alone fail where classes are new).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tlgui.engine import seeding
from tlgui.engine.retention.knowledge import Knowledge, Task
from tlgui.engine.samples import Part


class Shown(NamedTuple):
    """What a step is shown again: (R, ...) inputs, (R,) labels on the device, and their share of the loss."""

    inputs: Tensor
    labels: Tensor
    share: float


class Rehearsal:
    """The images of before that a run is shown again, in an order that follows from the seed and the step alone.

    Args:
        members: by class, its images: each a part and a number in it. None is empty.
        there: classes that have new training images.
        seed: of the run.

    Attributes:
        classes: that are shown again.
        share: of the loss.
        images: that there are.
    """

    def __init__(self, members: dict[int, list[tuple[Part, int]]], there: int, seed: int) -> None:
        self._members = members
        self._seed = seed
        self.classes = sorted(members)
        self.share = len(members) / (len(members) + there)
        self.images = sum(map(len, members.values()))

    @property
    def parts(self) -> list[Part]:
        """Whose images they are, each once."""
        return list({id(part): part for images in self._members.values() for part, _ in images}.values())

    def size(self, new: int) -> int:
        """How many go with a batch of `new` images: as many as their classes' share asks for, at most as many as are new."""
        wanted = round(new * self.share / (1 - self.share))
        return min(max(1, wanted), new, self.images)

    def drawn(self, step: int, size: int, stride: int) -> list[tuple[Part, int]]:
        """The images of a step: each class in turn, and each of its images once before any comes again.

        Args:
            step: of the run, from 0.
            size: how many.
            stride: how many a full batch has, by which the steps before are counted.
        """
        chosen = []
        for turn in range(step * stride, step * stride + size):
            label = self.classes[turn % len(self.classes)]
            images = self._members[label]
            again, place = divmod(turn // len(self.classes), len(images))
            order = seeding.order(seeding.derive(self._seed, "rehearsal", label), again, len(images))
            chosen.append(images[order[place]])
        return chosen


def rehearsal_of(known: Knowledge | None, train: Part, seed: int) -> Rehearsal | None:
    """What a run is shown again; `None` where nothing is held, each class has new images, or those of before are gone.

    Args:
        known: what the network knew before.
        train: new training images.
        seed: of the run.
    """
    if known is None or known.keep == "none":
        return None
    there = set(train.labels.tolist())
    members: dict[int, list[tuple[Part, int]]] = {}
    for part in (task.again for task in known.tasks):
        for index in part.there(range(len(part))):
            label = int(part.labels[index])
            if label not in there:
                members.setdefault(label, []).append((part, index))
    return Rehearsal(members, len(there), seed) if members else None


def stand_ins(known: Knowledge | None, validation: Part) -> list[tuple[Part, list[int]]]:
    """Images that chose the epoch of the earlier network, of classes that no new validation image shows.

    They stand for these classes when an epoch is chosen: to new images alone the one is best that calls everything new.
    """
    there = set(validation.labels.tolist())
    parts = [task.standing for task in known.tasks] if known is not None and known.outputs else []
    found = [(part, [i for i in part.there(range(len(part))) if int(part.labels[i]) not in there]) for part in parts]
    return [(part, numbers) for part, numbers in found if numbers]


def chooses_too(known: Knowledge, validation: Part) -> int:
    """How many of the images that measure what is left also stand in when an epoch is chosen: where there are no others."""
    standing = {(id(part), part.paths[number]) for part, numbers in stand_ins(known, validation) for number in numbers}
    return sum(
        (id(task.standing), task.held_out.paths[number]) in standing
        for task in known.tasks
        for number in task.held_out.there(range(len(task.held_out)))
    )


def choose_the_mix(known: Knowledge) -> int:
    """How many of the images that measure what is left also choose a mix with earlier weights: where there are no others."""
    return sum(len({*task.held_out.left.paths} & {*task.chosen.left.paths}) for task in known.tasks)


def only_new(known: Knowledge | None, train: Part) -> bool:
    """Whether a network that has learned other classes would see images of one alone, and none of the others again."""
    if known is None or len(set(train.labels.tolist())) != 1:
        return False
    one = int(train.labels[0])
    return not any(_others(task, one) for task in known.tasks)


def _others(task: Task, one: int) -> bool:
    return any(int(task.again.labels[index]) != one for index in task.again.there(range(len(task.again))))


def shown(inputs: list[Tensor], labels: list[Tensor], share: float, device: torch.device) -> Shown | None:
    """Activations of some parts as one; `None` where no image is left."""
    if not (kept := [one for one in inputs if len(one)]):
        return None
    return Shown(torch.cat(kept), torch.cat(labels).to(device), share)
