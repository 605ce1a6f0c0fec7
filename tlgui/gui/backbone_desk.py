"""Where the weights of each network are, how fast it is here, and how missing ones come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from tlgui.core import commands, events
from tlgui.core.backbones import DEFAULT_BACKBONE
from tlgui.core.strategies import strategy
from tlgui.gui import networks
from tlgui.gui.job_queue import JobQueue, Work

if TYPE_CHECKING:
    from tlgui.gui.machine import Machine
    from tlgui.gui.workbench import Workbench

_MOST_SURVEYS = 3


@dataclass(frozen=True)
class BackboneState:
    """One network on this computer.

    Attributes:
        state: "unknown" (not looked yet), "embedded", "ready", "absent", "damaged" or "none" (nothing is published).
        file_name, size, sha, folder: the weights file: its exact name, its bytes, how its checksum begins, and where it
            lies or must be put (the whole path; "" while unknown).
        url: where it is published.
        seconds_per_1000: measured here; `None` while it was not.
    """

    name: str
    state: str = "unknown"
    file_name: str = ""
    size: int = 0
    sha: str = ""
    folder: str = ""
    seconds_per_1000: float | None = None
    url: str = ""

    @property
    def usable(self) -> bool:
        """Whether a run can begin with it, without a network."""
        return self.state in ("embedded", "ready")


class BackboneStates(QObject):
    """What is known of each network's weights and speed."""

    changed = Signal()

    def __init__(self, machine: Machine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._machine = machine
        self._found: dict[str, events.WeightsState] = {}
        machine.changed.connect(self.changed)

    def row(self, name: str) -> BackboneState:
        """The state of one network."""
        speed = self._machine.speed(name)
        found = self._found.get(name)
        if found is None:
            row = networks.network(name)
            state = "embedded" if row is not None and row.embedded else "unknown"
            if row is not None and not row.pretrained:
                state = "none"
            return BackboneState(name, state, seconds_per_1000=speed)
        return BackboneState(
            name, found.state, found.file_name, found.size_bytes, found.sha256_prefix, found.folder, speed, found.url
        )

    def rows(self) -> list[BackboneState]:
        """All of them, in the order of the table."""
        return [self.row(name) for name in networks.networks()]

    def set_found(self, rows: Sequence[events.WeightsState]) -> None:
        """Takes what a survey found."""
        self._found = {row.backbone: row for row in rows}
        self.changed.emit()


class BackboneDesk(QObject):
    """Surveys, measurements, downloads and a look at other timm models; see `Workbench` for most methods."""

    described = Signal(object)
    """Of a look at a timm model: `Progress`, `BackboneDescribed`, and its ending last."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self.states = BackboneStates(bench.machine, self)
        self._measuring: Work | None = None
        self._downloading: Work | None = None
        self._checking: Work | None = None
        self._survey: Work | None = None
        self._describing: Work | None = None
        self._measured_once = False
        self._surveys_left = _MOST_SURVEYS
        bench.engine.ready.connect(self._on_engine_ready)
        # What was measured before is read in the background: only then is it known whether anything is left to measure.
        bench.machine.changed.connect(self.measure_once)

    @property
    def measuring(self) -> str:
        """The network that is being measured, or ""."""
        job = self._measuring.job if self._measuring else None
        return job.backbone if isinstance(job, commands.Measure) else ""

    @property
    def downloading(self) -> str:
        """The network whose weights are being fetched, or ""."""
        job = self._downloading.job if self._downloading else None
        return job.backbone if isinstance(job, commands.Fetch) else ""

    def problem(self) -> str:
        """Why the draft's network cannot be used as it stands, as a sentence; "" when it can."""
        draft = self._bench.draft
        network = networks.network(draft.backbone)
        if network is None:
            return f"{draft.backbone} is not known on this computer. Choose another network, or add it again."
        if draft.weights_file or not strategy(draft.resolved()[0].strategy).pretrained:
            return ""
        label, row = networks.label_of(draft.backbone), self.states.row(draft.backbone)
        if not network.pretrained:
            return ""  # the Strategy page says what can be done without
        if row.state == "none":
            return f"Nobody is known to publish the weights of {label}. Choose a file."
        if row.usable or (draft.download and row.state != "unknown"):
            return ""
        if draft.backbone == self.downloading:
            return f"The weights of {label} are being downloaded."
        if row.state == "unknown":
            return f"The weights of {label} are still being looked for."
        if row.state == "damaged":
            return f"The weights file of {label} is damaged. Download it again, or choose a file."
        return f"The weights of {label} are not on this computer. Download them, or choose a file."

    def survey(self) -> None:
        """Looks which weights are here."""
        if self._survey is None:
            self._surveys_left = max(0, self._surveys_left - 1)
            jobs = self._free_queue()
            self._survey = jobs.submit(commands.Survey(), self._on_survey_event, first=jobs is self._bench.jobs)

    def measure(self, name: str) -> None:
        """Measures one network, once the warm engine is free."""
        if self._measuring is None and not self._bench.is_training:
            self._measuring = self._bench.jobs.submit(commands.Measure(backbone=name), self._on_measure_event)
            self.states.changed.emit()

    def measure_once(self) -> None:
        """Measures the default network once per start: a speed that was taken beside other work gets better so."""
        if self._measured_once or not self._bench.machine.is_read or self._bench.is_training:
            return
        self._measured_once = True
        self.measure(DEFAULT_BACKBONE)

    def make_way(self) -> None:
        """A training begins: what only measures stops, and what waits behind it goes to the other engine."""
        if self._survey is not None and self._survey.state == "waiting":
            self._survey.forget()
            self._survey = self._bench.side_jobs.submit(commands.Survey(), self._on_survey_event)
        if self._checking is not None and self._checking.state == "waiting":
            job = self._checking.job
            self._checking.forget()
            self._checking = self._bench.side_jobs.submit(job, self._on_check_event)
        if self._describing is not None and self._describing.state == "waiting":
            job = self._describing.job
            self._describing.forget()
            self._describing = self._bench.side_jobs.submit(job, self._on_describe_event)
        if self._measuring is not None:
            self._measuring.cancel()

    def download(self, name: str) -> None:
        """Fetches weights; one download at a time."""
        if self._downloading is None:
            self._downloading = self._bench.side_jobs.submit(commands.Fetch(backbone=name), self._on_download_event)
            self.states.changed.emit()

    def cancel_download(self) -> None:
        """Asks the download to stop."""
        if self._downloading is not None:
            self._downloading.cancel()

    def check_file(self, name: str, path: Path) -> None:
        """Looks whether a file fits; an older question is dropped."""
        if self._checking is not None:
            self._checking.forget()
        job = commands.CheckWeights(backbone=name, file=str(path.absolute()))
        self._checking = self._free_queue().submit(job, self._on_check_event)

    @property
    def describing(self) -> str:
        """The timm model that is being looked at, or ""."""
        job = self._describing.job if self._describing else None
        return job.name if isinstance(job, commands.DescribeBackbone) else ""

    def describe(self, name: str) -> None:
        """Looks at a timm model, which is a row from then on; one at a time."""
        if self._describing is None:
            job = commands.DescribeBackbone(name=name)
            self._describing = self._free_queue().submit(job, self._on_describe_event)

    def cancel_describe(self) -> None:
        """Asks the look to stop."""
        if self._describing is not None:
            self._describing.cancel()

    def _free_queue(self) -> JobQueue:
        # Somebody waits for the answer, and a measurement takes up to half a minute.
        busy = self._bench.is_training or self._measuring is not None
        return self._bench.side_jobs if busy else self._bench.jobs

    def _on_survey_event(self, event: Any) -> None:
        if isinstance(event, events.Surveyed):
            self.states.set_found(event.rows)
            self._bench.draft.changed.emit()
            self._surveys_left = 0
        if isinstance(event, events.Ending):
            self._survey = None

    def _on_engine_ready(self, _: Any) -> None:
        # The engine before it died while it looked; without an answer no run could begin with other weights.
        if self._survey is None and 0 < self._surveys_left < _MOST_SURVEYS:
            self.survey()

    def _on_measure_event(self, event: Any) -> None:
        if isinstance(event, events.Measured):
            self._bench.machine.note_speed(event)
        if isinstance(event, events.Ending):
            self._measuring = None
            self.states.changed.emit()

    def _on_download_event(self, event: Any) -> None:
        if isinstance(event, events.Ending):
            self._downloading = None
            self.survey()
            self.states.changed.emit()
        self._bench.download_event.emit(event)

    def _on_describe_event(self, event: Any) -> None:
        if isinstance(event, events.Ending):
            self._describing = None
        if isinstance(event, events.BackboneDescribed):
            networks.look_again()
            self.survey()
            self.states.changed.emit()
        self.described.emit(event)

    def _on_check_event(self, event: Any) -> None:
        if isinstance(event, events.Ending):
            self._checking = None
        if isinstance(event, events.WeightsChecked | events.Failed | events.Crashed):
            self._bench.weights_checked.emit(event)
