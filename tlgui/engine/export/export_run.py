"""Writes one export, checks it, and gives it its place."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from tlgui.core.errors import UserError
from tlgui.core.run_folder import ManifestRow
from tlgui.engine.export import folder, onnx_file, parity, script, weights_file
from tlgui.engine.export.description import describe
from tlgui.engine.trained_model import TrainedModel
from tlgui.engine.weights import sha256_of

LABELS = "labels.json"
PARITY = "parity.json"


@dataclass(frozen=True)
class Finished:
    """An export that passed its check."""

    folder: Path
    files: list[str]
    record: dict[str, Any]
    worst: str


FRESH = "checking in a fresh process"

# (stage, done, total)
Step = tuple[str, int, int]


def write_and_check(
    model: TrainedModel, format_: str, images: list[ManifestRow], root: Path, to: Path, stem: str
) -> Iterator[Step | Finished]:
    """Yields its steps, and last the finished export.

    Args:
        model: what is exported.
        format_: "onnx" or "weights".
        images: from `parity.choose`.
        root: the dataset folder.
        to: where the export's folder is made.
        stem: its name without the number.

    Raises:
        UserError: it could not be written, or does not answer like the program; then it stays under a name that ends
            in "-failed", and the worst image is named.
    """
    with folder.building(to) as building:
        yield "writing", 0, 1
        _write(model, format_, building)
        yield "writing", 1, 1
        paths = [root / row.path for row in images]
        own: list[parity.Answer | None] = []
        yield "checking", 0, len(paths)
        for answer in parity.own_answers(model, paths):
            own.append(answer)
            yield "checking", len(own), len(paths)
        readable = [i for i, answer in enumerate(own) if answer is not None]
        images, paths = [images[i] for i in readable], [paths[i] for i in readable]
        complaint = ""
        yield FRESH, 0, 1
        try:
            exported = parity.script_answers(
                building / script.NAME,
                paths,
                model.card.classes,
                script.blocked(format_),
                torch.get_num_threads(),
            )
            verdict = parity.compare([answer for answer in own if answer is not None], exported)
        except parity.ScriptError as error:
            complaint, verdict = str(error), parity.Verdict([], 0.0, None)
        wrong = _wrong_files(model, format_, building)
        passed = verdict.passed and not wrong
        record = {
            **verdict.record(),
            "passed": passed,
            "format": format_,
            "worst_image_sha256": "" if verdict.worst is None else images[verdict.worst].content_hash,
            "model_hash": model.weights_hash,
            "files": {path.name: _facts(path) for path in sorted(building.iterdir())},
            "versions": _versions(model, format_),
        }
        folder.write(building / PARITY, json.dumps(record, indent=2, allow_nan=False).encode())
        files = sorted(path.name for path in building.iterdir())
        place = folder.publish(building, to, stem, failed=not passed)
    worst = "" if verdict.worst is None else images[verdict.worst].path
    if not passed:
        raise UserError(
            _problem(verdict, worst, wrong),
            f"Do not use the folder '{place.name}'. Export again; if it fails again, report it as a fault of this program.",
            complaint,
            code="export_unproved",
        )
    yield Finished(place, files, record, worst)


def _write(model: TrainedModel, format_: str, into: Path) -> None:
    if format_ == "onnx":
        onnx_file.write(model, into / onnx_file.NAME)
    else:
        weights_file.write(model, into)
    folder.write(into / LABELS, _labels(model, format_))
    folder.write(into / script.NAME, script.text(model, format_).encode())


def _labels(model: TrainedModel, format_: str) -> bytes:
    text = json.dumps(describe(model, inside_graph=format_ == "onnx"), indent=2, ensure_ascii=False)
    # A folder's name may hold bytes that are no text; spelt with a backslash they are JSON again.
    return text.encode("utf-8", "backslashreplace")


def _wrong_files(model: TrainedModel, format_: str, written: Path) -> list[str]:
    """Files on the disk that are not what was meant; the model that predict.py opens is judged by its answers."""
    wrong = weights_file.differing(model, written) if format_ == "weights" else []
    return wrong + ([LABELS] if (written / LABELS).read_bytes() != _labels(model, format_) else [])


def _facts(path: Path) -> dict[str, Any]:
    return {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _versions(model: TrainedModel, format_: str) -> dict[str, str]:
    packages = {"torch", model.network.row.package, *script.needs(model, format_)}
    if format_ == "onnx":
        packages |= {"onnx", "onnxscript"}
    versions = {"python": platform.python_version()}
    for name in sorted(packages):
        with suppress(PackageNotFoundError):  # a decoder that no image here needed
            versions[name] = version(name)
    return versions


def _problem(verdict: parity.Verdict, worst: str, wrong: list[str]) -> str:
    if verdict.worst is None:
        return "The exported files give no answer when they are opened again."
    if verdict.passed:
        return f"The exported file '{wrong[0]}' does not hold what was written to it."
    flips = sum(not (each.label_equal or each.tie) for each in verdict.differences)
    off = verdict.differences[verdict.worst].probability
    by = f"its probability differs by {off:.2g}" if off <= 1 else "it has no usable answer"
    return (
        f"The exported files do not answer like the program: {flips} of {len(verdict.differences)} labels differ. "
        f"Worst is '{worst}': {by}."
    )
