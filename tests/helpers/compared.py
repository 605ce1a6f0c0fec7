"""Runs of a comparison that were never trained: run folders with the answers that a test gives them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tlgui.core import events
from tlgui.core.comparison import Comparison, Entrant
from tlgui.core.planning import resolve
from tlgui.core.records import ImageRecord
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import Dataset, RunSpec, Training
from tlgui.core.split import Part
from tlgui.core.tables import csv_bytes

CLASSES = ("ant", "bee")
Held = Mapping[str, tuple[Part, bool]]  # path -> its part, and whether it was told right


def comparison_of(*keys: str, folds: int = 0) -> Comparison:
    """Ways of one strategy each, or "fine-tune-top:2"."""
    ways = [key.partition(":") for key in keys]
    return Comparison(
        dataset="bees",
        fingerprint="f" * 64,
        backbone="efficientnet-lite0",
        epochs=3,
        folds=folds,
        entrants=[Entrant(strategy=name, top_groups=int(groups or 0)) for name, _, groups in ways],
    )


def answered(
    path: Path,
    held: Held,
    groups: Mapping[str, str] | None = None,
    seconds: Sequence[float] = (2.0, 3.0),
    trainable: int = 1_000,
    classes: Sequence[str] = CLASSES,
    ending: events.Ending | None = None,
    contents: Mapping[str, str] | None = None,
) -> RunFolder:
    """A whole run, as the engine leaves it.

    Args:
        path: its folder.
        held: its images.
        groups: of images that do not stand alone.
        seconds: of each epoch.
        trainable: parameters that learn.
        classes: of the run.
        ending: another one than completion.
        contents: content hashes that are not those of the path.
    """
    training, _ = resolve(Training(strategy="feature-extraction"), len(held))
    dataset = Dataset(
        name="bees", fingerprint="f" * 64, layout="class folders", classes=list(classes), images=len(held)
    )
    run = create(path, msgspec.structs.replace(RunSpec(), training=training, dataset=dataset))
    records = [
        ImageRecord(
            path=image,
            class_name=classes[0],
            content_hash=(contents or {}).get(image) or content_of(image),
            width=9,
            height=9,
            group=(groups or {}).get(image, ""),
        )
        for image in held
    ]
    run.write_manifest(records, {image: part for image, (part, _) in held.items()}, [])
    finish(run, held, seconds, trainable, ending)
    return run


def finish(
    run: RunFolder,
    held: Held,
    seconds: Sequence[float] = (2.0, 3.0),
    trainable: int = 1_000,
    ending: events.Ending | None = None,
) -> None:
    """What the engine leaves in a run folder at its end: events, and answers for all images."""
    names = [row.class_name for row in run.manifest()]
    other = next((name for name in names if name != names[0]), "another")
    classes = {row.path: row.class_name for row in run.manifest()}
    run.append_event(
        events.LayersChanged(
            step=0, reason="start", parameters=10 * trainable, trainable_parameters=trainable, groups=[]
        )
    )
    for number, each in enumerate(seconds, 1):
        run.append_event(
            events.EpochEnded(
                epoch=number, epochs=len(seconds), step=number, train_loss=0.5, validation_loss=0.5,
                validation_accuracy=0.5, validation_balanced_accuracy=0.5, learning_rates={}, best=True, seconds=each,
                seconds_left=None,
            )
        )  # fmt: skip
    rows: list[list[object]] = [["path", "split", "true", "predicted"]]
    for image, (part, right) in held.items():
        true = classes[image]
        wrong = names[0] if true != names[0] else other
        rows.append([image, part, true, true if right else wrong])
    (run.results / "predictions.csv").write_bytes(csv_bytes(rows))
    run.append_event(ending or events.Completed(run=run.name, best_epoch=len(seconds), message="Done."))


def content_of(image: str) -> str:
    """A content hash."""
    return hashlib.sha256(image.encode()).hexdigest()
