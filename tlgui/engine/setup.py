"""What goes into a run and what comes out of it, beside its events and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from tlgui.core.run_spec import Chosen, FirstAnswer, Training
from tlgui.engine.checkpoints import Checkpoints
from tlgui.engine.control import Control
from tlgui.engine.frozen_part import FrozenPart
from tlgui.engine.network import Network
from tlgui.engine.precision import Kind
from tlgui.engine.samples import Part
from tlgui.engine.trained_model import Card

if TYPE_CHECKING:
    from tlgui.engine.retention.knowledge import Knowledge


@dataclass
class Setup:
    """Everything that a run needs, made by `jobs.train` or by a test.

    Attributes:
        training: with every hyperparameter filled in.
        precision: number format of the trained part.
        settle: of a run with strategy "auto": writes down what it became; given (first answer, choice, training).
        card: what the best state says about itself; its epoch is filled in here.
        first_answer: where it was found in an earlier sitting.
        groups: of each training image, as in the manifest; "" = it stands alone; empty = all do.
        validation_groups: the same of the validation images.
        images: used ones in all, as the strategy table counts; 0 = as many as train and validate.
        target: unlabelled images of a new site that the run adapts to; `None` without.
        knowledge: what the network knew before, of a run that learns on or keeps something; `None` of any other.
        resume: go on from the last checkpoint.
        more_epochs: added to the plan of a run that goes on.
    """

    network: Network
    training: Training
    train: Part
    validation: Part
    frozen: FrozenPart
    checkpoints: Checkpoints
    card: Card
    control: Control = field(default_factory=Control)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: Kind = "float32"
    settle: Callable[[FirstAnswer | None, Chosen | None, Training], None] = lambda answer, chosen, training: None
    first_answer: FirstAnswer | None = None
    groups: list[str] = field(default_factory=list)
    validation_groups: list[str] = field(default_factory=list)
    images: int = 0
    target: Part | None = None
    knowledge: Knowledge | None = None
    resume: bool = False
    more_epochs: int = 0
    compiled: str = ""


@dataclass(frozen=True)
class Outcome:
    """How `fit` ended: by its plan or by the person, with which best epoch, and the lowest group that ever trained."""

    stopped: bool
    best_epoch: int | None
    lowest: int
