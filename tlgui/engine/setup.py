"""What goes into a run and what comes out of it, beside its events and files."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from tlgui.core.run_spec import Training
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.frozen_part import FrozenPart
from tlgui.engine.network import Network
from tlgui.engine.samples import Part
from tlgui.engine.trained_model import Card


@dataclass
class Setup:
    """Everything that a run needs, made by `jobs.train` or by a test.

    Attributes:
        training: with every hyperparameter filled in.
        warm_start: fit the head on frozen features before the first epoch.
        card: what the best state says about itself; its epoch is filled in here.
        resume: go on from the last checkpoint.
        more_epochs: added to the plan of a run that goes on.
    """

    network: Network
    training: Training
    warm_start: bool
    train: Part
    validation: Part
    frozen: FrozenPart
    checkpoints: Checkpoints
    card: Card
    control: Control = field(default_factory=Control)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    resume: bool = False
    more_epochs: int = 0
    compiled: str = ""


@dataclass(frozen=True)
class Outcome:
    """How `fit` ended: by its plan or by the person, with which best epoch, and the lowest group that ever trained."""

    stopped: bool
    best_epoch: int | None
    lowest: int
