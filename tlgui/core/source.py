"""An earlier run as the starting point of a new one: where its network lies, and which images that has learned already.

A network that has learned an image cannot be tested on it. So a run that begins with another one's network keeps, in
`learned_before.csv`, what that had learned, its own beginnings included, by the hash of each image's content.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder, open_run
from tlgui.core.run_spec import RunSpec, Source
from tlgui.core.runs import RunSummary
from tlgui.core.split import Part

_COLUMNS = ("content_hash", "split")
_END = "end"
_ENDED = ("complete", "stopped")
# So many earlier runs, the newest ones, are ranked where nobody names any.
MOST_RANKED = 6


@dataclass(frozen=True)
class Learned:
    """Content hashes of images that a network knows.

    Attributes:
        trained: it was trained on them.
        chosen: they chose its epoch, or were trained on.
    """

    trained: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()

    def __or__(self, other: Learned) -> Learned:
        return Learned(self.trained | other.trained, self.chosen | other.chosen)

    def spoils(self, part: Part) -> frozenset[str]:
        """What must not be in a part: images that chose one run's epoch may choose another's, and all may train."""
        held: dict[Part, frozenset[str]] = {"train": frozenset(), "validation": self.trained, "test": self.chosen}
        return held[part]


def run_of(weights_file: str | Path) -> RunFolder | None:
    """The run whose best weights a file is; `None` where it is a file of another kind."""
    path = Path(weights_file)
    run = RunFolder(path.parent.parent)
    return run if str(weights_file) and path == run.best_path and run.spec_path.is_file() else None


def weights_of_run(path: Path) -> Path:
    """The file of weights that is meant by a run folder or by the file itself.

    Raises:
        UserError: it is neither, or the run has no model yet.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100  ".." has no name of its own, and links stay as they are
    if not path.is_dir():
        if not path.is_file():
            raise UserError(f"There is no weights file '{path.name}'.", "Check the name.", code="weights_unfit")
        return path
    run = open_run(path)
    if not run.best_path.is_file():
        raise UserError(
            f"The run '{run.name}' has no model yet: no epoch has ended.",
            "Continue that run until one epoch has ended, or begin with another one.",
            code="no_model",
        )
    return run.best_path


def source_of(run: RunFolder) -> Source:
    """What a new run keeps of the one that it begins with; its weights are read once, for their checksum.

    Raises:
        UserError: the run has no model, or its files are damaged.
    """
    path = weights_of_run(run.path)
    try:
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            f"The model file of the run '{run.name}' cannot be read: {error.strerror or error}.",
            "Take the run folder from a backup, or begin with another one.",
            code="run_damaged",
        ) from error
    return described(run, sha256)


def described(run: RunFolder, sha256: str = "") -> Source:
    """What is said of the run that another one begins with.

    Raises:
        UserError: its files are damaged.
    """
    dataset = run.spec().dataset
    images = sum(row.part == "train" for row in run.manifest())
    return Source(run=run.name, dataset=dataset.name if dataset is not None else "", images=images, sha256=sha256)


def refuse_other_network(spec: RunSpec, run: RunFolder) -> None:
    """Raise a UserError where a run cannot begin with another one's network, since it has a different one."""
    theirs = run.spec().backbone
    if theirs != spec.backbone:
        raise UserError(
            f"The run '{run.name}' has the network {theirs}, and this one is set up with {spec.backbone}.",
            f"Begin with {theirs}, or with another run.",
            code="weights_unfit",
        )


def learned_by(run: RunFolder) -> Learned:
    """All images that a run's best state has learned or was chosen by, from its own training and from before.

    Raises:
        UserError: its manifest, or the list of what it had learned before, cannot be read.
    """
    rows = run.manifest()
    own = Learned(
        frozenset(row.content_hash for row in rows if row.part == "train"),
        frozenset(row.content_hash for row in rows if row.part != "test"),
    )
    # One that adapted has seen images of a new site, if without their labels.
    site = frozenset(row.content_hash for row in run.target()) if run.spec().target is not None else frozenset()
    return own | Learned(site, site) | _before(run)


def write_learned(run: RunFolder, learned: Learned) -> None:
    """Keeps in a new run's folder what its network had learned before.

    Raises:
        UserError: it cannot be written.
    """
    rows: list[tuple[str, ...]] = [_COLUMNS]
    rows += [(one, "train" if one in learned.trained else "validation") for one in sorted(learned.chosen)]
    # Without its last row a list that was cut short would look whole.
    run.write_list(run.learned_path, [*rows, (_END, str(len(rows) - 1))])


def _before(run: RunFolder) -> Learned:
    """What its network had learned before; nothing where it began with the published weights.

    A list that is missing or cut short would let images be tested that the network knows, so it is never taken for less.
    """
    if run.spec().source is None and not run.learned_path.exists():
        return Learned()
    try:
        with run.learned_path.open(encoding="utf-8", newline="") as stream:
            rows = [(row["content_hash"], row["split"]) for row in csv.DictReader(stream)]
        if not rows or rows.pop() != (_END, str(len(rows))):
            raise ValueError("it has no end")
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise UserError(
            f"'{run.learned_path.name}' of the run '{run.name}' cannot be read.",
            "Take the run folder from a backup, or begin with another one.",
            str(error),
            code="run_damaged",
        ) from error
    trained = frozenset(one for one, split in rows if split == "train")
    return Learned(trained, frozenset(one for one, _ in rows))


def can_begin_with(runs: Iterable[RunSummary]) -> list[RunSummary]:
    """Runs whose network can be another one's starting point, in their order: they have ended, and kept an epoch."""
    return [run for run in runs if run.state in _ENDED and run.best_epoch is not None]
