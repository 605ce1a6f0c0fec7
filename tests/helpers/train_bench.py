"""The train page on a bench that remembers what it was asked, and runs in every state."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from helpers.fake_run import story
from tlgui.core import commands, events
from tlgui.core.adaptation_events import AdaptationSeen
from tlgui.core.run_spec import Adapt, RunSpec, Target, Training
from tlgui.gui.pages.train_page import TrainPage
from tlgui.gui.run_model import RunModel
from tlgui.gui.theme import theme
from tlgui.gui.widgets import Banner, Label

TOLD = story()


class Wake(QObject):
    changed = Signal(str)
    text = "Sleep is held off while training."


class Bench(QObject):
    """What the page needs of the workbench, and what it asked of it."""

    run_changed = Signal()
    images_found = Signal()
    device_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.run: RunModel | None = None
        self.training_run: RunModel | None = None
        training = Training(head_learning_rate=1e-3, top_learning_rate=5e-4, stem_factor=0.01, epochs=20)
        self.run_spec = RunSpec(training=training, backbone="efficientnet-lite0")
        self.draft = SimpleNamespace(summary=None)
        self.run_folder: object = SimpleNamespace(path=Path("no such run"))
        self.recent = SimpleNamespace(refresh=lambda: None)
        self.data: Path | None = Path("images")
        self.machine = SimpleNamespace(device="")
        self.wakefulness = Wake(self)
        self.sent: list[commands.Command] = []
        self.asked: list[Any] = []

    def send(self, command: commands.Command) -> None:
        self.sent.append(command)

    def data_of(self, run: RunModel | None) -> Path | None:
        return self.data

    def show(self, page: str) -> None:
        self.asked.append(page)

    def continue_run(self, more_epochs: int = 0) -> None:
        self.asked.append(("continue", more_epochs))

    def choose_images(self) -> None:
        self.asked.append("choose images")

    def choose_site(self) -> None:
        self.asked.append("choose site")

    def end_engine(self) -> None:
        self.asked.append("end the engine")


def until_epoch(number: int, batches: int = 5) -> RunModel:
    """A live run in the epoch after `number`."""
    run = RunModel()
    ended = next(i for i, e in enumerate(TOLD) if isinstance(e, events.EpochEnded) and e.epoch == number)
    for event in TOLD[: ended + 1]:
        run.apply(event)
    for event in [e for e in TOLD[ended + 1 :] if isinstance(e, events.BatchEnded)][:batches]:
        run.apply(event)
    run.set_memory(910_000_000)
    return run


DESTROYS = "Adaptation destroys the classes: nearly all images of the new site get the same answer."


def adaptation_of(epoch: int, way: Adapt = "adversarial", weight: float = 1.0, alarm: str = "") -> AdaptationSeen:
    """What an epoch of an adaptation among three classes comes to; with an alarm all answers are alike."""
    certain = min(0.9, 0.1 * epoch)
    return AdaptationSeen(
        loss=0.69 - 0.3 / (epoch + 1),
        domain_accuracy=0.5 + 0.45 / (epoch + 1) if way == "adversarial" else None,
        target_entropy=(1 - certain) * math.log(3),
        target_spread=0.1 * math.log(3) if alarm else 0.96 * math.log(3),
        score=0.9 + certain,
        weight=weight,
        alarm=alarm,
    )


def adapted_story(way: Adapt = "adversarial", alarm_at: int = 0, **changes: Any) -> list[Any]:
    """The story of a run that adapts; `changes` are fields of each `AdaptationSeen`."""
    told: list[Any] = []
    for event in TOLD:
        if isinstance(event, events.EpochEnded):
            alarm = DESTROYS if event.epoch == alarm_at else ""
            seen = msgspec.structs.replace(adaptation_of(event.epoch, way, alarm=alarm), **changes)
            told.append(msgspec.structs.replace(event, adaptation=seen, best=event.best and not alarm))
            if alarm:
                message = f"Epoch {event.epoch}: {alarm} This epoch is not kept."
                told.append(events.Notice(code="adaptation_alarm", message=message))
            continue
        told.append(event)
    return told


def adaptation_story(epochs: int, way: Adapt = "adversarial", alarm_at: int = 0, **changes: Any) -> list[Any]:
    """What a run that adapts has said some batches after an epoch; 0: some after its first step."""
    told = adapted_story(way, alarm_at, **changes)
    batches = [i for i, event in enumerate(told) if isinstance(event, events.BatchEnded)]
    if not epochs:
        return told[: batches[5]]
    end = next(i for i, e in enumerate(told) if isinstance(e, events.EpochEnded) and e.epoch == epochs)
    said = told[: end + 2 if alarm_at == epochs else end + 1]
    return [*said, *(told[i] for i in batches if i > end)][: len(said) + 3]


def adapting(epochs: int = 6, way: Adapt = "adversarial", alarm_at: int = 0, **changes: Any) -> RunModel:
    """A live run that adapts, in the epoch after `epochs`."""
    run = RunModel()
    for event in adaptation_story(epochs, way, alarm_at, **changes):
        run.apply(event)
    return run


def adapting_spec(way: Adapt = "adversarial") -> RunSpec:
    target = Target(name="clinic b", fingerprint="b" * 64, images=40)
    return RunSpec(training=Training(strategy="fine-tune-top", epochs=20, adapt=way), target=target)


def before_the_first_epoch() -> RunModel:
    run = RunModel()
    for event in TOLD:
        run.apply(event)
        if isinstance(event, events.LayersChanged):
            break
    run.apply(events.Progress(stage="features of the training images", done=120, total=673, seconds_left=9.0))
    return run


def ended(event: events.Ending, after: int = 6) -> RunModel:
    run = until_epoch(after)
    run.apply(event)
    return run


def paused() -> RunModel:
    run = until_epoch(11)
    run.apply(events.Paused(step=250))
    return run


def shown(qtbot: QtBot, bench: Bench, width: int, height: int) -> TrainPage:
    theme().install(QApplication.instance())  # type: ignore[arg-type]
    window = QMainWindow()
    made = TrainPage(bench)  # type: ignore[arg-type]
    window.setCentralWidget(made)
    made.held_by_test = window  # type: ignore[attr-defined]
    qtbot.addWidget(window)
    window.resize(width, height)
    window.show()
    QApplication.processEvents()
    return made


def take(bench: Bench, run: RunModel) -> RunModel:
    run.setParent(bench)
    bench.run = run
    run.flush()
    bench.run_changed.emit()
    QApplication.processEvents()
    return run


def foot(page: TrainPage) -> dict[str, bool]:
    """Words of the buttons at the left that a person sees, and whether they can be pressed."""
    seen = (button for button in page.buttons.values() if button.isVisible())
    return {button.accessibleName(): button.isEnabled() for button in seen}


def texts(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(Label) if label.isVisible())


def banners(page: TrainPage) -> list[Banner]:
    return [banner for banner in page.findChildren(Banner) if banner.isVisible()]
