"""Whole runs of a network that trains in milliseconds, with a new site or without one, in this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from helpers.tiny import ROW, tiny_network
from tlgui.core import commands
from tlgui.core.backbones import BACKBONES
from tlgui.core.events import Event
from tlgui.core.heads import LINEAR, Head
from tlgui.core.run_folder import RunFolder
from tlgui.core.run_spec import RunSpec, Training
from tlgui.engine import trained_model, weights
from tlgui.engine.backbones import _head
from tlgui.engine.control import Control
from tlgui.engine.jobs import train as train_job
from tlgui.engine.jobs.train import train
from tlgui.engine.network import Network
from tlgui.imaging.prepare import prepare_run

SCRATCH: dict[str, Any] = {"strategy": "from-scratch"}


def use_tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network under the name "tiny"; no power cut is tested with it."""

    def build(row: object, classes: int, *_: object, **more: Any) -> Network:
        network = tiny_network(classes)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network.model.set_submodule("fc", _head(ROW.features, classes, _given(_, more)))
        return network

    monkeypatch.setitem(BACKBONES, "tiny", msgspec.structs.replace(ROW, label="Tiny"))
    monkeypatch.setattr(train_job, "build", build)
    monkeypatch.setattr(trained_model, "build", build)
    monkeypatch.setattr(weights, "pretrained", lambda *_: {})
    monkeypatch.setattr(os, "fsync", lambda _: None)


def _given(arguments: tuple[object, ...], more: dict[str, Any]) -> Head:
    found = [one for one in (*arguments, *more.values()) if isinstance(one, Head)]
    return found[0] if found else LINEAR


def made(data: Path, site: Path | None, run: Path, **training: Any) -> RunFolder:
    """A run folder; `site` is what it adapts to."""
    options = {"strategy": "feature-extraction", "epochs": 2, "batch_size": 20} | training
    spec = RunSpec(backbone="tiny", training=Training(**options))
    return prepare_run(data, spec, run, target=site).run


def done(run: RunFolder, data: Path, **options: Any) -> list[Event]:
    """What a training says; its words go into the run folder, as the owner writes them."""
    said: list[Event] = []
    for event in train(commands.Train(run=str(run.path), data=str(data), **options), Control()):
        run.append_event(event)
        said.append(event)
    return said
