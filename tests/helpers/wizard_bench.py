"""A bench for the wizard's pages: the real draft, no engine, no child; what a page asks for is written down."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from helpers.bench import FakeThumbnails
from tlgui.core.estimates import Speed
from tlgui.core.events import Advised, Ending, GapMeasured, Progress, SimilarityMeasured, WeightsState
from tlgui.core.imaging_messages import ClassCount, ScanSummary
from tlgui.core.intake import Change
from tlgui.core.run_spec import RunSpec
from tlgui.core.runs import RunSummary
from tlgui.gui.backbone_desk import BackboneState
from tlgui.gui.draft import Draft
from tlgui.gui.networks import network, networks
from tlgui.gui.run_model import RunModel

FOLDER = "/home/person/.cache/torch/hub/checkpoints"
FILES = {
    "efficientnet-lite0": ("embedded", "efficientnet_lite0.pth", 18_000_000, ""),
    "resnet50": ("absent", "resnet50-11ad3fa6.pth", 102_540_417, "11ad3fa6"),
    "efficientnet-b0": ("ready", "efficientnet_b0_rwightman-7f5810bc.pth", 21_444_401, "7f5810bc"),
    "vgg16": ("absent", "vgg16-397923af.pth", 553_433_881, "397923af"),
    "tiny-cnn": ("none", "", 0, ""),
}


def summary(counts: dict[str, tuple[int, int, int]], **fields: Any) -> ScanSummary:
    """What a scan found: (train, validation, test) by class."""
    classes = [ClassCount(name=name, train=a, validation=b, test=c) for name, (a, b, c) in counts.items()]
    used = sum(one.total for one in classes)
    return ScanSummary(name="cells", layout="class folders", classes=classes, used=used, **fields)


CELLS = summary({"basophil": (243, 53, 52), "eosinophil": (261, 56, 55), "lymphocyte": (260, 56, 56)})


class FakeMachine(QObject):
    """A computer with two cores and the measured speeds that a test gives it."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.device = "cpu"
        self.device_sentence = "CPU, 2 cores"
        self.is_read = True
        self.speeds: dict[str, Speed] = {}

    def sentence(self) -> str:
        return f"This computer: {self.device_sentence}."

    def speed(self, backbone: str) -> float | None:
        speed = self.speeds.get(backbone)
        return speed.seconds_per_1000 if speed is not None else None


class FakeStates(QObject):
    """Weights as in `FILES`; `set` changes one."""

    changed = Signal()

    def __init__(self, machine: FakeMachine) -> None:
        super().__init__()
        self._machine = machine
        self.states = {name: state for name, (state, *_rest) in FILES.items()}

    def row(self, name: str) -> BackboneState:
        _, file_name, size, sha = FILES.get(name, ("absent", f"{name}.pth", 9_000_000, ""))
        state = self.states.get(name, "absent")
        return BackboneState(name, state, file_name, size, sha, FOLDER, self._machine.speed(name))

    def rows(self) -> list[BackboneState]:
        return [self.row(name) for name in networks()]

    def set(self, name: str, state: str) -> None:
        self.states[name] = state
        self.changed.emit()

    def measured(self, name: str, seconds: float) -> None:
        self._machine.speeds[name] = Speed(seconds_per_1000=seconds)
        self.changed.emit()

    def set_found(self, rows: list[WeightsState]) -> None:
        self.states |= {row.backbone: row.state for row in rows}
        self.changed.emit()


class FakeDesk(QObject):
    """What is being measured, how often it was looked for weights, and which timm models were asked about."""

    describe_changed = Signal()
    described = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.measuring = ""
        self.downloading = ""
        self.describing = ""
        self.surveys = 0
        self.asked: list[str] = []

    def survey(self) -> None:
        self.surveys += 1

    def describe(self, name: str) -> None:
        self.asked.append(name)
        self.describing = name

    def cancel_describe(self) -> None:
        self.asked.append("cancel")


class FakeIntake(QObject):
    """Decisions about the images, written down."""

    changed = Signal()

    def __init__(self, asked: list[tuple[Any, ...]]) -> None:
        super().__init__()
        self._asked = asked
        self.busy = False
        self.problem: Any = None

    def change(self, *changes: Change) -> None:
        self._asked.append(("change", *changes))

    def undo(self, numbers: Collection[int]) -> None:
        self._asked.append(("undo", *numbers))


class FakeAdvice(QObject):
    """What the network said of the images, as a test gives it; questions are written down."""

    changed = Signal()

    def __init__(self, asked: list[tuple[Any, ...]], draft: Draft) -> None:
        super().__init__()
        self._asked, self._draft = asked, draft
        self.found: Advised | None = None
        self.similarity: SimilarityMeasured | None = None
        self.progress: Progress | None = None
        self.ended: Ending | None = None
        self.busy = self.with_trial = False
        self.against = ""

    @property
    def looking(self) -> bool:
        return self.busy

    @property
    def problem(self) -> Ending | None:
        return self.ended

    def reason_against(self) -> str:
        return self.against

    def look(self, trial: bool = False) -> None:
        self._asked.append(("look", trial))
        self.busy, self.with_trial = True, trial
        self.changed.emit()

    def look_by_itself(self) -> None:
        self._asked.append(("look by itself",))

    def cancel(self) -> None:
        self._asked.append(("cancel look",))

    def say(self, **known: Any) -> None:
        for name, value in known.items():
            setattr(self, name, value)
        self.changed.emit()


class FakeGap(QObject):
    """What is known of the new site's images, as a test gives it; questions are written down."""

    changed = Signal()

    def __init__(self, asked: list[tuple[Any, ...]]) -> None:
        super().__init__()
        self._asked = asked
        self.found: GapMeasured | None = None
        self.progress: Progress | None = None
        self.problem: Ending | None = None
        self.busy = False
        self.against = ""

    def reason_against(self) -> str:
        return self.against

    def measure(self) -> None:
        self._asked.append(("measure gap",))
        self.say(busy=True, problem=None)

    def cancel(self) -> None:
        self._asked.append(("cancel gap",))

    def say(self, **known: Any) -> None:
        for name, value in known.items():
            setattr(self, name, value)
        self.changed.emit()


class FakeQueue(QObject):
    """Runs that wait."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.sentence = ""


class FakeCompare(QObject):
    """The comparison in hand, which may be at work."""

    changed = Signal()

    def __init__(self, asked: list[tuple[Any, ...]]) -> None:
        super().__init__()
        self._asked = asked
        self.against = ""

    def reason_against_start(self) -> str:
        return self.against

    def with_and_without_takes(self) -> str:
        return "Takes about 2 minutes on this computer"

    def start_with_and_without(self) -> None:
        self._asked.append(("with and without",))


class FakeRecent(QObject):
    """Earlier runs, as a test gives them."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[RunSummary] | None = []


@dataclass
class FakeFolder:
    """A run's folder, by name."""

    name: str
    path: Path = field(default_factory=Path)


class FakeBench(QObject):
    """What `Workbench` offers to the wizard's pages; `asked` lists what they asked for."""

    run_changed = Signal()
    page_asked = Signal(str)
    device_changed = Signal()
    problem_raised = Signal(object, str)
    download_event = Signal(object)
    weights_checked = Signal(object)

    def __init__(self, found: ScanSummary | None = CELLS) -> None:
        super().__init__()
        self.asked: list[tuple[Any, ...]] = []
        self.draft = Draft(self)
        self.machine = FakeMachine()
        self.backbones = FakeStates(self.machine)
        self.weights = FakeDesk()
        self.intake = FakeIntake(self.asked)
        self.queue = FakeQueue()
        self.advice = FakeAdvice(self.asked, self.draft)
        self.gap = FakeGap(self.asked)
        self.thumbnails = FakeThumbnails()
        self.compare = FakeCompare(self.asked)
        self.recent = FakeRecent()
        self.page = "backbone"
        self.read_only = self.is_training = False
        self.against_start = self.against_queue = ""
        self.run: RunModel | None = None
        self.run_folder: FakeFolder | None = None
        self.run_spec: RunSpec | None = None
        self.draft.weights_problem = self._problem
        self.download_event.connect(self._on_download_event)
        if found is not None:
            self.draft.data = Path("/data/cells")
            self.draft.summary = found

    def _problem(self) -> str:
        row = network(self.draft.backbone)
        if row is None:
            return f"{self.draft.backbone} is not known on this computer."
        if not row.pretrained:
            return ""
        if self.draft.weights_file or self.backbones.row(row.name).usable:
            return ""
        if self.weights.downloading == row.name:
            return f"The weights of {row.label} are being downloaded."
        return f"The weights of {row.label} are not on this computer. Download them, or choose a file."

    def reason_against_start(self) -> str:
        return self.against_start or self.draft.missing("review")

    def reason_against_queue(self) -> str:
        return self.against_queue

    def queue_run(self) -> None:
        self.asked.append(("queue",))

    def begin(self, folder: str = "2026-11-25 14.03 efficientnet-lite0 feature-extraction") -> None:
        """The run began: pages can only be read."""
        self.read_only, self.run_folder = True, FakeFolder(folder)
        self.run_changed.emit()

    def show(self, page: str) -> None:
        self.asked.append(("show", page))

    def measure_backbone(self, name: str) -> None:
        self.asked.append(("measure", name))
        self.weights.measuring = name

    def download_backbone(self, name: str) -> None:
        self.asked.append(("download", name))
        self.weights.downloading = name
        self.backbones.changed.emit()

    def _on_download_event(self, event: Any) -> None:
        if isinstance(event, Ending):
            self.weights.downloading = ""
            self.backbones.changed.emit()

    def cancel_download(self) -> None:
        self.asked.append(("cancel_download",))

    def check_weights_file(self, name: str, path: Path) -> None:
        self.asked.append(("check", name, path))

    def start_training(self) -> None:
        self.asked.append(("start",))

    def learn_anew(self) -> None:
        self.asked.append(("anew",))

    def new_run_from(self) -> None:
        self.asked.append(("new_run",))
