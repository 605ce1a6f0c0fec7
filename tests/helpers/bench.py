"""A workbench without processes: engines and the imaging child say what the test lets them say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, events
from tlgui.core.imaging_messages import ClassCount, ClassImages, Listed, RunPrepared, Scanned, ScanSummary
from tlgui.core.paths import projects_dir
from tlgui.core.planning import resolve
from tlgui.core.records import ImageRecord
from tlgui.core.run_folder import RunFolder, create, new_path
from tlgui.core.run_spec import Dataset, RunSpec
from tlgui.gui.recent import RecentRuns
from tlgui.gui.settings import Settings
from tlgui.gui.workbench import Workbench

CELLS = ScanSummary(
    name="cells",
    layout="class folders",
    classes=[
        ClassCount(name=name, train=14, validation=3, test=3, samples=[f"{name}/1.png"]) for name in ("round", "star")
    ],
    used=40,
)


class FakeEngine(QObject):
    """An `EngineThread` that is given jobs and says nothing by itself."""

    event_received = Signal(object)
    ready = Signal(object)
    start_failed = Signal(object)
    memory_changed = Signal(object)
    busy_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[commands.Job] = []
        self.sent: list[commands.Command] = []
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def run_job(self, job: commands.Job) -> None:
        self.jobs.append(job)

    def send(self, command: commands.Command) -> None:
        self.sent.append(command)

    def end_now(self) -> None:
        self.calls.append("end_now")

    def say(self, *said: events.Event) -> None:
        for event in said:
            self.event_received.emit(event)

    def begin_shut_down(self, timeout_s: float = 0) -> None:
        self.calls.append("begin_shut_down")

    def shut_down(self, timeout_s: float = 0) -> None:
        self.calls.append("shut_down")


class FakeImaging(QObject):
    """An `ImagingThread` that remembers what it was asked."""

    answered = Signal(object)
    pictured = Signal(object, object)
    inspected = Signal(object, object)
    views_shown = Signal(object, object)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.scanned: list[Path] = []
        self.weights_files: list[str] = []
        self.targets: list[Path | None] = []
        self.continued: list[tuple[bool, Path | None]] = []
        self.fewest: list[int] = []
        self.prepared: list[tuple[int, Path, RunSpec]] = []
        self.forgotten: list[int] = []
        self.resplits: list[tuple[int, Any, int]] = []
        self.asked: list[Any] = []
        self.unpacked: list[Path] = []
        self.calls: list[str] = []
        self._ticket = 0

    def scan(self, data: Path, fractions: Any = None, seed: int = 0, fewest_classes: int = 2) -> int:
        self.scanned.append(data)
        self.fewest.append(fewest_classes)
        return self._next()

    def draw_demo(self) -> int:
        return self._next()

    def new_ticket(self) -> int:
        return self._next()

    def prepare(
        self, ticket: int, data: Path, spec: RunSpec, run_dir: Path | None = None, weights_file: str = "",
        target: Path | None = None, continues: bool = False, earlier: Path | None = None,
    ) -> None:  # fmt: skip
        self.continued.append((continues, earlier))
        self.prepared.append((ticket, data, spec))
        self.weights_files.append(weights_file)
        self.targets.append(target)

    def forget(self, ticket: int) -> None:
        self.forgotten.append(ticket)

    def resplit(self, ticket: int, fractions: Any, seed: int) -> None:
        self.resplits.append((ticket, fractions, seed))

    def ask(self, request: Any) -> None:
        self.asked.append(request)

    def unpack(self, archive: Path) -> int:
        self.unpacked.append(archive)
        return self._next()

    def class_images(self, ticket: int, name: str, offset: int, count: int) -> None:
        self.ask(ClassImages(ticket=ticket, class_name=name, offset=offset, count=count))

    def shut_down(self, timeout_s: float = 0) -> bool:
        self.calls.append("shut_down")
        return True

    def _next(self) -> int:
        self._ticket += 1
        return self._ticket


class FakeThumbnails:
    """A `ThumbnailStore` without pictures."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request(
        self, root: Path, path: str, side: int, rule: Any, receiver: Callable[[Any, str], None], owner: QObject,
        whole: bool = False,
    ) -> Any:  # fmt: skip
        self.asked.append(path)
        return self

    def cancel(self) -> None:
        pass

    def forget_folder(self, root: Path) -> None:
        pass


class Bench(Workbench):
    """The real workbench on fake engines."""

    def __init__(self, settings: Settings) -> None:
        self.fake_engine, self.fake_side, self.fake_imaging = FakeEngine(), FakeEngine(), FakeImaging()
        self.problems: list[tuple[Any, str]] = []
        super().__init__(
            engine=cast(Any, self.fake_engine),
            side=cast(Any, self.fake_side),
            imaging=cast(Any, self.fake_imaging),
            thumbnails=cast(Any, FakeThumbnails()),
            settings=settings,
            recent=RecentRuns(settings),
        )
        self.problem_raised.connect(lambda error, page: self.problems.append((error, page)))

    def found(self, data: Path, summary: ScanSummary = CELLS) -> None:
        """A folder is opened and read."""
        self.open_folder(data)
        ticket = self.scan_ticket
        assert ticket is not None
        listed = Listed(ticket=ticket, name=summary.name, layout=summary.layout, files=summary.used, classes=[])
        self.fake_imaging.answered.emit(listed)
        self.fake_imaging.answered.emit(Scanned(ticket=ticket, summary=summary))

    def prepared(self) -> Path:
        """The imaging child makes the run folder that it was asked for last."""
        ticket, _, spec = self.fake_imaging.prepared[-1]
        path = make_run(spec)
        self.fake_imaging.answered.emit(
            RunPrepared(ticket=ticket, run=str(path), spec=RunFolder(path).spec(), advice="")
        )
        return path

    def started(self, data: Path) -> Path:
        """A training has begun, with its first epoch done."""
        self.found(data)
        self.start_training()
        path = self.prepared()
        self.fake_engine.say(run_started(path), epoch(1))
        return path


def make_run(spec: RunSpec | None = None, heard: list[events.Event] | None = None) -> Path:
    """A run folder among the projects, with four images and what it said."""
    from datetime import datetime

    spec = spec or RunSpec()
    dataset = Dataset(name="cells", fingerprint="f" * 64, layout="class folders", classes=["round", "star"], images=40)
    training, _ = resolve(spec.training, 40)
    spec = msgspec.structs.replace(spec, training=training, dataset=dataset)
    path = new_path(projects_dir() / "cells" / "runs", spec.backbone, training.strategy, datetime(2026, 11, 24, 14, 3))
    run = create(path, spec)
    used = [
        ImageRecord(path=f"{name}/{n}.png", class_name=name, content_hash=f"{name}{n}", width=8, height=8)
        for name in ("round", "star")
        for n in (1, 2)
    ]
    parts: Any = {record.path: "train" if record.path.endswith("1.png") else "validation" for record in used}
    run.write_manifest(used, parts, [])
    for event in heard or []:
        run.append_event(event)
    return path


def run_started(path: Path, epochs: int = 20) -> events.RunStarted:
    return events.RunStarted(
        run=str(path), backbone="efficientnet-lite0", strategy="feature-extraction", classes=["round", "star"],
        train_images=28, validation_images=6, test_images=6, epochs=epochs, seed=0,
    )  # fmt: skip


def epoch(number: int, epochs: int = 20) -> events.EpochEnded:
    return events.EpochEnded(
        epoch=number, epochs=epochs, step=number, train_loss=0.5, validation_loss=0.6, validation_accuracy=0.9,
        validation_balanced_accuracy=0.9, learning_rates={"head": 0.001}, best=True, seconds=1.0, seconds_left=10.0,
    )  # fmt: skip
