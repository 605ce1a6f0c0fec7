"""What a continued run's network had learned before: which images, where they lie now, and which of them it never learned."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tlgui.core.errors import UserError
from tlgui.core.run_folder import ManifestRow, RunFolder, recall_place
from tlgui.core.run_spec import Earlier, RunSpec
from tlgui.core.source import Learned, learned_by
from tlgui.core.split import PARTS, Part

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

    An image stands in one set alone, however many runs had it, and one that any run learned is held out in none.

    Args:
        run: whose network learns on.
        learned_now: content hashes of images that the new run trains on or chooses its epoch by: what these say is not
            what is left of the earlier training.

    Raises:
        UserError: a list of images cannot be read.
    """
    spec = run.spec()
    found: list[EarlierImages] = []
    if spec.dataset is not None:
        task = Earlier(name=spec.dataset.name, fingerprint=spec.dataset.fingerprint, images=0, held_out=0)
        found.append(EarlierImages(task, run.manifest()))
    now = frozenset(learned_now)
    return not_learned(_each_once([*found, *read(run)]), learned_by(run) | Learned(now, now))


def not_learned(earlier: Sequence[EarlierImages], learned: Learned) -> list[EarlierImages]:
    """The same without images that would measure, or choose the epoch of, a network that has learned them."""
    return those(earlier, lambda row: row.content_hash not in learned.spoils(row.part))


def those(earlier: Sequence[EarlierImages], stays: Callable[[ManifestRow], bool]) -> list[EarlierImages]:
    """Some of the images, counted anew; a set of which none is left says nothing, and is none."""
    found = []
    for one in earlier:
        kept = EarlierImages(one.task, [row for row in one.rows if stays(row)])
        if kept.rows:
            task = msgspec.structs.replace(one.task, images=len(kept.rows), held_out=len(kept.held_out))
            found.append(EarlierImages(task, kept.rows))
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


def _each_once(earlier: Sequence[EarlierImages]) -> list[EarlierImages]:
    """Each image in the newest set alone that has it: a folder that grows is in the list of each run of a chain.

    Its class is the newest too, since that is what was said of it last. Its part is the most that any run did with it: one
    that was trained on once is known, whatever another run held it back for.
    """
    did: dict[str, Part] = {}
    for one in earlier:
        for row in one.rows:
            did[row.content_hash] = min(row.part, did.get(row.content_hash, row.part), key=PARTS.index)
    groups = _groups(earlier)
    # An image is taken out when it is listed, so that an older set, or a copy in the same one, does not list it again.
    return [
        EarlierImages(
            one.task,
            [
                msgspec.structs.replace(row, part=did.pop(row.content_hash), group=groups[row.content_hash])
                for row in one.rows
                if row.content_hash in did
            ],
        )
        for one in earlier
    ]


def _groups(earlier: Sequence[EarlierImages]) -> dict[str, str]:
    """The group of each image, by its content hash; "" = it stands alone.

    A group's name is hashed with its project's salt, so the same name is the same patient in whichever set it stands. What
    two projects call differently is the same patient where both have an image of theirs in common.
    """
    same: dict[str, str] = {}

    def one_for(group: str) -> str:
        while group in same:
            group = same[group]
        return group

    found: dict[str, str] = {}
    for row in (row for one in earlier for row in one.rows):
        group, known = one_for(row.group), one_for(found.get(row.content_hash, ""))
        if group and known and group != known:
            same[group] = known
        found[row.content_hash] = known or group
    return {content: one_for(group) for content, group in found.items()}
