"""A run as its folder tells it, read away from the window's thread."""

from __future__ import annotations

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlgui.core import events
from tlgui.core.errors import UserError
from tlgui.core.imaging_messages import MOST_LEFT_OUT, MOST_SAMPLES, ClassCount, ScanSummary
from tlgui.core.intake import GroupBy
from tlgui.core.records import Grouping, LeftOut, Reason
from tlgui.core.run_folder import ManifestRow, RunFolder, open_run, recall_place
from tlgui.core.run_spec import Dataset, RunSpec
from tlgui.imaging.name_key import sentence_of

# A curve of more points than a screen has columns shows nothing more.
_MOST_BATCHES = 4_000


@dataclass
class RunOnDisk:
    """What was read.

    Attributes:
        folder: the run.
        spec: what it is.
        heard: what it said, oldest first.
        summary: the images as the run knows them; `None` where the manifest cannot be read.
        data: where the images are; `None` where that is unknown.
        target: the same of the new site that it adapts to, where it does.
        earlier: the same of the run that it continues, where it does.
    """

    folder: RunFolder
    spec: RunSpec
    heard: list[Any] = field(default_factory=list)
    summary: ScanSummary | None = None
    data: Path | None = None
    target: Path | None = None
    earlier: Path | None = None


def read_run(path: Path) -> RunOnDisk:
    """Everything that the window shows of a run.

    Raises:
        UserError: there is no run, or its spec cannot be read.
    """
    # By whichever way it was reached, a run has one path: so it is known again.
    folder = open_run(Path(os.path.realpath(path)))
    spec = folder.spec()
    place = recall_place(spec.dataset.fingerprint) if spec.dataset is not None else None
    target = recall_place(spec.target.fingerprint) if spec.target is not None else None
    earlier = recall_place(spec.earlier[0].fingerprint) if spec.earlier else None
    heard = _thinned(folder.events())
    if folder.at_work:
        heard.append(
            events.Failed(
                problem="This run is being trained by another program at this moment.",
                remedy="What stands here is how far it was when it was opened. Open it again once that has ended.",
                run=folder.name,
                code="run_locked",
            )
        )
    return RunOnDisk(folder, spec, heard, summary_of_images(folder, spec), place, target, earlier)


def summary_of_images(folder: RunFolder, spec: RunSpec) -> ScanSummary | None:
    """The images of a run in the form in which a scan tells them; `None` where the manifest cannot be read."""
    if spec.dataset is None:
        return None
    try:
        rows = folder.manifest()
        left_out = _left_out(folder.manifest_path)
    except (UserError, OSError, ValueError, csv.Error, KeyError):
        return None
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    paths: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        counts[row.class_name][row.part] += 1
        paths[row.class_name].append(row.path)
    classes = [
        ClassCount(
            name=name,
            train=counts[name]["train"],
            validation=counts[name]["validation"],
            test=counts[name]["test"],
            samples=_spread(paths[name]),
        )
        for name in spec.dataset.classes
    ]
    return ScanSummary(
        name=spec.dataset.name,
        layout=spec.dataset.layout,
        classes=classes,
        used=len(rows),
        left_out=left_out[:MOST_LEFT_OUT],
        left_out_count=len(left_out),
        reasons=dict(Counter(item.reason_code.value for item in left_out)),
        pixel_rule=spec.pixel_rule,
        fingerprint=spec.dataset.fingerprint,
        grouping=_grouping(spec.dataset, rows),
        groups=sum(number > 1 for number in _units(rows).values()),
    )


def _grouping(dataset: Dataset, rows: Sequence[ManifestRow]) -> Grouping:
    """What kept images together when the run began."""
    if not dataset.grouped_by:
        return Grouping()
    largest = max(_units(rows).values(), default=0)
    return Grouping(
        key=dataset.grouped_by, sentence=key_words(dataset.grouped_by), groups=dataset.groups, largest=largest
    )


def key_words(key: str) -> str:
    """What keeps images together, by the key that a run keeps."""
    kind, _, pattern = key.partition(":")
    if kind == "pattern":
        return sentence_of(pattern)
    return GroupBy(key=key).sentence().removeprefix("Images are kept together by ").removesuffix(".")


def _units(rows: Sequence[ManifestRow]) -> Counter[str]:
    return Counter(row.group for row in rows if row.group)


def _left_out(manifest: Path) -> list[LeftOut]:
    with manifest.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return [
            LeftOut(path=row["path"], reason_code=Reason(row["reason_code"]), reason=row["reason"])
            for row in csv.DictReader(stream)
            if row["split"] == "left_out"
        ]


def _spread(paths: list[str]) -> list[str]:
    step = max(1, len(paths) // MOST_SAMPLES)
    return paths[::step][:MOST_SAMPLES]


def _thinned(heard: Iterable[Any]) -> list[Any]:
    """Every event but some of the single batches, which are the many."""
    kept = list(heard)
    batches = sum(isinstance(event, events.BatchEnded) for event in kept)
    step = batches // _MOST_BATCHES + 1
    if step == 1:
        return kept
    thinned, seen = [], 0
    for event in kept:
        if isinstance(event, events.BatchEnded):
            seen += 1
            if seen % step:
                continue
        thinned.append(event)
    return thinned
