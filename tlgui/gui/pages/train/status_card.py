"""How far the run is: epoch or stage, time left, speed, memory, and a bar that never stands without words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from tlgui.core import events
from tlgui.gui import numbers
from tlgui.gui.pages.train.facts import Facts
from tlgui.gui.run_reasons import ENDED
from tlgui.gui.widgets import Card, Label, ProgressBar

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel

_NARROW = 600
_SIDES, _GAP = 32, 10


# What is waited for before the engine speaks of a run: title and detail.
ENGINE_STARTS = ("Starting the engine", "this takes a few seconds")
RUN_IS_MADE = ("Preparing", "the images are being listed and split into parts")
ENGINE_BEGINS = ("Preparing", "the run begins in a moment")


class Status(NamedTuple):
    """What the card says.

    Attributes:
        title: where the run is.
        detail: the stage, or the time left.
        fraction: of the bar, 0 to 1; `None`: nothing can be counted yet.
        still: why nothing moves, as it is read out; "" while the run goes on. Else the bar is grey.
    """

    title: str
    detail: str
    fraction: float | None
    still: str = ""


def status_of(run: RunModel, begins: tuple[str, str] = ENGINE_STARTS, best_by: str = "") -> Status:
    """The state of a run in words.

    Args:
        run: whose state it is.
        begins: what is waited for before the engine speaks of it.
        best_by: by what the best epoch is the best, such as "lowest validation loss"; "" where that is not known.
    """
    done = run.epochs[-1].epoch if run.epochs else 0
    planned = max(run.epochs_planned, done)
    fraction = _whole_fraction(run, done, planned)
    match run.state:
        case "starting":
            return Status(*begins, None)
        case "preparing" if run.progress_stage:
            return _stage("Preparing", run)
        case "preparing":
            return Status("Preparing", "the images and the network are being read", None)
        case "validating":
            title = f"Epoch {min(done + 1, planned)} of {planned}"
            return Status(title, _counted("answers for the validation images", run), fraction)
        case "paused" if run.waits_for_disk:
            return Status(
                f"Waiting at epoch {min(done + 1, planned)} of {planned}", "the disk is full", fraction, _PAUSES
            )
        case "paused":
            detail = _NOTHING_RUNS if run.best_epoch is None else _PAUSED
            return Status(f"Paused at epoch {min(done + 1, planned)} of {planned}", detail, fraction, _PAUSES)
        case "stopping":
            return Status("Stopping after this batch", "then the best epoch is scored", fraction)
        case "scoring":
            return _stage("Scoring the best epoch", run)
        case "complete":
            kept = "the start" if run.best_epoch == 0 else f"epoch {run.best_epoch}"
            why = f": {best_by}" if best_by else ""
            return Status(f"Complete after {numbers.counted(done, 'epoch')}", f"{kept} is kept{why}", 1.0, _ENDED)
        case "training" if run.progress_stage:
            # Work between two epochs, such as a comparison or a measuring.
            title = f"Epoch {min(done + 1, planned)} of {planned}"
            return Status(title, _counted(run.progress_stage, run), fraction)
        case "training":
            title = f"Epoch {min(done + 1, planned)} of {planned}" if planned else "Training"
            return Status(title, _left(run.seconds_left), fraction)
        case "failed" if isinstance(run.ending, events.Failed) and run.ending.code == "run_locked":
            return Status(f"At epoch {done} of {planned}", "another program trains it", fraction, "not trained here")
        case _:
            word = {"stopped": "Stopped", "interrupted": "Interrupted"}.get(run.state, "Ended")
            where = f"after epoch {done} of {planned}" if done else "before the first epoch had ended"
            return Status(f"{word} {where}", _NOTHING_RUNS, fraction, _ENDED)


# Why the bar stands still, as it is read out.
_PAUSES, _ENDED = "paused", "ended"
_PAUSED = "nothing runs; the best epoch is saved"
_NOTHING_RUNS = "nothing runs"


def _whole_fraction(run: RunModel, done: int, planned: int) -> float:
    place = max([float(done), *(x for x, _ in run.batches[-1:])])
    return min(1.0, place / planned) if planned else 0.0


def _stage(title: str, run: RunModel) -> Status:
    counts = run.progress_total > 1
    fraction = min(1.0, run.progress_done / run.progress_total) if counts else None
    return Status(title, _counted(run.progress_stage, run), fraction)


def _counted(stage: str, run: RunModel) -> str:
    words = stage.removeprefix("answers for the ")  # beside a title that says so there is room for the count alone
    if run.progress_total > 1 and run.progress_stage:
        if stage.startswith("download"):
            words += f", {numbers.size(run.progress_done)} of {numbers.size(run.progress_total)}"
        else:
            words += f", {numbers.count(run.progress_done)} of {numbers.count(run.progress_total)}"
    left = _left(run.seconds_left) if run.state == "preparing" else ""
    return f"{words}, {left}" if left else words


def _left(seconds: float | None) -> str:
    return f"{numbers.about(seconds)} left" if seconds is not None else ""


class StatusCard(Card):
    """The head of the train page."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        row = QHBoxLayout()
        row.setSpacing(_GAP)
        self._title = Label("", "card-title")
        self._detail = Label("", "muted", elide=True)
        self._detail.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self._title)
        row.addWidget(self._detail, 1)
        self._figures = [_Figure() for _ in range(3)]
        for figure in self._figures:
            row.addWidget(figure)
        row.setContentsMargins(0, 0, 0, 0)
        self.bar = ProgressBar()
        self.body.addLayout(row)
        self.facts = Facts()
        self.body.addWidget(self.bar)
        self.body.addWidget(self.facts)
        self._run: RunModel | None = None

    def show_run(self, run: RunModel, begins: tuple[str, str] = ENGINE_STARTS, best_by: str = "") -> None:
        """Takes the state of the run; `begins` and `best_by` as for `status_of`."""
        self._run = run
        status = status_of(run, begins, best_by)
        self._title.setText(status.title)
        self._detail.setText(status.detail)
        self.bar.set(status.fraction or 0.0, busy=status.fraction is None, still=status.still)
        self.bar.setAccessibleName(f"{status.title}, {self.bar.accessibleName()}")
        self.facts.show_run(run)
        self._show_figures(run)
        self.setAccessibleName(self.text())

    def text(self) -> str:
        """All of it, as a person reads it."""
        figures = [figure.text() for figure in self._figures if figure.isVisibleTo(self)]
        return ", ".join(filter(None, [self._title.text(), self._detail.text(), *figures]))

    def _show_figures(self, run: RunModel) -> None:
        """Shows as many figures as leave the words at the left whole; speed and memory go before the time so far."""
        speed = run.images_per_second if run.state in ("training", "validating") else None
        short = "images/s" if self.width() < _NARROW else "images a second"
        memory = None if run.state in ENDED else run.memory_bytes
        so_far = run.seconds_so_far
        told = [
            ("" if speed is None else f"{speed:,.0f}", short),
            (numbers.size(memory) if memory else "", "memory"),
            (numbers.duration(so_far) if so_far >= 1 else "", "in all" if run.state in ENDED else "so far"),
        ]
        room = self.width() - _SIDES - self._title.sizeHint().width() - self._detail.sizeHint().width() - _GAP
        for figure, (value, unit) in zip(self._figures, told, strict=True):
            figure.show_figure(value, unit)
            room -= figure.sizeHint().width() + _GAP if value else 0
            if room < 0:
                figure.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Where the card is narrow, fewer figures stand in it."""
        super().resizeEvent(event)
        if self._run is not None:
            self._show_figures(self._run)


class _Figure(QWidget):
    """A value, and what it counts."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 0, 0)
        row.setSpacing(6)
        self._value, self._unit = Label("", "strong"), Label("", "muted")
        row.addWidget(self._value)
        row.addWidget(self._unit)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.hide()

    def show_figure(self, value: str, unit: str) -> None:
        """Shows a value; "" hides it."""
        self._value.setText(value)
        self._unit.setText(unit)
        self.setVisible(bool(value))

    def text(self) -> str:
        """Value and unit."""
        return f"{self._value.text()} {self._unit.text()}"
