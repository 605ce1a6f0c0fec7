"""A finished run's folder with results, made from given answers, without training; for the pages that show results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from tlgui.core.planning import resolve
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import Dataset, RunSpec, Training
from tlgui.core.tables import csv_bytes
from tlgui.engine.metrics import score, to_json_dict

Given = tuple[str, str, str, float]  # path, true, said, probability of what was said


def finished_run(
    path: Path, classes: Sequence[str], test: Sequence[Given], validation: Sequence[Given] | None = None
) -> RunFolder:
    """The folder; scores are the engine's own arithmetic on these answers."""
    names = list(classes)
    training, _ = resolve(Training(strategy="feature-extraction"), len(test))
    dataset = Dataset(name="cells", fingerprint="f" * 64, layout="class folders", classes=names, images=len(test))
    run = create(path, msgspec.structs.replace(RunSpec(), training=training, dataset=dataset))
    rows: list[list[object]] = [["path", "split", "true", "predicted", *(f"p_{name}" for name in names)]]
    content: dict[str, object] = {"best_epoch": 13, "classes": names, "test_evaluations": 1, "intervals": "95 %"}
    for part, answers in (("validation", validation if validation is not None else test), ("test", test)):
        if not answers:
            continue
        shares = np.array([_shares(said, sure, names) for _, _, said, sure in answers])
        labels = np.array([names.index(true) for _, true, _, _ in answers])
        content[part] = to_json_dict(score(labels, shares, names, resamples=50))
        rows += [
            [image, part, true, said, *row.tolist()]
            for (image, true, said, _), row in zip(answers, shares, strict=True)
        ]
    (run.results / "metrics.json").write_text(json.dumps(content))
    (run.results / "predictions.csv").write_bytes(csv_bytes(rows))
    return run


def _shares(said: str, sure: float, names: list[str]) -> list[float]:
    rest = (1 - sure) / (len(names) - 1)
    return [sure if name == said else rest for name in names]
