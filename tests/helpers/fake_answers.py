"""Scores as the engine's, and its answers to the jobs that train nothing; invented numbers that agree with each other."""

from __future__ import annotations

import csv
import io
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
        case "DescribeBackbone" if job["name"] == "resnet18":
            yield {"type": "Progress", "stage": "looking at resnet18", "done": 0, "total": 1}
            groups = ["stem", "layer1", "layer2", "layer3", "layer4"]
            sentence = (
                "Its layer groups can be unfrozen one after another. Its weights are fetched when they are needed."
            )
            found = {"backbone": "resnet18", "label": "ResNet-18", "parameters": 11_689_512, "size": 224}
            yield {"type": "BackboneDescribed", "groups": groups, "sentence": sentence} | found
        case "DescribeBackbone":
            problem = f"timm has no model named '{job['name']}'."
            yield {"type": "Failed", "problem": problem, "remedy": "Names like it: resnet18, resnet34, resnet50."}
            return
        case "CheckWeights":
            name = Path(job["file"]).name
            yield {"type": "WeightsChecked", "backbone": job["backbone"], "file_name": name, "sha256": "3dd342df" * 8}
        case "ProbeShortcuts":
            for done in range(0, 401, 50):
                left = {"seconds_left": (400 - done) / 40}
                yield {"type": "Progress", "stage": "looking at the images", "done": done, "total": 400} | left
            yield shortcuts("red" if job["rule"]["border"] == 0 else "question")
        case "ProbeLayers":
            for done in range(0, 241, 40):
                yield {"type": "Progress", "stage": "seeing the images", "done": done, "total": 240}
            yield layers(job["backbone"])
        case "MeasureGap":
            for done in range(0, 201, 50):
                yield {"type": "Progress", "stage": "looking at the new site", "done": done, "total": 200}
            yield gap(job)
        case "Advise":
            for done in range(0, 201, 50):
                yield {"type": "Progress", "stage": "looking at the images", "done": done, "total": 200}
            yield SIMILARITY
            yield advised(job)
        case "MixWeights":
            for done in range(1, 12):
                yield {"type": "Progress", "stage": "mixing the weights before and after", "done": done, "total": 11}
            yield mixes(job["share"])
            yield {"type": "Evaluated", "split": "test", "metrics": metrics([[69, 1, 0], [3, 67, 2], [1, 2, 64]])}
            yield measured(left(0.93), 20)
        case "TryStrengths":
            for done in range(0, 37, 6):
                yield {"type": "Progress", "stage": "quick copies, each held harder", "done": done, "total": 36}
            yield STRENGTHS
        case "FindRate":
            yield {"type": "Progress", "stage": "trying learning rates", "done": 60, "total": 120}
            yield rates()
    yield {"type": "Completed", "run": run, "message": message}


def gap(job: Said) -> Said:
    """How different a new site is, of the first images that its listing names."""
    listing = Path(job["new_listing"])
    text = listing.read_text("utf-8") if listing.is_file() else ""
    listed = [row["path"] for row in csv.DictReader(io.StringIO(text, newline=""))][:12]
    least = [{"path": path, "probability": 0.999 - 0.01 * place} for place, path in enumerate(listed)]
    grey = [math.exp(-(((place - 20) / 4) ** 2)) for place in range(32)]
    bright = [math.exp(-(((place - 26) / 3) ** 2)) for place in range(32)]
    known_look, new_look = (
        {"brightness": [one / sum(of) for one in of], "red": red, "green": red - 30, "blue": red - 12}
        for of, red in ((grey, 190.0), (bright, 224.0))
    )
    return {
        "type": "GapMeasured",
        "backbone": job["backbone"],
        "images": 200,
        "known_images": 204,
        "new_images": 232,
        "files": 240,
        "left_out": {"known": 2, "not_an_image": 6},
        "known_paths": ["a/1.png", "b/<b>.png"],
        "auc": 0.87,
        "low": 0.82,
        "high": 0.92,
        "folds": 5,
        "mmd": 0.31,
        "mmd_p": 0.002,
        "permutations": 500,
        "gap": "clear",
        "least_alike": least
        or [{"path": "c/<b>.png", "probability": 0.99999}, {"path": "c/2.png", "probability": 0.9}],
        "known_look": known_look,
        "new_look": new_look,
        "sentence": "Told apart most of the time (AUC .87, .82 to .92): the images of the new site are clearly different.",
        "notes": [
            "2 images of the new site are also images of the known site (the same file) and took no part: a/1.png, b/<b>.png."
        ],
    }


def left(now: float) -> Said:
    """What is left of an accuracy of 95 % on 120 images of before."""
    around = {"low": round(now - 0.95 - 0.05, 4), "high": round(now - 0.95 + 0.04, 4)}
    return {"meter": "accuracy", "images": 120, "before": 0.95, "now": now} | around


def measured(seen: Said, looks: int) -> Said:
    """The same of the kept model."""
    task = {"name": "cells", "images": 120, "before": 0.95, "now": seen["now"]}
    sentence = f"Of 120 earlier images 95.0 % were right before and {100 * seen['now']:.1f} % are now."
    return {"type": "RetentionMeasured", "seen": seen, "tasks": [task], "looks": looks, "sentence": sentence}


def mixes(share: float | None) -> Said:
    """Eleven mixes: the more of the earlier weights, the better the old and the worse the new."""
    tried = [
        {"earlier": n / 10, "new": round(0.93 - 0.004 * n * n / 2, 4), "old": round(0.84 + 0.011 * n, 4)}
        for n in range(11)
    ]
    chosen = 0.4 if share is None else share
    found = {"chosen": chosen, "by_itself": share is None, "new_images": 210, "old_images": 104}
    sentence = f"The model that is kept is {100 * chosen:.0f} % of the weights before and the rest of those after."
    return {"type": "MixesTried", "mixes": tried, "sentence": sentence} | found


STRENGTHS: Said = {
    "type": "StrengthsTried",
    "points": [
        {"strength": strength, "new": new, "old": old}
        for strength, new, old in (
            *((0.0, 0.934, 0.712), (0.01, 0.936, 0.731), (0.1, 0.932, 0.808)),
            *((1.0, 0.921, 0.885), (10.0, 0.893, 0.923), (100.0, 0.842, 0.942)),
        )
    ],
    "epochs": 7,
    "new_images": 210,
    "old_images": 104,
    "best": 10.0,
    "old_before": 0.952,
    "sentence": "After 7 epochs each, a strength of 10 has the best mean of both: 89.3 % of the new validation images and 92.3 % "
    "of 104 earlier ones are right (95.2 % of these were before). Differences of a few images can be chance.",
}


SIMILARITY: Said = {
    "type": "SimilarityMeasured",
    "measured": {
        "value": 0.929,
        "low": 0.928,
        "high": 0.93,
        "spread": 0.11,
        "band": "far",
        "sure": True,
        "doubt": "",
        "images": 200,
        "backbone": "efficientnet-lite0",
        "method": "as it is measured",
    },
    "sentence": "To the network these images look like nothing that it learned from (similarity 0.929, 0.928 to 0.930; "
    "chest X-rays: 0.923).",
}


def advised(job: Said) -> Said:
    """What the engine recommends, with a trial where one was asked for."""
    trial = bool(job.get("trial"))
    reason = (
        "In a short trial on 366 of your training images, deeper training told 160 of 180 held-back images right, a new "
        "last layer alone 141 of 180: the 2 uppermost layer groups learn too."
        if trial
        else "As it is, the network already recognises about 78 % (74 to 82 %) of your images, so there is something to "
        "gain: the 2 uppermost layer groups learn too."
    )
    return {
        "type": "Advised",
        "images": 1092,
        "classes": 3,
        "images_per_class_min": 348,
        "similarity": SIMILARITY["measured"],
        "similarity_sentence": SIMILARITY["sentence"],
        "answer": {"accuracy": 0.78, "low": 0.74, "high": 0.82, "images": 764, "folds": 5},
        "textbook": {"strategy": "progressive-unfreezing", "top_groups": 1, "adapt": True, "reason": ""},
        "recommended": {"strategy": "fine-tune-top", "top_groups": 2, "adapt": False, "reason": reason},
        "runner_up": {"strategy": "feature-extraction", "top_groups": 1, "adapt": False, "reason": ""},
        "sure": "sure" if trial else "unsure",
        "by": "trial" if trial else "headroom",
        "trial": trial,
        "trial_would_tell": not trial,
        "difference": "For 1,092 images of another kind than photographs, the textbook's table advises progressive "
        "unfreezing. In our trials the kind of picture did not tell who gains from deeper training; what was left to gain did: "
        "of 15 image sets with 8 % or more, 10 gained.",
    }


WEIGHTS = (
    ("efficientnet-lite0", "embedded", "", 18_000_000, ""),
    ("resnet50", "absent", "resnet50-11ad3fa6.pth", 102_540_417, "11ad3fa6"),
    ("efficientnet-b0", "ready", "efficientnet_b0_rwightman-7f5810bc.pth", 21_444_401, "7f5810bc"),
    ("vgg16", "absent", "vgg16-397923af.pth", 553_433_881, "397923af"),
    ("mobilenet-v3-large", "absent", "mobilenet_v3_large-5c1a4163.pth", 22_139_423, "5c1a4163"),
    ("resnet18", "ready", "resnet18-f37072fd.pth", 46_830_571, "f37072fd"),
    ("resnet50-v1", "absent", "resnet50-0676ba61.pth", 102_530_333, "0676ba61"),
    ("efficientnet-b7", "absent", "efficientnet_b7_lukemelas-c5b4e57e.pth", 266_860_719, "c5b4e57e"),
    ("vit-b16", "absent", "vit_b_16-c867db91.pth", 346_328_529, "c867db91"),
    ("convnext-tiny", "absent", "convnext_tiny-983f1562.pth", 114_414_741, "983f1562"),
    ("convnext-base", "absent", "convnext_base-6075fbad.pth", 354_478_005, "6075fbad"),
    ("dinov2-small", "absent", "dinov2-small.safetensors", 88_247_520, ""),
    ("tiny-cnn", "none", "", 0, ""),
)


def layers(backbone: str) -> Said:
    """What the layer groups of a network tell about the classes: more and more from the stem to the top."""
    names = ["stem", "blocks 1-2", "block 3", "block 4", "block 5", "block 6", "block 7", "top"]
    values = [0.48, 0.55, 0.66, 0.74, 0.82, 0.90, 0.93, 0.94]
    groups = [
        {"name": name, "accuracy": value, "low": value - 0.05, "high": value + 0.04}
        for name, value in zip(names, values, strict=True)
    ]
    sentence = (
        "From edges and colours alone 48 % are told right, from the uppermost layers 94 %: lower layers are general, "
        "upper ones specific, and what the network learned elsewhere carries over to these images."
    )
    found = {"backbone": backbone, "groups": groups, "images": 240, "folds": 5, "largest_class": 0.34}
    return {"type": "LayersProbed", "sentence": sentence} | found


def rates() -> Said:
    """A run of rising learning rates: the loss stays, falls, and runs away."""
    tried = [10 ** (-6 + 6 * at / 120) for at in range(121)]
    losses = [None if rate > 0.6 else 1.1 / (1 + 250 * rate) + 4 * rate + 0.01 * math.sin(9e3 * rate) for rate in tried]
    sentence = "The loss falls most at 0.0032. The strategy would use 0.0030, which is about the same."
    found = {"rates": tried, "losses": losses, "suggested": 0.0032, "in_use": 0.003}
    return {"type": "RateFound", "sentence": sentence} | found


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
