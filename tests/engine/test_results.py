"""The exact schemas of `metrics.json` and `predictions.csv` (demand B9)."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from helpers.tiny import tiny_network

from tlgui.core.records import PixelRule
from tlgui.core.run_folder import RunFolder, create
from tlgui.core.run_spec import RunSpec
from tlgui.engine import results
from tlgui.engine.results import OPTIMISTIC, logits_of
from tlgui.engine.samples import Part
from tlgui.engine.trained_model import Card, TrainedModel

CLASSES = ['a,"b"', "=1+1", "c"]

pytestmark = pytest.mark.usefixtures("one_thread")


def part(labels: list[int], name: str) -> Part:
    paths = [f"{name}/{CLASSES[label]}/{index} é,.png" for index, label in enumerate(labels)]
    return Part(paths, [f"{name}{index}" for index in range(len(labels))], torch.tensor(labels))


def probabilities(n: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.random.default_rng(seed).dirichlet(np.ones(3), n)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path / "run", RunSpec())


@pytest.fixture
def model() -> TrainedModel:
    return TrainedModel(
        tiny_network(3), Card(backbone="tiny", classes=CLASSES, fit="crop", pixel_rule=PixelRule(), epoch=2)
    )


def test_predictions_read_back_exactly(run: RunFolder, model: TrainedModel) -> None:
    answers = {
        "train": (part([0, 1, 2, 2], "t"), probabilities(4, 0)),
        "validation": (part([0, 2], "v"), probabilities(2, 1)),  # T19: no image of class 1
        "test": (part([1, 1, 0], "x"), probabilities(3, 2)),
    }
    results.write(run, model, answers)
    text = (run.results / "predictions.csv").read_bytes().decode("utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["path", "split", "true", "predicted", *(f"p_{name}" for name in CLASSES)]
    expected = [
        [path, name, CLASSES[label], CLASSES[int(np.argmax(row))], *row.tolist()]
        for name, (images, answer) in answers.items()
        for path, label, row in zip(images.paths, images.labels.tolist(), answer, strict=True)
    ]
    assert [[*row[:4], *map(float, row[4:])] for row in rows] == expected  # equal to the last bit


def test_metrics_hold_what_the_demand_names(run: RunFolder, model: TrainedModel) -> None:
    answers = {
        "train": (part([0, 1, 2] * 5, "t"), probabilities(15, 0)),
        "validation": (part([0, 2] * 5, "v"), probabilities(10, 1)),
        "test": (part([0, 1, 2] * 4, "x"), probabilities(12, 2)),
    }
    scores = results.write(run, model, answers)
    metrics = msgspec.json.decode((run.results / "metrics.json").read_bytes())
    assert {"best_epoch", "classes", "test_evaluations", "validation", "test"} <= metrics.keys()
    assert "train" not in metrics and metrics["classes"] == CLASSES and metrics["best_epoch"] == 2
    assert {name: metrics[name] for name in ("validation", "test")} == msgspec.json.decode(msgspec.json.encode(scores))
    for name in ("validation", "test"):
        for metric in ("accuracy", "balanced_accuracy", "macro_f1"):
            assert metrics[name][metric].keys() == {"value", "low", "high", "n"}
        images, answer = answers[name]
        right = answer.argmax(1) == images.labels.numpy()
        assert metrics[name]["accuracy"]["value"] == right.mean() and metrics[name]["accuracy"]["n"] == len(images)
        matrix = np.zeros((3, 3), int)
        np.add.at(matrix, (images.labels.numpy(), answer.argmax(1)), 1)
        assert metrics[name]["confusion_matrix"] == matrix.tolist()  # T19: always 3 x 3, rows = true
        assert metrics[name]["classes"] == CLASSES
        share = np.bincount(images.labels.numpy(), minlength=3).max() / len(images)
        assert metrics[name]["majority_class_accuracy"] == pytest.approx(share)
    assert metrics["validation"]["note"] == OPTIMISTIC and "note" not in metrics["test"]


def test_looks_at_the_test_images_are_counted(run: RunFolder, model: TrainedModel) -> None:
    with_test = {
        "validation": (part([0, 1], "v"), probabilities(2, 0)),
        "test": (part([0, 1], "x"), probabilities(2, 1)),
    }
    without = {"validation": with_test["validation"]}

    def looks() -> int:
        return int(msgspec.json.decode((run.results / "metrics.json").read_bytes())["test_evaluations"])

    results.write(run, model, with_test)
    assert looks() == 1
    results.write(run, model, with_test)
    assert looks() == 2
    (run.results / "metrics.json").write_bytes(b"torn")
    results.write(run, model, without)
    assert looks() == 0


@pytest.mark.parametrize("cut", [0, 2, 4 - 1])
def test_logits_are_those_of_the_whole_network_in_evaluation_mode(cut: int, model: TrainedModel) -> None:
    network, n = model.network, 33
    images = torch.randn(n, 3, 24, 24)
    network.model.train()
    asked: list[int] = []

    def activations(images_of: Part, indices: list[int]) -> torch.Tensor:
        asked.extend(indices)
        with torch.inference_mode():
            network.evaluation_mode()
            below = network.run(images[indices], 0, cut)
            network.model.train()
            network.evaluation_mode()
            return below

    steps = logits_of(model, part([0] * n, "v"), activations, cut)
    done = []
    while True:
        try:
            done.append(next(steps))
        except StopIteration as end:
            got = end.value
            break
    assert done[-1] == n
    network.evaluation_mode()
    with torch.inference_mode():
        expected = network.model(images)
    assert asked == list(range(n)) and got.shape == (n, 3)
    assert torch.allclose(got, expected, atol=1e-5)
