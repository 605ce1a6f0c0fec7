"""Scores a run's best state on labelled images: the run's own, or others in folders of the same class names."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from tlgui.core import commands, events, paired, site_score
from tlgui.core.augmentations import augmentation
from tlgui.core.errors import UserError
from tlgui.core.events import Event, ScoredBeside
from tlgui.core.records import ImageRecord, Scan
from tlgui.core.run_folder import RunFolder, open_run
from tlgui.core.site_score import PartScore
from tlgui.core.source import learned_by
from tlgui.engine import results, trained_model
from tlgui.engine.control import Control
from tlgui.engine.jobs.progress import told
from tlgui.engine.samples import Part, Reader
from tlgui.engine.trained_model import TrainedModel
from tlgui.imaging.names import as_known, counted
from tlgui.imaging.scan import scan_folder

_SEEN = {
    "train": "The model was trained on these images: this says nothing about new ones.",
    "known": "The network had seen these images before this run, or without their labels: this flatters it.",
}
_ORDER = ("train", "known", "validation", "test", "new")
# Of a new site; the others are the run's own images.
_OF_SITE = ("known", "new")
_UNSEEN = ("new", "test")


class _Stopped(Exception):  # noqa: N818  it is no error
    """Somebody has asked to stop."""


class _Scorer:
    """A run that answers.

    Args:
        run: whose.
        root: the folder of the images.
        control: a `Stop` is heard between batches.
    """

    def __init__(self, run: RunFolder, root: Path, control: Control) -> None:
        self.run, self._root, self._control = run, root, control
        self.model: TrainedModel = trained_model.load(run)
        self._labels = {_normal(name): index for index, name in enumerate(self.model.card.classes)}
        self._told_apart = _told_apart(run)

    @property
    def classes(self) -> set[str]:
        """What it tells apart."""
        return set(self._labels)

    def part_of(self, record: ImageRecord) -> str:
        """What the image is to the run: "train", "validation", "test", "known" or "new"."""
        return self._told_apart.get(record.content_hash, "new")

    def answers(
        self, chosen: Sequence[ImageRecord], stage: str, chose_epoch: bool
    ) -> Generator[Event, None, _Answered]:
        """Answers for some images.

        Raises:
            _Stopped: somebody asked to.
        """
        model = self.model
        part = Part(
            [record.path for record in chosen],
            [record.content_hash for record in chosen],
            torch.tensor([self._labels[record.class_name] for record in chosen], dtype=torch.int64),
        )
        card = model.card
        reader = Reader(
            self._root, model.network.preprocessing, card.pixel_rule, augmentation("off"), torch.get_num_threads()
        )
        try:
            steps = results.logits_of(model, part, lambda part, indices: reader.read(part, indices, 0), 0)
            progress = told(steps, stage, len(part))
            while True:
                try:
                    yield next(progress)
                    yield from part.notices()
                except StopIteration as end:
                    probabilities = model.probabilities(end.value)
                    break
                if isinstance(self._control.take(), commands.Stop):
                    raise _Stopped
        finally:
            reader.close()
        metrics = results.metrics_of(probabilities, part, card.classes, chose_epoch=chose_epoch)
        return _Answered(part, metrics, _right(part, probabilities))


class _Answered(NamedTuple):
    """What a run said of a part; `right` by the place of each image that is still there."""

    part: Part
    metrics: dict[str, Any]
    right: dict[int, bool]


def evaluate(job: commands.Evaluate, control: Control) -> Iterator[Event]:
    """One `Evaluated` for each part that the folder has; class names are matched, never their order.

    Images that the run was trained on are scored apart from those that it never saw, by their content: a score on
    training images says nothing about new ones. With another run beside it, `ScoredBeside` follows each part but that.
    A look at labelled images of the new site that a run adapted to is counted, and kept in its folder.

    Raises:
        UserError: the folder has no usable images, or a class that the model does not know; or both runs are one, or
            know other classes.
    """
    run, root = open_run(Path(job.run)), Path(job.data)
    mine = _Scorer(run, root, control)
    other = _beside(mine, Path(job.beside), root, control) if job.beside else None
    scan = _as_meant(scan_folder(root, for_training=False, isolated=True), mine, root)
    by_part: dict[str, list[ImageRecord]] = {}
    for record in scan.used:
        by_part.setdefault(mine.part_of(record), []).append(record)
    skipped = 0
    kept: list[PartScore] = []
    try:
        for name in (name for name in _ORDER if name in by_part):
            answered = yield from mine.answers(by_part[name], f"answers for {name} images", name == "validation")
            metrics = answered.metrics
            if name in _SEEN:
                metrics["note"] = f"{_SEEN[name]} {answered.part.score_note()}".rstrip()
            skipped += len(answered.part.skipped)
            if name == "test":
                results.count_test_evaluation(run)
            yield events.Evaluated(split=name, metrics=metrics)
            said = None
            if other is not None and name != "train":
                said = yield from _scored_beside(other, name, by_part[name], answered)
                if said is not None:
                    yield said
            if name in _OF_SITE:
                kept.append(site_score.part_score(name, metrics, said))
    except _Stopped:
        yield events.Stopped(run=job.run)
        return
    looked = ""
    if kept and run.spec().target is not None:
        images = [record.content_hash for name in _OF_SITE for record in by_part.get(name, [])]
        looked = f" {site_score.looks_sentence(site_score.keep(run, root.name, _key(images), kept))}"
    scored = counted(len(scan.used) - skipped, "image was", "images were")
    message = f"{scored} scored, {len(scan.left_out) + skipped} left out.{looked}"
    yield events.Completed(run=job.run, message=message)


def _scored_beside(
    other: _Scorer, name: str, chosen: Sequence[ImageRecord], mine: _Answered
) -> Generator[Event, None, ScoredBeside | None]:
    """The other run on those images of a part that it did not learn either; `None` where none is left."""
    places = [
        place
        for place, record in enumerate(chosen)
        if other.part_of(record) in (name, *_UNSEEN) and place in mine.right
    ]
    if not places:
        return None
    asked = [chosen[place] for place in places]
    stage = f"answers of the other run for {name} images"
    answered = yield from other.answers(asked, stage, chose_epoch=name == "validation")
    if any(other.part_of(record) == "test" for record in asked):
        results.count_test_evaluation(other.run)
    theirs = {places[number]: right for number, right in answered.right.items()}
    if not theirs:
        return None
    found = paired.compare(mine.right, theirs, [record.group for record in chosen])
    return ScoredBeside(
        split=name,
        beside=other.run.name,
        metrics=answered.metrics,
        images=found.images,
        left_out=len(mine.right) - found.images,
        better=found.better,
        worse=found.worse,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p=found.p,
        outcome=found.outcome,
        sentence=site_score.sentence_of(found, other.run.name),
    )


def _beside(mine: _Scorer, path: Path, root: Path, control: Control) -> _Scorer:
    run = open_run(path)
    if run.path.resolve() == mine.run.path.resolve():
        raise UserError("A run cannot be compared with itself.", "Name another run beside it.", code="not_comparable")
    other = _Scorer(run, root, control)
    if other.classes != mine.classes:
        raise UserError(
            f"The runs '{mine.run.name}' and '{run.name}' do not tell the same classes apart.",
            "Name a run of the same classes beside it.",
            code="not_comparable",
        )
    return other


def _told_apart(run: RunFolder) -> Mapping[str, str]:
    """By content hash, what an image is to a run."""
    manifest = run.manifest()
    # Where the same picture stands in two parts, it counts as one that the model was trained on.
    own = {row.content_hash: part for part in ("test", "validation", "train") for row in manifest if row.part == part}
    # What its network learned before this run, and saw of a new site without labels, is not new to it either.
    before = learned_by(run).chosen
    return {**own, **{one: "known" for one in before if own.get(one, "test") == "test"}}


def _as_meant(scan: Scan, mine: _Scorer, root: Path) -> Scan:
    """The images with the classes as the model spells them."""
    meant = as_known(scan.classes, mine.model.card.classes)
    unknown = sorted(set(scan.classes) - meant.keys())
    if unknown:
        raise UserError(
            f"'{root.name}' has a class that the model was not trained on: '{unknown[0]}'.",
            f"The model knows: {', '.join(mine.model.card.classes)}. Rename or remove that folder.",
        )
    used = [msgspec.structs.replace(record, class_name=_normal(meant[record.class_name])) for record in scan.used]
    return msgspec.structs.replace(scan, used=used)


def _right(part: Part, probabilities: NDArray[np.float64]) -> dict[int, bool]:
    places = part.there(range(len(part)))
    hits = probabilities.argmax(axis=1) == part.labels[places].numpy()
    return {place: bool(hit) for place, hit in zip(places, hits, strict=True)}


def _key(images: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(images)).encode()).hexdigest()


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
