"""Scores as the engine's, and its answers to the jobs that train nothing; invented numbers that agree with each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Said = dict[str, Any]
CLASSES = ["basophil", "eosinophil", "erythroblast"]


def metrics(matrix: list[list[int]], classes: list[str] | None = None) -> Said:
    """Scores as the engine's, from a confusion matrix (rows: really, columns: the model said)."""
    names = classes or CLASSES
    n, right = sum(map(sum, matrix)), sum(row[i] for i, row in enumerate(matrix))
    columns = [sum(row[i] for row in matrix) for i in range(len(matrix))]
    recalls = [row[i] / sum(row) for i, row in enumerate(matrix)]
    f1 = [2 * row[i] / (sum(row) + columns[i]) for i, row in enumerate(matrix)]
    accuracy = _share(right, n)
    balanced, macro = sum(recalls) / len(recalls), sum(f1) / len(f1)
    low, high = accuracy["low"], accuracy["high"]
    return {
        "accuracy": accuracy,
        "balanced_accuracy": {"value": balanced, "low": min(low, balanced), "high": max(high, balanced), "n": n},
        "macro_f1": {"value": macro, "low": min(low, macro), "high": max(high, macro), "n": n},
        "auc": {"value": 0.991, "low": 0.981, "high": 0.997, "n": n},
        "majority_class_accuracy": max(map(sum, matrix)) / n,
        "classes": names,
        "confusion_matrix": matrix,
        "per_class": {
            name: {
                "recall": _share(row[i], sum(row)),
                "precision": _share(row[i], columns[i]) if columns[i] else _unmeasured(),
                "f1": {"value": f1[i], "low": max(0.0, f1[i] - 0.04), "high": min(1.0, f1[i] + 0.03), "n": sum(row)},
            }
            for i, (name, row) in enumerate(zip(names, matrix, strict=True))
        },
        "sentence": f"{right} of {n} images are right: the true accuracy plausibly lies between {100 * low:.0f} "
        f"and {100 * high:.0f} %.",
    }


def _share(hits: int, n: int) -> Said:
    z = 1.959964
    share, spread = hits / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / spread
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / spread
    return {"value": share, "low": min(share, centre - reach), "high": max(share, centre + reach), "n": n}


def _unmeasured() -> Said:
    return {"value": None, "low": None, "high": None, "n": 0}


def answers(job: Said) -> Iterator[Said]:
    """What the engine says to a job that trains nothing; the ending last."""
    run = job.get("run", "")
    message = "Done."
    match job["type"]:
        case "Predict":
            paths = [shown for shown, _ in job["paths"]]
            for number, path in enumerate(paths):
                yield {"type": "Progress", "stage": "answers", "done": number, "total": len(paths)}
                yield _predicted(path, number)
            message = f"{len(paths)} images were answered."
        case "Evaluate":
            yield {"type": "Progress", "stage": "answers", "done": 1, "total": 2}
            yield {"type": "Evaluated", "split": "new", "metrics": metrics([[69, 1, 0], [3, 67, 2], [1, 2, 64]])}
        case "Export":
            yield from _exported(job)
            message = "Exported; it answers all 32 validation images that were tried like the program does."
        case "Survey":
            yield {"type": "Surveyed", "rows": [_weights(*row) for row in WEIGHTS]}
        case "Measure":
            yield {"type": "Progress", "stage": "measuring the speed", "done": 8, "total": 16}
            speed = {"backbone": job["backbone"], "seconds_per_1000": 12.4, "images": 160}
            yield {"type": "Measured", "device": "cpu", "executor": "onnxruntime"} | speed
        case "Fetch":
            total = 20_451_000
            for done in range(0, total + 1, total // 10):
                yield {"type": "Progress", "stage": "downloading the weights", "done": done, "total": total}
            message = "The weights are on this computer."
        case "CheckWeights":
            name = Path(job["file"]).name
            yield {"type": "WeightsChecked", "backbone": job["backbone"], "file_name": name, "sha256": "3dd342df" * 8}
        case "ProbeShortcuts":
            for done in range(0, 401, 50):
                left = {"seconds_left": (400 - done) / 40}
                yield {"type": "Progress", "stage": "looking at the images", "done": done, "total": 400} | left
            yield shortcuts("red" if job["rule"]["border"] == 0 else "question")
    yield {"type": "Completed", "run": run, "message": message}


WEIGHTS = (
    ("efficientnet-lite0", "embedded", "", 18_000_000, ""),
    ("resnet50", "absent", "resnet50-11ad3fa6.pth", 102_540_417, "11ad3fa6"),
    ("efficientnet-b0", "ready", "efficientnet_b0_rwightman-7f5810bc.pth", 21_444_401, "7f5810bc"),
    ("vgg16", "absent", "vgg16-397923af.pth", 553_433_881, "397923af"),
)


def shortcuts(verdict: str) -> Said:
    """What a look for shortcuts says: a red border that can be cut off, a question alone, or nothing."""
    red, asked = verdict == "red", verdict != "quiet"
    worst = ("red", "From the outer border alone 'basophil' can be told from the other classes (AUC 0.94, 0.90 to 0.97). "
             "Look for frames, markers and text there, and cut the border off.")  # fmt: skip
    size = ("question", "From the size of the picture alone the class can be told (AUC 0.86, 0.81 to 0.90). "
            "Should the classes differ in that?")  # fmt: skip
    rows = [
        _probe(
            "full", "Whole picture", 0.97, ("quiet", "From the whole picture the classes are told with an AUC 0.97.")
        ),
        _probe("masked", "Centre masked", 0.93, ("quiet", "")),
        _probe("border", "Outer border", 0.94 if red else 0.58, worst if red else ("quiet", "")),
        _probe("corners", "Corners", 0.61, ("quiet", "")),
        _probe("burned-in", "Burned-in text", 0.52, ("quiet", "")),
        {"name": "file", "label": "Kind of file", "sentence": "All images are alike: kind of file."},
        {"name": "device", "label": "Device", "sentence": "All images are alike: device."},
        _probe("histogram", "Brightness and colour", 0.71, ("quiet", "")),
        _probe("size", "Picture size", 0.86 if asked else 0.55, size if asked else ("quiet", "")),
    ]
    sentences = {
        "red": "The class can be guessed from the outer border: a model may learn that instead of what you are after. "
        "Cutting 6 % off on each side takes it away.",
        "question": "No shortcut was found. The class can be told from the size of the picture too, which may be honest "
        "or not.",
        "quiet": "No shortcut was found in what was tried; that does not prove that there is none.",
    }
    found = {"probes": rows, "images": 400, "verdict": verdict, "sentence": sentences[verdict]}
    return {"type": "ShortcutsProbed", "border": 0.06 if red else 0.0} | found


def _probe(name: str, label: str, auc: float, told: tuple[str, str]) -> Said:
    verdict, sentence = told
    sentence = sentence or f"The class cannot clearly be told from it alone (AUC {auc:.2f})."
    around = {"auc": auc, "low": auc - 0.05, "high": min(1.0, auc + 0.04), "chance": 0.56}
    return {"name": name, "label": label, "verdict": verdict, "sentence": sentence} | around


def _weights(backbone: str, state: str, file_name: str, size: int, digest: str) -> Said:
    return {
        "backbone": backbone,
        "state": state,
        "file_name": file_name,
        "size_bytes": size,
        "sha256_prefix": digest,
        "folder": "" if state == "embedded" else "/home/someone/.cache/torch/hub/checkpoints",
    }


def _predicted(path: str, number: int) -> Said:
    if "broken" in path:
        return {"type": "Predicted", "path": path, "problem": "The file was cut off while copying."}
    label = number % len(CLASSES)
    probabilities = {name: 0.91 if index == label else 0.045 for index, name in enumerate(CLASSES)}
    return {"type": "Predicted", "path": path, "label": CLASSES[label], "probabilities": probabilities}


def _exported(job: Said) -> Iterator[Said]:
    for done in range(5):
        yield {"type": "Progress", "stage": "comparing the answers", "done": 8 * done, "total": 32}
    files = ["model.onnx" if job["format"] == "onnx" else "model.safetensors", "model.json", "README.md", "parity.json"]
    parity = {
        "passed": True,
        "images": 32,
        "labels_equal": 32,
        "ties": 0,
        "max_probability_difference": 3.1e-06,
        "max_logit_difference": 1.9e-05,
        "max_relative_logit_difference": 2.4e-06,
        "tolerance": {"probability": 1e-4, "relative_logit": 1e-4, "tie_gap": 1e-4},
    }
    folder = str(Path(job["to"]) / f"{Path(job['run']).name}-{job['format']}-1")
    yield {
        "type": "Exported",
        "folder": folder,
        "format": job["format"],
        "files": files,
        "parity": parity,
        "worst_image": "basophil/BA_101093.jpg",
    }
