"""A bench for the pages that show a trained model: a run that has ended, no engine; what a page asks for is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QImage

from helpers.fake_run import story
from tlgui.core.run_folder import RunFolder
from tlgui.gui.run_model import RunModel


class Pictures(QObject):
    """Stands where the store of thumbnails is; every picture is there at once, but those that are said to be broken."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.broken: dict[str, str] = {}

    def request(
        self,
        root: Path,
        path: str,
        side: int,
        rule: Any,
        receiver: Callable[[QImage | None, str], None],
        owner: QObject,
        whole: bool = False,
    ) -> None:
        self.asked.append(path)
        if path in self.broken:
            receiver(None, self.broken[path])
            return
        image = QImage(40, 30, QImage.Format.Format_RGB32)
        image.fill(QColor("#884422"))
        receiver(image, "")


class FakeSiteScore(QObject):
    """A score on labelled images, as a test gives it; what is asked for is written down."""

    changed = Signal()
    scored = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []
        self.busy = False
        self.progress: Any = None
        self.ended: Any = None
        self.site: Path | None = Path("/clinic b")
        self.both: Any = None

    def answers(self, run: Path, before: Path | None) -> Any:
        return self.both if before is not None else None

    def ask_both(self, before: Path) -> None:
        self.asked.append(("both", before))
        self.say(busy=True, ended=None)

    def score(self, images: Path, before: Path | None) -> None:
        self.asked.append((images, before))
        self.say(busy=True, ended=None)

    def cancel(self) -> None:
        self.asked.append("cancel")

    def say(self, **known: Any) -> None:
        for name, value in known.items():
            setattr(self, name, value)
        self.changed.emit()


class FakeKept(QObject):
    """What is done about what a run knew before; presses are written down."""

    changed = Signal()
    mixed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.doing = self.against = ""
        self.progress: Any = None
        self.stopping = False
        self.endings: dict[str, Any] = {}
        self.asked: list[Any] = []

    def ended(self, doing: str) -> Any:
        return self.endings.get(doing)

    def reason_against(self) -> str:
        return self.against

    def mix(self, share: float | None) -> None:
        self.asked.append(("mix", share))

    def try_strengths(self) -> None:
        self.asked.append("strengths")

    def cancel(self) -> None:
        self.asked.append("cancel")

    def say(self, doing: str = "", **known: Any) -> None:
        self.doing = doing
        for name, value in known.items():
            setattr(self, name, value)
        self.changed.emit()


class ModelBench(QObject):
    """What the pages need of the workbench."""

    run_changed = Signal()
    images_found = Signal()
    problem_raised = Signal(object, str)
    predict_event = Signal(object)
    export_event = Signal(object)

    def __init__(self, folder: RunFolder | None = None, data: Path | None = Path("/data")) -> None:
        super().__init__()
        self.run_folder = folder
        self.run: RunModel | None = RunModel.replay(story()) if folder is not None else None
        self.run_spec = folder.spec() if folder is not None else None
        self.data = data
        self.thumbnails = Pictures()
        self.kept = FakeKept()
        self.models = SimpleNamespace(asked={}, exporting="")
        self.site_score = FakeSiteScore()
        self.shown: list[str] = []
        self.opened: list[Path] = []
        self.predicted: list[list[Path]] = []
        self.exported: list[str] = []
        self.found: list[Path] = []
        self.cancelled: list[str] = []

    def data_of(self, run: RunModel | None = None) -> Path | None:
        return self.data

    def open_run(self, path: Path) -> None:
        self.opened.append(path)

    def show(self, page: str) -> None:
        self.shown.append(page)

    def predict(self, paths: Sequence[Path]) -> None:
        self.predicted.append(list(paths))
        self.models.asked = {path.name: str(path) for path in paths}

    def cancel_predict(self) -> None:
        self.cancelled.append("predict")

    def export(self, format: str, to: Path | None = None) -> None:
        self.exported.append(format)

    def cancel_export(self) -> None:
        self.cancelled.append("export")

    def find_images(self, path: Path) -> None:
        self.found.append(path)
