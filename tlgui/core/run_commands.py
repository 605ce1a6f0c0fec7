"""What an owner tells an engine while a training runs, for between two batches."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

PositiveInt = Annotated[int, Meta(ge=1)]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Acts on the running job between two batches."""


class Pause(Command, frozen=True, kw_only=True):
    """Wait after this batch."""


class Continue(Command, frozen=True, kw_only=True):
    """Go on after a pause."""


class Stop(Command, frozen=True, kw_only=True):
    """End after this batch, keep and evaluate the best state."""


class Unfreeze(Command, frozen=True, kw_only=True):
    """Let the next layer groups from the top train too."""

    groups: PositiveInt = 1


class Freeze(Command, frozen=True, kw_only=True):
    """Freeze the lowest layer groups that train."""

    groups: PositiveInt = 1


class Undo(Command, frozen=True, kw_only=True):
    """Go back to where the last unfreezing or freezing that can be taken back began, bit for bit."""


class SetLearningRate(Command, frozen=True, kw_only=True):
    """Give a layer group another peak learning rate; its schedule goes on with that.

    Attributes:
        group: its name on the ladder.
        rate: the new peak.
    """

    group: str
    rate: Annotated[float, Meta(gt=0, le=1e6)]


class SetAdaptWeight(Command, frozen=True, kw_only=True):
    """Give the term that adapts to a new site another weight in the loss; 0 switches it off."""

    weight: Annotated[float, Meta(ge=0, le=1e6)]


class SetKeepStrength(Command, frozen=True, kw_only=True):
    """Hold on harder, or less hard, to what the network knew before; 0 lets go."""

    strength: Annotated[float, Meta(ge=0, le=1e6)]


class PlanMove(Command, frozen=True, kw_only=True):
    """Measure what an unfreezing or freezing would cost; changes nothing. Answered by `MovePlanned`.

    Attributes:
        kind: which of them.
        groups: how many layer groups.
    """

    kind: Literal["unfreeze", "freeze"] = "unfreeze"
    groups: PositiveInt = 1


class Extend(Command, frozen=True, kw_only=True):
    """Plan so many epochs more."""

    epochs: PositiveInt


AnyCommand = (
    Pause
    | Continue
    | Stop
    | Unfreeze
    | Freeze
    | Undo
    | SetLearningRate
    | SetAdaptWeight
    | SetKeepStrength
    | PlanMove
    | Extend
)
