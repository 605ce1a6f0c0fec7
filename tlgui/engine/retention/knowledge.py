"""What a network knew before it learns on: its images, its answers, its weights; kept in the run's folder as it was then."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from tlgui.core import atomic
from tlgui.core.earlier import EarlierImages
from tlgui.core.errors import UserError
from tlgui.core.run_folder import ManifestRow, RunFolder
from tlgui.core.run_spec import Keep
from tlgui.engine import seeding
from tlgui.engine.checkpoints import cannot_save
from tlgui.engine.retention.head import PublishedHead
from tlgui.engine.samples import Part

FILE = "before.safetensors"
# So many images tell what is left, and so many what matters.
_MEASURED = 1_000
_LEARNED = 200
_START, _NEED = "start|", "need|"


@dataclass
class Task:
    """One earlier set of images: those it was trained on, those that chose its epoch, and those that measure what is left."""

    name: str
    learned: Part
    chosen: Part
    held_out: Part
    groups: list[str]


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
        before: what the earlier network answered: for held-out images, by number, 1 = right; for an agreement, the class.
        place: the file.
        now: the class that each held-out image got at the last look, by number.
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
    covered: int = 1 << 30
    before: dict[int, int] = field(default_factory=dict)
    now: dict[int, int] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether accuracy on earlier images can be measured; else an agreement may."""
        return any(len(task.held_out) for task in self.tasks)

    @property
    def agrees(self) -> bool:
        """Whether the earlier head can be asked about this run's own images instead."""
        return not self.measured and (self.outputs > 1 or self.published is not None)

    def parts(self) -> list[Part]:
        """All earlier images that a run may read."""
        return [part for task in self.tasks for part in (task.learned, task.chosen, task.held_out)]

    def save(self) -> None:
        """Writes what cannot be found out again once the network has changed.

        Raises:
            UserError: the disk is full or cannot be written.
        """
        tensors = {f"{_START}{name}": tensor for name, tensor in self.start.items()}
        tensors |= {f"{_NEED}{name}": tensor for name, tensor in self.needs.items()}
        if self.published is not None:
            tensors |= {"published|weight": self.published.weight, "published|bias": self.published.bias}
        tensors["before"] = torch.tensor(sorted(self.before.items()), dtype=torch.int64).reshape(-1, 2)
        tensors["scale"] = torch.tensor([self.scale, float(min(self.covered, 1 << 30))], dtype=torch.float64)
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        try:
            with atomic.replacing(self.place) as temporary:
                safetensors.torch.save_file(plain, temporary)
        except (OSError, safetensors.SafetensorError) as error:
            raise cannot_save(error) from error

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
            self.before = {int(number): int(answer) for number, answer in tensors["before"].tolist()}
            scale, covered = tensors["scale"].tolist()
            self.scale, self.covered = scale, int(covered)
        except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
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
    there: list[bool],
    classes: list[str],
    seed: int,
) -> Knowledge:
    """Of a run that continues another one, or keeps what published weights know.

    Args:
        run: its folder.
        keep: the way of keeping.
        outputs: as in `Knowledge`.
        earlier: the lists of earlier images.
        there: whether each one's folder is there.
        classes: of the run.
        seed: of the run; from more images than are needed some are drawn.
    """
    tasks = [_task(number, one, classes, seed) for number, one in enumerate(earlier) if there[number]]
    missing = [one.task.name for number, one in enumerate(earlier) if not there[number]]
    return Knowledge(keep=keep, outputs=outputs, place=run.checkpoints / FILE, tasks=tasks, missing=missing)


def part_name(number: int, kind: str) -> str:
    """What a part of an earlier task is called; see `samples.Reader`."""
    return f"earlier {number} {kind}"


def _task(number: int, images: EarlierImages, classes: list[str], seed: int) -> Task:
    held_out = _drawn(images.held_out, _MEASURED, seed, "held out")
    return Task(
        name=images.task.name,
        learned=_part(_drawn(images.of("train"), _LEARNED, seed, "learned"), classes, number, "learned"),
        chosen=_part(_drawn(images.of("validation"), _MEASURED, seed, "chosen"), classes, number, "chosen"),
        held_out=_part(held_out, classes, number, "held out"),
        groups=[row.group for row in held_out],
    )


def _part(rows: list[ManifestRow], classes: list[str], number: int, kind: str) -> Part:
    part = Part.of(rows, classes)
    return Part(part.paths, part.hashes, part.labels, part_name(number, kind))


def _drawn(rows: list[ManifestRow], most: int, seed: int, purpose: str) -> list[ManifestRow]:
    if len(rows) <= most:
        return rows
    chosen = sorted(seeding.order(seeding.derive(seed, purpose), 0, len(rows))[:most])
    return [rows[index] for index in chosen]


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
