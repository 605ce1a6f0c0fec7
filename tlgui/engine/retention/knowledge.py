"""What a network knew before it learns on: its images, its answers, its weights; kept in the run's folder as it was then."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from tlgui.core import atomic
from tlgui.core.earlier import EarlierImages
from tlgui.core.errors import UserError
from tlgui.core.retention_events import Meter
from tlgui.core.run_folder import ManifestRow, RunFolder
from tlgui.core.run_spec import Keep
from tlgui.engine import seeding
from tlgui.engine.checkpoints import cannot_save
from tlgui.engine.retention.head import PublishedHead
from tlgui.engine.samples import Part

FILE = "before.safetensors"
# So many images tell what is left; so many are asked for what matters, and shown again.
_MEASURED = 1_000
_LEARNED = 1_000
_START, _NEED, _BEFORE = "start|", "need|", "before|"
_NONE = 1 << 30


class ShowsNew(NamedTuple):
    """Names of the classes that have new training images, and of those that have new validation images."""

    trained: frozenset[str]
    chosen: frozenset[str]


@dataclass
class Task:
    """One earlier set of images that is there.

    Attributes:
        name: of its folder.
        learned, chosen, held_out: those it was trained on, those that chose its epoch, and those that measure what is left;
            of many a plain draw, since each stands for its kind as it is.
        again, standing: those it was trained on that may be shown again, and those that may stand in when an epoch is
            chosen: where there are few, `learned` and `chosen`; of many, some of each class without new images.
        offset: number of its first held-out image, counted through those of all earlier sets, whether these are there or
            not: an answer belongs to the same image for ever.
    """

    name: str
    learned: Part
    chosen: Part
    held_out: Part
    again: Part
    standing: Part
    offset: int = 0

    @property
    def parts(self) -> list[Part]:
        """All of its images that a run may read; an image may be in two of them."""
        every = (self.learned, self.chosen, self.held_out, self.again, self.standing)
        return list({id(part): part for part in every}.values())

    @property
    def taught(self) -> list[tuple[Part, list[int]]]:
        """Images that it was trained on and that are there, `again` included, each once: parts, with numbers in them."""
        known = set(self.learned.hashes)
        more = [number for number, content in enumerate(self.again.hashes) if content not in known]
        found = [(self.learned, range(len(self.learned))), (self.again, more)]
        return [(part, there) for part, numbers in found if (there := part.there(numbers))]

    @property
    def gone(self) -> int:
        """How many images are not there."""
        return len({part.hashes[number] for part in self.parts for number in part.skipped})


@dataclass
class Knowledge:
    """What a network knew before.

    Attributes:
        keep: the way of keeping.
        outputs: of the earlier head that stay, the first of the head; 0 = the head is new.
        tasks: earlier images that are there; empty where none are.
        missing: names of those that are not.
        published: the head that published weights came with, where it says something of them.
        start: the network as it began, by name.
        needs: the Fisher information of its weights, scaled (see `keeper.Keeper`), by name.
        scale: what it was divided by; 0 = it is not known yet.
        covered: lowest layer group whose `needs` are known; a number past the head before that.
        meter: what `before` is of, once that was noted; it stays so, wherever the earlier images are later on.
        before: what the earlier network answered: for held-out images, by number, 1 = right; for an agreement, the class.
        groups: of each held-out image, by its number.
        place: the file.
        now: the class that each held-out image got at the last look, by number.
        changed: whether the file does not know all of this yet.
    """

    keep: Keep
    outputs: int
    place: Path
    tasks: list[Task] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    published: PublishedHead | None = None
    start: dict[str, Tensor] = field(default_factory=dict)
    needs: dict[str, Tensor] = field(default_factory=dict)
    scale: float = 0.0
    covered: int = _NONE
    meter: Meter | None = None
    before: dict[int, int] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    now: dict[int, int] = field(default_factory=dict)
    changed: bool = False

    @property
    def measured(self) -> bool:
        """Whether accuracy on earlier images can be measured; else an agreement may."""
        return self.meter != "agreement" and any(len(task.held_out.left) for task in self.tasks)

    @property
    def agrees(self) -> bool:
        """Whether the earlier head can be asked about this run's own images instead."""
        return self.meter != "accuracy" and not self.measured and (self.outputs > 1 or self.published is not None)

    def parts(self) -> list[Part]:
        """All earlier images that a run may read."""
        return [part for task in self.tasks for part in task.parts]

    def save(self) -> None:
        """Writes what cannot be found out again once the network has changed, where the file does not know it yet.

        Raises:
            UserError: the disk is full or cannot be written; the file before is whole.
        """
        if not self.changed:
            return
        tensors = {f"{_START}{name}": tensor for name, tensor in self.start.items()}
        tensors |= {f"{_NEED}{name}": tensor for name, tensor in self.needs.items()}
        if self.published is not None:
            tensors |= {"published|weight": self.published.weight, "published|bias": self.published.bias}
        tensors[f"{_BEFORE}{self.meter or ''}"] = torch.tensor(sorted(self.before.items()), dtype=torch.int64).reshape(
            -1, 2
        )
        tensors["scale"] = torch.tensor([self.scale, float(self.covered)], dtype=torch.float64)
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        try:
            with atomic.replacing(self.place) as temporary:
                safetensors.torch.save_file(plain, temporary)
        except (OSError, safetensors.SafetensorError) as error:
            raise cannot_save(error) from error
        self.changed = False

    def load(self) -> None:
        """Takes that back.

        Raises:
            UserError: it is missing or damaged.
        """
        try:
            with safetensors.safe_open(self.place, "pt") as stream:
                tensors = {name: stream.get_tensor(name).clone() for name in stream.keys()}  # noqa: SIM118 - no mapping
            self.start = _named(tensors, _START)
            self.needs = _named(tensors, _NEED)
            if "published|weight" in tensors:
                self.published = PublishedHead(tensors["published|weight"], tensors["published|bias"])
            ((meter, noted),) = _named(tensors, _BEFORE).items()
            self.meter = msgspec.convert(meter, Meter) if meter else None
            self.before = {int(number): int(answer) for number, answer in noted.tolist()}
            scale, covered = tensors["scale"].tolist()
            self.scale, self.covered = scale, int(covered)
        except (OSError, KeyError, ValueError, msgspec.ValidationError, safetensors.SafetensorError) as error:
            raise UserError(
                f"'{self.place.name}', which says what the network knew before, cannot be read.",
                "Take the run folder from a backup, or train again.",
                str(error),
                code="run_damaged",
            ) from error


def knowledge_of(
    run: RunFolder,
    keep: Keep,
    outputs: int,
    earlier: list[EarlierImages],
    places: list[Path | None],
    classes: list[str],
    shows: ShowsNew,
    seed: int,
) -> Knowledge:
    """Of a run that continues another one, or keeps what published weights know.

    Args:
        run: its folder.
        keep: the way of keeping.
        outputs: as in `Knowledge`.
        earlier: the lists of earlier images.
        places: of each one's folder; `None` = it is not there. Images that are gone from it take no part.
        classes: of the run.
        shows: which of them have new images.
        seed: of the run; from more images than are needed some are drawn, and the same again where the run goes on.
    """
    known = Knowledge(keep=keep, outputs=outputs, place=run.checkpoints / FILE)
    for number, (one, place) in enumerate(zip(earlier, places, strict=True)):
        held_out = _drawn(one.held_out, _MEASURED, seed, "held out")
        task = (
            _task(number, one, held_out, place, classes, shows, seed, len(known.groups)) if place is not None else None
        )
        known.groups += [row.group for row in held_out]  # one that several sets have has one name in all lists
        if task is not None and any(len(part.left) for part in task.parts):
            known.tasks.append(task)
        else:
            known.missing.append(one.task.name)
    return known


def part_name(number: int, kind: str) -> str:
    """What a part of an earlier task is called; see `samples.Reader`."""
    return f"earlier {number} {kind}"


def _task(
    number: int,
    images: EarlierImages,
    held_out: list[ManifestRow],
    place: Path,
    classes: list[str],
    shows: ShowsNew,
    seed: int,
    offset: int,
) -> Task:
    def part(rows: list[ManifestRow], kind: str) -> Part:
        found = Part.of(rows, classes)
        gone = {index for index, path in enumerate(found.paths) if not os.path.exists(place / path)}  # noqa: PTH110
        return Part(found.paths, found.hashes, found.labels, part_name(number, kind), gone, len(gone))

    rows, chose = images.of("train"), images.of("validation")
    learned = part(_drawn(rows, _LEARNED, seed, "learned"), "learned")
    chosen = part(_drawn(chose, _MEASURED, seed, "chosen"), "chosen")
    again, standing = learned, chosen
    if len(rows) > _LEARNED:
        again = part(_drawn_by_class(rows, shows.trained, _LEARNED, seed, "again"), "again")
    if len(chose) > _MEASURED:
        standing = part(_drawn_by_class(chose, shows.chosen, _MEASURED, seed, "standing"), "standing")
    return Task(images.task.name, learned, chosen, part(held_out, "held out"), again, standing, offset)


def _drawn(rows: list[ManifestRow], most: int, seed: int, purpose: str) -> list[ManifestRow]:
    """A plain draw: each image is as likely as any other."""
    if len(rows) <= most:
        return rows
    chosen = sorted(seeding.order(seeding.derive(seed, purpose), 0, len(rows))[:most])
    return [rows[index] for index in chosen]


def _drawn_by_class(
    rows: list[ManifestRow], shown: frozenset[str], most: int, seed: int, purpose: str
) -> list[ManifestRow]:
    """Of each class without new images as many as of any other, or all where it has fewer; none of the others.

    A plain draw would leave out a class that is rare, which nothing else shows then.
    """
    members: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        if row.class_name not in shown:
            members.setdefault(row.class_name, []).append(index)
    left = most
    chosen: list[int] = []
    # The rarest class first: what it leaves of its share is for those that have more.
    for done, name in enumerate(sorted(members, key=lambda name: (len(members[name]), name))):
        numbers = members[name]
        count = min(len(numbers), -(-left // (len(members) - done)))
        order = seeding.order(seeding.derive(seed, purpose, name), 0, len(numbers))
        chosen += [numbers[place] for place in order[:count]]
        left -= count
    return [rows[index] for index in sorted(chosen)]


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
