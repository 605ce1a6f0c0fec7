"""Two finished runs of the same images in one project: one that adapted to a new site, and one that did not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from helpers.finished_run import Given, finished_run
from tlgui.core import events, site_score
from tlgui.core.adaptation_events import AdaptationSeen
from tlgui.core.records import ImageRecord
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import Adapt, Target
from tlgui.core.score_events import ScoredBeside

CLASSES = ["ants", "bees"]
SITE = Target(name="clinic <b>", fingerprint="b" * 64, images=40)
BEFORE, AFTER = "2026-11-24 14.03 plain", "2026-11-25 09.30 adapted"


def answers(right: int, of: int = 40) -> list[Given]:
    """The first `right` images are told right; half of all are of each class."""
    given: list[Given] = []
    for number in range(of):
        true = CLASSES[number % 2]
        said = true if number < right else CLASSES[1 - number % 2]
        given.append((f"{true}/{number}.png", true, said, 0.9))
    return given


def plain_run(project: Path, right: int = 30, name: str = BEFORE, of: int = 40) -> RunFolder:
    """A run without adapting."""
    return _with_manifest(finished_run(project / name, CLASSES, answers(right, of), []), of)


def adapted_run(project: Path, right: int = 36, name: str = AFTER, adapt: Adapt = "mmd") -> RunFolder:
    """A run that adapted, the best epoch of which is number 13."""
    run = _with_manifest(finished_run(project / name, CLASSES, answers(right), []), 40)
    spec = run.spec()
    run.write_spec(
        msgspec.structs.replace(spec, target=SITE, training=msgspec.structs.replace(spec.training, adapt=adapt))
    )
    for number in (12, 13, 14):
        seen = AdaptationSeen(target_entropy=0.1 if number == 13 else 0.4, target_spread=0.65, score=1.0, weight=1.0)
        run.append_event(
            events.EpochEnded(
                epoch=number, epochs=14, step=number, train_loss=0.5, validation_loss=0.6, validation_accuracy=0.9,
                validation_balanced_accuracy=0.9, learning_rates={"head": 0.001}, best=number == 13, seconds=1.0,
                seconds_left=1.0, adaptation=seen if adapt != "statistics" else None,
            )
        )  # fmt: skip
    return run


def _with_manifest(run: RunFolder, of: int) -> RunFolder:
    used = [
        ImageRecord(path=path, class_name=true, content_hash=path, width=8, height=8)
        for path, true, _, _ in answers(0, of)
    ]
    run.write_manifest(used, {record.path: "test" for record in used}, [])
    return run


def metrics(right: int, n: int) -> dict[str, object]:
    """As much of the engine's scores as is kept."""
    share = right / n
    accuracy = {"value": share, "low": max(0.0, share - 0.1), "high": min(1.0, share + 0.1), "n": n}
    return {"accuracy": accuracy, "sentence": f"{right} of {n} images are right."}


def beside(
    right: int, n: int, difference: float, low: float, high: float, name: str = BEFORE, split: str = "new"
) -> ScoredBeside:
    """The other run on the same images."""
    outcome = "helped" if low > 0 else "hurt" if high < 0 else "no difference"
    return ScoredBeside(
        split=split, beside=name, metrics=metrics(right, n), images=n, better=12, worse=3, difference=difference, low=low,
        high=high, p=0.035, outcome=outcome, sentence="They were compared.",
    )  # fmt: skip


def scored(run: RunFolder, parts: Sequence[site_score.PartScore], looks: int = 1) -> None:
    """Labelled images of the new site were scored so often."""
    for _ in range(looks):
        site_score.keep(run, "labelled <b>", "c" * 64, list(parts))
