"""What a finished run says about itself: scores with intervals, and the answer for every image."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlgui.core import atomic
from tlgui.core.events import RetentionMeasured
from tlgui.core.run_folder import RunFolder
from tlgui.core.split import PARTS
from tlgui.core.tables import csv_bytes
from tlgui.engine import seeding
from tlgui.engine.metrics import score, to_json_dict
from tlgui.engine.samples import Part
from tlgui.engine.trained_model import TrainedModel
from tlgui.engine.validation import logits_from

OPTIMISTIC = "Validation chose the epoch, so this is a little optimistic."
_BATCH = 32


def logits_of(
    model: TrainedModel, part: Part, activations: Callable[[Part, list[int]], Tensor], cut: int
) -> Generator[int, None, Tensor]:
    """Raw outputs for those images of a part that are not skipped, from its activations below group `cut`.

    Yields:
        How many images are done.

    Returns:
        (N, classes) float32, for the images of `part.left`.
    """
    model.network.evaluation_mode()
    outputs, answered = [], list[int]()
    for indices in seeding.batches(list(range(len(part))), _BATCH):
        inputs = activations(part, indices)
        there = part.there(indices)
        if not there:
            yield indices[-1] + 1
            continue
        device = next(model.network.model.parameters()).device
        outputs.append(logits_from(model.network, inputs, cut, device))
        answered += there
        yield indices[-1] + 1
    # An image that was answered from the cache may have been missed later on.
    return torch.cat(outputs)[[index not in part.skipped for index in answered]]


def metrics_of(probabilities: NDArray[np.float64], part: Part, classes: list[str], chose_epoch: bool) -> dict[str, Any]:
    """Scores of one part as they stand in `metrics.json`.

    Args:
        probabilities: (N, classes), for the images of `part.left`.
        part: with the images that are skipped: how many they are is noted beside the score.
        classes: names.
        chose_epoch: whether the part chose the epoch.
    """
    metrics = to_json_dict(score(part.left.labels.numpy(), probabilities, classes))
    if note := " ".join(filter(None, [OPTIMISTIC if chose_epoch else "", part.score_note()])):
        metrics["note"] = note
    return metrics


def write(
    run: RunFolder,
    model: TrainedModel,
    answers: dict[str, tuple[Part, NDArray[np.float64]]],
    remark: str = "",
    left: RetentionMeasured | None = None,
) -> dict[str, dict[str, Any]]:
    """Writes `metrics.json` and `predictions.csv`.

    Args:
        run: whose.
        model: its best state.
        answers: part name -> (images, (N, classes) probabilities of those that are not skipped), for train, validation
            and, where there is one, test.
        remark: what stands beside each score.
        left: what the model still knows of what it had learned before, of one that learned on.

    Returns:
        Scores of validation and test.
    """
    classes = model.card.classes
    scores = {
        name: metrics_of(probabilities, part, classes, chose_epoch=name == "validation")
        for name, (part, probabilities) in answers.items()
        if name != "train" and len(part)
    }
    for metrics in scores.values() if remark else ():
        metrics["note"] = f"{metrics.get('note', '')} {remark}".strip()
    content = {
        "best_epoch": model.card.epoch,
        "classes": classes,
        # Each look at the test images makes the next score a little less independent of them, so looks are counted.
        "test_evaluations": _evaluations_before(run) + (1 if "test" in scores else 0),
        "intervals": "95 %",
        **scores,
        **({"retention": left_as_json(left)} if left is not None else {}),
    }
    run.results.mkdir(exist_ok=True)
    atomic.write_bytes(run.results / "metrics.json", _formatted(content))
    atomic.write_bytes(run.results / "predictions.csv", _predictions(classes, answers))
    return scores


def left_as_json(left: RetentionMeasured) -> dict[str, Any]:
    """As it stands in `metrics.json`."""
    found: dict[str, Any] = msgspec.to_builtins(left)
    found.pop("type", None)
    return {**found.pop("seen"), "difference": left.seen.difference, **found}


def count_test_evaluation(run: RunFolder) -> None:
    """Counts one more look at the run's own test images in `metrics.json`, where there is one."""
    path = run.results / "metrics.json"
    try:
        content = msgspec.json.decode(path.read_bytes())
        content["test_evaluations"] += 1
    except (OSError, KeyError, TypeError, msgspec.DecodeError):
        return
    atomic.write_bytes(path, _formatted(content))


def _formatted(content: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _evaluations_before(run: RunFolder) -> int:
    try:
        return int(msgspec.json.decode((run.results / "metrics.json").read_bytes())["test_evaluations"])
    except (OSError, KeyError, TypeError, ValueError, msgspec.DecodeError):
        return 0


def _predictions(classes: list[str], answers: dict[str, tuple[Part, NDArray[np.float64]]]) -> bytes:
    rows: list[list[object]] = [["path", "split", "true", "predicted", *(f"p_{name}" for name in classes)]]
    for name in PARTS:
        if name not in answers:
            continue
        part, probabilities = answers[name][0].left, answers[name][1]
        for path, label, row in zip(part.paths, part.labels.tolist(), probabilities, strict=True):
            rows.append([path, name, classes[label], classes[int(row.argmax())], *row.tolist()])
    return csv_bytes(rows)
