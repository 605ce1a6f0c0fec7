"""The runs on this computer at a glance: what each was, how far it came, and its score. Nothing broken stops the list."""

from __future__ import annotations

import contextlib
import csv
import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from tlgui.core import events, run_notes
from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir
from tlgui.core.run_folder import TIME_IN_NAME, RunFolder, open_run
from tlgui.core.split import PARTS

State = Literal["complete", "stopped", "interrupted", "failed", "crashed", "at work", "never began"]

# A run may say 100 MB; its last words stand in its last lines, and an epoch takes a few kB.
_TAIL_BYTES = 256 << 10
_MANIFEST_LINE = 4_096
_SAMPLES = 4
_NAMED_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d\.\d\d")
# Too deeply nested files make the readers recurse.
_BROKEN = (UserError, OSError, ValueError, RecursionError)
_ENDINGS: dict[type[events.Event], State] = {
    events.Completed: "complete",
    events.Stopped: "stopped",
    events.Failed: "failed",
    events.Crashed: "crashed",
}
# Said of the model of a run that has ended; its training is as complete as it was.
_SINCE = (events.Evaluated, events.RetentionMeasured, events.MixesTried, events.StrengthsTried)


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The accuracy of a run's best state, with its 95 % interval, on the `n` images of a part."""

    value: float
    low: float
    high: float
    n: int
    split: Literal["test", "validation"]


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One run at a glance.

    Attributes:
        path: the run folder.
        dataset: name of the folder of its images.
        begun: when it was made, in the time of this computer.
        state: "interrupted" has no ending and is not at work; "never began" has said nothing yet.
        epochs_done, epochs_planned: finished ones, and the plan with all extensions.
        best_epoch: `None` where no epoch has ended; 0 is the warm start.
        score: on test images, else on validation images; `None` before the end.
        images: used ones, in all.
        samples: paths of a few of them, below the dataset folder.
        note: how the person's own notes begin.
        continues: name of the run that it continues; "" where it continues none.
    """

    path: Path
    dataset: str
    backbone: str
    strategy: str
    begun: datetime
    state: State
    epochs_done: int
    epochs_planned: int
    best_epoch: int | None
    score: Score | None
    images: int
    samples: list[str]
    note: str = ""
    continues: str = ""


class _Story(msgspec.Struct):
    """What the last lines of a run's events tell."""

    said_anything: bool = False
    ending: events.Ending | None = None
    epochs_done: int = 0
    epochs_planned: int = 0
    best_epoch: int | None = None


def list_runs(extra: Iterable[Path] = (), limit: int = 100) -> list[RunSummary]:
    """The newest runs among the person's projects and in `extra` folders; folders that are no runs are passed over."""
    found: dict[Path, datetime] = {}
    for path in (*_in_projects(), *extra):
        with contextlib.suppress(*_BROKEN):
            if (path / "run.toml").is_file():
                found.setdefault(path.resolve(), _begun(path))
    newest = sorted(found, key=lambda path: (found[path], path.name), reverse=True)
    summaries: list[RunSummary] = []
    for path in newest:
        if len(summaries) >= limit:
            break
        with contextlib.suppress(*_BROKEN):
            summaries.append(summary_of(path))
    return summaries


def is_complete(path: Path) -> bool:
    """Whether a run said that it is complete, also while its engine still holds it; a folder that is no run is not."""
    with contextlib.suppress(*_BROKEN):
        return isinstance(_story(open_run(path)).ending, events.Completed)
    return False


def summary_of(path: Path) -> RunSummary:
    """One run; what of it is missing or damaged is left out, but for its `run.toml`.

    Raises:
        UserError: the folder is no run, or its `run.toml` cannot be read.
    """
    run = open_run(path)
    spec = run.spec()
    story = _story(run)
    metrics = _metrics(run)
    best = story.best_epoch
    if best is None and isinstance(metrics.get("best_epoch"), int):
        best = metrics["best_epoch"]
    return RunSummary(
        path=path,
        dataset=spec.dataset.name if spec.dataset else "",
        backbone=spec.backbone,
        strategy=spec.training.strategy,
        begun=_begun(path),
        state=_state(run, story),
        epochs_done=story.epochs_done,
        epochs_planned=story.epochs_planned or spec.training.epochs or 0,
        best_epoch=best,
        score=_score(metrics),
        images=spec.dataset.images if spec.dataset else 0,
        samples=_samples(run),
        note=run_notes.glance(path),
        continues=spec.source.run if spec.source is not None and spec.continues else "",
    )


def _in_projects() -> Iterator[Path]:
    try:
        yield from projects_dir().glob("*/runs/*")
    except (OSError, UserError):
        return


def _begun(path: Path) -> datetime:
    # A copied folder has new times, but keeps its name.
    named = _NAMED_TIME.match(path.name)
    if named:
        with contextlib.suppress(ValueError):
            return datetime.strptime(named[0], TIME_IN_NAME)
    run = RunFolder(path)
    # The manifest is written once, when the run is made.
    for file in (run.manifest_path, run.spec_path):
        with contextlib.suppress(OSError, OverflowError, ValueError):
            return datetime.fromtimestamp(file.stat().st_mtime)
    return datetime.fromtimestamp(0)


def _state(run: RunFolder, story: _Story) -> State:
    if run.at_work:
        return "at work"
    if story.ending is not None:
        return _ENDINGS[type(story.ending)]
    return "interrupted" if story.said_anything else "never began"


def _story(run: RunFolder) -> _Story:
    story = _Story()
    for line in _last_lines(run.events_path):
        story.said_anything = True
        # They are most of the lines and tell nothing of this.
        if line.startswith(b'{"type":"BatchEnded"'):
            story.ending = None
            continue
        with contextlib.suppress(msgspec.DecodeError, RecursionError):
            _hear(story, events.decode(line))
    return story


def _hear(story: _Story, event: events.AnyEvent) -> None:
    if isinstance(event, _SINCE):
        return
    story.ending = event if isinstance(event, events.Ending) else None
    match event:
        case events.RunStarted():
            story.epochs_planned = event.epochs
        case events.Extended():
            story.epochs_planned = event.epochs
        case events.Resumed():
            # What came after the checkpoint is superseded.
            story.epochs_done = event.epoch
        case events.Undone():
            story.epochs_done, story.best_epoch = event.to_epoch, event.best_epoch
        case events.EpochEnded():
            story.epochs_done, story.epochs_planned = event.epoch, event.epochs
            if event.best:
                story.best_epoch = event.epoch
        case events.Completed() | events.Stopped() if event.best_epoch is not None:
            story.best_epoch = event.best_epoch
        case _:
            pass


def _last_lines(path: Path) -> list[bytes]:
    """Whole lines at the end of a file; none where it cannot be read."""
    try:
        if not path.is_file():
            return []
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL_BYTES))
            lines = stream.read(_TAIL_BYTES).split(b"\n")
    except OSError:
        return []
    # The first one may have lost its beginning.
    return [line for line in (lines if size <= _TAIL_BYTES else lines[1:]) if line.strip()]


def _metrics(run: RunFolder) -> dict[str, Any]:
    try:
        content = msgspec.json.decode((run.results / "metrics.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _score(metrics: dict[str, Any]) -> Score | None:
    for split in ("test", "validation"):
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return msgspec.convert({**metrics[split]["accuracy"], "split": split}, Score)
    return None


def _samples(run: RunFolder) -> list[str]:
    """A few used images from all over the manifest, which may be long: only some of its lines are read."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        if not run.manifest_path.is_file():
            return []
        with run.manifest_path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            for number in range(_SAMPLES):
                stream.seek(size * number // _SAMPLES)
                stream.readline(_MANIFEST_LINE)  # the heading, or the rest of a line
                path = _used_path(stream.readline(_MANIFEST_LINE))
                if path and path not in found:
                    found.append(path)
    return found


def _used_path(line: bytes) -> str:
    with contextlib.suppress(csv.Error):
        for row in csv.reader([line.decode("utf-8", "surrogateescape")]):
            if len(row) == 7 and row[3] in PARTS:
                return row[0]
    return ""
