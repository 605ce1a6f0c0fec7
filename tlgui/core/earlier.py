"""What a continued run's network had learned before: which images, where they lie now, and which of them it never learned."""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.run_folder import ManifestRow, RunFolder, recall_place
from tlgui.core.run_spec import Earlier, RunSpec
from tlgui.core.split import PARTS

_COLUMNS = ("task", "path", "class", "group", "split", "content_hash")


@dataclass(frozen=True)
class EarlierImages:
    """One set of images that the network had learned before, with their part in that training.

    Attributes:
        task: what is said of it.
        rows: all of its images.
    """

    task: Earlier
    rows: list[ManifestRow]

    def of(self, *parts: str) -> list[ManifestRow]:
        """The images of some parts."""
        return [row for row in self.rows if row.part in parts]

    @property
    def held_out(self) -> list[ManifestRow]:
        """Those that measure what is forgotten: its test images; where it has none, those that chose its epoch."""
        return self.of("test") or self.of("validation")


def earlier_of(run: RunFolder, learned_now: Collection[str]) -> list[EarlierImages]:
    """Everything that a run's network knows from its own images and from before, the newest first.

    Args:
        run: whose network learns on.
        learned_now: content hashes of images that the new run trains on or chooses its epoch by: what these say is not
            what is left of the earlier training.

    Raises:
        UserError: a list of images cannot be read.
    """
    spec = run.spec()
    tasks: list[tuple[str, str, list[ManifestRow]]] = []
    if spec.dataset is not None:
        tasks.append((spec.dataset.name, spec.dataset.fingerprint, run.manifest()))
    tasks += [(one.task.name, one.task.fingerprint, one.rows) for one in read(run)]
    found = []
    for name, fingerprint, rows in tasks:
        kept = [row for row in rows if row.part == "train" or row.content_hash not in learned_now]
        images = EarlierImages(Earlier(name=name, fingerprint=fingerprint, images=len(kept), held_out=0), kept)
        found.append(EarlierImages(msgspec.structs.replace(images.task, held_out=len(images.held_out)), kept))
    return found


def write(run: RunFolder, earlier: list[EarlierImages]) -> None:
    """Keeps the lists in the folder of the run that learns on.

    Raises:
        UserError: it cannot be written.
    """
    rows: list[tuple[str, ...]] = [_COLUMNS]
    for number, one in enumerate(earlier):
        rows += [(str(number), r.path, r.class_name, r.group, r.part, r.content_hash) for r in one.rows]
    run.write_list(run.earlier_path, rows)


def read(run: RunFolder) -> list[EarlierImages]:
    """The lists of a run; none where it learned nothing before.

    Raises:
        UserError: the file is missing or is none.
    """
    tasks = run.spec().earlier
    if not tasks:
        return []
    try:
        with run.earlier_path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
            listed: dict[str, list[ManifestRow]] = {str(number): [] for number in range(len(tasks))}
            for row in csv.DictReader(stream):
                if row["split"] not in PARTS:
                    raise ValueError(f"there is no part {row['split']}")
                listed[row["task"]].append(
                    ManifestRow(
                        path=row["path"],
                        class_name=row["class"],
                        part=row["split"],
                        content_hash=row["content_hash"],
                        group=row["group"],
                    )
                )
        # What is missing here would make forgetting look smaller or larger than it is.
        if [len(rows) for rows in listed.values()] != [task.images for task in tasks]:
            raise ValueError("it is not whole")
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise UserError(
            f"'{run.earlier_path.name}' of the run '{run.name}' cannot be read.",
            "Take the run folder from a backup, or train again.",
            str(error),
            code="run_damaged",
        ) from error
    return [EarlierImages(task, rows) for task, rows in zip(tasks, listed.values(), strict=True)]


def place_of(spec: RunSpec, number: int, given: str, of: Collection[int] = (0,)) -> Path | None:
    """Where the images of an earlier task lie now; `None` where that is unknown or they are gone.

    Args:
        spec: of the run that learns on.
        number: of the task.
        given: what the person says, or "".
        of: the tasks that this is said of: those whose images lie there (`run_images.earlier_in`).
    """
    if given and number in of:
        path = Path(given)
        return path if path.is_dir() else None
    return recall_place(spec.earlier[number].fingerprint)
