"""What is known of this computer, in words and in measured seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from tlgui.core import events, machine_facts
from tlgui.core.estimates import Speed
from tlgui.core.events import Measured
from tlgui.core.run_spec import RunSpec
from tlgui.gui.background import run_in_background

_UNMEASURED = "Speed: measured with the first whole run"


@dataclass(frozen=True)
class _Facts:
    speeds: dict[str, Speed] = field(default_factory=dict)
    run_sentence: str = ""


class Machine(QObject):
    """Read and written in the background; kept here for the pages.

    Attributes:
        device: torch's name of it, such as "cpu"; "" until the engine has said it.
        device_sentence: the same in words, such as "CPU, 2 cores".
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.device = ""
        self.device_sentence = ""
        self.is_read = False
        self._facts = _Facts()

    @property
    def speed_sentence(self) -> str:
        """500 images take about 1 minute, or when that will be known."""
        if not self.device:
            return ""
        return self._facts.run_sentence or _UNMEASURED

    def sentence(self) -> str:
        """What the start page says of this computer."""
        if not self.device_sentence:
            return "This computer: being looked at."
        speed = self._facts.run_sentence
        said = f"{speed}." if speed else "How long a run takes is measured with the first whole one."
        return f"This computer: {self.device_sentence}. {said}"

    @property
    def speeds(self) -> Mapping[str, Speed]:
        """Measured on this device, by backbone; `machine_facts.speed_from` works the others out."""
        return self._facts.speeds

    def speed(self, backbone: str) -> float | None:
        """Measured seconds per 1,000 images; `None` where that was not measured."""
        speed = self._facts.speeds.get(backbone)
        return speed.seconds_per_1000 if speed is not None else None

    def set_device(self, device: str, sentence: str) -> None:
        """The engine has said what it works on."""
        self.device, self.device_sentence = device, sentence
        self.changed.emit()
        self._read()

    def note_speed(self, measured: Measured) -> None:
        """Keeps a measurement."""
        self._write(lambda: machine_facts.note_speed(measured))

    def note_ended(self, spec: RunSpec, began_at: float | None, ending: events.Ending) -> None:
        """Keeps how long a run took, where it is complete and was trained from its beginning without a break.

        One that adapts to a new site learns from more images than its own, so it tells nothing of others.

        Args:
            spec: of the run.
            began_at: by the monotonic clock; `None` = it did not begin now.
            ending: how it ended.
        """
        if spec.target is not None or spec.dataset is None:
            return
        if began_at is not None and isinstance(ending, events.Completed):
            self.note_run(spec.dataset.images, time.monotonic() - began_at)

    def note_run(self, images: int, seconds: float) -> None:
        """Keeps how long a run took that was trained from its beginning to its end without a break."""
        device = self.device
        if device and images > 0 and seconds > 0:
            self._write(lambda: machine_facts.note_run(images, seconds, device))

    def _write(self, write: Callable[[], None]) -> None:
        run_in_background(self, write, lambda _: self._read())

    def _read(self) -> None:
        device = self.device
        run_in_background(
            self, lambda: _Facts(machine_facts.speeds(device), machine_facts.sentence(device)), self._on_read
        )

    def _on_read(self, facts: _Facts) -> None:
        self._facts, self.is_read = facts, True
        self.changed.emit()
