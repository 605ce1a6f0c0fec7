"""Runs that learn on, with the tiny network in the place of a backbone: two small tasks, and the whole job in a second."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from helpers.pictures import write_picture
from helpers.tiny import ROW, tiny_network
from tlgui.core import commands, events
from tlgui.core.backbones import BACKBONES
from tlgui.core.events import Event
from tlgui.core.heads import LINEAR, Head
from tlgui.core.run_folder import RunFolder, remember_place
from tlgui.core.run_spec import RunSpec, Training
from tlgui.engine import start_weights, trained_model, weights
from tlgui.engine.backbones import _head
from tlgui.engine.control import Control
from tlgui.engine.jobs import ended_run
from tlgui.engine.jobs import train as train_job
from tlgui.engine.jobs.mix_weights import mix_weights
from tlgui.engine.jobs.strengths import try_strengths
from tlgui.engine.network import Network
from tlgui.imaging.opening import open_folder
from tlgui.imaging.prepare import prepare_run

PUBLISHED = 7
"""Classes that the tiny network's published weights know."""
FAST: dict[str, Any] = {
    "strategy": "full-fine-tuning",
    "epochs": 3,
    "batch_size": 16,
    "head_learning_rate": 0.01,
    "top_learning_rate": 0.01,
    "stem_factor": 1.0,
    "warm_start": True,
    "patience": 0,
    "unfreezing": "never",
    "augmentation": "off",
    "precision": "float32",
}


def put_tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone that trains in milliseconds, under the name "tiny", with published weights; no power cut is tested."""

    def build(row: object, classes: int, state: Any = None, *given: object, **more: Any) -> Network:
        network = tiny_network(classes)
        heads = [one for one in (*given, *more.values()) if isinstance(one, Head)]
        with torch.random.fork_rng():
            torch.manual_seed(3)
            network.model.set_submodule("fc", _head(ROW.features, classes, heads[0] if heads else LINEAR))
        below = {name: tensor for name, tensor in (state or {}).items() if not name.startswith("fc.")}
        network.model.load_state_dict(below, strict=False)
        return network

    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, label="Tiny"))
    for module in (train_job, trained_model, ended_run):
        monkeypatch.setattr(module, "build", build)
    monkeypatch.setattr(start_weights, "build", build)
    monkeypatch.setattr(weights, "pretrained", lambda *_: tiny_network(PUBLISHED, seed=11).model.state_dict())
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setenv("TLGUI_DEVICE", "cpu")


@contextlib.contextmanager
def apart(folder: Path) -> Iterator[None]:
    """For a fixture of a whole module: the tiny network, one thread, and the program's own folders below a folder."""
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "STATE", "PROJECTS"):
            patch.setenv(f"TLGUI_{name}_DIR", str(folder / name.lower()))
        put_tiny(patch)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def copied(run: RunFolder, to: Path, *places: Path) -> RunFolder:
    """A copy of a run that was trained once for a module; where its images and those of before lie is known."""
    shutil.copytree(run.path, to)
    spec = run.spec()
    assert spec.dataset is not None
    for fingerprint, place in zip(
        [spec.dataset.fingerprint, *(one.fingerprint for one in spec.earlier)], places, strict=True
    ):
        remember_place(fingerprint, place)
    return RunFolder(to)


def pictures(root: Path, first: int = 0, /, **classes: tuple[int, int]) -> Path:
    """Class folders: name -> (kind of picture, how many). No picture is one of those of another `first`."""
    for name, (kind, count) in classes.items():
        for index in range(count):
            write_picture(root / name / f"{index:03}.png", kind, 10_000 * first + index, 24)
    return root


def made(data: Path, run: Path, since: RunFolder | None = None, **options: Any) -> RunFolder:
    """A run on a folder; it learns on from `since`, where that is given."""
    given = {name: options.pop(name) for name in ("target", "earlier_images") if name in options}
    spec = RunSpec(backbone="tiny", training=Training(**FAST | options))
    if since is None:
        return prepare_run(data, spec, run, **given).run
    return prepare_run(
        data,
        spec,
        run,
        read=lambda: open_folder(data, fewest_classes=1),
        weights_file=str(since.best_path),
        continues=True,
        **given,
    ).run


def told_by(job: Iterator[Event], run: RunFolder | None = None) -> list[Event]:
    """What a job says; into the run folder too, as the owner of a training writes it."""
    said: list[Event] = []
    for event in job:
        if run is not None:
            run.append_event(event)
        said.append(event)
    return said


def job_of(run: RunFolder, data: Path, since: RunFolder | None = None, **options: Any) -> commands.Train:
    """The job that trains it."""
    weights_file = str(since.best_path) if since is not None else ""
    return commands.Train(run=str(run.path), data=str(data), weights_file=weights_file, **options)


def trained(
    run: RunFolder, data: Path, since: RunFolder | None = None, control: Control | None = None, **options: Any
) -> list[Event]:
    """Trains it to its end, or goes on with it."""
    return told_by(train_job.train(job_of(run, data, since, **options), control or Control()), run)


def broken_off(
    run: RunFolder, data: Path, since: RunFolder | None, enough: Callable[[Event], bool], control: Control
) -> list[Event]:
    """Trains until an event that is enough and drops the run there, as a killed process does."""
    said: list[Event] = []
    job = train_job.train(job_of(run, data, since), control)
    for event in job:
        run.append_event(event)
        said.append(event)
        if enough(event):
            break
    job.close()  # type: ignore[attr-defined]
    return said


def mixed(run: RunFolder, data: Path, control: Control | None = None, **options: Any) -> list[Event]:
    """`tlgui mix` in the engine."""
    return told_by(mix_weights(commands.MixWeights(run=str(run.path), data=str(data), **options), control or Control()))


def tried(run: RunFolder, data: Path, control: Control | None = None, **options: Any) -> list[Event]:
    """`tlgui strengths` in the engine."""
    job = commands.TryStrengths(run=str(run.path), data=str(data), **options)
    return told_by(try_strengths(job, control or Control()))


def scores(run: RunFolder) -> Any:
    """`metrics.json`."""
    return msgspec.json.decode((run.results / "metrics.json").read_bytes())


def meter_of(said: list[Event]) -> list[events.RetentionSeen]:
    """What the forgetting meter said after each epoch."""
    return [event.retention for event in said if isinstance(event, events.EpochEnded) and event.retention is not None]
