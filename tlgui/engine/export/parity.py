"""Proof that an export answers like the program: its own script, in a fresh process, from files to labels.

The process can import neither this program nor, for ONNX, torch. What it says about validation images is compared
with what the program says about the same files.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlgui.core.errors import UserError
from tlgui.core.paths import resource
from tlgui.core.run_folder import ManifestRow
from tlgui.engine.trained_model import TrainedModel
from tlgui.engine.weights import sha256_of
from tlgui.imaging.pixels import DecodeError

MAX_IMAGES = 64
PROBABILITY_TOLERANCE = 1e-3
# Of the largest logit. Where a model is sure of everything, its probabilities are 0 and 1 and hide a wrong file.
LOGIT_TOLERANCE = 1e-2
TIE_GAP = 2e-3
# A large photograph takes a second or two, VGG16 on an old processor about as long.
_TIMEOUT_S = 1800.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """What one side says about one image: (classes,) each, in the order of the program's classes."""

    label: str
    probabilities: Floats
    logits: Floats


@dataclass(frozen=True)
class Difference:
    """How far two answers about one image lie apart; not finite counts as infinitely far."""

    label_equal: bool
    tie: bool
    probability: float
    logit: float


@dataclass(frozen=True)
class Verdict:
    """The comparison over all images; `worst` is an index among them, `None` where nothing could be compared."""

    differences: list[Difference]
    largest_logit: float
    worst: int | None

    @property
    def probability(self) -> float:
        """Largest difference of a probability."""
        return max((each.probability for each in self.differences), default=math.inf)

    @property
    def logit(self) -> float:
        """Largest difference of a logit."""
        return max((each.logit for each in self.differences), default=math.inf)

    @property
    def relative_logit(self) -> float:
        """The same as a share of the largest logit that the program gave (of 1 where all are smaller)."""
        return self.logit / max(1.0, self.largest_logit)

    @property
    def passed(self) -> bool:
        """Whether the export answers like the program."""
        return (
            all(each.label_equal or each.tie for each in self.differences)
            and self.probability <= PROBABILITY_TOLERANCE
            and self.relative_logit <= LOGIT_TOLERANCE
        )

    def record(self) -> dict[str, Any]:
        """The numbers of parity.json."""
        return {
            "passed": self.passed,
            "images": len(self.differences),
            "labels_equal": sum(each.label_equal for each in self.differences),
            "ties": sum(each.tie for each in self.differences),
            "max_probability_difference": _finite(self.probability),
            "max_logit_difference": _finite(self.logit),
            "max_relative_logit_difference": _finite(self.relative_logit),
            "tolerance": {
                "probability": PROBABILITY_TOLERANCE,
                "relative_logit": LOGIT_TOLERANCE,
                "tie_gap": TIE_GAP,
            },
        }


class ScriptError(Exception):
    """The exported script gave no answer at all; the text is the end of what it said, without places."""


def choose(rows: Sequence[ManifestRow], root: Path) -> list[ManifestRow]:
    """Up to `MAX_IMAGES` validation images, the classes in turn, always the same ones.

    Files that are gone or hold something else than in training are passed over.

    Raises:
        UserError: none is left.
    """
    by_class: dict[str, list[ManifestRow]] = defaultdict(list)
    for row in rows:
        if row.part == "validation":
            by_class[row.class_name].append(row)
    # The order of hashes is the same everywhere, and unlike that of names it mixes patients and days.
    queues = [iter(sorted(by_class[name], key=lambda row: (row.content_hash, row.path))) for name in sorted(by_class)]
    chosen: list[ManifestRow] = []
    while queues and len(chosen) < MAX_IMAGES:
        for queue in list(queues):
            found = next((row for row in queue if _unchanged(row, root)), None)
            if found is None:
                queues.remove(queue)
            elif len(chosen) < MAX_IMAGES:
                chosen.append(found)
    if not chosen:
        raise UserError(
            f"The images of this run are not in the folder '{root.name}', so an export could not be checked.",
            "Give the folder with the images that the run was trained on: --data DIR.",
            code="images_missing",
        )
    return chosen


def own_answers(model: TrainedModel, paths: Sequence[Path]) -> Iterator[Answer | None]:
    """What the program says, one image at a time; `None` for a file that it cannot read either."""
    for path in paths:
        try:
            logits = model.logits([model.read(path)])
        except DecodeError:
            yield None
            continue
        (probabilities,) = model.probabilities(logits)
        label = model.card.classes[int(probabilities.argmax())]
        yield Answer(label, probabilities, logits[0].double().numpy())


def script_answers(
    script: Path, paths: Sequence[Path], classes: Sequence[str], blocked: Sequence[str], threads: int
) -> list[Answer | None]:
    """What the exported script says in a fresh process; `None` for a file that it does not answer.

    Raises:
        ScriptError: it gives no answer at all.
    """
    order = {
        "script": str(script),
        "arguments": ["--json", *map(str, paths)],
        # Packages may come from places that "-I" leaves out, such as a person's own site-packages.
        "search": [place for place in sys.path if Path(place).is_absolute()],
        "blocked": list(blocked),
    }
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    # Threads that wait for each other while spinning take twice the time when anything else runs on the computer.
    limits["OMP_WAIT_POLICY"] = "PASSIVE"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as elsewhere:
        try:
            ended = subprocess.run(
                [sys.executable, "-I", str(resource("export/isolated.py"))],
                input=json.dumps(order).encode(),
                capture_output=True,
                cwd=elsewhere,
                env={**os.environ, **limits},
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ScriptError(f"It did not end within {_TIMEOUT_S / 60:.0f} minutes.") from error
    try:
        said = json.loads(ended.stdout)
        return [_answer(each, classes) for each in said]
    except (ValueError, KeyError, TypeError) as error:
        complaint = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-8:]
        text = "\n".join(complaint) or f"It said nothing that could be read and ended with code {ended.returncode}."
        raise ScriptError(_without_places(text, [script.parent, *(path.parent for path in paths)])) from error


def compare(own: Sequence[Answer], exported: Sequence[Answer | None]) -> Verdict:
    """Image by image; an image without an answer is infinitely far off."""
    differences = [_difference(a, b) for a, b in zip(own, exported, strict=True)]
    worst = max(
        range(len(differences)),
        key=lambda i: (
            not (differences[i].label_equal or differences[i].tie),
            differences[i].probability,
            differences[i].logit,
        ),
        default=None,
    )
    return Verdict(differences, max((float(np.abs(each.logits).max()) for each in own), default=0.0), worst)


def _difference(own: Answer, exported: Answer | None) -> Difference:
    if exported is None:
        return Difference(label_equal=False, tie=False, probability=math.inf, logit=math.inf)
    equal = own.label == exported.label
    second, first = np.sort(own.probabilities)[-2:]
    return Difference(
        label_equal=equal,
        tie=not equal and bool(first - second <= TIE_GAP),
        probability=_largest(own.probabilities - exported.probabilities),
        logit=_largest(own.logits - exported.logits),
    )


def _largest(difference: Floats) -> float:
    return float(np.nan_to_num(np.abs(difference), nan=np.inf).max())


def _answer(said: dict[str, Any], classes: Sequence[str]) -> Answer | None:
    if "problem" in said:
        return None
    # By name, so that a wrong order of names cannot pass as the right numbers.
    probabilities = np.array([said["probabilities"][name] for name in classes], dtype=np.float64)
    return Answer(said["label"], probabilities, np.array(said["logits"], dtype=np.float64))


def _unchanged(row: ManifestRow, root: Path) -> bool:
    try:
        return sha256_of(root / row.path) == row.content_hash
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return False


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _without_places(text: str, folders: Sequence[Path]) -> str:
    known = {str(folder) for folder in [*folders, Path.home(), *map(Path, sys.path)] if folder.is_absolute()}
    for place in sorted(known - {os.sep}, key=len, reverse=True):
        text = text.replace(place, "...")
    return text
