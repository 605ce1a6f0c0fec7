"""Scores a run's best state on labelled images: the run's own, or others in folders of the same class names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from tlgui.core import commands, events
from tlgui.core.augmentations import augmentation
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.run_folder import open_run
from tlgui.core.source import learned_by
from tlgui.engine import results, trained_model
from tlgui.engine.control import Control
from tlgui.engine.jobs.progress import told
from tlgui.engine.samples import Part, Reader
from tlgui.imaging.names import as_known, counted
from tlgui.imaging.scan import scan_folder

_SEEN = {
    "train": "The model was trained on these images: this says nothing about new ones.",
    "known": "The network had seen these images before this run, or without their labels: this flatters it.",
}


def evaluate(job: commands.Evaluate, control: Control) -> Iterator[Event]:
    """One `Evaluated` for each part that the folder has; class names are matched, never their order.

    Images that the run was trained on are scored apart from those that it never saw, by their content: a score on
    training images says nothing about new ones.

    Raises:
        UserError: the folder has no usable images, or a class that the model does not know.
    """
    run = open_run(Path(job.run))
    model = trained_model.load(run)
    root = Path(job.data)
    scan = scan_folder(root, for_training=False, isolated=True)
    meant = as_known(scan.classes, model.card.classes)
    known = {name: model.card.classes.index(one) for name, one in meant.items()}
    unknown = sorted(set(scan.classes) - set(known))
    if unknown:
        raise UserError(
            f"'{root.name}' has a class that the model was not trained on: '{unknown[0]}'.",
            f"The model knows: {', '.join(model.card.classes)}. Rename or remove that folder.",
        )
    manifest = run.manifest()
    # Where the same picture stands in two parts, it counts as one that the model was trained on.
    own = {row.content_hash: part for part in ("test", "validation", "train") for row in manifest if row.part == part}
    # What its network learned before this run, and saw of a new site without labels, is not new to it either.
    before = learned_by(run).chosen
    told_apart: dict[str, str] = {**own, **{one: "known" for one in before if own.get(one, "test") == "test"}}
    by_part: dict[str, list[int]] = {}
    for index, record in enumerate(scan.used):
        by_part.setdefault(told_apart.get(record.content_hash, "new"), []).append(index)
    reader = Reader(
        root, model.network.preprocessing, model.card.pixel_rule, augmentation("off"), torch.get_num_threads()
    )
    skipped = 0
    try:
        for name in ("train", "known", "validation", "test", "new"):
            if name not in by_part:
                continue
            chosen = [scan.used[index] for index in by_part[name]]
            part = Part(
                [record.path for record in chosen],
                [record.content_hash for record in chosen],
                torch.tensor([known[record.class_name] for record in chosen], dtype=torch.int64),
            )
            steps = results.logits_of(model, part, lambda part, indices: reader.read(part, indices, 0), 0)
            progress = told(steps, f"answers for {name} images", len(part))
            while True:
                try:
                    yield next(progress)
                    yield from part.notices()
                except StopIteration as end:
                    logits: Tensor = end.value
                    break
                if isinstance(control.take(), commands.Stop):
                    yield events.Stopped(run=job.run)
                    return
            probabilities = model.probabilities(logits)
            metrics = results.metrics_of(probabilities, part, model.card.classes, chose_epoch=name == "validation")
            if name in _SEEN:
                metrics["note"] = f"{_SEEN[name]} {part.score_note()}".rstrip()
            skipped += len(part.skipped)
            if name == "test":
                results.count_test_evaluation(run)
            yield events.Evaluated(split=name, metrics=metrics)
    finally:
        reader.close()
    scored = counted(len(scan.used) - skipped, "image was", "images were")
    yield events.Completed(run=job.run, message=f"{scored} scored, {len(scan.left_out) + skipped} left out.")
