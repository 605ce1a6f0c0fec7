"""What a person sees in a terminal: a progress bar with time left, then small tables. Plain lines where it is none."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from tlgui.core import events
from tlgui.core.split import PARTS, Part
from tlgui.imaging.names import counted

_WIDTH_OF_A_FILE = 1000  # a path in a table is not folded there, so that it can be copied


def console() -> Console:
    """Standard output, with names printed as they are: no markup, no highlighting."""
    out = Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
    if not out.is_terminal:
        out.width = _WIDTH_OF_A_FILE
    return out


class LiveRun:
    """Shows a job while it goes on. Use as a context manager and feed it events; `quiet` shows nothing."""

    def __init__(self, out: Console, quiet: bool = False) -> None:
        self._out = out
        self._quiet = quiet
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[left]}", markup=False),
            console=out,
            transient=True,
            disable=quiet or not out.is_terminal,
        )
        self._task: TaskID | None = None
        self._epochs = 0
        self._last = ""
        self._stage = ""
        self._layers = ""

    def __enter__(self) -> LiveRun:
        self._bar.start()
        if self._out.is_terminal:
            # Something moves from the first moment, while the engine still loads its libraries.
            self._task = self._bar.add_task("starting", total=None, left="")
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def on_files(self, done: int, total: int) -> None:
        """Shows how many files of a folder have been read, where there is somebody to watch."""
        if self._out.is_terminal:
            self._show("reading the images", done, max(1, total), None)

    def on_bytes(self, done: int, total: int) -> None:
        """Shows how far an archive is unpacked, where there is somebody to watch."""
        if self._out.is_terminal:
            self._show("unpacking", done, max(1, total), None)

    def on_event(self, event: events.AnyEvent) -> None:
        """Shows one event."""
        match event:
            case events.RunStarted():
                self._epochs = event.epochs
                self._line(
                    f"{event.train_images} images train, {event.validation_images} validate, {event.test_images} test; "
                    f"{event.backbone}, {event.strategy}."
                )
            case events.LayersChanged():
                share = 100 * event.trainable_parameters / event.parameters
                names = ", ".join(group.name for group in event.groups if group.trainable)
                self._say_layers(
                    f"{event.trainable_parameters:,} of {event.parameters:,} parameters train ({share:.1f} %): {names}."
                )
            case events.FirstAnswered():
                self._line(f"{event.sentence()} Guessing reaches {100 * event.largest_class:.0f} %.")
            case events.SimilarityMeasured():
                self._line(event.sentence)
            case events.StrategyChosen():
                self._epochs = event.epochs
                self._line(event.sentence)
            case events.MoveJudged() | events.RetentionMeasured() | events.MixesTried() | events.StrengthsTried():
                self._line(event.sentence)
                if isinstance(event, events.RetentionMeasured) and event.every is not None:
                    self._line(event.every.sentence())
            case events.Undone():
                self._line(f"The run is again as it was after {counted(event.to_epoch, 'epoch')}.")
            case events.Progress():
                self._show(event.stage, event.done, max(1, event.total), event.seconds_left)
            case events.BatchEnded():
                done = (event.epoch - 1) * event.batches + event.batch
                text = f"epoch {event.epoch} of {self._epochs}{self._last}"
                self._show(text, done, self._epochs * event.batches, event.seconds_left)
            case events.EpochEnded():
                self._epochs = event.epochs
                self._last = (
                    f", loss {_number(event.validation_loss)}, validation {_percent(event.validation_accuracy)}"
                )
                if event.retention is not None:
                    what = "earlier images" if event.retention.meter == "accuracy" else "agreement with before"
                    self._last += f", {what} {_percent(event.retention.now)}"
                if not self._out.is_terminal:
                    best = ", best so far" if event.best else ""
                    self._line(
                        f"epoch {event.epoch} of {event.epochs}{self._last}{best}, {duration(event.seconds_left)}"
                    )
            case events.Extended():
                self._epochs = event.epochs
            case events.Resumed():
                self._line(f"Going on after epoch {event.epoch}.")
            case events.Notice():
                self._line(event.message)
            case _:
                pass

    def _say_layers(self, text: str) -> None:
        # What "auto" becomes is often what it began with, and nobody reads that twice.
        if text != self._layers:
            self._line(text)
        self._layers = text

    def _line(self, text: str) -> None:
        self._out.print(text)

    def _show(self, text: str, done: int, total: int, seconds_left: float | None) -> None:
        if self._quiet:
            return
        if not self._out.is_terminal:
            if text != self._stage and not text.startswith("epoch "):
                self._line(f"{text} ...")
            self._stage = text
            return
        if self._task is not None:
            left = "" if seconds_left is None else duration(seconds_left)
            self._bar.update(self._task, description=text, completed=done, total=total, left=left)


def duration(seconds: float | None) -> str:
    """Time left, in words that are not more exact than the estimate."""
    if seconds is None:
        return "time left not known yet"
    if seconds < 60:
        return f"about {max(1, round(seconds))} s left"
    if seconds < 3600:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"


def scores_table(scores: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row per part: accuracy and balanced accuracy with their intervals beside the majority-class line."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("images", "n", "accuracy (95 % interval)", "balanced accuracy", "AUC", "always the largest class"):
        table.add_column(title)
    for name, metrics in scores.items():
        table.add_row(
            Text(name),
            str(metrics["accuracy"]["n"]),
            _measured(metrics["accuracy"]),
            _measured(metrics["balanced_accuracy"]),
            _measured(metrics["auc"]) if "auc" in metrics else "",
            _percent(metrics["majority_class_accuracy"]),
        )
    return table


def measured_table(title: str, rows: Mapping[str, tuple[float, float, float]]) -> Table:
    """One row per name: a share with its 95 % interval."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title)
    table.add_column("accuracy (95 % interval)")
    for name, (value, low, high) in rows.items():
        table.add_row(Text(name), _measured({"value": value, "low": low, "high": high}))
    return table


def counts_table(counts: Mapping[str, Mapping[Part, int]]) -> Table:
    """One row per class: how many of its images are in each part."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class", overflow="fold")
    for part in PARTS:
        table.add_column(part, justify="right")
    for name, row in counts.items():
        table.add_row(Text(name), *(str(row[part]) for part in PARTS))
    return table


def pairs_table(rows: Mapping[str, str]) -> Table:
    """Names and values, one pair a line."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    return table


def print_json(text: bytes) -> None:
    """One line of JSON on standard output: UTF-8, whatever the terminal speaks."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.rstrip(b"\n") + b"\n")
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    """A sentence beside the answer, on standard error."""
    sys.stderr.write(f"{text}\n")


def _measured(value: Mapping[str, Any]) -> str:
    if value["value"] is None:
        return "not measured"
    if value["low"] is None:
        return _percent(value["value"])
    return f"{_percent(value['value'])} ({100 * value['low']:.1f} to {100 * value['high']:.1f})"


def _percent(value: float | None) -> str:
    return "not a number" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.3f}"
