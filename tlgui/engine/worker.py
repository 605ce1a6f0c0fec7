"""The engine process: jobs and commands come in as JSON lines, events go out as JSON lines, nothing else does."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import torch

from tlgui import __version__
from tlgui.core import commands, events
from tlgui.core.commands import AnyJob, Job
from tlgui.core.errors import UserError
from tlgui.core.events import Event
from tlgui.core.run_folder import RunFolder
from tlgui.core.scrub import scrub
from tlgui.engine import failures, free_memory
from tlgui.engine.control import Control, OwnerGoneError
from tlgui.engine.device import be_considerate, be_repeatable, describe, look_for_device

logger = logging.getLogger(__name__)

_BATCH_EVENTS_PER_SECOND = 30


def main() -> int:
    """Serves jobs until the owner closes the pipe."""
    output = _private_output()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is last here is what a person reads when the engine ends by accident: chatter of libraries would fill it.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("tlgui").setLevel(logging.INFO)
    # An engine beside a training answers single images and writes exports: on one thread, and off the card that trains.
    side = "--side" in sys.argv[2:]
    be_considerate(beside_training=side)
    be_repeatable()
    device, sentence = _device(side)
    control = Control()
    wire = _Wire(output, control)
    wire.send(
        events.EngineReady(protocol=events.PROTOCOL, tlgui=__version__, device=str(device), device_sentence=sentence)
    )
    jobs: queue.SimpleQueue[AnyJob | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, control, jobs, wire), name="owner", daemon=True).start()
    while (job := jobs.get()) is not None:
        control.job_begins()
        try:
            serve(job, control, wire)
        except OwnerGoneError:
            break
    return 0


def _device(side: bool) -> tuple[torch.device, str]:
    """What will be used, in words too. One that was named and cannot be used is said here and by each job that wants it."""
    cpu = torch.device("cpu")
    if side:
        return cpu, describe(cpu)
    try:
        found = look_for_device()
    except UserError as error:
        return cpu, f"{describe(cpu)} ({error.problem.removesuffix('.')})"
    words = describe(found.device)
    return found.device, f"{words} ({found.why})" if found.why else words


class _Wire:
    """Writes events, each as one line in one piece; from any thread.

    When nobody reads any more, the job hears that its owner is gone, so that it can save before it ends.
    """

    def __init__(self, output: BinaryIO, control: Control) -> None:
        self._output = output
        self._control = control
        self._lock = threading.Lock()
        self._last_batch = 0.0

    def send(self, event: Event) -> None:
        if isinstance(event, events.BatchEnded):
            now = time.monotonic()
            if now - self._last_batch < 1 / _BATCH_EVENTS_PER_SECOND:
                return
            self._last_batch = now
        with self._lock:
            try:
                self._output.write(events.encode(event))
                self._output.flush()
            except OSError:
                # A dead pipe is EPIPE, and EINVAL on Windows.
                self._control.owner_gone()


def serve(job: Job, control: Control, wire: _Wire) -> None:
    """Does one job; exactly one ending goes out, whatever happens.

    Raises:
        OwnerGoneError: the owner is gone; the job has saved what it could.
    """
    run = RunFolder(Path(job.run)) if isinstance(job, commands.Train) else None
    journal: RunFolder | None = None
    try:
        for event in _events_of(job, control):
            if isinstance(event, events.RunStarted):
                # Before that the run has not been touched: a refusal is no part of its story.
                journal = run
            if journal is not None:
                _journal(journal, event)
            wire.send(event)
    except OwnerGoneError:
        raise
    except Exception as error:
        # The one place where whatever went wrong becomes an ending: the engine lives on.
        ending = failures.ending_of(error, job, scrub)
        if ending.is_fault:
            logger.error("The job failed\n%s", ending.details)
        _end(ending, journal, wire)
    finally:
        free_memory.give_back()


def _events_of(job: Job, control: Control) -> Iterator[Event]:
    # Imported here, so that a job pays for its own libraries alone.
    match job:
        case commands.Train():
            from tlgui.engine.jobs.train import train

            return train(job, control)
        case commands.MixWeights():
            from tlgui.engine.jobs.mix_weights import mix_weights

            return mix_weights(job, control)
        case commands.TryStrengths():
            from tlgui.engine.jobs.strengths import try_strengths

            return try_strengths(job, control)
        case commands.Evaluate():
            from tlgui.engine.jobs.evaluate import evaluate

            return evaluate(job, control)
        case commands.Predict():
            from tlgui.engine.jobs.predict import predict

            return predict(job, control)
        case commands.Export():
            from tlgui.engine.jobs.export import export

            return export(job, control)
        case commands.Survey():
            from tlgui.engine.jobs.survey import survey

            return survey(job, control)
        case commands.Measure():
            from tlgui.engine.jobs.measure import measure

            return measure(job, control)
        case commands.Fetch():
            from tlgui.engine.jobs.download import fetch

            return fetch(job, control)
        case commands.CheckWeights():
            from tlgui.engine.jobs.survey import check_weights

            return check_weights(job, control)
        case commands.DescribeBackbone():
            from tlgui.engine.jobs.describe import describe_backbone

            return describe_backbone(job, control)
        case commands.ProbeShortcuts():
            from tlgui.engine.jobs.shortcuts import probe_shortcuts

            return probe_shortcuts(job, control)
        case commands.RankBackbones():
            from tlgui.engine.jobs.rank import rank

            return rank(job, control)
        case commands.MeasureGap():
            from tlgui.engine.jobs.gap import measure_gap

            return measure_gap(job, control)
        case commands.ProbeLayers():
            from tlgui.engine.jobs.layers import probe_layers

            return probe_layers(job, control)
        case commands.FindRate():
            from tlgui.engine.jobs.rate import find_rate

            return find_rate(job, control)
        case commands.MeasureSimilarity():
            from tlgui.engine.jobs.similarity import measure_similarity

            return measure_similarity(job, control)
        case commands.Advise():
            from tlgui.engine.jobs.advise import advise

            return advise(job, control)
        case commands.EmbedImages():
            from tlgui.engine.jobs.embed import embed

            return embed(job, control)
        case commands.CompareSplits():
            from tlgui.engine.jobs.splits import compare_splits

            return compare_splits(job, control)
    raise AssertionError(f"no such job: {job}")


def _journal(run: RunFolder, event: Event) -> None:
    """Keeps the event in the run folder, where no absolute path may stand."""
    if isinstance(event, events.Progress):
        return
    if isinstance(event, events.RunStarted | events.Ending) and hasattr(event, "run"):
        event = msgspec.structs.replace(event, run=run.name)
    run.append_event(event)


def _end(ending: Event, run: RunFolder | None, wire: _Wire) -> None:
    if run is not None and run.spec_path.is_file():
        # A full disk must not keep the sentence from the person.
        with contextlib.suppress(OSError):
            _journal(run, ending)
    wire.send(ending)


def _private_output() -> BinaryIO:
    """Takes standard output for events alone: whatever else prints, in Python or in C, goes to the log instead."""
    private = os.dup(1)
    os.set_inheritable(private, False)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


def _read(stream: BinaryIO, control: Control, jobs: queue.SimpleQueue[AnyJob | None], wire: _Wire) -> None:
    for line in stream:
        try:
            message = commands.decode(line)
        except msgspec.DecodeError as error:
            wire.send(
                events.Notice(code="not_understood", message=f"A line was not understood and not obeyed: {error}.")
            )
            continue
        if isinstance(message, Job):
            control.job_heard()
            jobs.put(message)
        else:
            control.put(message)
    control.owner_gone()
    jobs.put(None)
